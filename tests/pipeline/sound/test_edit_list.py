"""Of an MP4 the pieces are heard that its edit list plays, to the sample, in its order."""

import struct
from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline import errors
from pipeline.sound.decode import Limits, decode, measure
from tests.pipeline import sounds
from tests.pipeline.sound.recordings import encode

RATE = 44_100
ANY = Limits(max_bytes=1 << 30, min_seconds=0.0, max_seconds=900.0, min_rate=8000)
SOUND = sounds.noise(3, RATE, 1)
DELAYS = {"aac": 1024, "alac": 0}
Edits = list[tuple[int, int]]
"""(milliseconds, sample of the original at which the piece begins, −1: nothing is played)."""

CUTS: dict[str, Edits] = {
    "in halves": [(1000, 0), (2000, RATE)],
    "a piece is cut out": [(1000, 0), (700, 2 * RATE)],
    "three pieces": [(700, 300), (700, 50_000), (300, 110_000)],
    "one of two frames": [(10, 0), (10, 2000), (1500, 4000)],
    "a piece comes twice": [(1000, 5000), (1000, 5000)],
    "the end comes first": [(900, 2 * RATE), (1000, 0)],
    "it begins late": [(500, -1), (1500, RATE)],
    "a break in the middle": [(1000, 0), (500, -1), (1500, RATE)],
    "a piece of no length": [(0, 0), (1500, RATE)],
    "to the end": [(0, 22_050)],
    "longer than there is sound": [(9000, RATE)],
}


def edited(path: Path, codec: str, edits: Edits) -> Path:
    """SOUND in an MP4 that plays these pieces."""
    data = encode(path, SOUND, RATE, codec, "mp4").read_bytes()
    moov = data.index(b"moov") - 4  # after the sound, whose place it tells
    rows = [struct.pack(">Iihh", lasts, at if at < 0 else at + DELAYS[codec], 1, 0) for lasts, at in edits]
    path.write_bytes(data[:moov] + _with_list(data[moov:], struct.pack(">II", 0, len(rows)) + b"".join(rows)))
    return path


def _with_list(boxes: bytes, new: bytes) -> bytes:
    """The same boxes, in the list `new`."""
    out, at = b"", 0
    while at < len(boxes):
        size, kind = struct.unpack_from(">I4s", boxes, at)
        body = boxes[at + 8 : at + size]
        body = _with_list(body, new) if kind in (b"moov", b"trak", b"edts") else new if kind == b"elst" else body
        out += struct.pack(">I4s", 8 + len(body), kind) + body
        at += size
    return out


def played(edits: Edits) -> Floats32:
    counts = [round(lasts * RATE / 1000) for lasts, _ in edits]
    counts[-1] = counts[-1] or SOUND.shape[1]
    return np.concatenate([SOUND[0, at : at + count] for count, (_, at) in zip(counts, edits, strict=True) if at >= 0])


def read(path: Path) -> Floats32:
    return decode(path, RATE, channels=1, limits=ANY, name="x")


@pytest.mark.parametrize("codec", DELAYS)
@pytest.mark.parametrize("cut", CUTS)
def test_every_piece_is_played_to_the_sample(tmp_path: Path, codec: str, cut: str) -> None:
    ours, right = read(edited(tmp_path / "x.mp4", codec, CUTS[cut])), played(CUTS[cut])
    assert len(ours) == len(right)
    assert float(np.corrcoef(ours, right)[0, 1]) > (0.99999 if codec == "alac" else 0.995)
    assert sounds.lag(right, ours) == 0
    assert measure(tmp_path / "x.mp4", ANY, "x") == pytest.approx(len(right) / RATE)


def test_a_list_that_plays_nothing_is_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(errors.EmptyFile):
        read(edited(tmp_path / "x.mp4", "aac", [(10, 10 * RATE)]))


def test_a_list_that_goes_back_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.NotAudio):
        read(edited(tmp_path / "x.mp4", "aac", [(1, 2 * RATE), (1, 0)] * 100))


def test_a_fragmented_file_is_whole(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.mp4", SOUND, RATE, "aac", "mp4", movflags="frag_keyframe+delay_moov+default_base_moof")
    ours = read(path)
    assert sounds.lag(SOUND[0], ours) == 0 and 0 <= len(ours) - len(SOUND[0]) < 1024
