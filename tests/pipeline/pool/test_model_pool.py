"""Which models run: what was chosen or one sentence, and what happens when memory is short."""

import gc
import shutil
import weakref
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch

from models.memory import AdaptiveSize
from models.memory import AllocationFailed as SmallestPiece
from models.pitch import trackers
from models.separation import spleeter
from models.speaker import ast, resemblyzer
from models.weights.integrity import WEIGHTS, WeightsError
from pipeline import errors
from pipeline.pool import availability, model_pool
from pipeline.pool.availability import ModelsUnavailable, open_models, refusals
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role, Selection


def test_the_default_runs_on_what_the_program_brings(tmp_path: Path) -> None:
    models = open_models("cpu", Selection(weights=tmp_path))
    assert models.separator.name == spleeter.NAME and models.selection.f0 == "swift"
    assert models.device_line.startswith("cpu (")


@pytest.mark.parametrize("wanted", ["htdemucs", "mdx23c", "melband", "bsroformer", "classic"])
def test_a_separator_that_is_not_here_is_said_at_the_start(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(ModelsUnavailable, match="discovervoice models pull"):
        open_models("cpu", Selection(separator=wanted, weights=tmp_path))


@pytest.mark.parametrize("choice", [Selection(f0="rmvpe"), Selection(mos="utmos")])
def test_so_is_a_tracker_or_a_neural_mos(tmp_path: Path, choice: Selection) -> None:
    with pytest.raises(ModelsUnavailable, match=r"discovervoice models pull (rmvpe|utmos)"):
        open_models("cpu", Selection(choice.separator, choice.f0, choice.mos, tmp_path))


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Selection(separator="spleter"), "spleeter, htdemucs"),
        (Selection(f0="crepe"), ", ".join(trackers.NAMES)),
        (Selection(mos="singmos"), ", ".join(availability.MOS_NAMES)),
    ],
)
def test_a_name_that_does_not_exist_is_answered_with_those_that_do(choice: Selection, names: str) -> None:
    with pytest.raises(ModelsUnavailable, match=names):
        open_models("cpu", choice)


def test_what_match_compares_by_is_what_was_chosen_or_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "singers.safetensors"
    advice = r"Set SINGERS to a singers\.safetensors that `discovervoice singers train` wrote, or leave it empty\.$"
    for content, reason in ((None, r"singers\.safetensors is missing\."), (b"no weights", "is not a whole AST: .*")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelsUnavailable, match=f"{reason} {advice}"):
            open_models("cpu", Selection(singers=path))
    shutil.copyfile(WEIGHTS / "voice_base.safetensors", path)
    with pytest.raises(ModelsUnavailable, match=f"is not a whole AST: it tells no .* {advice}"):
        open_models("cpu", Selection(singers=path))
    ast.save(ast.build(hidden_size=48, num_hidden_layers=1, max_length=128), path, "AST tiny (random)")
    models = open_models("cpu", Selection(singers=path))
    assert models.singer_id == models.singer.model_id == ast.load(path).model_id


def test_without_a_choice_match_compares_by_the_speaker_encoder() -> None:
    models = ModelPool()
    assert models.singer_id == resemblyzer.model_id(resemblyzer.SINGERS_DB) and not {"singer", "speaker"} & set(
        vars(models)
    )
    assert models.singer.model_id == resemblyzer.model_id(resemblyzer.SINGERS_DB)


def test_only_what_a_command_uses_is_asked_for(tmp_path: Path) -> None:
    choice = Selection("htdemucs", "rmvpe", "utmos", tmp_path, tmp_path / "gone.safetensors")
    assert open_models("cpu", choice, ()).selection is choice
    for role, reason in ((Role.SEPARATOR, "htdemucs"), (Role.F0, "rmvpe"), (Role.MOS, "utmos"), (Role.SINGER, "gone")):
        with pytest.raises(ModelsUnavailable, match=reason):
            open_models("cpu", choice, (role,))


def test_a_device_that_is_absent_is_never_replaced() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(ModelsUnavailable, match=r"^DEVICE=cuda cannot be used on this machine"):
        open_models("cuda", Selection())


def test_memory_that_runs_out_is_one_sentence() -> None:
    with pytest.raises(errors.OutOfMemory, match="ran out of memory"), refusals():
        np.empty(2**50, np.float32)
    with pytest.raises(errors.OutOfMemory), refusals():
        AdaptiveSize("windows", 2).run(lambda size: np.empty(2**50 * size))


def test_weights_that_do_not_fit_are_one_sentence() -> None:
    with pytest.raises(errors.ModelUnusable, match=r"cannot be used\. Tell the operator: rmvpe\.pt lacks"), refusals():
        raise WeightsError("rmvpe.pt lacks fc.weight.")


def test_names_load_nothing() -> None:
    models = ModelPool()
    assert models.names() == model_pool.names()
    assert not {"separator", "pitch", "mos"} & set(vars(models))


def test_other_failures_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shape") as failed, refusals():
        raise RuntimeError("shapes do not fit: shape")
    assert not isinstance(failed.value, (errors.OutOfMemory, SmallestPiece))


def test_models_are_dropped_only_when_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    models = ModelPool()
    models.pitch  # noqa: B018
    monkeypatch.setattr(model_pool, "memory", lambda device: (80, 100))
    assert models.only(Role.CONTENT) == []
    monkeypatch.setattr(model_pool, "memory", lambda device: (20, 100))
    assert models.only(Role.CONTENT) == ["pitch"]
    assert "pitch" not in vars(models)


def test_every_model_that_is_kept_warm_has_a_role() -> None:
    warm = {name for name, value in vars(ModelPool).items() if isinstance(value, cached_property)}
    warm |= {name for name, value in vars(ModelPool()).items() if hasattr(value, "cache_clear")}
    assert set(model_pool.WARM) == warm
    assert set().union(*model_pool.WARM.values()) == set(Role)


def test_a_voice_is_kept_warm_by_its_own_role(voice_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    models = ModelPool()
    voice = models.voice(*voice_files)
    monkeypatch.setattr(model_pool, "memory", lambda device: (20, 100))
    assert models.only(Role.VOICE) == [] and models.voice(*voice_files) is voice
    assert models.only(Role.SPEAKER) == ["voice"] and models.voice(*voice_files) is not voice


def test_a_voice_whose_file_was_deleted_does_not_stay_in_memory(voice_files: tuple[Path, Path], tmp_path: Path) -> None:
    model, index = (Path(shutil.copy(file, tmp_path / file.name)) for file in voice_files)
    models = ModelPool()
    network = weakref.ref(models.voice(model, index).network)
    models.forget_deleted_voices()
    assert network() is not None and models.voice(model, index).network is network()
    index.unlink()
    models.forget_deleted_voices()
    gc.collect()
    assert network() is None
