"""`.pth` files against RVC's own code (PyPI's `rvc`): it loads and sings what we write, and we what it writes."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from rvc.lib.infer_pack import models as reference
from torch import Tensor, nn

from models.rvc.pth_file import read_pth, write_pth
from tests.models.rvc.pth_files import RATES, config_list, network
from tests.parity import Parity

KINDS = [(kind, f0) for kind in RATES for f0 in (True, False)]
FRAMES = 60
CLASSES = {
    ("v1", True): reference.SynthesizerTrnMs256NSFsid,
    ("v1", False): reference.SynthesizerTrnMs256NSFsid_nono,
    ("v2", True): reference.SynthesizerTrnMs768NSFsid,
    ("v2", False): reference.SynthesizerTrnMs768NSFsid_nono,
}

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")]


def build(version: str, f0: bool, config: list[Any]) -> Any:
    return CLASSES[version, f0](*config, is_half=False)


def load(path: Path) -> Any:
    """As RVC's `get_vc` does, but strictly."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    content["config"][-3] = content["weight"]["emb_g.weight"].shape[0]
    voice = build(content.get("version", "v1"), bool(content.get("f0", 1)), content["config"])
    del voice.enc_q
    voice.load_state_dict(content["weight"], strict=True)
    return voice.eval().float()


@pytest.fixture
def given(request: pytest.FixtureRequest) -> dict[str, Tensor]:
    """The inputs of both networks, with both noises; some frames are unvoiced."""
    kind: str = request.getfixturevalue("kind")
    width, hop = (256 if kind.startswith("v1") else 768), RATES[kind][3] // 100
    generator = torch.Generator().manual_seed(3)
    f0 = 220 * 2 ** (torch.sin(torch.arange(FRAMES) / 9) / 3)
    f0[20:30] = 0
    coarse = (60 * (f0 / 220)).round().long().clamp(1, 255)
    return {
        "phone": torch.randn(1, FRAMES, width, generator=generator),
        "lengths": torch.tensor([FRAMES]),
        "pitch": coarse[None],
        "f0": f0[None],
        "speaker": torch.tensor([2]),
        "noise": torch.randn(1, config_list(kind)[2], FRAMES, generator=generator),
        "source": torch.randn(1, 1, FRAMES * hop, generator=generator),
    }


def theirs(reference_voice: Any, f0: bool, given: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """The reference's output, with the given noises."""

    def drawn(like: Tensor, *_: Any, **__: Any) -> Tensor:
        return (given["noise"] if like.shape == given["noise"].shape else given["source"].mT).to(like)

    inputs = [given[name] for name in ("phone", "lengths", *(("pitch", "f0") if f0 else ()), "speaker")]
    with monkeypatch.context() as patched, torch.inference_mode():
        patched.setattr(torch, "randn_like", drawn)
        output: Tensor = reference_voice.infer(*inputs)[0]
    return output


def ours(reference_voice: nn.Module, given: dict[str, Tensor]) -> Tensor:
    inputs = [given[name] for name in ("phone", "lengths", "pitch", "f0", "speaker")]
    output: Tensor = reference_voice.infer(*inputs, noise=given["noise"], source_noise=given["source"])  # type: ignore[operator]
    return output


@pytest.mark.parametrize(("kind", "f0"), KINDS)
def test_rvc_loads_what_we_write_with_the_same_output(
    kind: str, f0: bool, given: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parity: Parity
) -> None:
    write_pth(tmp_path / "ours.pth", network(kind, f0), "7epoch")
    reference_voice = load(tmp_path / "ours.pth")
    mine = ours(read_pth(tmp_path / "ours.pth").network, given)
    output = theirs(reference_voice, f0, given, monkeypatch)
    assert float(output.abs().max()) > 1e-3
    parity(".pth: ours, loaded by RVC's own code", mine, output, 2e-5)
    other = theirs(reference_voice, f0, {**given, "speaker": torch.tensor([1])}, monkeypatch)
    assert float((mine - other).abs().max()) > 1e-2 * float(output.abs().max())  # a difference would be seen


@pytest.mark.parametrize(("kind", "f0"), KINDS)
def test_we_load_what_rvc_writes_with_the_same_output(
    kind: str, f0: bool, given: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parity: Parity
) -> None:
    torch.manual_seed(2)
    config = config_list(kind)
    reference_voice = build(kind[:2], f0, config).eval()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "assets" / "weights").mkdir(parents=True)
    savee(reference_voice, kind, f0, config, monkeypatch)
    voice = read_pth(tmp_path / "assets" / "weights" / "theirs.pth")
    assert (voice.version, voice.network.config.f0) == (kind[:2], f0)
    assert voice.network.config.sampling_rate == RATES[kind][3]
    output = theirs(load(tmp_path / "assets" / "weights" / "theirs.pth"), f0, given, monkeypatch)
    parity(".pth: RVC's own, loaded by ours", ours(voice.network, given), output, 2e-5)


def savee(reference_voice: nn.Module, kind: str, f0: bool, config: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a voice by RVC's own code, as at the end of its training."""
    words = ModuleType("i18n.i18n")
    words.I18nAuto = lambda: str  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "i18n", ModuleType("i18n"))
    monkeypatch.setitem(sys.modules, "i18n.i18n", words)
    from rvc.lib.train import process_ckpt

    names = ("inter_channels", "hidden_channels", "filter_channels", "n_heads", "n_layers", "kernel_size", "p_dropout")
    shape = ("resblock", "resblock_kernel_sizes", "resblock_dilation_sizes", "upsample_rates")
    ends = ("upsample_initial_channel", "upsample_kernel_sizes", "spk_embed_dim", "gin_channels")
    model = SimpleNamespace(**dict(zip((*names, *shape, *ends), config[2:17], strict=True)))
    data = SimpleNamespace(filter_length=2 * (config[0] - 1), sampling_rate=config[17])
    hps = SimpleNamespace(data=data, model=model)
    assert (
        process_ckpt.savee(reference_voice.state_dict(), kind[3:], int(f0), "theirs", 200, kind[:2], hps) == "Success."
    )
