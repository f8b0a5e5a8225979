"""The service's work from the command line: the same rows, the same child process, no queue and no Discord."""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from rich.table import Table
from sqlmodel import Session

from cli.console import DeskError, check_files, check_name, console
from cli.report import cover_table, match_table, model_table, singer_table, training_line
from cli.watch import watch
from pipeline.sound.decode import SONG, display_name, probe
from store import Job, JobKind, Song, Store, StoreSettings, Voice, clips, jobs, library, open_store, retention, voices
from worker.child import Child
from worker.job_runner import take, work_on
from worker.library.seed import add_singer, seed_library
from worker.settings import WorkerSettings

OWNER = "cli"
CONSENT = "The operator declared on the command line that the voice is theirs or that its owner has agreed."


async def match_notes(notes: list[Path], out: Path) -> None:
    """Match recordings with the library and print the answer."""
    store = open_store()
    async with _child() as child:
        await seed_library(store, child)
        job = Job(kind=JobKind.MATCH, user_id=jobs.OPERATOR)
        done = await _perform(store, child, job, notes, out)
    console.print(match_table(done.result))
    found = done.result["range"]
    console.print(f"Range: {found['low']} to {found['high']}" if found else "Range: too little held pitch to tell.")
    console.print(f"Picture: {out / 'match.png'}")
    await asyncio.to_thread(retention.discard, store, job.id)


async def train_notes(name: str, notes: list[Path], minutes: float | None, out: Path) -> None:
    """Train a voice and keep it under `name`."""
    check_name(name, "voice")
    store = open_store()
    params = {"train_seconds": 60 * minutes} if minutes else {}
    job = Job(kind=JobKind.TRAIN, user_id=jobs.OPERATOR, params={**params, "voice": name})
    async with _child() as child:
        done = await _perform(store, child, job, notes, out, name)
    result = done.result
    console.print(f"{name}: {training_line(result)}", soft_wrap=True)
    console.print(model_table(result["models"]))
    console.print(f"Files in {out}: training.png, sample.mp3 (AI-generated)")
    await asyncio.to_thread(retention.discard, store, job.id)


async def cover_song(song: str, voice: str, key_shift: int | None, separator: str | None, out: Path) -> None:
    """Sing a file or a library song in a voice of the operator's."""
    store = open_store()
    with store.read() as session:
        chosen = voices.by_name(session, jobs.OPERATOR, voice)
        if chosen is None or chosen.id is None:
            raise DeskError(f"There is no voice {voice}. Train it first: discovervoice train {voice} NOTES…")
        voices.usable(session, chosen.id, jobs.OPERATOR)
    async with _child(separator) as child:
        params = {"voice_id": chosen.id, "key_shift": key_shift, **_song_params(store, song)}
        job = Job(kind=JobKind.COVER, user_id=jobs.OPERATOR, params=params)
        done = await _perform(store, child, job, [], out)
    console.print(cover_table(done.result))
    console.print(model_table(done.result["models"]))
    console.print(
        f"Files in {out}: cover.{done.result['encoding'].split()[0]}, vocals.flac, instrumental.flac, cover.png"
    )
    await asyncio.to_thread(retention.discard, store, job.id)


async def put_singer(name: str, files: list[Path], source: str, licence: str) -> None:
    """Add a singer to the library."""
    check_name(name, "singer")
    store = open_store()
    check_files(files)
    async with _child() as child:
        await seed_library(store, child)
        singer = await add_singer(store, child, name, files, source, licence)
    console.print(f"{singer.name}: {singer.clips} clips.")


def show_singers() -> None:
    """Print the library's singers, and which of them the model in use can compare with."""
    from pipeline.pool.availability import ModelsUnavailable, open_models
    from pipeline.pool.selection import Role

    choice = WorkerSettings().selection(StoreSettings().data_dir)
    try:
        used = open_models("cpu", choice, (Role.SINGER,)).singer_id
    except ModelsUnavailable as error:
        raise DeskError(str(error)) from error
    with open_store().read() as session:
        rows = library.singers(session)
    # of each singer one row: the one that counts, if there is one
    singers = {row.name: row for row in sorted(rows, key=lambda row: row.embedding_model == used)}
    console.print(singer_table([singers[name] for name in sorted(singers)], used))


def put_song(file: Path, title: str, singer: str, licence: str) -> None:
    """Add a song to the library."""
    store = open_store()
    check_files([file])
    sound = probe(file, SONG, file.name)
    song = Song(title=title or file.stem, singer=singer, licence=licence, media_key="", seconds=sound.seconds)
    song.media_key = store.media.put_file(file)
    with store.write() as session:
        kept = library.add_song(session, song)
    console.print(f"{kept.title} is song {kept.id} of the library.")


def show_songs() -> None:
    """Print the library's songs."""
    table = Table("id", "title", "singer", "seconds", "licence")
    with open_store().read() as session:
        for song in library.find_songs(session, "", limit=10_000):
            seconds = f"{song.seconds:.0f}" if song.seconds else ""
            table.add_row(str(song.id), song.title, song.singer, seconds, song.licence)
    console.print(table)


async def _perform(
    store: Store, child: Child, job: Job, notes: list[Path], out: Path | None, voice: str | None = None
) -> Job:
    """Write the job's rows, do it here and show its progress. Raises DeskError, StoreError, SoundError."""
    check_files(notes)
    abandon_dead(store)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    owner = f"{OWNER}:{socket.gethostname()}:{os.getpid()}"
    keys = [store.media.put_file(note) for note in notes]
    try:
        with store.write() as session:
            jobs.submit(session, job)
            _add_clips(store, session, job, notes, keys)
            if voice is not None:
                _add_voice(session, job, voice)
            jobs.enqueue(session, job.id)
            taken = take(session, job.id, 1, owner)
    except BaseException:
        retention.remove_unreferenced(store, set(keys))
        raise
    work = asyncio.create_task(_all_attempts(store, child, taken, owner, out))
    try:
        done = await watch(store, job.id, job.kind.value, alive=lambda: not work.done())
    except BaseException:  # its sentence, or Ctrl-C: nothing is left of it
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        _abandon(store, job.id)
        raise
    await work
    with store.write() as session:
        jobs.delivered(session, job.id)
    return done


async def _all_attempts(store: Store, child: Child, taken: Job | None, owner: str, out: Path | None) -> None:
    """Work on the job, and again if the child died, until it has ended."""
    while taken is not None:
        job, settings = taken, WorkerSettings()
        await work_on(store, child, job, settings, on_files=lambda made: _export(made, out) if out else None)
        with store.write() as session:
            taken = take(session, job.id, job.attempt + 1, owner)


def _abandon(store: Store, job_id: str) -> None:
    """Cancel a job that will not be done, and remove what it brought."""
    with store.write() as session:
        if jobs.get(session, job_id).state in jobs.WAITING:
            jobs.cancel(session, job_id, jobs.OPERATOR)
    retention.discard(store, job_id)


def abandon_dead(store: Store) -> None:
    """Remove what commands left that were killed; 15 s after a kill its job counts as dead."""
    with store.write() as session:
        dead = [job.id for job in jobs.sweep(session) if job.user_id == jobs.OPERATOR]
    for job_id in dead:
        _abandon(store, job_id)


def _add_clips(store: Store, session: Session, job: Job, notes: list[Path], keys: list[str]) -> None:
    for note, key in zip(notes, keys, strict=True):
        clips.add(session, job, key, display_name(note.name), note.stat().st_size, "cli", store.clip_days)


def _add_voice(session: Session, job: Job, name: str) -> Voice:
    voice = voices.create(session, job.user_id, name, None, job.id)
    consent = voices.grant(session, job.user_id, None, CONSENT, clips.fingerprint(clips.of_job(session, job.id)))
    voice.consent_id = consent.id
    session.add(voice)
    return voice


def _song_params(store: Store, song: str) -> dict[str, object]:
    if Path(song).is_file():
        probe(Path(song), SONG, song)
        return {"song_key": store.media.put_file(Path(song)), "song_name": display_name(Path(song).stem)}
    with store.read() as session:
        found = library.find_songs(session, song, limit=1)
    if not found:
        raise DeskError(f"{song} is neither a file nor a song of the library. See: discovervoice songs list")
    return {"song_id": found[0].id, "song_name": found[0].title}


def _export(made: dict[str, Path], out: Path) -> None:
    """Copy what the child made to where the operator wants it; stems at the mix's own level."""
    from pipeline.covers.stems import export_stem  # imports torch, which the child has loaded meanwhile

    for role in ("cover", "picture", "sample"):
        if role in made:
            shutil.copyfile(made[role], out / made[role].name)
    for role in ("vocals", "instrumental", "converted"):
        if role in made:
            export_stem(made[role], out / f"{role}.flac")


@contextlib.asynccontextmanager
async def _child(separator: str | None = None) -> AsyncIterator[Child]:
    settings = WorkerSettings()
    chosen = settings.selection(StoreSettings().data_dir)
    chosen = replace(chosen, separator=separator or chosen.separator)
    child = Child(settings.device, settings.torch_threads, chosen)
    try:
        console.print(f"Device: {(await child.ready())['device']}.", highlight=False)
        yield child
    finally:
        child.kill()
