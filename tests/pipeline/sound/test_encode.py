"""What is written is what is read: same length, same place in time, same tags; or no file at all."""

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import av
import numpy as np
import pytest
import soundfile

from files.atomic import atomic_write
from files.disk import DiskFull
from models.signal import Floats32
from pipeline import errors
from pipeline.sound import encode as module
from pipeline.sound.decode import Limits, decode
from pipeline.sound.encode import KINDS, MP3_BITRATES, Encoder, bitrate_to_fit, encode
from tests.pipeline import sounds

ANY = Limits(max_bytes=1 << 30, min_seconds=0.0, max_seconds=900.0, min_rate=8000)
WORST_SNR = {".mp3": 20, ".ogg": 12, ".flac": 110, ".wav": 200}


def read(path: Path, rate: int, channels: Literal[1, 2]) -> Floats32:
    return np.atleast_2d(decode(path, rate, channels=channels, limits=ANY, name=path.name))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def tags_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        pairs = dict(container.metadata) | dict(container.streams.audio[0].metadata)
    return {key.lower(): value for key, value in pairs.items()}


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1), (16_000, 1), (22_050, 2)])
def test_round_trip_keeps_length_place_and_sound(
    tmp_path: Path, suffix: str, rate: int, channels: Literal[1, 2]
) -> None:
    sound = sounds.noise(3.0071, rate, channels)
    path = tmp_path / f"x{suffix}"
    encode(path, sound if channels == 2 else sound[0], rate)
    decoded = read(path, rate, channels)
    assert decoded.shape == sound.shape
    for one, other in zip(sound, decoded, strict=True):
        assert abs(sounds.lag(one, other)) <= rate // 1000
    assert sounds.snr(sound, decoded) > WORST_SNR[suffix]
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize(("suffix", "rate", "most"), [(".mp3", 32_000, 1152), (".mp3", 96_000, 2), (".ogg", 96_000, 2)])
def test_rates_the_codec_has_not_or_rounds(tmp_path: Path, suffix: str, rate: int, most: int) -> None:
    sound = sounds.noise(2.003, rate, 2)
    encode(tmp_path / f"x{suffix}", sound, rate)
    decoded = read(tmp_path / f"x{suffix}", rate, 2)
    assert abs(decoded.shape[1] - sound.shape[1]) <= most
    assert abs(sounds.lag(sound[0], decoded[0])) <= rate // 1000


@pytest.mark.parametrize("suffix", KINDS)
def test_blocks_of_any_size_give_the_same_file(tmp_path: Path, suffix: str) -> None:
    sound = sounds.noise(1.5, 44_100)
    encode(tmp_path / f"whole{suffix}", sound, 44_100)
    with Encoder(tmp_path / f"parts{suffix}", 44_100, 2) as encoder:
        for part in np.split(sound, [1, 7, 7, 5000, 40_001], axis=1):
            encoder.write(part)
    np.testing.assert_allclose(
        read(tmp_path / f"parts{suffix}", 44_100, 2), read(tmp_path / f"whole{suffix}", 44_100, 2), atol=1e-5
    )


@pytest.mark.parametrize("suffix", KINDS)
def test_tags_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    encode(path, sounds.sine(1, 44_100), 44_100, tags={"comment": "AI-generated", "title": "노래 – Ünï"})
    assert tags_of(path)["comment"] == "AI-generated"
    assert tags_of(path)["title"] == "노래 – Ünï"


@pytest.mark.parametrize("seconds", [0.1, 3.0])
def test_title_and_comment_of_an_mp3_are_in_the_frames_of_id3(tmp_path: Path, seconds: float) -> None:
    """Read byte by byte after the standard, by nothing of FFmpeg's."""
    path, title, comment = tmp_path / "x.mp3", "노래 – Ünï 🎤", "AI-generated: a machine sings this"
    encode(path, sounds.sine(seconds, 44_100), 44_100, tags={"title": title, "comment": comment})
    data = path.read_bytes()
    assert data[:5] == b"ID3\x03\x00"
    end, at, frames = 10 + sum(byte << 7 * n for n, byte in enumerate(reversed(data[6:10]))), 10, {}
    while at < end:
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        frames[data[at : at + 4]] = data[at + 10 : at + 10 + size]
        at += 10 + size
    assert at == end and data[end] == 0xFF  # where the sound's first frame begins
    assert frames[b"TIT2"][:1] == b"\x01" and frames[b"TIT2"][1:].decode("utf-16") == title
    assert frames[b"COMM"][:8] == b"\x01eng\xff\xfe\0\0" and frames[b"COMM"][8:].decode("utf-16") == comment
    assert set(frames) == {b"TIT2", b"COMM"}


@pytest.mark.parametrize("suffix", [".mp3", ".wav"])
def test_libsndfile_reads_title_and_comment(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    encode(path, sounds.sine(1, 44_100), 44_100, tags={"title": "Title", "comment": "AI-generated"})
    with soundfile.SoundFile(path) as file:
        assert (file.title, file.comment) == ("Title", "AI-generated")


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_title_and_comment_are_fields_of_vorbis(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    encode(path, sounds.sine(1, 44_100), 44_100, tags={"title": "노래", "comment": "AI-generated"})
    head = path.read_bytes()[:4000].lower()
    for field in ("title=노래", "description=ai-generated"):
        assert struct.pack("<I", len(field.encode())) + field.encode() in head


def test_flac_has_24_bits_and_is_cut_at_full_scale_wav_is_not(tmp_path: Path) -> None:
    loud = sounds.sine(1, 44_100, peak=1.3)
    encode(tmp_path / "x.flac", loud, 44_100)
    encode(tmp_path / "x.wav", loud, 44_100)
    assert np.abs(read(tmp_path / "x.flac", 44_100, 1)).max() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_array_equal(read(tmp_path / "x.wav", 44_100, 1)[0], loud)
    quiet = sounds.sine(1, 44_100, peak=2.0**-18)
    encode(tmp_path / "q.flac", quiet, 44_100)
    assert sounds.snr(quiet, read(tmp_path / "q.flac", 44_100, 1)[0]) > 25


@pytest.mark.parametrize(("bitrate", "least"), [(320_000, 60), (256_000, 52), (192_000, 29), (128_000, 22)])
def test_an_mp3_has_its_bits_where_the_sound_is(tmp_path: Path, bitrate: int, least: float) -> None:
    """In plain stereo, what lies in the middle would have an error of 45, 40, 28 and 16 dB."""
    centred = np.repeat(sounds.noise(3, 44_100, 1), 2, axis=0)
    encode(tmp_path / "x.mp3", centred, 44_100, bitrate=bitrate)
    assert sounds.snr(centred, read(tmp_path / "x.mp3", 44_100, 2)) > least


@pytest.mark.parametrize("rate", [24_000, 44_100])
@pytest.mark.parametrize("bitrate", [*MP3_BITRATES, 64_000])
def test_an_mp3_is_as_loud_and_as_long_as_the_sound_at_every_bitrate(tmp_path: Path, rate: int, bitrate: int) -> None:
    """LAME makes what has fewer than 256 kbit/s softer by up to .45 dB."""
    sound = sounds.sine(2, rate, peak=0.3)[None]
    encode(tmp_path / "x.mp3", sound, rate, bitrate=bitrate)
    decoded = read(tmp_path / "x.mp3", rate, 1)
    assert decoded.shape == sound.shape
    assert 20 * np.log10(decoded[0, 3000:-3000].std() / sound[0, 3000:-3000].std()) == pytest.approx(0, abs=0.03)


def test_an_mp3_that_could_not_tell_its_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="length"):
        encode(tmp_path / "x.mp3", sounds.sine(1, 44_100), 44_100, bitrate=56_000)
    assert names(tmp_path) == []


def test_an_mp3_keeps_what_is_above_full_scale_and_below_16_bits(tmp_path: Path) -> None:
    for peak in (1.3, 2.0**-16):
        sound = sounds.sine(3, 44_100, peak=peak)
        encode(tmp_path / "x.mp3", sound, 44_100)
        assert np.abs(read(tmp_path / "x.mp3", 44_100, 1)[0, 10_000:-10_000]).max() == pytest.approx(peak, rel=0.02)


@pytest.mark.parametrize("suffix", KINDS)
def test_an_exception_leaves_nothing_and_an_old_file_as_it_was(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), Encoder(path, 44_100, 2) as encoder:
        encoder.write(sounds.noise(1, 44_100))
        raise KeyError
    assert names(tmp_path) == [path.name]
    assert path.read_bytes() == b"old"


def test_bad_blocks_and_names(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    broken = sounds.noise(1, 44_100)
    broken[1, 77] = np.nan
    with pytest.raises(errors.InvalidSamples):
        encode(path, broken, 44_100)
    with pytest.raises(errors.EmptyFile):
        encode(path, np.zeros((2, 0), np.float32), 44_100)
    with pytest.raises(ValueError, match="shape"), Encoder(path, 44_100, 2) as encoder:
        encoder.write(broken[:1])
    with pytest.raises(ValueError, match="aiff"):
        Encoder(tmp_path / "x.aiff", 44_100, 2)
    assert names(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("suffix", KINDS)
def test_a_full_disk_anywhere_is_raised_and_leaves_nothing(
    tmp_path: Path, suffix: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    @contextmanager
    def full(path: Path) -> Iterator[Any]:
        with atomic_write(path) as file:
            yield SimpleNamespace(write=refuse, seek=file.seek, tell=file.tell)

    sound = sounds.noise(2, 44_100)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(DiskFull):
            encode(tmp_path / f"x{suffix}", sound, 44_100)
    with monkeypatch.context() as patch:
        patch.setattr(module, "atomic_write", full)
        with pytest.raises(DiskFull):
            encode(tmp_path / f"x{suffix}", sound, 44_100)
    assert names(tmp_path) == []


LIMITED = """
import resource, sys
from pathlib import Path
from files.disk import DiskFull
from pipeline import errors
from pipeline.sound.encode import encode
from tests.pipeline import sounds
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
for suffix in (".mp3", ".ogg", ".flac", ".wav"):
    try:
        encode(Path(sys.argv[1]) / f"x{suffix}", sounds.noise(8, 44_100), 44_100)
    except DiskFull:
        print("full")
"""


def test_a_file_size_limit_of_the_system_is_a_full_disk(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.split(), done.stderr) == (["full"] * 4, "")
    assert names(tmp_path) == []


@pytest.mark.parametrize("max_bytes", [900_000, 700_000, 410_000, 250_000, 110_000])
def test_bitrate_to_fit_really_fits(tmp_path: Path, max_bytes: int) -> None:
    seconds = 20.0
    hard = np.random.default_rng(0).uniform(-0.9, 0.9, (2, round(seconds * 44_100))).astype(np.float32)
    suffix, bitrate = bitrate_to_fit(seconds, max_bytes, 2)
    path = tmp_path / f"x{suffix}"
    encode(path, hard, 44_100, bitrate=bitrate, tags={"comment": "AI-generated " * 50})
    assert 0.6 * max_bytes < path.stat().st_size < max_bytes


def test_bitrate_to_fit_goes_down_and_ends() -> None:
    choices = [bitrate_to_fit(240, size, 2) for size in (10_000_000, 8_000_000, 4_000_000, 3_000_000, 1_100_000)]
    assert choices == [(".mp3", 320_000), (".mp3", 256_000), (".mp3", 128_000), (".ogg", 96_000), (".ogg", 32_000)]
    with pytest.raises(errors.TooLong) as caught:
        bitrate_to_fit(240, 800_000, 2)
    assert 2.5 < caught.value.params["limit"] < 4
