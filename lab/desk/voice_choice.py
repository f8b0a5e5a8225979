"""Which voice a command measures: one of the service's, by name or id, or files that lie somewhere."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import DeskError
from cli.song_folder import SUFFIXES

if TYPE_CHECKING:
    from lab.evaluate.one_voice import OpenedVoice
    from pipeline.pool.model_pool import ModelPool

HOW = (
    "Name one of `discovervoice voices list`, a member's as #ID, a free one, a file (.pth, or our .safetensors with "
    "its index beside it), or a folder of recordings of one person."
)


def open_voice(word: str, models: "ModelPool", scratch: Path, recordings: list[Path]) -> "OpenedVoice":
    """The voice's files; what must be made (an import, a voice from recordings) is made in `scratch`.

    Raises DeskError, StoreError, SoundError, WeightsError.
    """
    from lab.evaluate.one_voice import OpenedVoice
    from pipeline.listening.notes import Note
    from pipeline.training.instant import instant_voice
    from pipeline.voices.owner import analyze_owner
    from pipeline.voices.rvc_files import import_voice

    path = Path(word)
    if path.is_dir():
        notes = [Note(file, file.name) for file in sounds_of(path)]
        made = instant_voice(notes, models, scratch)
        return OpenedVoice(path.name, made.model, made.index)
    if path.is_file() and path.suffix == ".pth":
        owner = None
        if recordings:
            owner = analyze_owner([Note(file, file.name) for file in recordings], models.speaker, models.pitch)
        index = path.with_suffix(".index")
        imported = import_voice(path, index if index.is_file() else None, scratch, owner)
        return OpenedVoice(path.stem, imported.model, imported.index)
    if path.is_file():
        index = path.with_suffix(".index.safetensors")
        if not index.is_file():
            raise DeskError(f"Beside {path} its index is missing: {index.name}.")
        return OpenedVoice(path.stem, path, index)
    return _stored(word)


def sounds_of(folder: Path) -> list[Path]:
    """The sound files in a folder, sorted. Raises DeskError: there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise DeskError(f"{folder} holds no recordings.")
    return found


def _stored(word: str) -> "OpenedVoice":
    from lab.evaluate.one_voice import OpenedVoice
    from store import NotFound, jobs, open_store
    from store.tables import Voice
    from store.use_cases import find_voice

    store = open_store()
    try:
        with store.read() as session:
            number = word.removeprefix("#")
            row = session.get(Voice, int(number)) if word.startswith("#") and number.isdecimal() else None
            voice = find_voice(session, word, row.owner_id if row else jobs.OPERATOR)
            return OpenedVoice(
                voice.name, store.media.path(voice.model_key or ""), store.media.path(voice.index_key or "")
            )
    except NotFound as error:
        raise DeskError(f"There is no voice {word}. {HOW}") from error
