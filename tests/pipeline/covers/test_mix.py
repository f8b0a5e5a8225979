"""The finished song: as loud as its reference, in time, never clipped, no larger than allowed, in flat memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline import errors
from pipeline.covers.mix import mix_files
from pipeline.sound.decode import Limits, decode
from pipeline.sound.encode import encode
from pipeline.sound.loudness import true_peak
from tests.pipeline import sounds

ANY = Limits(max_bytes=1 << 30, min_seconds=0.0, max_seconds=900.0, min_rate=8000)


def read(path: Path) -> Floats32:
    return decode(path, MUSIC_RATE, channels=2, limits=ANY, name="x")


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Eight seconds of a voice at 48 kHz mono, nine of a band at 44.1 kHz stereo."""
    folder = tmp_path_factory.mktemp("stems")
    vocals, band = folder / "vocals.wav", folder / "band.flac"
    encode(vocals, sounds.voice(8, 48_000, peak=0.5), 48_000)
    encode(band, sounds.noise(9, MUSIC_RATE, peak=0.4), MUSIC_RATE)
    return vocals, band


@pytest.mark.parametrize("reference", [-26.0, -20.0, -16.0])
@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".flac"])
def test_as_loud_as_the_reference(tmp_path: Path, stems: tuple[Path, Path], reference: float, suffix: str) -> None:
    report = mix_files(*stems, tmp_path / f"out{suffix}", reference_lufs=reference)
    sound = read(report.path)
    loudness = pyloudnorm.Meter(MUSIC_RATE).integrated_loudness(np.float64(sound.T))
    assert loudness == pytest.approx(reference, abs=0.5)
    assert report.lufs == pytest.approx(loudness, abs=0.05)
    assert report.true_peak_db == pytest.approx(true_peak(sound, MUSIC_RATE), abs=0.05)
    assert report.true_peak_db <= 0
    assert report.seconds == pytest.approx(9, abs=0.001)
    assert sound.shape == (2, 9 * MUSIC_RATE)
    assert report.path == tmp_path / f"out{suffix}"


def test_the_mix_is_the_sum_in_time(tmp_path: Path, stems: tuple[Path, Path]) -> None:
    vocals, band = stems
    report = mix_files(vocals, band, tmp_path / "out.wav", reference_lufs=-24.0, vocal_gain_db=-3.0)
    expected = read(band)
    voice = read(vocals)
    expected[:, : voice.shape[1]] += voice * 10 ** (-3 / 20)
    assert report.limited_db == 0
    assert sounds.snr(expected * 10 ** (report.gain_db / 20), read(report.path)) > 100
    other_way = mix_files(band, vocals, tmp_path / "yx.wav", reference_lufs=-24.0, vocal_gain_db=3.0)
    assert sounds.snr(read(report.path), read(other_way.path)) > 100


def test_far_too_loud_a_reference_is_limited_not_clipped_and_said(tmp_path: Path, stems: tuple[Path, Path]) -> None:
    report = mix_files(*stems, tmp_path / "out.mp3", reference_lufs=-5.0)
    sound = read(report.path)
    assert np.abs(sound).max() <= 1.0
    assert true_peak(sound, MUSIC_RATE) <= 0.0
    assert report.limited_db > 6
    assert report.lufs < -5.0
    lossless = mix_files(*stems, tmp_path / "out.flac", reference_lufs=-5.0, ceiling_db=-2.0)
    assert true_peak(read(lossless.path), MUSIC_RATE) <= -1.9


def test_a_codec_that_overshoots_is_made_to_stay_below_full_scale(tmp_path: Path, stems: tuple[Path, Path]) -> None:
    report = mix_files(*stems, tmp_path / "out.mp3", reference_lufs=-8.0, ceiling_db=0.0)
    assert true_peak(read(report.path), MUSIC_RATE) <= 0.0


@pytest.mark.parametrize(("max_bytes", "suffix"), [(320_000, ".mp3"), (170_000, ".mp3"), (70_000, ".ogg")])
def test_fits_into_the_bytes(tmp_path: Path, stems: tuple[Path, Path], max_bytes: int, suffix: str) -> None:
    report = mix_files(*stems, tmp_path / "out.mp3", reference_lufs=-18.0, max_bytes=max_bytes)
    assert report.path == tmp_path / f"out{suffix}"
    assert 0.5 * max_bytes < report.path.stat().st_size < max_bytes
    assert report.lufs == pytest.approx(-18, abs=0.5)
    with pytest.raises(errors.TooLong):
        mix_files(*stems, tmp_path / "no.mp3", reference_lufs=-18.0, max_bytes=20_000)


def test_progress_rises_to_one_and_silence_is_not_blown_up(tmp_path: Path, stems: tuple[Path, Path]) -> None:
    reports: list[float] = []
    mix_files(*stems, tmp_path / "out.mp3", reference_lufs=-18.0, progress=reports.append)
    assert reports == sorted(reports)
    assert reports[-1] == 1.0
    assert len(reports) > 10
    encode(tmp_path / "zero.wav", np.zeros((2, 2 * MUSIC_RATE), np.float32), MUSIC_RATE)
    zero = tmp_path / "zero.wav"
    report = mix_files(zero, zero, tmp_path / "silence.mp3", reference_lufs=-14.0)
    assert np.abs(read(report.path)).max() < 1e-4
    assert report.lufs == -np.inf


def test_an_error_leaves_nothing(tmp_path: Path, stems: tuple[Path, Path]) -> None:
    broken = tmp_path / "broken.flac"
    broken.write_bytes(stems[1].read_bytes()[:200_000])
    (tmp_path / "out").mkdir()
    with pytest.raises(errors.CutOff):
        mix_files(stems[0], broken, tmp_path / "out" / "x.mp3", reference_lufs=-18.0)

    class Stopped(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.6:
            raise Stopped

    with pytest.raises(Stopped):
        mix_files(*stems, tmp_path / "out" / "x.mp3", reference_lufs=-18.0, progress=stop)
    assert names(tmp_path / "out") == []


MEASURED = """
import sys
from pathlib import Path
from pipeline.covers.mix import mix_files
for stem in map(Path, sys.argv[2:]):
    mix_files(stem, stem, Path(sys.argv[1]), reference_lufs=-16.0)
    status = Path("/proc/self/status").read_text()  # ru_maxrss would count what the parent held when it forked
    print(int(status.split("VmHWM:")[1].split()[0]))
"""


def test_memory_does_not_grow_with_the_song(tmp_path: Path) -> None:
    twenty = sounds.noise(20, MUSIC_RATE).T.astype("<f4").tobytes()
    stems = {seconds: tmp_path / f"{seconds}.wav" for seconds in (20, 240)}
    for seconds, stem in stems.items():
        sounds.wav(stem, twenty * (seconds // 20), rate=MUSIC_RATE, channels=2, bits=32)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(tmp_path / "out.flac"), *map(str, stems.values())],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    short, long = (int(kilobytes) / 1024 for kilobytes in done.stdout.split())
    assert long - short < 15
