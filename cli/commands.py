"""`discovervoice`: run the service, or do its work from the command line.

Rooms are imported inside the commands, so that `discovervoice bot` never loads torch.
"""

import asyncio
import contextlib
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli import copying, jobs, models, outbox, voices
from cli.console import no_nan, require_consent, semitones, visible
from cli.laboratory import LaboratoryGroup

HELP = "Run the service, or do its work from the command line. Settings: the environment, or .env in this folder."
app = typer.Typer(
    cls=LaboratoryGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=HELP
)
singers = typer.Typer(cls=LaboratoryGroup, no_args_is_help=True, help="The voices that match compares with.")
songs = typer.Typer(no_args_is_help=True, help="The songs that /cover offers by title.")
app.add_typer(singers, name="singers")
app.add_typer(songs, name="songs")
app.add_typer(models.app, name="models")
app.add_typer(voices.app, name="voices")
app.add_typer(outbox.app, name="outbox")
app.add_typer(jobs.app, name="jobs")
app.add_typer(copying.app, name="store")


class Language(StrEnum):
    """The languages that members can read."""

    ENGLISH = "en"
    KOREAN = "ko"


Sounds = Annotated[list[Path], typer.Argument(help="Sound files: OGG, MP3, M4A, FLAC, WAV or WebM.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Out = Annotated[Path, typer.Option(help="Folder for what is made.")]


@app.command()
def demo(
    out: Out = Path("demo-output"),
    train_seconds: Annotated[
        float, typer.Option(min=1.0, max=86400.0, callback=no_nan, help="Time for training the demo's voice.")
    ] = 300.0,
) -> None:
    """Match, train and cover on real sound through the real queue, and print a table of what was made."""
    from cli.demo import run_demo

    asyncio.run(run_demo(out, train_seconds))


@app.command()
def up() -> None:
    """Run bot, embedded Valkey and worker on this machine."""
    from cli.up import run_all
    from cli.wrong_settings import check_settings

    check_settings("up")
    sys.exit(run_all())


@app.command()
def preview(
    language: Annotated[Language, typer.Option(help="The language of the server.")] = Language.ENGLISH,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="The page's port; a free one if not given.")
    ] = None,
    data: Annotated[Path, typer.Option(help="A data folder of its own.")] = Path("preview-data"),
    direct: Annotated[bool, typer.Option("--direct", help="A member's direct messages with the bot.")] = False,
) -> None:
    """Show the real bot in a browser, in a simulated server and without a token (needs `make install-dev`)."""
    from cli.preview import show

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(show(data, language, port, direct=direct))


@app.command()
def bot() -> None:
    """Run the bot alone (DISCORD_TOKEN, REDIS_URL, DATABASE_URL, DATA_DIR)."""
    from bot.app import run
    from bot.settings import BotSettings
    from cli.wrong_settings import check_settings
    from store import StoreSettings, open_checked_store
    from store.use_cases.restore import in_service
    from worker.doorbell import Doorbell, QueueSettings

    check_settings("bot")
    with in_service(StoreSettings().data_dir):
        run(open_checked_store(), Doorbell(QueueSettings().redis_url), BotSettings())


@app.command()
def invite() -> None:
    """Print the address at which a server's owner adds the bot, with the permissions that it needs."""
    from bot.invite import invite_of
    from bot.settings import TokenSettings

    typer.echo(invite_of(TokenSettings().token))


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Tell how the service is: jobs, processes, messages, files; from the database alone."""
    from cli.status import show_status

    show_status(as_json)


@app.command()
def doctor(
    online: Annotated[bool, typer.Option("--online", help="Ask Discord whether it knows the token.")] = False,
    every_file: Annotated[bool, typer.Option("--every-file", help="Hash all media, not a sample.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First make the database's indices anew; stop the service before.")
    ] = False,
) -> None:
    """Check machine, settings, data and service; exit code 1 if anything is wrong, with a next step for each."""
    from cli.doctor.command import examine

    sys.exit(examine(online=online, every_file=every_file, rebuild=rebuild))


@app.command()
def worker() -> None:
    """Run a worker alone (REDIS_URL, DATABASE_URL, DATA_DIR, DEVICE, TRAIN_MINUTES)."""
    from cli.wrong_settings import check_settings
    from store import StoreSettings, open_checked_store
    from worker.child import Child
    from worker.settings import WorkerSettings

    check_settings("worker")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a container's first process ignores it without a handler
    settings, data_dir = WorkerSettings(), StoreSettings().data_dir
    child = Child(settings.device, settings.threads, settings.selection(data_dir))
    child.start()  # it loads its libraries while this process loads its own

    from store.use_cases.restore import in_service
    from worker.doorbell import QueueSettings
    from worker.service import serve

    with in_service(data_dir):
        asyncio.run(serve(open_checked_store(), QueueSettings().redis_url, settings, child))


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Copy database and media of the service, which may run, into a folder."""
    from cli.backup import make_backup

    make_backup(folder)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="What `backup` made.")],
    replace: Annotated[bool, typer.Option("--replace", help="Set aside what DATA_DIR holds.")] = False,
) -> None:
    """Put a backup into DATA_DIR, without what members have had removed since; stop the service first."""
    from cli.backup import put_back

    put_back(folder, replace)


@app.command()
def forget(
    member: Annotated[str, typer.Argument(help="The Discord id of a member.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
) -> None:
    """Remove every row and file of a member, as their own /forget-me does."""
    from cli.forget import forget_member

    forget_member(member, yes)


@app.command()
def match(notes: Sounds, out: Out = Path()) -> None:
    """Tell which voices of the library the notes are like; writes match.png."""
    from cli.offline import match_notes

    asyncio.run(match_notes(notes, out))


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="What the voice is to be called.")],
    notes: Sounds,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, max=10080.0, callback=no_nan, help="Training time; TRAIN_MINUTES if not given."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="The voice is yours, or its owner has agreed.")] = False,
    out: Out = Path(),
) -> None:
    """Train a voice from recordings of one person; writes its curves and a sample."""
    from cli.offline import train_notes
    from cli.torchrun import joined

    if joined():
        return
    require_consent(yes, "trained")
    asyncio.run(train_notes(name, notes, minutes, out))


@app.command()
def cover(
    song: Annotated[str, typer.Argument(callback=visible, help="A sound file, or the title of a song of the library.")],
    voice: Annotated[str, typer.Option(callback=visible, help="A voice made with `train`.")],
    key_shift: Annotated[
        int | None,
        typer.Option(
            parser=semitones, metavar="-24…24", help="Semitones for voice and music; the best octave if not given."
        ),
    ] = None,
    vocal_level: Annotated[
        int, typer.Option(min=-12, max=12, help="DB that the vocals are louder than in the song.")
    ] = 0,
    separator: Annotated[
        str | None,
        typer.Option(callback=visible, help="spleeter, htdemucs, melband, classic, …; SEPARATOR if not given."),
    ] = None,
    vocals_only: Annotated[
        bool, typer.Option("--vocals-only", help="The song is vocals already: nothing is separated.")
    ] = False,
    instrumental: Annotated[
        Path | None, typer.Option(help="A sound file as long as the song, to mix the vocals with.")
    ] = None,
    out: Out = Path(),
) -> None:
    """Sing a song in a trained voice; writes the cover, what was separated and a picture."""
    from cli.offline import CoverOrder, cover_song

    asyncio.run(cover_song(CoverOrder(song, voice, key_shift, vocal_level, separator, vocals_only, instrumental), out))


@singers.command("add")
def add_singer(
    name: str,
    clips: Sounds,
    source: Annotated[str, typer.Option(help="Where the recordings are from.")] = "",
    licence: Annotated[str, typer.Option(help="Under which licence they may be used.")] = "",
) -> None:
    """Add a singer to the library, from at least three different clips of a few seconds."""
    from cli.offline import put_singer

    asyncio.run(put_singer(name, clips, source, licence))


@singers.command("list")
def list_singers() -> None:
    """List the library's singers."""
    from cli.offline import show_singers

    show_singers()


@singers.command("import")
def import_singers(
    folder: Annotated[Path, typer.Argument(help="It holds a folder for each singer, with three clips or more.")],
    source: Annotated[str, typer.Option(help="Where the recordings are from.")] = "",
    licence: Annotated[str, typer.Option(help="Under which licence they may be used.")] = "",
) -> None:
    """Add every singer of a folder: the folders in it are named after them."""
    from cli.folders import put_singers

    asyncio.run(put_singers(folder, source, licence))


@singers.command("remove")
def remove_singer(
    name: Annotated[str, typer.Argument(callback=visible, help="As `singers list` shows it.")], yes: Yes = False
) -> None:
    """Take a singer out of the library, whichever models embedded it."""
    from cli.library import drop_singer

    drop_singer(name, yes)


@songs.command("import")
def import_songs(
    folder: Annotated[Path, typer.Argument(help="Artist - Title.ext, Artist/Title.ext or Artist/Album/Title.ext.")],
    licence: Annotated[str, typer.Option(help="Under which licence they may be used.")] = "",
) -> None:
    """Add every song of a folder to the library; what cannot be used is told, and the rest goes on."""
    from cli.folders import put_songs

    put_songs(folder, licence)


@songs.command("remove")
def remove_song(
    song: Annotated[str, typer.Argument(callback=visible, help="Its id (#7), its title or a part of it.")],
    yes: Yes = False,
) -> None:
    """Take a song out of the library, with all that was computed from it."""
    from cli.library import drop_song

    drop_song(song, yes)


@songs.command("add")
def add_song(
    file: Path,
    title: Annotated[str, typer.Option(help="What members type; the file's name if not given.")] = "",
    singer: Annotated[str, typer.Option()] = "",
    licence: Annotated[str, typer.Option()] = "",
) -> None:
    """Add a song to the library."""
    from cli.offline import put_song

    asyncio.run(put_song(file, title, singer, licence))


@songs.command("list")
def list_songs() -> None:
    """List the library's songs."""
    from cli.offline import show_songs

    show_songs()
