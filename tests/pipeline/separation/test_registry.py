"""Separators by name: one interface, one sentence where there is none, ids that follow the weights."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from models.separation import spleeter
from models.signal import Floats32
from models.weights.integrity import WeightsError
from pipeline.separation.ensemble import combine_spectra
from pipeline.separation.registry import COST, NAMES, Locate, Separator, join, open_separator
from pipeline.separation.spleeter_stream import separate
from tests.models.separation.separator_files import write_htdemucs, write_mdx23c, write_roformer

CHUNKED = ["htdemucs", "htdemucs-ft", "mdx23c", "melband", "bsroformer"]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def locate(tmp_path_factory: pytest.TempPathFactory) -> Locate:
    """A catalogue of small networks."""
    folder = tmp_path_factory.mktemp("catalogue")
    entries: dict[str, Mapping[str, Path]] = {
        "htdemucs": {"weights": write_htdemucs(folder / "a.safetensors")},
        "htdemucs-ft": {"weights": write_htdemucs(folder / "b.safetensors", half=False)},
        "mdx23c": write_mdx23c(folder),
        "melband": write_roformer(folder, mel=True),
        "bsroformer": write_roformer(folder, mel=False),
    }
    return entries.__getitem__


@pytest.fixture(scope="module")
def mix() -> Floats32:
    return np.random.default_rng(0).normal(0, 0.1, (2, 30_000)).astype(np.float32)


@pytest.fixture(scope="module")
def stems(locate: Locate, mix: Floats32) -> dict[str, Floats32]:
    """What each network alone makes of the mix."""
    return {name: vocals(open_separator(name, locate), mix) for name in CHUNKED}


def vocals(separator: Separator, mix: Floats32, block: int = 44100) -> Floats32:
    blocks = (mix[:, start : start + block] for start in range(0, mix.shape[1], block))
    return np.concatenate(list(separator.vocals(blocks)), axis=1)


@pytest.mark.parametrize("name", CHUNKED)
def test_every_network_separates_a_mix_of_its_own_length_whatever_the_blocks(
    name: str, locate: Locate, mix: Floats32, stems: dict[str, Floats32]
) -> None:
    whole = stems[name]
    assert whole.shape == mix.shape and whole.dtype == np.float32
    assert np.abs(whole).max() > 1e-3
    np.testing.assert_array_equal(vocals(open_separator(name, locate), mix, 9999), whole)


def test_spleeter_is_the_embedded_one_and_needs_no_catalogue(mix: Floats32) -> None:
    def nothing(name: str) -> Mapping[str, Path]:
        raise AssertionError(name)

    separator = open_separator("spleeter", nothing, bf16=False)
    assert (separator.name, separator.model_id) == (spleeter.NAME, spleeter.MODEL_ID)
    short = mix[:, :5000]
    expected = np.concatenate(list(separate([short], spleeter.load())), axis=1)
    np.testing.assert_array_equal(vocals(separator, short), expected)


def test_classic_is_15_parts_htdemucs_and_85_mdx23c(locate: Locate, mix: Floats32, stems: dict[str, Floats32]) -> None:
    htdemucs, mdx23c, classic = (open_separator(name, locate) for name in ("htdemucs", "mdx23c", "classic"))
    expected = 0.15 * stems["htdemucs"] + 0.85 * stems["mdx23c"]
    np.testing.assert_allclose(vocals(classic, mix), expected, atol=1e-6)
    assert classic.name == f"{htdemucs.name} + {mdx23c.name}, mean at 15 : 85"


@pytest.mark.parametrize("rule", ["min", "max"])
def test_classic_by_bins(rule: str, locate: Locate, mix: Floats32, stems: dict[str, Floats32]) -> None:
    streams = [iter([stems[name]]) for name in ("htdemucs", "mdx23c")]
    expected = np.concatenate(list(combine_spectra(streams, "min" if rule == "min" else "max")), axis=1)
    np.testing.assert_allclose(vocals(open_separator(f"classic-{rule}", locate), mix), expected, atol=1e-5)


def test_an_id_follows_the_weights_and_how_members_are_joined(locate: Locate, tmp_path: Path) -> None:
    ids = [open_separator(name, locate).model_id for name in NAMES]
    assert len(set(ids)) == len(NAMES)
    assert all(model_id.startswith(name) for name, model_id in zip(NAMES, ids, strict=True))

    def other(name: str) -> Mapping[str, Path]:
        files = dict(locate(name))
        if name == "mdx23c":
            changed = tmp_path / "mdx23c.yaml"
            changed.write_text(files["config"].read_text().replace("num_overlap: 4", "num_overlap: 2"))
            files["config"] = changed
        return files

    changed = {name for name, before in zip(NAMES, ids, strict=True) if open_separator(name, other).model_id != before}
    assert changed == {"mdx23c", "classic", "classic-min", "classic-max"}

    members = [open_separator(name, locate) for name in ("htdemucs", "mdx23c")]
    assert join("mine", members, [1, 1]).model_id != join("mine", members, [1, 2]).model_id


def test_a_network_is_loaded_once_and_only_when_it_is_needed(locate: Locate, mix: Floats32, tmp_path: Path) -> None:
    files = write_mdx23c(tmp_path)
    separator = open_separator("mdx23c", lambda name: files)
    first = vocals(separator, mix)
    files["weights"].unlink()
    np.testing.assert_array_equal(vocals(separator, mix), first)

    broken = {**files, "weights": tmp_path / "broken.ckpt"}
    broken["weights"].write_bytes(b"no weights")
    separator = open_separator("mdx23c", lambda name: broken)
    with pytest.raises(WeightsError, match=r"^broken\.ckpt is no readable weights file"):
        vocals(separator, mix)


def test_an_unknown_name_is_answered_with_those_that_exist(locate: Locate) -> None:
    with pytest.raises(WeightsError) as caught:
        open_separator("demucs9", locate)
    assert str(caught.value).startswith(f"There is no separator demucs9. There are: {', '.join(NAMES)}; htdemucs:15+")


def test_an_entry_without_a_config_is_refused(locate: Locate) -> None:
    with pytest.raises(WeightsError, match="The catalogue's entry mdx23c has no file for the config"):
        open_separator("mdx23c", lambda name: {"weights": locate(name)["weights"]})


def test_what_the_catalogue_says_is_passed_on() -> None:
    def absent(name: str) -> Mapping[str, Path]:
        raise WeightsError(f"{name} is not here; run `discovervoice models pull {name}`.")

    with pytest.raises(WeightsError, match="pull htdemucs"):
        open_separator("classic", absent)


def test_a_recipe_is_an_ensemble(locate: Locate, mix: Floats32, stems: dict[str, Floats32]) -> None:
    separator = open_separator("htdemucs:1+melband:3", locate)
    expected = 0.25 * stems["htdemucs"] + 0.75 * stems["melband"]
    np.testing.assert_allclose(vocals(separator, mix), expected, atol=1e-6)
    assert separator.name.endswith("mean at 1 : 3") and separator.model_id.startswith("ensemble-")
    assert open_separator("htdemucs+mdx23c", locate).name.endswith("mean at 1 : 1")
    by_bin = open_separator("htdemucs+mdx23c+melband@median", locate)
    streams = [iter([stems[name]]) for name in ("htdemucs", "mdx23c", "melband")]
    expected = np.concatenate(list(combine_spectra(streams, "median")), axis=1)
    np.testing.assert_allclose(vocals(by_bin, mix), expected, atol=1e-5)
    assert by_bin.cost == pytest.approx(sum(COST[name] for name in ("htdemucs", "mdx23c", "melband")))
    same = open_separator("htdemucs:15+mdx23c:85", locate), open_separator("classic", locate)
    assert same[0].name == same[1].name
    one, other = (vocals(separator, mix) for separator in same)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "text",
    [
        "htdemucs+demucs9",
        "htdemucs+htdemucs",
        "htdemucs:x+mdx23c",
        "htdemucs:-1+mdx23c:2",
        "htdemucs:0+mdx23c:0",
        "htdemucs+mdx23c@mean",
        "htdemucs:2+mdx23c@min",
        "htdemucs+",
        "+@",
        "classic+melband",
        "htdemucs:inf+mdx23c",
        f"htdemucs:{'9' * 400}+mdx23c",
    ],
)
def test_a_recipe_that_means_nothing_is_one_sentence(text: str, locate: Locate) -> None:
    with pytest.raises(WeightsError) as caught:
        open_separator(text, locate)
    assert str(caught.value).startswith(
        f"{text} is no ensemble of separators: htdemucs:15+mdx23c:85 is a weighted mean"
    )
