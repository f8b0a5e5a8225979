"""Stems that go out have the song's own level, together, and are never cut."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.export import export_stems
from pipeline.covers.stem_file import LEVEL
from pipeline.sound.decode import STEM, decode, probe
from pipeline.sound.encode import encode
from tests.pipeline import sounds

VOCALS, BAND = sounds.noise(2, MUSIC_RATE, peak=1.3), sounds.noise(2, MUSIC_RATE, peak=0.8, seed=1)


def read(path: Path) -> Floats32:
    return decode(path, MUSIC_RATE, channels=2, limits=STEM, name=path.name)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(("song_db", "softer"), [(-60, 0), (-20, 0), (0, 2.28), (14, 16.28)])
def test_the_level_is_the_songs_unless_that_would_be_cut(
    tmp_path: Path, song_db: float, softer: float, known: bool
) -> None:
    stems = {"vocals": tmp_path / "v.flac", "instrumental": tmp_path / "i.flac"}
    for path, sound in zip(stems.values(), (VOCALS, BAND), strict=True):
        encode(path, sound * np.float32(LEVEL), MUSIC_RATE)
    peak = 1.3 * LEVEL if known else None
    assert export_stems(stems, 10 ** (-song_db / 20), tmp_path, peak=peak) == pytest.approx(softer, abs=0.01)
    for name, sound in (("vocals", VOCALS), ("instrumental", BAND)):
        out = read(tmp_path / f"{name}.flac")
        np.testing.assert_allclose(out * 10 ** ((softer - song_db) / 20), sound, atol=2e-3)
        assert np.abs(out).max() <= 1


def test_a_stem_that_reaches_full_scale_but_for_rounding_keeps_its_level(tmp_path: Path) -> None:
    encode(tmp_path / "v.flac", BAND / np.float32(0.8) * np.float32(LEVEL), MUSIC_RATE)
    assert export_stems({"vocals": tmp_path / "v.flac"}, 1.0, tmp_path, peak=LEVEL * (1 + 1e-7)) == 0.0


@pytest.mark.parametrize("name", ["sung.flac", "sung.wav"])
def test_the_label_of_what_a_machine_sings_goes_out_too(tmp_path: Path, name: str) -> None:
    """It lies in the comments at the head of the FLAC file."""
    encode(tmp_path / name, sounds.noise(1, 44_100), 44_100, tags={"title": "노래", "comment": "AI-generated"})
    export_stems({"converted": tmp_path / name}, 1.0, tmp_path, 48_000)
    assert probe(tmp_path / "converted.flac", STEM, "converted").rate == 48_000
    data = (tmp_path / "converted.flac").read_bytes()[:4000]
    assert "title=노래".encode() in data and b"=AI-generated" in data
