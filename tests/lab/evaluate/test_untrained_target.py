"""The note that a voice is made from, untrained."""

from pathlib import Path

import numpy as np

from lab.evaluate.trained_target import write_flac
from lab.evaluate.untrained_target import choose_note
from pipeline.listening.notes import read_notes

RATE = 16000


def note(path: Path, seconds: float, level: float = 0.1) -> Path:
    """Bursts of noise: three quarters of each second sound."""
    wav = np.random.default_rng(0).normal(0, level, round(seconds * RATE)).astype(np.float32)
    wav[np.arange(len(wav)) % RATE > 0.75 * RATE] = 0
    write_flac(path, wav, RATE)
    return path


def test_the_first_note_that_is_long_enough(tmp_path: Path) -> None:
    paths = tuple(note(tmp_path / f"{i}.flac", seconds) for i, seconds in enumerate((4, 20, 30)))
    chosen, names = choose_note(paths, tmp_path)
    assert (chosen.path, names) == (paths[1], ("1.flac",))


def test_else_the_first_ones_that_are_long_enough_together(tmp_path: Path) -> None:
    lengths = (6, 6, 6, 6)
    silent = note(tmp_path / "silent.flac", 6, 1e-5)
    paths = (silent, *(note(tmp_path / f"{i}.flac", seconds) for i, seconds in enumerate(lengths)))
    chosen, names = choose_note(paths, tmp_path)
    assert names == ("0.flac", "1.flac", "2.flac")
    [(wav, levels)] = read_notes([chosen])
    assert len(wav) == 18 * RATE and levels.active_seconds >= 10
