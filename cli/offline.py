"""The service's jobs from the command line: the same use cases and child process, no queue and no Discord."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table

from cli import handover
from cli.console import DeskError, check_files, console, print_rows
from cli.desk_settings import DeskSettings
from cli.handover import Handover
from cli.jobs import says_what_trains
from cli.report import (
    cover_table,
    files_of,
    match_table,
    model_table,
    number,
    singer_line,
    singer_table,
    song_line,
    training_line,
)
from cli.voices import free_voices
from cli.watch import watch
from pipeline.sound.file_name import display_name
from store import (
    Job,
    JobKind,
    NotFound,
    Song,
    Store,
    StoreSettings,
    cache,
    desk,
    jobs,
    library,
    open_store,
    retention,
)
from store.names import named
from store.params import cover_params
from store.results import cover_result, match_result, train_result
from store.use_cases import (
    CoverRequest,
    NewSong,
    Requester,
    SavedFile,
    TrainingRequest,
    abandon_dead,
    abandon_job,
    add_song,
    deliver_to_operator,
    find_song,
    find_voice,
    job_row,
    request_agreed_training,
    request_cover,
    request_match,
    save_files,
    take_job,
)
from worker.child import Child
from worker.errors import NotHeard
from worker.job_runner import work_on
from worker.kept_child import KeptChild, can_be_kept
from worker.library.seed import embed_singer, seed_library
from worker.library.songs import SongListener
from worker.settings import WorkerSettings

OWNER = "cli"
OPERATOR = Requester(jobs.OPERATOR)
CONSENT = "The operator declared on the command line that the voice is theirs or that its owner has agreed."
Request = Callable[[str], Job]
"""Requests a job, leased at once to the owner of this name."""


async def match_notes(notes: list[Path], out: Path) -> None:
    """Match recordings with the library and print the result."""
    check_files(notes)  # before anything is loaded
    store = open_store()
    async with child_of_settings() as child:
        await seed_library(store, child)
        done = await _perform(store, child, lambda owner: _request_match(store, notes, owner), out)
    result = match_result(done.result)
    console.print(match_table(result))
    vocals = result.range
    console.print(f"Range: {vocals.low} to {vocals.high}" if vocals else "Range: too little held pitch to tell.")
    for song in result.songs:
        console.print(song_line(song), markup=False, highlight=False, soft_wrap=True)
    console.print(f"Heard: {number(result.seconds, 0)} s of voice.")
    console.print(f"Picture: {out / 'match.png'}")
    await asyncio.to_thread(_put_by, store, done)


async def train_notes(name: str, notes: list[Path], minutes: float | None, out: Path) -> None:
    """Train a voice and store it under `name`."""
    name = named(name, what="voice")
    check_files(notes)
    store = open_store()
    seconds = 60 * minutes if minutes else None
    async with child_of_settings() as child:
        done = await _perform(store, child, lambda owner: request_voice(store, name, notes, owner, seconds), out)
    result = train_result(done.result)
    console.print(f"{name}: {training_line(result)}", soft_wrap=True)
    console.print(model_table(result.models))
    console.print(f"Files in {out}: training.png, sample.mp3 (AI-generated)")
    await asyncio.to_thread(_put_by, store, done)


@dataclass(frozen=True)
class CoverOrder:
    """What `cover` was told; `song` is a file or a title of the library."""

    song: str
    voice: str
    key_shift: int | None = None
    vocal_level: int = 0
    separator: str | None = None
    vocals_only: bool = False
    instrumental: Path | None = None


async def cover_song(order: CoverOrder, out: Path) -> None:
    """Cover a file or a library song with a voice of the operator's."""
    if order.vocals_only and order.separator:
        raise DeskError("With --vocals-only nothing is separated: leave out --separator.")
    if order.vocals_only and order.instrumental is None and order.vocal_level:
        raise DeskError("Vocals alone are mixed with nothing: leave out --vocal-level, or give an --instrumental.")
    store, voice = open_store(), order.voice
    try:
        with store.read() as session:
            voice_id = find_voice(session, voice, jobs.OPERATOR).id
    except NotFound as error:
        step = f"Train it first: discovervoice train {voice} NOTES…"
        raise DeskError(f"There is no voice {voice}. {step} {free_voices(store)}") from error
    check_files([order.instrumental] if order.instrumental else [])
    if not Path(order.song).is_file():
        _library_song(store, order.song)
    async with child_of_settings(order.separator) as child:
        request = CoverRequest(
            voice=f"#{voice_id}",
            key_shift=order.key_shift,
            vocal_level=order.vocal_level,
            vocals_only=order.vocals_only,
        )
        done = await _perform(store, child, lambda owner: _request_cover(store, order, request, owner), out)
    result = cover_result(done.result)
    console.print(cover_table(result))
    if not result.measured:
        console.print("The cover was not measured: measuring ended before. The cover itself is whole.")
    console.print(model_table(result.models))
    console.print(f"Files in {out}: {', '.join(files_of(result))}", soft_wrap=True)
    await asyncio.to_thread(_put_by, store, done)


async def put_singer(name: str, files: list[Path], source: str, licence: str) -> None:
    """Add a singer to the library."""
    name = named(name, what="singer")
    store = open_store()
    check_files(files)
    async with child_of_settings() as child:
        await seed_library(store, child)
        singer = await embed_singer(store, child, name, files, source=source, licence=licence)
    console.print(singer_line(singer), highlight=False, soft_wrap=True)


def show_singers() -> None:
    """Print the library's singers, and which of them the model in use compares with."""
    from pipeline.pool.availability import ModelsUnavailable, open_models
    from pipeline.pool.selection import Role

    selection = WorkerSettings().selection(StoreSettings().data_dir)
    try:
        model = open_models("cpu", selection, (Role.SINGER,)).singer_id
    except ModelsUnavailable as error:
        raise DeskError(str(error)) from error
    with open_store().read() as session:
        rows = library.singers(session)
    # of each singer one row: the one that counts, if there is one
    singers = {row.name: row for row in sorted(rows, key=lambda row: row.embedding_model == model)}
    print_rows(
        singer_table([singers[name] for name in sorted(singers)], model),
        "There is no singer yet. A worker adds those that ship when it starts; yours: discovervoice singers add",
    )


async def put_song(file: Path, title: str, singer: str, licence: str) -> None:
    """Add a song to the library, and hear what it asks of a voice. Raises DeskError: it is there, but was not heard."""
    from pipeline.sound.decode import SONG, measure  # PyAV

    store = open_store()
    check_files([file])
    seconds = measure(file, SONG, file.name)
    song = add_song(store, NewSong(file, title or file.stem, singer, licence, seconds))
    console.print(f"{song.title} is song {song.id} of the library.", markup=False, highlight=False)
    async with child_of_settings() as child:
        listener = SongListener(store, child, (await child.ready(able=False)).singer_model)
        try:
            refusal = await listener.hear(song)
        except NotHeard as error:
            raise DeskError(
                f"{song.title} is in the library, but was not listened to: {error} Mend that and type this again, or "
                "leave it to a worker's next start; until then it is suggested to nobody."
            ) from error
    if refusal:
        console.print(f"/match suggests it to nobody: {refusal}", markup=False, highlight=False, soft_wrap=True)


def show_songs() -> None:
    """Print the library's songs."""
    table = Table("id", "title", "singer", "seconds", "key", "BPM", "licence")
    with open_store().read() as session:
        songs = library.find_songs(session, "", limit=None)
        heard = library.music_of(session, songs)
    for song in songs:
        music = heard.get(song.id or 0, library.KeyAndTempo())
        seconds, tempo = (f"{figure:.0f}" if figure else "" for figure in (song.seconds, music.tempo))
        table.add_row(str(song.id), song.title, song.singer, seconds, music.key, tempo, song.licence)
    ships = "A worker adds those that ship when it starts; yours: " if WorkerSettings().free_library else "Add yours: "
    print_rows(table, f"There is no song yet. {ships}discovervoice songs add")


def request_voice(
    store: Store, name: str, notes: list[Path], owner: str, seconds: float | None = None, steps: int | None = None
) -> Job:
    """Request the training of a voice whose owner has agreed. Raises DeskError, StoreError, DiskFull."""
    saved = _save_notes(store, notes)
    request = TrainingRequest(name, saved, OWNER, seconds, steps)
    with says_what_trains(store, name):
        return request_agreed_training(store, OPERATOR, request, CONSENT, lease_to=owner)


async def _perform(store: Store, child: Child, request: Request, out: Path | None) -> Job:
    """Request a job, perform it here and show its progress; what it makes goes into `out`.

    Raises DeskError, StoreError, SoundError, OSError (nothing can be written into `out`).
    """
    abandon_dead(store)
    with handover.opened(out) as taker, desk.at_work(store.data_dir) as owner:
        done = await _performed(store, child, request(owner), owner, taker)
    if taker is not None and taker.refused:
        await asyncio.to_thread(_put_by, store, done)
        kept = " The voice is kept, and can sing." if done.kind is JobKind.TRAIN else ""
        raise DeskError(f"{taker.refused}{kept}")
    return done


async def _performed(store: Store, child: Child, job: Job, owner: str, taker: Handover | None) -> Job:
    work = asyncio.create_task(_all_attempts(store, child, job, owner, taker))
    try:
        done = await watch(store, job.id, job.kind.value, alive=lambda: not work.done())
    except DeskError:  # the job has ended and its worker still cleans up, or the worker has ended
        await asyncio.gather(work, return_exceptions=True)
        abandon_job(store, job.id)
        raise
    except BaseException:  # Ctrl-C: nothing of the job remains
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        abandon_job(store, job.id)
        raise
    await work
    deliver_to_operator(store, job.id)
    return job_row(store, job.id) or done


async def _all_attempts(store: Store, child: Child, job: Job, owner: str, taker: Handover | None) -> None:
    """Work on the job, and again if the child died, until it has ended."""
    taken: Job | None = job
    while taken is not None:
        on_outcome = (lambda _: None) if taker is None else taker.take
        await work_on(store, child, taken, WorkerSettings(), on_outcome=on_outcome)
        taken = take_job(store, taken.id, taken.attempt + 1, owner)


def _put_by(store: Store, done: Job) -> None:
    """Keep of a job only its result, and what the next cover of the same file need not hear again."""
    if done.kind is JobKind.COVER and (uploaded := cover_params(done).song_key):
        cache.keep(store, uploaded)
    retention.discard(store, done.id)


def _save_notes(store: Store, notes: list[Path]) -> list[SavedFile]:
    check_files(notes)
    return save_files(store, ((note, display_name(note.name)) for note in notes))


def _request_match(store: Store, notes: list[Path], owner: str) -> Job:
    return request_match(store, OPERATOR, _save_notes(store, notes), OWNER, lease_to=owner)


def _request_cover(store: Store, order: CoverOrder, request: CoverRequest, owner: str) -> Job:
    """Request a cover of a file, or of a song of the library by its title. Raises DeskError, SoundError, StoreError."""
    from pipeline.sound.decode import SONG, probe  # PyAV

    path, instrumental = Path(order.song), order.instrumental
    if not path.is_file():
        song = _library_song(store, order.song)
        request = replace(request, title=f"#{song.id}", song_name=song.title)
    check_files([instrumental] if instrumental else [])
    files = [(path, path.stem)] if path.is_file() else []
    files += [(instrumental, instrumental.name)] if instrumental else []
    for file, _ in files:
        probe(file, SONG, str(file))
    saved = save_files(store, [(file, display_name(name)) for file, name in files])
    if path.is_file():
        request = replace(request, song=saved[0])
    if instrumental:
        request = replace(request, instrumental=saved[-1])
    return request_cover(store, OPERATOR, request, lease_to=owner)


def _library_song(store: Store, title: str) -> Song:
    """A song of the library. Raises DeskError, SeveralFit."""
    try:
        with store.read() as session:
            return find_song(session, title)
    except NotFound as error:
        if Path(title).exists():
            check_files([Path(title)])
        raise DeskError(
            f"{title} is neither a file nor a song of the library. See: discovervoice songs list"
        ) from error


@contextlib.asynccontextmanager
async def child_of_settings(separator: str | None = None) -> AsyncIterator[Child]:
    """A child process of the settings, ready, while the block lasts. Raises ChildDied, CannotRun."""
    settings, data_dir, seconds = WorkerSettings(), StoreSettings().data_dir, DeskSettings().keep_warm_seconds
    selection = settings.selection(data_dir)
    selection = replace(selection, separator=separator or selection.separator)
    chosen = settings.device, settings.torch_threads, selection
    kept = seconds and can_be_kept()
    child = KeptChild(*chosen, desk.folder_of(data_dir), seconds) if kept else Child(*chosen)
    try:
        console.print(f"Device: {(await child.ready(able=False)).device}.", highlight=False)
        yield child
    finally:
        child.leave()
