"""What tests of training share: notes of some seconds, for which a training needs no half minute of voice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sound.decode import NOTE, decode
from pipeline.training import intake
from tests.pipeline import sounds

RATE, SECONDS = 48_000, (13, 8)


@pytest.fixture(scope="session")
def brief_notes(notes: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The first seconds of two of the demo's notes."""
    folder, brief = tmp_path_factory.mktemp("brief"), list[Path]()
    for note, seconds in zip(notes, SECONDS, strict=False):
        wav = decode(note, RATE, channels=1, limits=NOTE, name=note.name)[: seconds * RATE]
        brief.append(sounds.write(folder / note.name, wav, RATE))
    return brief


@pytest.fixture(scope="module")
def little_voice() -> Iterator[None]:
    """A few seconds of voice are enough to train on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "MIN_VOICE_SECONDS", 5.0)
        yield
