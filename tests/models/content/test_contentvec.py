"""ContentVec: torchaudio's HuBERT with the same weights gives the same features; half a file is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchaudio
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import HubertConfig, HubertModel

from models.content.contentvec import MODEL_ID, MODEL_ID_V1, load
from models.weights.integrity import WeightsError
from tests.parity import Parity, error

SIZES: dict[str, Any] = {
    "hidden_size": 48,
    "num_hidden_layers": 10,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "conv_dim": [24] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
TOLERANCE = 1e-4


def hubert(seed: int = 0) -> nn.Module:
    """A small HuBERT with random weights, the norms' among them."""
    torch.manual_seed(seed)
    network: nn.Module = HubertModel(HubertConfig(**SIZES)).eval().requires_grad_(False)
    for parameter in network.parameters():
        if parameter.dim() == 1:
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def torchaudios() -> nn.Module:
    """The same network as torchaudio builds it, with its own random weights."""
    torch.manual_seed(9)
    sizes = SIZES["hidden_size"], SIZES["num_conv_pos_embeddings"], SIZES["num_conv_pos_embedding_groups"]
    layers = [(24, kernel, stride) for kernel, stride in zip(KERNELS, STRIDES, strict=True)]
    network: nn.Module = torchaudio.models.wav2vec2_model(
        *("group_norm", layers, False, sizes[0], 0.0, sizes[1], sizes[2]),
        *(SIZES["num_hidden_layers"], SIZES["num_attention_heads"], 0.0, SIZES["intermediate_size"], 0.0, 0.0),
        *(False, 0.0, None),
    )
    return network.eval().requires_grad_(False)


def layers_of(network: nn.Module, wav: Tensor) -> list[Tensor]:
    """The output of every layer of torchaudio's network, for (samples,)."""
    extract: Callable[[Tensor], tuple[list[Tensor], Any]] = getattr(network, "extract_features")  # noqa: B009
    return extract(nn.functional.pad(wav, (0, 80))[None])[0]


def name_there(name: str) -> str:
    """Torchaudio's name for a weight of transformers'."""
    if name.startswith("encoder."):
        return "encoder.transformer." + name.removeprefix("encoder.")
    return "encoder." + name if name.startswith("feature_projection.") else name


def saved(folder: Path, state: dict[str, Tensor], config: dict[str, Any] | None = None) -> Path:
    """A folder as transformers writes it."""
    folder.mkdir(exist_ok=True)
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(SIZES if config is None else config))
    return folder


def noise(seconds: float = 1.0) -> Tensor:
    return 0.3 * torch.randn(round(16000 * seconds), generator=torch.Generator().manual_seed(1))


def test_parity_with_torchaudio_on_our_weights(tmp_path: Path, parity: Parity) -> None:
    network = hubert()
    theirs = torchaudios()
    state = {name_there(name): value for name, value in network.state_dict().items() if name != "masked_spec_embed"}
    assert state.keys() == theirs.state_dict().keys()
    theirs.load_state_dict(state)
    wav = noise()
    ours = load(saved(tmp_path / "c", network.state_dict())).encode(wav)
    layers = layers_of(theirs, wav)
    assert ours.shape == (50, 48)
    parity("ContentVec: torchaudio's HuBERT, our weights", ours, layers[-1][0], TOLERANCE)
    assert error(layers[-2][0], layers[-1][0]) > 100 * TOLERANCE  # another layer would be seen


def test_parity_with_torchaudio_on_its_weights(tmp_path: Path, parity: Parity) -> None:
    theirs = torchaudios()
    there = theirs.state_dict()
    ours = {name: there[name_there(name)] for name in hubert().state_dict() if name != "masked_spec_embed"}
    wav = noise(0.7)
    encoded = load(saved(tmp_path / "c", ours)).encode(wav)
    layers = layers_of(theirs, wav)
    parity("ContentVec: torchaudio's HuBERT, its weights", encoded, layers[-1][0], TOLERANCE)


def test_v1_features_are_the_9th_layer_projected(tmp_path: Path) -> None:
    network = hubert()
    projection = nn.Linear(48, 32)
    state = network.state_dict() | {f"final_proj.{name}": value for name, value in projection.state_dict().items()}
    encoder = load(saved(tmp_path / "c", state), MODEL_ID_V1)
    wav = noise()
    hidden = network(nn.functional.pad(wav, (0, 80))[None], output_hidden_states=True).hidden_states
    assert (encoder.width, encoder.model_id) == (32, MODEL_ID_V1) and "layer 9, projected" in encoder.name
    torch.testing.assert_close(encoder.encode(wav), projection(hidden[9])[0].detach(), atol=1e-5, rtol=1e-4)
    with pytest.raises(WeightsError, match="no final_proj"):
        load(saved(tmp_path / "c", network.state_dict()), MODEL_ID_V1)


def test_every_way_of_writing_the_weights_is_read(tmp_path: Path) -> None:
    network, wav = hubert(), noise()
    expected = load(saved(tmp_path / "c", network.state_dict())).encode(wav)
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    state = {}
    for name, value in network.state_dict().items():
        for newer, classic in old.items():
            name = name.replace(newer, classic)
        state[f"hubert.{name}"] = value.half()
    assert sum("weight_g" in name for name in state) == 1
    (tmp_path / "c" / "model.safetensors").unlink()
    torch.save(state | {"lm_head.weight": torch.zeros(2)}, tmp_path / "c" / "pytorch_model.bin")
    for place in (tmp_path / "c", tmp_path / "c" / "pytorch_model.bin"):
        encoder = load(place)
        assert all(value.dtype == torch.float32 for value in encoder.parameters())
        assert error(encoder.encode(wav), expected) < 0.02


def test_frames_are_half_of_f0s_at_every_length(tmp_path: Path) -> None:
    encoder = load(saved(tmp_path / "c", hubert().state_dict()))
    assert (encoder.centred, encoder.model_id, encoder.width) == (False, MODEL_ID, 48)
    for samples in (0, 100, 160, 320, 479, 480, 16000, 16159, 16160, 16320):
        assert encoder.encode(noise(2)[:samples]).shape == (-(-(samples // 160) // 2), 48), samples


def test_the_same_sound_twice_is_the_same(tmp_path: Path) -> None:
    encoder = load(saved(tmp_path / "c", hubert().state_dict()))
    assert torch.equal(encoder.encode(noise()), encoder.encode(noise()))


def test_what_is_not_whole_is_refused(tmp_path: Path) -> None:
    state = hubert().state_dict()

    def refused(changed: dict[str, Tensor], config: dict[str, Any] | None = None, model_id: str = MODEL_ID) -> str:
        with pytest.raises(WeightsError) as caught:
            load(saved(tmp_path / "c", changed, config), model_id)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    for name in ("encoder.layers.3.attention.q_proj.bias", "feature_extractor.conv_layers.0.conv.weight"):
        few = {key: value for key, value in state.items() if key != name}
        assert f"1 weights are missing, such as {name}" in refused(few)
    wide = state | {"encoder.layer_norm.bias": torch.zeros(7)}
    assert "another shape, such as encoder.layer_norm.bias" in refused(wide)
    assert "HuBERT base" in refused(state, {})  # no sizes: those of HuBERT base
    assert "do_stable_layer_norm differs" in refused(state, SIZES | {"do_stable_layer_norm": True})
    assert "num_hidden_layers differs" in refused(state, SIZES | {"num_hidden_layers": 10**9})
    assert "conv_dim differs" in refused(state, SIZES | {"conv_dim": [10**12] * 7})
    assert "no network that can be built" in refused(state, SIZES | {"num_attention_heads": 5})
    assert "does not give" in refused(state, model_id="whisper")
    (tmp_path / "c" / "config.json").write_text("[]")
    with pytest.raises(WeightsError, match="not ContentVec's config"):
        load(tmp_path / "c")
    no_mask = {name: value for name, value in state.items() if name != "masked_spec_embed"}
    assert load(saved(tmp_path / "c", no_mask)).encode(noise()).isfinite().all()


def test_broken_and_missing_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="discovervoice models pull contentvec"):
        load(tmp_path)
    folder = saved(tmp_path / "c", hubert().state_dict())
    with pytest.raises(WeightsError, match="not the pinned file"):
        load(folder, sha256="0" * 64)
    for name in ("model.safetensors", "pytorch_model.bin"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(WeightsError, match="is no readable weights file"):
            load(tmp_path / name)
