"""`discovervoice voices`: the operator's voices, and their way from and to RVC's own files."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from cli.console import (
    DeskError,
    agreed,
    check_files,
    console,
    fail,
    print_rows,
    require_consent,
    visible,
    weights_refusals,
)
from cli.jobs import says_what_trains
from files.atomic import copy_whole
from models.weights.integrity import digest

if TYPE_CHECKING:
    from pipeline.voices.owner import Owner
    from pipeline.voices.rvc_files import ImportedVoice
    from store import Store, Voice

app = typer.Typer(no_args_is_help=True, help="Your voices; RVC's files in and out.")

MEMBERS = re.compile("#([0-9]{1,15})")
"""The number that a member is told when their voice is too large for Discord."""
NO_VOICE = "There is no voice {name}. See: discovervoice voices list"
CONSENT = "The operator declared on import that the voice is theirs or that its owner has agreed."


def free_voices(store: "Store") -> str:
    """Which voices need no training: those that are free for all, or how they come."""
    from store import VoiceState, voices
    from store.use_cases import voices_of
    from worker.settings import WorkerSettings

    names = [voice.name for voice in voices_of(store, voices.PUBLIC) if voice.state is VoiceState.READY]
    if names:
        return f"Free for all: {', '.join(names)}."
    if WorkerSettings().free_library:
        return "A worker makes the free ones between jobs."
    return "There are no free ones, since FREE_LIBRARY is false."


@app.command("list")
def list_voices() -> None:
    """List your voices: what they are, and what they need to sing."""
    from store import jobs, open_store
    from store.results import quality_of
    from store.use_cases import voices_of

    table = Table("voice", "state", "kind", "content encoder", "from")
    store = open_store()
    for voice in voices_of(store, jobs.OPERATOR):
        quality = quality_of(voice)
        models = quality.models
        kind = (models.get("voice", ""), models.get("content", ""), quality.base)
        table.add_row(voice.name, voice.state.value, *kind)
    print_rows(table, f"You have no voice yet. Train one: discovervoice train NAME NOTES… {free_voices(store)}")


@app.command("import")
def import_voice(
    file: Annotated[Path, typer.Argument(help="A voice of RVC or Applio: .pth, v1 or v2.")],
    name: Annotated[str, typer.Option(help="What the voice is to be called.")],
    index: Annotated[Path | None, typer.Option(help="Its retrieval index: .index (needs the extra faiss).")] = None,
    recording: Annotated[
        list[Path] | None,
        typer.Option(help="Its owner speaking or singing, ten seconds or more; then covers choose their octave."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="The voice is yours, or its owner has agreed.")] = False,
) -> None:
    """Take a voice that was made elsewhere; nothing in its file is run."""
    from pipeline.voices import rvc_files
    from store import jobs, open_store
    from store.names import named
    from store.use_cases import abandon_dead, check_voice_name

    require_consent(yes, "imported")
    name = named(name, what="voice")
    store = open_store()
    abandon_dead(store)
    check_files([file, *([index] if index else [])])
    with says_what_trains(store, name):
        check_voice_name(store, jobs.OPERATOR, name)
    owner = _owner_of(recording) if recording else None
    with _one_sentence(file), tempfile.TemporaryDirectory() as folder:
        imported = rvc_files.import_voice(file, index, Path(folder), owner)
        with _one_sentence(store.media.root):
            _save(store, name, file, imported)
    rows = f"{imported.rows} retrieval rows" if imported.rows else "no retrieval rows"
    octave = (
        f"Its median pitch is {owner.median_f0:.0f} Hz."
        if owner
        else "How high it sings is not known: say it with --key-shift, or import it with --recording."
    )
    console.print(
        f"{name}: {imported.title}, {rows}. It needs {imported.info.content_model} to sing. {octave}",
        soft_wrap=True,
    )


@app.command("export")
def export_voice(
    name: Annotated[str, typer.Argument(callback=visible, help="One of your voices, or '#12': a member's, for them.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.pth and NAME.index.")] = Path(),
) -> None:
    """Write a voice as RVC's files, if it is of a kind that RVC has; a member's of another kind as it is kept."""
    from pipeline.voices import rvc_files
    from store import open_store

    store = open_store()
    if out.exists() and not out.is_dir():
        raise DeskError(f"{out} is a file; --out names a folder.")
    voice, model, index = _files_of(store, name)
    with _one_sentence(out):
        try:
            exported = rvc_files.export_voice(model, index, out, voice.name)
            written = [path for path in (exported.model, exported.index) if path]
        except rvc_files.NotOfRvc:
            if not MEMBERS.fullmatch(name):
                raise
            written = _as_kept(model, index, out, voice.name)
    console.print(f"{voice.name}: {', '.join(map(str, written))}", soft_wrap=True)


@app.command("remove")
def remove_voice(
    name: Annotated[str, typer.Argument(callback=visible, help="One of your voices.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a voice and its files; a training of it is stopped. It cannot be brought back."""
    from store import jobs, open_store
    from store.use_cases import abandon_dead, delete_voice

    store = open_store()
    abandon_dead(store)
    voice = _named(store, name)
    if not agreed(f"Delete {voice.name} and its files? They cannot be brought back.", yes):
        fail(f"{voice.name} was kept.")
    with _one_sentence(store.media.root):
        delete_voice(store, voice.id or 0, jobs.OPERATOR)
    console.print(f"{voice.name} is deleted.", soft_wrap=True)


def _files_of(store: "Store", name: str) -> tuple["Voice", Path, Path]:
    """A ready voice of the operator's by its name, or anybody's by its number, with its files.

    Raises DeskError, VoiceNotReady, SeveralFit.
    """
    from store import NotFound, jobs
    from store.use_cases import find_voice, hand_over_voice, voice_files

    try:
        if number := MEMBERS.fullmatch(name):
            return hand_over_voice(store, int(number[1]))
        with store.read() as session:
            voice = find_voice(session, name, jobs.OPERATOR)
        return voice_files(store, voice.id or 0, voice.owner_id)
    except NotFound as error:
        raise DeskError(NO_VOICE.format(name=name)) from error


def _as_kept(model: Path, index: Path, out: Path, name: str) -> list[Path]:
    """Copy a voice's two files to `out`, named as the bot names them. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^\w-]+", "_", name).strip("_") or "voice"
    written = [out / f"{stem}.safetensors", out / f"{stem}.index.safetensors"]
    for kept, copy in zip((model, index), written, strict=True):
        copy_whole(kept, copy)
    return written


def _owner_of(recordings: list[Path]) -> "Owner":
    """Median pitch and speaker embedding of a voice's owner, from recordings. Raises SoundError and DeskError."""
    from pipeline.listening.notes import Note
    from pipeline.pool.model_pool import ModelPool
    from pipeline.voices.owner import analyze_owner

    check_files(recordings)
    with weights_refusals():
        models = ModelPool()
        return analyze_owner([Note(path, path.name) for path in recordings], models.speaker, models.pitch)


def _named(store: "Store", name: str) -> "Voice":
    """The operator's voice of exactly this name, whatever its state. Raises DeskError."""
    from store import NotFound, jobs
    from store.use_cases import voice_named

    try:
        return voice_named(store, jobs.OPERATOR, name)
    except NotFound as error:
        raise DeskError(NO_VOICE.format(name=name)) from error


@contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    """Raise a WeightsError or OSError of the block as a DeskError; it names `path` if the system names no file."""
    from cli.wrong_paths import path_refused

    try:
        with weights_refusals():
            yield
    except OSError as error:
        raise DeskError(path_refused(error, path)) from error


def _save(store: "Store", name: str, file: Path, imported: "ImportedVoice") -> None:
    """Store the files and the voice with its consent, in one transaction."""
    from store import jobs
    from store.use_cases import NewVoice, keep_voice

    quality = {
        "base": imported.info.base,
        "rows": imported.rows,
        "models": {"voice": imported.title, "content": imported.info.content_model},
    }
    voice = NewVoice(name, imported.model, imported.index, quality, digest(file))
    keep_voice(store, jobs.OPERATOR, voice, CONSENT)
