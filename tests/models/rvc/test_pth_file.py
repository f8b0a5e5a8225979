"""RVC's voice files: every version is imported, exports have RVC's own layout, malicious files are rejected."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.rvc import RVC_32K, RVC_40K, RVC_48K, S24, Generator, RVCConfig, Synthesizer, pth_file
from models.rvc.pth_file import read_pth, write_pth
from models.weights.integrity import WeightsError
from tests.models.rvc.pth_files import RATES, config_list, contents, network, output_of, weights_of, write

DATA = Path(__file__).parents[2] / "data" / "rvc"
RVC_40K_LIST: list[Any] = [
    *(1025, 32, 192, 192, 768, 2, 6, 3, 0, "1", [3, 7, 11], [[1, 3, 5], [1, 3, 5], [1, 3, 5]]),
    *([10, 10, 2, 2], 512, [16, 16, 4, 4], 109, 256, 40000),
]


def refused(path: Path) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(WeightsError) as caught:
        read_pth(path)
    sentence = str(caught.value)
    assert path.name in sentence and "\n" not in sentence and len(sentence) < 400, sentence
    return sentence


@pytest.mark.parametrize("kind", RATES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_every_version_and_rate_is_read(tmp_path: Path, kind: str, dtype: torch.dtype) -> None:
    weight = weights_of(network(kind), dtype)
    voice = read_pth(write(tmp_path / "v.pth", contents(kind, weight=weight)))
    assert (voice.version, voice.info, voice.network.config.sampling_rate) == (kind[:2], "200epoch", RATES[kind][3])
    assert voice.network.config.content_dim == (256 if kind.startswith("v1") else 768)
    assert all(value.dtype == torch.float32 for value in voice.network.parameters())
    for name, value in voice.network.state_dict().items():
        assert torch.equal(value, weight[name].float()), name
    if dtype is torch.float32:
        torch.testing.assert_close(output_of(voice.network), output_of(network(kind)))


@pytest.mark.parametrize("kind", ["v1 32k", "v1 48k"])
def test_v1s_decoders_in_tiles_are_the_whole(kind: str) -> None:
    decoder = network(kind).dec
    draw = torch.Generator().manual_seed(0)
    z, g = torch.randn(1, 16, 60, generator=draw), torch.randn(1, 8, 1, generator=draw)
    f0 = torch.full((1, 60), 200.0)
    noise = torch.randn(1, 1, 60 * decoder.hop, generator=draw)
    tiles = decoder.decode_tiles(z, f0, g, 0.2, noise=noise)
    torch.testing.assert_close(tiles, decoder(z, f0, g, noise=noise), atol=5e-6, rtol=1e-5)  # float32 of sums


@pytest.mark.parametrize(("kind", "frames"), [("v1 32k", 14), ("v1 48k", 13), ("v2 32k", 12), ("v2 48k", 12)])
def test_a_tiles_context_is_the_decoders_receptive_field(kind: str, frames: int) -> None:
    items = RVC_40K_LIST.copy()
    items[12], items[14], items[17] = RATES[kind][1:]
    with torch.device("meta"):
        assert Generator(RVCConfig.from_list(items)).context_frames == frames


def test_the_newer_names_of_weight_norm_are_read(tmp_path: Path) -> None:
    newer = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    weight = {}
    for name, value in weights_of(network(), torch.float32).items():
        stem, _, last = name.rpartition(".")
        weight[f"{stem}.{newer.get(last, last)}"] = value
    assert sum("parametrizations" in name for name in weight) > 100
    voice = read_pth(write(tmp_path / "v.pth", contents(weight=weight)))
    torch.testing.assert_close(output_of(voice.network), output_of(network()))


def test_applios_entries_do_no_harm_and_tell_other_kinds_of_voices(tmp_path: Path) -> None:
    applio: dict[str, Any] = {
        "vocoder": "HiFi-GAN",
        "embedder_model": "contentvec",
        "author": "a",
        "model_hash": None,
        "epoch": 200,
    }
    applio |= {"step": 9000, "dataset_length": "00:10:00", "creation_date": "2026-01-01", "speakers_id": 1}
    assert read_pth(write(tmp_path / "a.pth", contents(**applio))).version == "v2"
    assert "RefineGAN" in refused(write(tmp_path / "r.pth", contents(**applio | {"vocoder": "RefineGAN"})))
    assert "korean" in refused(write(tmp_path / "k.pth", contents(**applio | {"embedder_model": "korean-hubert-base"})))


def test_the_number_of_speakers_is_the_speaker_tables(tmp_path: Path) -> None:
    voice = read_pth(write(tmp_path / "v.pth", contents(config=config_list(speakers=109))))
    assert voice.network.config.spk_embed_dim == 3


def test_a_file_of_rvcs_first_months_is_v1_with_f0(tmp_path: Path) -> None:
    content = contents("v1 40k")
    voice = read_pth(write(tmp_path / "v.pth", {name: content[name] for name in ("weight", "config")}))
    assert (voice.version, voice.network.config.f0) == ("v1", True)


@pytest.mark.parametrize("kind", ["v1 40k", "v2 48k"])
def test_a_voice_without_f0_has_no_excitation(tmp_path: Path, kind: str) -> None:
    voice = read_pth(write(tmp_path / "v.pth", contents(kind, f0=False)))
    names = set(voice.network.state_dict())
    pitch_keys = {name for name in network(kind).state_dict() if "m_source" in name or "noise_convs" in name}
    assert pitch_keys and names == network(kind).state_dict().keys() - pitch_keys - {"enc_p.emb_pitch.weight"}
    torch.testing.assert_close(output_of(voice.network, hz=110.0), output_of(voice.network, hz=330.0))
    assert not torch.equal(output_of(network(kind), hz=110.0), output_of(network(kind), hz=330.0))
    write_pth(tmp_path / "again.pth", voice.network, "")
    assert torch.load(tmp_path / "again.pth", weights_only=True)["f0"] == 0
    torch.testing.assert_close(
        output_of(read_pth(tmp_path / "again.pth").network), output_of(voice.network), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize(("rate", "config"), [("32k", RVC_32K), ("40k", RVC_40K), ("48k", RVC_48K)])
def test_what_is_written_has_the_references_entries_names_and_shapes(
    tmp_path: Path, rate: str, config: RVCConfig
) -> None:
    with torch.device("meta"):
        whole = Synthesizer(config)
    for value in whole.to_empty(device="cpu").requires_grad_(False).parameters():
        value.zero_()
    write_pth(tmp_path / "v.pth", whole, "7 steps")
    content = torch.load(tmp_path / "v.pth", weights_only=True, mmap=True)
    assert list(content) == ["weight", "config", "info", "sr", "f0", "version"]
    assert (content["sr"], content["f0"], content["version"], content["info"]) == (rate, 1, "v2", "7 steps")
    expected = json.loads((DATA / f"rvc_v2_{rate}_state_dict.json").read_text())
    shapes = [[name, list(value.shape)] for name, value in content["weight"].items()]
    assert shapes == [entry for entry in expected if not entry[0].startswith("enc_q.")]
    assert {value.dtype for value in content["weight"].values()} == {torch.float16}
    if rate == "40k":
        assert content["config"] == RVC_40K_LIST


def test_a_round_trip_sounds_the_same(tmp_path: Path) -> None:
    first = read_pth(write(tmp_path / "v.pth", contents()))
    write_pth(tmp_path / "again.pth", first.network, first.info)
    again = read_pth(tmp_path / "again.pth")
    assert again.info == "200epoch" and output_of(first.network).abs().mean() > 1e-4
    assert torch.equal(output_of(again.network), output_of(first.network))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.pth", "v.pth"]


def test_a_network_that_rvc_has_not_is_not_written(tmp_path: Path) -> None:
    with torch.device("meta"):
        ours = Synthesizer(S24)
    with pytest.raises(WeightsError, match="RVC has no such network"):
        write_pth(tmp_path / "v.pth", ours, "")
    assert list(tmp_path.iterdir()) == []


class Burglar:
    """An object whose pickle runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_not_run(tmp_path: Path, protocol: int, zipped: bool) -> None:
    path, marker = tmp_path / "evil.pth", tmp_path / "marker"
    content = contents(info=Burglar(marker))
    torch.save(content, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    sentence = refused(path)
    assert ("which no voice needs" if zipped else "no torch zip file") in sentence
    assert not marker.exists()
    torch.load(path, weights_only=False)  # the trap is a real one
    assert marker.exists()


def test_an_object_that_exhausts_memory_is_not_unpickled(tmp_path: Path) -> None:
    class Glutton:
        def __reduce__(self) -> Any:
            return bytearray, (1 << 50,)

    assert "bytearray" in refused(write(tmp_path / "v.pth", contents(info=Glutton())))


@pytest.mark.parametrize("part", [0.0, 0.0001, 0.1, 0.5, 0.9, 0.9999])
def test_a_cut_file_is_refused(tmp_path: Path, part: float) -> None:
    data = write(tmp_path / "whole.pth", contents()).read_bytes()
    (tmp_path / "cut.pth").write_bytes(data[: int(part * len(data))])
    refused(tmp_path / "cut.pth")


def test_damaged_files_are_refused_or_harmless(tmp_path: Path) -> None:
    whole = bytearray(write(tmp_path / "whole.pth", contents()).read_bytes())
    draw = np.random.default_rng(0)
    refusals = 0
    for _ in range(60):
        data = whole.copy()
        places = [*draw.integers(0, 30_000, 3), *draw.integers(len(data) - 20_000, len(data), 3)]  # pickle, directory
        for place in places:
            data[place] = draw.integers(256)
        (tmp_path / "v.pth").write_bytes(data)
        try:
            read_pth(tmp_path / "v.pth")
        except WeightsError:
            refusals += 1
    assert refusals > 30


def test_what_is_no_torch_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("not a voice " * 99)
    assert "no torch zip file" in refused(tmp_path / "text.pth")
    with zipfile.ZipFile(tmp_path / "letters.pth", "w") as archive:
        archive.writestr("letter.txt", "hello")
    assert "not one that PyTorch wrote" in refused(tmp_path / "letters.pth")
    assert "no file" in refused(tmp_path / "gone.pth")
    assert "holds no voice" in refused(write(tmp_path / "other.pth", {"weight": {}}))
    torch.save([1], tmp_path / "list.pth")
    assert "holds no voice" in refused(tmp_path / "list.pth")
    assert "checkpoint of a training" in refused(write(tmp_path / "G.pth", {"model": {}, "iteration": 1}))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pth_file, "MAX_BYTES", 32 << 20)
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with zipfile.ZipFile(write(tmp_path / "v.pth", contents())) as whole:
            archive.writestr("v/data.pkl", whole.read("v/data.pkl"))
        with archive.open("v/data/0", "w", force_zip64=True) as entry:
            for _ in range(40):
                entry.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    assert "would unpack to 40 MB" in refused(path)


def test_a_packed_file_and_one_with_two_faces_are_refused(tmp_path: Path) -> None:
    data = write(tmp_path / "v.pth", contents()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(tmp_path / "p.pth", "w", 8) as packed:
        for entry in whole.infolist():
            packed.writestr(entry.filename, whole.read(entry))
    assert "packed again" in refused(tmp_path / "p.pth")
    (tmp_path / "two.pth").write_bytes(data + data)
    assert "not one that PyTorch wrote" in refused(tmp_path / "two.pth")
    with (tmp_path / "large.pth").open("wb") as file:
        file.truncate(600 << 20)
    assert "at most 512 MB" in refused(tmp_path / "large.pth")


@pytest.mark.parametrize(
    ("item", "value"),
    [
        *((0, 10**12), (2, 10**9), (4, 10**12), (5, 0), (6, 10**9), (8, float("nan")), (9, "2"), (10, [])),
        *((10, [3] * 10**5), (11, [[1] * 10**4]), (12, [1000] * 4), (12, [0, 10, 2, 2]), (13, 10**12), (14, "1616")),
        *((16, -1), (17, 10**9), (17, "many"), (3, None), (5, 3), (11, [1, 3])),
    ],
)
def test_a_config_out_of_bounds_is_refused_before_anything_is_built(tmp_path: Path, item: int, value: Any) -> None:
    items = config_list()
    items[item] = value
    refused(write(tmp_path / "v.pth", contents(config=items)))


def test_a_terabyte_of_numbers_that_lies_in_one_is_refused(tmp_path: Path) -> None:
    weight = weights_of(network())
    weight["emb_g.weight"] = torch.zeros(1, 1).expand(10**9, 10**3)
    assert "item 15" in refused(write(tmp_path / "v.pth", contents(weight=weight)))
    weight["emb_g.weight"] = torch.zeros(3, 8)
    weight["enc_p.proj.weight"] = torch.zeros(1, 1, 1).expand(10**6, 10**6, 1)
    assert "enc_p.proj.weight" in refused(write(tmp_path / "v.pth", contents(weight=weight)))


def test_a_tensor_that_reaches_beyond_its_bytes_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "v.pth", contents())
    data = path.read_bytes()
    shape = b"K\x03K\x08\x86"  # (3, 8): the speaker table
    assert data.count(shape) == 1
    path.write_bytes(data.replace(shape, b"K\xffK\xff\x86"))
    refused(path)


def test_a_rate_that_the_upsampling_does_not_make_is_refused(tmp_path: Path) -> None:
    items = config_list()
    items[17] = 48000
    assert "40000 Hz but says 48000 Hz" in refused(write(tmp_path / "v.pth", contents(config=items)))


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    def sentence(**changed: Any) -> str:
        return refused(write(tmp_path / "v.pth", contents(weight=weights_of(network()) | changed)))

    assert "shape: enc_p.proj.weight" in sentence(**{"enc_p.proj.weight": torch.zeros(4, 4, 1)})
    assert "unexpected: other" in sentence(other=torch.zeros(1))
    assert "not finite" in sentence(**{"emb_g.weight": torch.full((3, 8), float("nan"))})
    assert "no tensor" in sentence(**{"emb_g.weight": [1, 2]})
    assert "int64" in sentence(**{"emb_g.weight": torch.zeros(3, 8, dtype=torch.long)})
    few = {name: value for name, value in weights_of(network()).items() if name != "dec.conv_pre.bias"}
    assert "missing: dec.conv_pre.bias" in refused(write(tmp_path / "v.pth", contents(weight=few)))
    assert "shape" in refused(write(tmp_path / "v.pth", contents(version="v1")))
    assert "v3" in refused(write(tmp_path / "v.pth", contents(version="v3")))
    assert "f0" in refused(write(tmp_path / "v.pth", contents() | {"f0": torch.zeros(2)}))


def test_a_posterior_encoder_that_was_left_in_is_left_out(tmp_path: Path) -> None:
    weight = weights_of(network()) | {"enc_q.pre.weight": torch.zeros(2)}
    assert read_pth(write(tmp_path / "v.pth", contents(weight=weight))).network.enc_q is None
