"""Parity of RVC v2 with the reference: same keys, same shapes, same numbers (`tests/data/rvc`)."""

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.rvc import RVC_32K, RVC_40K, RVC_48K, Discriminator, RVCConfig, Synthesizer
from tests.parity import Parity

DATA = Path(__file__).parents[2] / "data" / "rvc"
CONFIGS = {"32k": RVC_32K, "40k": RVC_40K, "48k": RVC_48K}
PARTS = ["m_p", "logs_p", "z_reverse", "z_forward", "wav", "m_q", "logs_q"]
TOLERANCE = 1e-5
WAV_TOLERANCE = 3e-5  # the reference's wave itself lies up to 1.3e-5 from one computed in float64, ours 0.5e-5
SPEAKER = 3


pytestmark = pytest.mark.usefixtures("one_thread")


def fill(module: nn.Module) -> None:
    """Set every parameter to the fixed function of its own name with which the golden values were computed."""
    for name, p in module.state_dict().items():
        k = zlib.crc32(name.encode()) % 9973
        i = torch.arange(p.numel(), dtype=torch.float64)
        v = torch.sin(0.7 * i + k) + 0.5 * torch.sin(0.0137 * i * (1 + k % 7) + 0.1 * k)
        if name.endswith("weight_g"):
            v = 1.0 + 0.1 * v
        elif p.dim() <= 1:
            v = 0.05 * v + (1.0 if name.endswith(("gamma", ".weight")) and p.dim() == 1 else 0.0)
        else:
            v = v * (1.5 / max(1, p[0].numel())) ** 0.5
        p.copy_(v.reshape(p.shape))


def names_and_shapes(module: nn.Module) -> list[list[Any]]:
    return [[name, list(value.shape)] for name, value in module.state_dict().items()]


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    with np.load(DATA / "rvc_v2.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files}


@pytest.fixture(scope="module", params=CONFIGS)
def rate(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def synthesizer(rate: str) -> Synthesizer:
    model = Synthesizer(CONFIGS[rate]).eval()
    with torch.no_grad():
        fill(model)
    return model


@pytest.fixture(scope="module")
def outputs(rate: str, synthesizer: Synthesizer, golden: dict[str, Tensor]) -> dict[str, Tensor]:
    given = {name.split("/")[1]: value for name, value in golden.items() if name.startswith(rate)}
    length = torch.tensor([given["phone"].shape[1]])
    with torch.no_grad():
        g = synthesizer.speaker_vector(torch.tensor([SPEAKER]))
        m_p, logs_p, mask = synthesizer.enc_p(given["phone"], given["pitch"], length)
        z = synthesizer.flow(m_p, mask, g, reverse=True)
        silence = torch.zeros_like(given["wav"])
        assert synthesizer.enc_q is not None
        _, m_q, logs_q, _ = synthesizer.enc_q(given["spec"].float(), length, g)
        return {
            "m_p": m_p,
            "logs_p": logs_p,
            "z_reverse": z,
            "z_forward": synthesizer.flow(m_p, mask, g),
            "wav": synthesizer.dec(z, given["f0"][None], g, noise=silence),
            "m_q": m_q,
            "logs_q": logs_q,
        }


def test_the_state_dict_has_the_references_names_order_and_shapes(rate: str, synthesizer: Synthesizer) -> None:
    expected = json.loads((DATA / f"rvc_v2_{rate}_state_dict.json").read_text())
    assert names_and_shapes(synthesizer) == expected


def test_the_parameter_counts_are_the_references(rate: str, synthesizer: Synthesizer) -> None:
    meta = json.loads((DATA / "rvc_meta.json").read_text())[rate]
    assert len(synthesizer.state_dict()) == meta["keys"]
    assert sum(p.numel() for p in synthesizer.parameters()) == meta["params"]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_agrees(
    part: str, rate: str, outputs: dict[str, Tensor], golden: dict[str, Tensor], parity: Parity
) -> None:
    limit = WAV_TOLERANCE if part == "wav" else TOLERANCE
    parity(f"RVC v2 {rate}: golden {part}", outputs[part], golden[f"{rate}/{part}"], limit)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_18_item_list_of_a_voice_file_describes_the_same_network(config: RVCConfig) -> None:
    assert RVCConfig.from_list(json.loads(json.dumps(config.to_list()))) == config


def test_the_discriminator_agrees(golden: dict[str, Tensor], parity: Parity) -> None:
    discriminator = Discriminator().eval()
    expected = json.loads((DATA / "rvc_v2_discriminator_state_dict.json").read_text())
    assert names_and_shapes(discriminator) == expected
    with torch.no_grad():
        fill(discriminator)
        discriminator.double()  # the rounding of float32 is the processor's
        whole, half = discriminator(golden["disc/y"].double()), discriminator(golden["disc/y"].double() * 0.5)
    for i, ((scores, _), (half_scores, _)) in enumerate(zip(whole, half, strict=True)):
        for ours, name in ((scores, f"disc/score_{i}"), (half_scores, f"disc/score_half_{i}")):
            parity("RVC v2 discriminator: golden scores", ours, golden[name], TOLERANCE)
    means = torch.stack([layer.abs().mean() for _, layers in whole for layer in layers]).double()
    parity("RVC v2 discriminator: golden feature maps' means", means, golden["disc/fmap_means"], TOLERANCE)
