"""One network, any size: configs, speakers, padding, weights."""

import copy
import io
import json
from math import sqrt
from typing import Any

import pytest
import torch

from models.rvc import (
    DISCRIMINATOR_SMALL,
    RVC_40K,
    S24,
    ConfigError,
    Discriminator,
    RVCConfig,
    Synthesizer,
    UnfitWeights,
)
from models.rvc.attention import RelativeAttention
from models.rvc.flow import Coupling
from tests.models.rvc import pth_files

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def s24() -> Synthesizer:
    """Return the small network with random weights, its flow not the identity."""
    torch.manual_seed(3)
    model = Synthesizer(S24).eval().requires_grad_(False)
    for layer in model.flow.flows[::2]:
        assert isinstance(layer, Coupling)
        torch.nn.init.normal_(layer.post.weight, std=0.1)
    return model


def song(frames: int, batch: int = 1) -> dict[str, Any]:
    draw = torch.Generator().manual_seed(frames)
    return {
        "phone": torch.randn(batch, frames, S24.content_dim, generator=draw),
        "phone_lengths": torch.full((batch,), frames),
        "pitch": torch.randint(1, 256, (batch, frames), generator=draw),
        "f0": 100 + 300 * torch.rand(batch, frames, generator=draw),
        "noise": torch.randn(batch, S24.inter_channels, frames, generator=draw),
        "source_noise": torch.randn(batch, 1, frames * S24.hop, generator=draw),
    }


def test_the_small_networks_have_the_documented_sizes(s24: Synthesizer) -> None:
    model = copy.deepcopy(s24)
    assert sum(p.numel() for p in model.parameters()) == 4_821_632
    model.remove_posterior()
    assert sum(p.numel() for p in model.parameters()) == 4119488
    assert sum(p.numel() for p in Discriminator(DISCRIMINATOR_SMALL).parameters()) == 519_294
    assert (S24.hop, S24.segment_size, S24.spec_channels) == (240, 23040, 513)


def test_the_wave_is_as_long_as_the_song_and_repeatable(s24: Synthesizer) -> None:
    given = song(30)
    wav = s24.infer(**given, speaker=torch.tensor([3]))
    assert wav.shape == (1, 1, 30 * 240)
    assert torch.equal(wav, s24.infer(**given, speaker=torch.tensor([3])))
    del given["noise"], given["source_noise"]
    draws = [
        s24.infer(**given, speaker=torch.tensor([3]), generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)
    ]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_tiles_sing_the_same_song(s24: Synthesizer) -> None:
    given, speaker = song(90), torch.tensor([3])
    tiles = s24.infer(**given, speaker=speaker, tile_seconds=0.3, phase=0.4)
    torch.testing.assert_close(tiles, s24.infer(**given, speaker=speaker, phase=0.4), atol=1e-5, rtol=0)


def test_a_speaker_is_an_id_or_its_vector(s24: Synthesizer) -> None:
    given = song(30)
    wav = s24.infer(**given, speaker=torch.tensor([3]))
    assert torch.equal(wav, s24.infer(**given, speaker=s24.emb_g.weight[3].view(1, -1, 1)))
    assert not torch.equal(wav, s24.infer(**given, speaker=torch.tensor([4])))
    with pytest.raises(ValueError, match=r"a speaker vector is \(B, 256, 1\), not \(1, 256\)"):
        s24.infer(**given, speaker=torch.zeros(1, 256))


def test_a_padded_song_sounds_as_it_does_alone(s24: Synthesizer) -> None:
    both, frames = song(50, batch=2), 31
    both["phone_lengths"] = torch.tensor([50, frames])
    alone = {name: x[1:, :frames] for name, x in both.items() if name in ("phone", "pitch", "f0")}
    alone["phone_lengths"] = torch.tensor([frames])
    alone["noise"] = both["noise"][1:, :, :frames]
    alone["source_noise"] = both["source_noise"][1:, :, : frames * S24.hop]

    wav = s24.infer(**both, speaker=torch.tensor([3, 5]))
    expected = s24.infer(**alone, speaker=torch.tensor([5]))
    torch.testing.assert_close(wav[1:, :, : frames * S24.hop], expected, atol=1e-6, rtol=0)
    assert wav[1, :, frames * S24.hop :].abs().max() == 0


def test_a_padded_clip_trains_as_it_does_alone(s24: Synthesizer) -> None:
    draw = torch.Generator().manual_seed(1)
    spec, frames, g = torch.rand(2, 513, 60, generator=draw), 44, s24.speaker_vector(torch.tensor([1, 2]))
    assert s24.enc_q is not None
    _, m_q, logs_q, mask = s24.enc_q(spec, torch.tensor([60, frames]), g)
    _, m_alone, logs_alone, mask_alone = s24.enc_q(spec[1:, :, :frames], torch.tensor([frames]), g[1:])
    z_p, z_alone = s24.flow(m_q, mask, g), s24.flow(m_alone, mask_alone, g[1:])
    for padded, expected in ((m_q, m_alone), (logs_q, logs_alone), (z_p, z_alone)):
        torch.testing.assert_close(padded[1:, :, :frames], expected, atol=1e-5, rtol=0)
        assert padded[1, :, frames:].abs().max() == 0


def test_the_flow_undoes_itself(s24: Synthesizer) -> None:
    z, mask, g = torch.randn(1, 96, 20), torch.ones(1, 1, 20), torch.randn(1, 256, 1)
    there = s24.flow(z, mask, g)
    assert (there - z).abs().max() > 0.1
    torch.testing.assert_close(s24.flow(there, mask, g, reverse=True), z, atol=1e-4, rtol=0)


@pytest.mark.parametrize("frames", [3, 15])
def test_relative_attention_is_the_papers_sum(frames: int) -> None:
    torch.manual_seed(1)
    layer, x = RelativeAttention(8, 2, window_size=4).requires_grad_(False), torch.randn(1, 8, frames)
    q, k, v = (conv(x)[0].view(2, 4, frames) for conv in (layer.conv_q, layer.conv_k, layer.conv_v))
    y = torch.zeros(2, 4, frames)
    for head in range(2):
        for i in range(frames):
            keys, values = k[head].clone(), v[head].clone()
            for j in range(max(0, i - 4), min(frames, i + 5)):
                keys[:, j] += layer.emb_rel_k[0, j - i + 4]
                values[:, j] += layer.emb_rel_v[0, j - i + 4]
            y[head, :, i] = values @ (q[head, :, i] @ keys / sqrt(4)).softmax(dim=0)
    torch.testing.assert_close(layer(x, torch.ones(1, 1, frames)), layer.conv_o(y.view(1, 8, frames)))


def test_weights_load_with_and_without_the_posterior_encoder(s24: Synthesizer) -> None:
    full, model = s24.state_dict(), Synthesizer(S24)
    model.load_weights({name: value.half() for name, value in full.items()})
    assert model.emb_g.weight.dtype == torch.float32
    torch.testing.assert_close(model.emb_g.weight, s24.emb_g.weight, atol=2e-3, rtol=0)

    shipped = {name: value for name, value in full.items() if not name.startswith("enc_q.")}
    with pytest.raises(UnfitWeights, match=r"missing: enc_q\.enc.*call remove_posterior\(\) first"):
        model.load_weights(shipped)
    model.remove_posterior()
    model.load_weights(shipped)
    assert list(model.state_dict()) == list(shipped)
    with pytest.raises(UnfitWeights, match=r"unexpected: enc_q.*was removed here"):
        model.load_weights(full)
    given = song(20)
    assert torch.equal(model.infer(**given, speaker=torch.tensor([3])), s24.infer(**given, speaker=torch.tensor([3])))


def test_weights_that_do_not_fit_are_named(s24: Synthesizer) -> None:
    weights = dict(s24.state_dict())
    weights["stranger"] = weights.pop("emb_g.weight")
    weights["dec.cond.bias"] = torch.zeros(3)
    before = s24.enc_p.proj.weight.clone()
    weights["enc_p.proj.weight"] = torch.zeros_like(before)
    with pytest.raises(
        UnfitWeights,
        match=r"missing: emb_g.weight; unexpected: stranger; shape: dec.cond.bias is \(3,\), not \(256,\)",
    ):
        s24.load_weights(weights)
    assert torch.equal(before, s24.enc_p.proj.weight), "nothing may be loaded from weights that do not fit"


def test_a_voice_can_be_copied_and_saved_after_inference(s24: Synthesizer) -> None:
    given, speaker = song(10), torch.tensor([0])
    wav = s24.infer(**given, speaker=speaker)
    twin = copy.deepcopy(s24)
    torch.save(twin.state_dict(), buffer := io.BytesIO())
    buffer.seek(0)
    twin.load_weights(torch.load(buffer, weights_only=True))
    assert torch.equal(wav, twin.infer(**given, speaker=speaker))


@pytest.mark.parametrize("config", [S24, RVC_40K], ids=["s24", "40k"])
def test_a_config_survives_json(config: RVCConfig) -> None:
    assert RVCConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_community_list_is_read() -> None:
    blocks = [[3, 7, 11], [[1, 3, 5]] * 3]
    items = [
        1025,
        32,
        192,
        192,
        768,
        2,
        6,
        3,
        0,
        "1",
        *blocks,
        [10, 10, 2, 2],
        512,
        [16, 16, 4, 4],
        109,
        256,
        "40k",
    ]
    assert RVCConfig.from_list(items) == RVC_40K
    assert RVCConfig.from_list(items, content_dim=256).content_dim == 256
    with pytest.raises(ConfigError, match="18 items, this one has 17"):
        RVCConfig.from_list(items[:-1])
    with pytest.raises(ConfigError, match="residual blocks of type '2'"):
        RVCConfig.from_list([*items[:9], "2", *items[10:]])
    with pytest.raises(ConfigError, match="not an RVC config"):
        RVCConfig.from_list([*items[:12], None, *items[13:]])


def test_an_impossible_config_is_rejected_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="no place for decoder, content_dim, flow_couplings, posterior_wn_layers"):
        S24.to_list()
    with pytest.raises(ConfigError, match="unknown config entries: colour"):
        RVCConfig.from_dict({**S24.to_dict(), "colour": 1})
    with pytest.raises(ConfigError, match="even number"):
        RVCConfig.from_dict({**S24.to_dict(), "upsample_kernel_sizes": [20, 12, 4, 3]})
    with pytest.raises(ConfigError, match="missing"):
        RVCConfig.from_dict({"n_fft": 1024})


@pytest.mark.parametrize("f0", [True, False])
def test_a_voice_without_f0_says_that_no_key_moves_it(f0: bool) -> None:
    assert pth_files.network("v2 40k", f0).follows_f0 is f0
