"""One person passes, however they speak or sing; a second person is found and the note is named."""

from pathlib import Path

import numpy as np
import pytest

from models.signal import Floats32
from pipeline.errors import OtherSpeaker, SeveralSpeakers
from pipeline.listening.same_speaker import check_one_speaker, embed_windows
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, decode
from tests.conftest import LIBRARY

RATE = 16_000
Windows = dict[str, Floats32]


def read(path: Path) -> Floats32:
    return decode(path, RATE, channels=1, limits=NOTE, name=path.name)


def library(voice: str) -> Floats32:
    """The six clips of a voice side by side, 27 s."""
    return np.concatenate([read(path) for path in sorted((LIBRARY / voice).glob("*.ogg"))])


@pytest.fixture(scope="module")
def embedded(models: ModelPool, notes: list[Path]) -> Windows:
    """Windows of four people, one of whom sings too."""
    voices = {name: library(name) for name in ("libri-1688", "libri-2033", "am_michael")}
    return {name: embed_windows(wav, models.speaker) for name, wav in {"carlo": read(notes[0]), **voices}.items()}


def test_a_window_every_four_seconds(models: ModelPool, embedded: Windows) -> None:
    assert embedded["carlo"].shape == (6, 256)
    assert np.linalg.norm(embedded["carlo"], axis=1) == pytest.approx(1, abs=1e-4)
    assert embed_windows(np.zeros(9 * RATE, np.float32), models.speaker).shape == (0, 256)


@pytest.mark.parametrize("name", ["carlo", "libri-1688", "libri-2033", "am_michael"])
def test_one_person_passes_in_one_note_or_in_three(embedded: Windows, name: str) -> None:
    windows = embedded[name]
    check_one_speaker([windows], ["a.ogg"])
    check_one_speaker([windows[:2], windows[2:3], windows[3:]], ["a.ogg", "b.ogg", "c.ogg"])


@pytest.mark.parametrize(
    ("first", "second"), [("carlo", "libri-1688"), ("libri-1688", "libri-2033"), ("am_michael", "libri-2033")]
)
def test_two_people_are_found(embedded: Windows, first: str, second: str) -> None:
    one, other = embedded[first], embedded[second]
    with pytest.raises(OtherSpeaker, match=r"in your other notes is heard in e\.ogg\. Send only") as caught:
        check_one_speaker([one[:2], one[2:3], one[3:4], one[4:], other[:2]], [f"{n}.ogg" for n in "abcde"])
    assert caught.value.params == {"names": "e.ogg"}
    with pytest.raises(OtherSpeaker, match=r"heard in (a\.ogg, b\.ogg|c\.ogg, d\.ogg)\."):
        check_one_speaker([one[:2], one[2:5], other[:2], other[2:5]], [f"{n}.ogg" for n in "abcd"])
    with pytest.raises(SeveralSpeakers, match=r"In b\.ogg a second person is heard for about 12 s\.") as mixed:
        check_one_speaker([one[:2], np.concatenate([one[2:], other[:3]])], ["a.ogg", "b.ogg"])
    assert mixed.value.params == {"name": "b.ogg", "seconds": 12.0}


def test_a_single_odd_window_is_nobody(embedded: Windows) -> None:
    check_one_speaker([embedded["carlo"], embedded["libri-2033"][:1]], ["a.ogg", "b.ogg"])


def test_nothing_to_compare_passes(embedded: Windows) -> None:
    nothing = np.zeros((0, 256), np.float32)
    check_one_speaker([nothing], ["a.ogg"])
    check_one_speaker([embedded["carlo"][:1], nothing, embedded["libri-2033"][:1]], ["a.ogg", "b.ogg", "c.ogg"])
    check_one_speaker([np.repeat(embedded["carlo"][:1], 8, axis=0)], ["a.ogg"])
