"""A stereo note is decoded once, and heard as its blocks would be; a title is no path."""

from pathlib import Path
from unittest.mock import patch

import numpy as np
import soundfile

from pipeline.sound import decode as decoding
from pipeline.sound.decode import NOTE, decode, decode_blocks
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
