"""RVC's official bases: every name and shape is as in the reference's networks, and half a file is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.rvc import Discriminator, RVCConfig, Synthesizer
from models.rvc.pretrained import BASES, BaseKind, read_base
from models.weights.integrity import WeightsError
from tests.models.rvc.base_files import SMALL, checkpoint, networks, write_base
from tests.models.rvc.pth_files import config_list

DATA = Path(__file__).parents[2] / "data" / "rvc"


def refused(files: dict[str, Path], kind: BaseKind = SMALL) -> str:
    """The one sentence with which a base is refused."""
    with pytest.raises(WeightsError) as caught:
        read_base(files, kind)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", BASES)
def test_a_base_has_the_references_names_and_shapes(name: str) -> None:
    rate = name.removeprefix("rvc-")
    with torch.device("meta"):
        networks_by_file: dict[str, torch.nn.Module] = {
            f"rvc_v2_{rate}": Synthesizer(BASES[name].generator),
            "rvc_v2_discriminator": Discriminator(BASES[name].discriminator),
        }
    for file, network in networks_by_file.items():
        theirs = dict(json.loads((DATA / f"{file}_state_dict.json").read_text()))
        assert {key: list(tensor.shape) for key, tensor in network.state_dict().items()} == theirs
    assert theirs and networks_by_file[f"rvc_v2_{rate}"].state_dict()["emb_g.weight"].shape == (109, 256)


def test_both_networks_come_whole_and_ready_to_learn(tmp_path: Path) -> None:
    files, (generator, discriminator) = write_base(tmp_path), networks()
    read = read_base(files, SMALL)
    for loaded, written in ((read.generator, generator), (read.discriminator, discriminator)):
        assert loaded.training and all(p.requires_grad and p.dtype == torch.float32 for p in loaded.parameters())
        for name, tensor in written.state_dict().items():
            assert loaded.state_dict()[name].equal(tensor.half().float()), name
    assert read.generator.enc_q is not None
    assert read.file.startswith("f0G40k.pth, ") and len(read.digest.split()) == 2


def test_the_newer_names_of_weight_norm_are_read(tmp_path: Path) -> None:
    files = write_base(tmp_path)
    before = read_base(files, SMALL)
    newer = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    for part, network in (("generator", before.generator), ("discriminator", before.discriminator)):
        state = {}
        for name, tensor in network.state_dict().items():
            stem, _, last = name.rpartition(".")
            state[f"{stem}.{newer.get(last, last)}"] = tensor
        assert any("original0" in name for name in state)
        checkpoint(files[part], state)
    after = read_base(files, SMALL)
    for old, new in ((before.generator, after.generator), (before.discriminator, after.discriminator)):
        for name, tensor in old.state_dict().items():
            assert new.state_dict()[name].equal(tensor), name


def test_what_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    files = write_base(tmp_path)
    generator, discriminator = (network.state_dict() for network in networks())
    own: dict[str, tuple[Path, dict[str, Tensor]]] = {
        "enc_q.pre.weight": (files["generator"], generator),
        "discriminators.8.conv_post.bias": (files["discriminator"], discriminator),
    }
    for key, (path, state) in own.items():
        few = {name: tensor for name, tensor in state.items() if name != key}
        checkpoint(path, few)
        assert refused(files) == f"{path.name} does not fit its network: {key} is missing."
        checkpoint(path, {**state, "more": torch.zeros(1)})
        assert "more has no place in it" in refused(files)
        checkpoint(path, {**state, key: torch.zeros(5)})
        assert f"{key} has the shape (5,), not" in refused(files)
        checkpoint(path, {**state, key: torch.full_like(state[key], torch.nan)})
        assert refused(files) == f"{path.name} holds numbers that are not finite, in {key}."
        checkpoint(path, state)
    read_base(files, SMALL)


def test_a_base_of_another_kind_is_refused(tmp_path: Path) -> None:
    files = write_base(tmp_path)
    other = replace(SMALL, generator=RVCConfig.from_list(config_list("v2 48k")))
    assert "f0G40k.pth does not fit its network" in refused(files, other)
    fewer = replace(SMALL, discriminator=replace(SMALL.discriminator, periods=(2, 3, 5, 7, 11, 17)))
    assert "f0D40k.pth does not fit its network: discriminators.7" in refused(files, fewer)  # v1's has six periods
    speakers = replace(SMALL, generator=replace(SMALL.generator, spk_embed_dim=109))
    assert "emb_g.weight has the shape (3, 8), not (109, 8)" in refused(files, speakers)
    assert "is missing" in refused({**files, "discriminator": files["generator"]})


class Dangerous:
    """What a pickle could run."""

    def __reduce__(self) -> Any:
        return (print, ("run",))


def test_what_is_no_checkpoint_is_refused_and_nothing_of_it_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = write_base(tmp_path)
    whole = files["generator"].read_bytes()
    files["generator"].write_bytes(whole[: len(whole) // 2])
    assert "f0G40k.pth is no readable weights file" in refused(files)
    files["generator"].write_bytes(b"nothing of the kind")
    assert "f0G40k.pth is no readable weights file" in refused(files)
    torch.save({"model": Dangerous()}, files["generator"])
    assert "f0G40k.pth is no readable weights file" in refused(files)
    torch.save({"weight": {}}, files["generator"])
    assert "f0G40k.pth holds something else than named tensors" in refused(files)
    torch.save({"model": {"emb_g.weight": "words"}}, files["generator"])
    assert refused(files) == "f0G40k.pth holds something else than named tensors."
    files["generator"].unlink()
    assert refused(files) == "f0G40k.pth is missing."
    assert "run" not in capsys.readouterr().out
