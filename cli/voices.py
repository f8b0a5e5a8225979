"""`discovervoice voices`: the operator's voices, and their way from and to RVC's own files."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli.console import DeskError, check_files, check_name, console, fail

if TYPE_CHECKING:
    from pipeline.voices.owner import Owner
    from pipeline.voices.rvc_files import ImportedVoice
    from store import Store, Voice

app = typer.Typer(no_args_is_help=True, help="Your voices; RVC's files in and out.")

CONSENT = "The operator declared on import that the voice is theirs or that its owner has agreed."


@app.command("list")
def list_voices() -> None:
    """List your voices: what they are, and what they need to sing."""
    from store import jobs, open_store, voices

    table = Table("voice", "state", "kind", "content encoder", "from")
    with open_store().read() as session:
        for voice in voices.of_owner(session, jobs.OPERATOR):
            models = voice.quality.get("models", {})
            told = (models.get("voice", ""), models.get("content", ""), voice.quality.get("base", ""))
            table.add_row(*map(escape, (voice.name, voice.state.value, *told)))
    console.print(table)


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
    from store import open_store

    if not yes and not typer.confirm("Is this your own voice, or has its owner agreed to this?"):
        fail("Nothing was imported: a voice needs its owner's consent.")
    check_name(name, "voice")
    store = open_store()
    _free(store, name)
    person = _heard(recording) if recording else None
    with _told(file), tempfile.TemporaryDirectory() as folder:
        made = rvc_files.import_voice(file, index, Path(folder), person)
        with _told(store.media.root):
            _keep(store, name, file, made)
    rows = f"{made.rows} retrieval rows" if made.rows else "no retrieval rows"
    octave = (
        f"Its median pitch is {person.median_f0:.0f} Hz."
        if person
        else "How high it sings is not known: say it with --key-shift, or import it with --recording."
    )
    console.print(
        f"{name}: {made.title}, {rows}. It needs {made.info.content_model} to sing. {octave}",
        markup=False,
        soft_wrap=True,
    )


@app.command("export")
def export_voice(
    name: Annotated[str, typer.Argument(help="One of your voices.")],
    out: Annotated[Path, typer.Option(help="Folder for NAME.pth and NAME.index.")] = Path(),
) -> None:
    """Write a voice as RVC's files, if it is of a kind that RVC has."""
    from pipeline.voices import rvc_files
    from store import jobs, open_store, voices

    store = open_store()
    voice = _named(store, name)
    with store.read() as session:
        voices.usable(session, voice.id or 0, jobs.OPERATOR)
    with _told(out):
        if out.exists() and not out.is_dir():
            raise DeskError(f"{out} is a file; --out names a folder.")
        model, index = (store.media.path(key or "") for key in (voice.model_key, voice.index_key))
        made = rvc_files.export_voice(model, index, out, voice.name)
    files = ", ".join(str(path) for path in (made.model, made.index) if path)
    console.print(f"{voice.name}: {files}", markup=False, soft_wrap=True)


@app.command("remove")
def remove_voice(
    name: Annotated[str, typer.Argument(help="One of your voices.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a voice and its files; a training of it is stopped. It cannot be brought back."""
    from cli.offline import abandon_dead
    from store import jobs, open_store
    from store.use_cases import delete_voice

    store = open_store()
    abandon_dead(store)
    voice = _named(store, name)
    if not yes and not typer.confirm(f"Delete {voice.name} and its files? They cannot be brought back."):
        fail(f"{voice.name} was kept.")
    with _told(store.media.root):
        delete_voice(store, voice.id or 0, jobs.OPERATOR)
    console.print(f"{voice.name} is deleted.", markup=False, soft_wrap=True)


def _heard(recordings: list[Path]) -> "Owner":
    """What recordings tell of a voice's owner. Raises SoundError and DeskError."""
    from models.weights.integrity import WeightsError
    from pipeline.listening.notes import Note
    from pipeline.pool.model_pool import ModelPool
    from pipeline.voices.owner import analyze_owner

    check_files(recordings)
    try:
        models = ModelPool()
        return analyze_owner([Note(path, path.name) for path in recordings], models.speaker, models.pitch)
    except WeightsError as error:
        raise DeskError(str(error)) from error


def _named(store: "Store", name: str) -> "Voice":
    """The operator's voice of this name, whatever its state. Raises DeskError."""
    from store import jobs, voices

    with store.read() as session:
        voice = voices.by_name(session, jobs.OPERATOR, name)
    if voice is None:
        raise DeskError(f"There is no voice {name}. See: discovervoice voices list")
    return voice


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what weights and the operating system refuse into one sentence; `path` if the system names none."""
    from files.disk import disk_full
    from models.weights.integrity import WeightsError

    try:
        with disk_full():
            yield
    except WeightsError as error:
        raise DeskError(str(error)) from error
    except OSError as error:
        raise DeskError(f"{error.filename or path} cannot be read or written: {error.strerror or error}.") from error


def _free(store: "Store", name: str) -> None:
    """Raise DuplicateVoiceName before minutes are spent on a voice that cannot be kept."""
    from store import DuplicateVoiceName, VoiceState, jobs, voices

    with store.read() as session:
        known = voices.by_name(session, jobs.OPERATOR, name)
        if known is not None and known.state != VoiceState.FAILED:
            raise DuplicateVoiceName(name=name)


def _keep(store: "Store", name: str, file: Path, made: "ImportedVoice") -> None:
    """Put the files away and write the voice's row with its consent; all or nothing."""
    from store import jobs, retention, voices

    quality = {
        "base": made.info.base,
        "rows": made.rows,
        "models": {"voice": made.title, "content": made.info.content_model},
    }
    with file.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    keys: list[str] = []
    try:
        for path in (made.model, made.index):
            keys.append(store.media.put_file(path))  # one by one: what was put is removed if the next fails
        with store.write() as session:
            voice = voices.create(session, jobs.OPERATOR, name, None, "")
            voice.job_id = None  # no job of ours made it
            voice.consent_id = voices.grant(session, jobs.OPERATOR, None, CONSENT, digest).id
            voices.finish(session, voice, keys[0], keys[1], quality)
    except BaseException:
        retention.remove_unreferenced(store, set(keys))
        raise
