"""What libsndfile reads is read, to the last bit; what phones record, too."""

import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.decode import NOTE, SONG, Limits, decode, measure, probe
from tests.pipeline import sounds
from tests.pipeline.sound.recordings import encode, plainly

ANY = Limits(max_bytes=1 << 30, min_seconds=0.0, max_seconds=900.0, min_rate=4000)
WITHOUT_SIGN = {"RAW", "SD2", "HTK", "MAT4", "MPC2K", "SDS"}  # nothing at the start says what they are
COMPRESSED = {"FLAC", "MP3", "OGG"}
UNREADABLE = {"DWVW_12", "DWVW_16", "DWVW_24", "MPEG_LAYER_III"}  # by libsndfile itself, or not written by it
PCM_KINDS = [
    (form, subtype)
    for form in sorted(set(soundfile.available_formats()) - WITHOUT_SIGN - COMPRESSED)
    for subtype in soundfile.available_subtypes(form)
    if subtype not in UNREADABLE
]


def read(path: Path, rate: int, channels: Any = 1) -> Floats32:
    return decode(path, rate, channels=channels, limits=ANY, name="x")


@pytest.mark.parametrize(("form", "subtype"), PCM_KINDS)
def test_every_sample_is_that_of_libsndfile(tmp_path: Path, form: str, subtype: str) -> None:
    path, sound = tmp_path / "x", sounds.noise(0.3, 16_000, 1)[0]
    soundfile.write(path, sound, 16_000, format=form, subtype=subtype)
    with path.open("rb") as file:
        expected, rate = soundfile.read(file, dtype="float32")
    np.testing.assert_array_equal(read(path, rate), expected)


@pytest.mark.parametrize(("valid", "bits"), [(24, 32), (20, 32), (24, 24), (20, 24), (12, 16), (32, 32)])
@pytest.mark.parametrize("channels", [1, 2])
def test_wav_with_fewer_valid_bits_than_bits(tmp_path: Path, valid: int, bits: int, channels: int) -> None:
    sound = sounds.noise(1.5, 48_000, channels)
    whole = np.rint(sound.T.astype(np.float64) * (2 ** (valid - 1) - 1)).astype("<i8") << (bits - valid)
    raw = np.ascontiguousarray(whole, "<i4").view("u1").reshape(-1, 4)[:, : bits // 8].tobytes()
    path = tmp_path / "x.wav"
    path.write_bytes(extensible(raw, channels=channels, bits=bits, valid=valid))
    ours = np.atleast_2d(decode(path, 48_000, channels=channels, limits=NOTE, name="x"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(ours, (whole.T / 2.0 ** (bits - 1)).astype(np.float32))


def extensible(raw: bytes, *, channels: int, bits: int, valid: int) -> bytes:
    """A WAVE_FORMAT_EXTENSIBLE file of integers."""
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, channels, 48_000, 48_000 * align, align, bits, 22, valid, channels * 2 + 2)
    fmt += bytes.fromhex("0100000000001000800000AA00389B71")
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(raw)) + raw
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("container", "codec"),
    [
        *(("wav", "pcm_s24le"), ("wav", "pcm_s32le"), ("wav", "pcm_f64le"), ("wav", "pcm_u8"), ("wav", "pcm_alaw")),
        *(("aiff", "pcm_s24be"), ("aiff", "pcm_f32be"), ("caf", "pcm_s16le"), ("caf", "pcm_f64be")),
        *(("w64", "pcm_s32le"), ("au", "pcm_s32be"), ("mov", "pcm_s24be"), ("mov", "pcm_s16le"), ("avi", "pcm_s16le")),
    ],
)
def test_both_libraries_read_the_same(tmp_path: Path, container: str, codec: str) -> None:
    sound = sounds.noise(0.5, 44_100, 2)
    path = tmp_path / "x"
    with av.open(str(path), "w", format=container) as box:
        stream: Any = box.add_stream(codec, rate=44_100, layout="stereo")
        kind = {"pcm_u8": "u8", "pcm_f32be": "flt", "pcm_f64le": "dbl", "pcm_f64be": "dbl"}.get(codec)
        stream.format = form = kind or ("s32" if "24" in codec or "32" in codec else "s16")
        scale, dtype = {"u8": (127, "u1"), "s16": (32767, "i2"), "s32": (2**31 - 256, "i4")}.get(form, (1, "f8"))
        data: Any = (sound.T.reshape(1, -1) * float(scale) + (128 if form == "u8" else 0)).astype(dtype)
        data = data.astype(np.float32) if form == "flt" else data
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), form, "stereo")
        frame.sample_rate = 44_100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            box.mux(packet)
    ours = read(path, 44_100, 2)
    np.testing.assert_array_equal(ours, plainly(path))
    assert sounds.snr(sound, ours) > 25


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [("amr", "libopencore_amrnb", 8000), ("3gp", "libopencore_amrnb", 8000), ("asf", "wmav2", 44_100)],
)
def test_what_phones_record(tmp_path: Path, container: str, codec: str, rate: int) -> None:
    path = encode(tmp_path / "x", sounds.noise(2, rate, 1, peak=0.9), rate, codec, container)
    plain = plainly(path)[0]
    ours = read(path, rate)
    assert 0 <= len(plain) - len(ours) < 160  # what fills up the last packet
    np.testing.assert_allclose(ours, plain[: len(ours)], atol=1e-4)
    assert probe(path, NOTE, "x").rate == rate
    if rate == 8000:  # enough for a note, too little for a song
        with pytest.raises(errors.LowRate):
            probe(path, SONG, "x")


def test_a_name_does_not_decide(tmp_path: Path) -> None:
    sound = sounds.sine(2, 16_000)
    for form, suffix in (("AIFF", ".mp3"), ("WAV", ".gsm"), ("CAF", ".vox"), ("AU", ".raw")):
        path = tmp_path / f"x{suffix}"
        soundfile.write(path, sound, 16_000, format=form, subtype="PCM_16") if suffix == ".mp3" else None
        with path.open("wb") as file:
            soundfile.write(file, sound, 16_000, format=form, subtype="PCM_16")
        assert sounds.snr(sound, read(path, 16_000)) > 80


def test_a_header_that_promises_less_is_believed(tmp_path: Path) -> None:
    path = sounds.wav(tmp_path / "x.wav", np.zeros(64_000, "<i2").tobytes(), declared=2 * 32_000)
    assert measure(path, NOTE, "x") == 2.0


def test_nothing_in_the_data_chunk(tmp_path: Path) -> None:
    for form in ("AIFF", "CAF", "W64", "AU", "RF64"):
        path = tmp_path / "x"
        soundfile.write(path, np.zeros(0, np.float32), 16_000, format=form, subtype="PCM_16")
        with pytest.raises((errors.EmptyFile, errors.NotAudio)):
            probe(path, NOTE, "x")


@pytest.mark.parametrize("sign", [b"drms", b"enca"])
def test_an_encrypted_file_is_told_so(tmp_path: Path, sign: bytes) -> None:
    path = encode(tmp_path / "x", sounds.noise(2, 44_100, 1), 44_100, "aac", "ipod")
    path.write_bytes(path.read_bytes().replace(b"mp4a", sign, 1))
    for ask in (probe, measure):
        with pytest.raises(errors.Encrypted):
            ask(path, NOTE, "x")


@pytest.mark.parametrize("sign", [b"RIFF", b"RF64", b"riff", b"FORM", b"caff", b".snd", b"NIST", b"Crea", b"MATL"])
def test_noise_behind_a_sign_is_not_audio(tmp_path: Path, sign: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    for seed in range(4):
        (tmp_path / "x").write_bytes(sign + np.random.default_rng(seed).bytes(100_000))
        with pytest.raises(errors.SoundError):
            measure(tmp_path / "x", NOTE, "x")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("form", "at", "size"), [("W64", 16, 8), ("AIFF", 4, 4), ("AU", 8, 4)])
def test_another_format_of_a_program_that_could_not_seek(tmp_path: Path, form: str, at: int, size: int) -> None:
    path = tmp_path / "x"
    soundfile.write(path, np.zeros(48_000), 16_000, format=form, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    data[at : at + size] = b"\xff" * size
    path.write_bytes(data)
    assert len(decode(path, 16_000, channels=1, limits=NOTE, name="x")) == 48_000
