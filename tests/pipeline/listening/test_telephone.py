"""A recording of telephone quality is read, and known for what it is, in every file it comes in."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import SPEECH_RATE, Floats32
from pipeline.listening.notes import Note, read_notes
from pipeline.sound.bandwidth import is_narrowband
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.resample import resample
from tests.pipeline.sound.recordings import encode

TELEPHONE = [
    ("amr", "libopencore_amrnb"),
    ("3gp", "libopencore_amrnb"),
    ("mov", "libopencore_amrnb"),
    ("wav", "pcm_mulaw"),
    ("caf", "pcm_alaw"),
    ("wav", "pcm_s16le"),
]


def heard(path: Path) -> Floats32:
    [(wav, _)] = read_notes([Note(path, path.name)])
    return wav


@pytest.mark.parametrize(("container", "codec"), TELEPHONE)
def test_what_telephones_record_is_read(tmp_path: Path, notes: list[Path], container: str, codec: str) -> None:
    wide = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 4 * SPEECH_RATE]
    narrow = resample(wide, SPEECH_RATE, 8000)
    path = encode(tmp_path / f"note.{container}", narrow[None], 8000, codec, container)
    wav = heard(path)
    assert abs(len(wav) - len(wide)) <= 0.04 * SPEECH_RATE  # two frames of AMR
    there = resample(narrow, 8000, SPEECH_RATE)
    length = 1 << 17
    product = np.fft.irfft(np.fft.rfft(wav, length) * np.conj(np.fft.rfft(there, length)))
    correlation = float(product.max() / np.linalg.norm(wav) / np.linalg.norm(there))
    assert correlation > (0.7 if "amr" in codec else 0.99)
    assert is_narrowband(wav, SPEECH_RATE)


def test_telephone_quality_in_a_wide_file_is_known_too(tmp_path: Path, notes: list[Path]) -> None:
    wide = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 4 * SPEECH_RATE]
    path = encode(tmp_path / "note.amr", resample(wide, SPEECH_RATE, 8000)[None], 8000, "libopencore_amrnb", "amr")
    sent = decode(path, 48_000, channels=1, limits=NOTE, name="note")
    assert is_narrowband(heard(encode(tmp_path / "note.ogg", sent[None], 48_000, "libopus", "ogg")), SPEECH_RATE)
    again = encode(tmp_path / "wide.ogg", resample(wide, SPEECH_RATE, 48_000)[None], 48_000, "libopus", "ogg")
    assert not is_narrowband(heard(again), SPEECH_RATE)
    assert not is_narrowband(wide, SPEECH_RATE)
