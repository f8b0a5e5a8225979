"""A stereo note is decoded once, and heard as its blocks would be; a title is no path."""

from pathlib import Path
from typing import Literal
from unittest.mock import patch

import numpy as np
import pytest
import soundfile

from pipeline.sound import decode as decoding
from pipeline.sound.decode import NOTE, decode, decode_at, decode_blocks
from pipeline.sound.file_name import display_name, name_of_title
from tests.pipeline import sounds


def test_a_title_is_no_path() -> None:
    assert display_name(name_of_title("Palette (feat. AC/DC) \\o/")) == "Palette (feat. AC\u2215DC) \u2216o\u2215"


def test_a_note_is_heard_in_the_channel_that_keeps_it_after_one_reading(tmp_path: Path) -> None:
    wide = sounds.noise(3, 48_000, 1).repeat(2, axis=0) * np.array([[1], [-1]], np.float32)
    path = tmp_path / "wide.wav"
    soundfile.write(path, wide.T, 48_000, subtype="FLOAT")
    blocks = decode_blocks(path, 16_000, channels=1, block_seconds=1, limits=NOTE, name="x")
    np.testing.assert_array_equal(
        decode(path, 16_000, channels=1, limits=NOTE, name="x"), np.concatenate(list(blocks), axis=1)[0]
    )
    with patch.object(decoding, "_whole", wraps=decoding._whole) as readings:
        decode(path, 16_000, channels=1, limits=NOTE, name="x")
    assert readings.call_count == 1


@pytest.mark.parametrize(("suffix", "channels"), [(".ogg", 1), (".ogg", 2), (".flac", 1), (".wav", 2)])
def test_at_several_rates_one_reading_gives_what_each_gives_by_itself(
    tmp_path: Path, suffix: str, channels: Literal[1, 2]
) -> None:
    path = sounds.write(tmp_path / f"x{suffix}", sounds.noise(3.0017, 48_000, channels), 48_000)
    rates = [16_000, 24_000, 48_000]
    with patch.object(decoding, "_whole", wraps=decoding._whole) as readings:
        sides = decode_at(path, rates, channels=1, limits=NOTE, name="x")
    assert readings.call_count == 1
    for side, rate in zip(sides, rates, strict=True):
        np.testing.assert_array_equal(side, decode(path, rate, channels=1, limits=NOTE, name="x"))


def test_a_rate_that_changes_on_the_way_is_the_same_at_several_rates() -> None:
    frames = [(rate, sounds.noise(0.02, rate)) for rate in [48_000] * 9 + [16_000] * 9 + [44_100] * 9]
    alone = [np.concatenate(list(decoding._at_rate(iter(frames), rate, 1)), axis=1) for rate in (16_000, 24_000)]
    streams = [decoding._at_rate(iter(frames), rate, 1) for rate in (16_000, 24_000)]
    together = decoding._joined(zip(*streams, strict=True), 1, [100, 100_000])  # both too small and too large
    assert [side.shape[1] for side in together] == [round(0.54 * rate) for rate in (16_000, 24_000)]
    for side, own in zip(together, alone, strict=True):
        np.testing.assert_array_equal(side, own)
