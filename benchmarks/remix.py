"""A key asked for when a cover is there, and an octave after it, as a worker makes them, beside the cover itself.

    .venv/bin/python -m benchmarks.remix [--seconds 60] [--after 0] [--runs 3] [--peer FOLDER]

A worker's loop and its child by the embedded models, on this machine's CPUs, on a database of its own, by the clock:
from the line until the member's message is written, and all seconds of work, with what is added to the result. Each run
is a new song to the worker. `--after`: they are asked for so many seconds later, by when nothing may be left to add.
`--peer` runs the same in another checkout, in turn.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

from benchmarks.delivery import median, with_intro
from metrics import WorkMetrics
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.training.instant import instant_voice
from store import Job, Store, StoreSettings, open_store, voices
from store.use_cases import CoverRequest, Requester, job_row, request_cover, save_files
from worker.abilities import abilities_of
from worker.child import Child
from worker.library.free import FreeVoices
from worker.library.songs import SongListener
from worker.service import Shift, _work
from worker.settings import WorkerSettings

ROOT = Path(__file__).parent.parent
MEMBER = 7
LOOK_SECONDS = 0.02
COVERS = {"first": None, "key": 1, "octave": -12}
"""What is asked for, one after the other, and its key."""
WARMING = {"first": None, "key": 1}


async def run(store: Store, song: Path, after: float) -> dict[str, tuple[float, float]]:
    """Seconds until each is there, and seconds of work on it in all."""
    settings = WorkerSettings(free_library=False)
    child = Child("cpu", 0)
    try:
        ready = await child.ready()
        able, metrics = abilities_of(ready, settings), WorkMetrics(CollectorRegistry(), list)
        songs = SongListener(store, child, "none")
        shift = Shift(store, child, settings, songs, FreeVoices(store), metrics, able)
        working = asyncio.create_task(_work_always(shift))
        await _sung(shift, song.with_name("short.wav"), WARMING)
        told = await _sung(shift, song, COVERS, after)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return {name: _seconds(row) for name, row in told.items()}
    finally:
        child.kill()


async def _work_always(shift: Shift) -> None:
    while True:
        await _work(shift)
        shift.bell.set()
        await asyncio.sleep(LOOK_SECONDS)


async def _sung(shift: Shift, song: Path, covers: Mapping[str, int | None], after: float = 0.0) -> dict[str, Job]:
    """The rows of these covers, each asked for when the one before is there, when nothing is added to any more."""
    sung = {}
    for name, key in covers.items():
        (file,) = await asyncio.to_thread(save_files, shift.store, [(song, song.name)])
        request = CoverRequest("mine", file, song_name=name, key_shift=key, max_bytes=10_000_000)
        requester = Requester(MEMBER, channel_id=5, reply_token="token")
        job = await asyncio.to_thread(request_cover, shift.store, requester, request)
        shift.bell.set()
        sung[name] = await _reached(shift.store, job, lambda row: row.ended_at is not None)
        await asyncio.sleep(after)
    return {name: await _reached(shift.store, job, lambda row: not row.being_measured) for name, job in sung.items()}


async def _reached(store: Store, job: Job, reached: Callable[[Job], bool]) -> Job:
    while True:
        if reached(row := await asyncio.to_thread(_row, store, job)):
            return row
        await asyncio.sleep(LOOK_SECONDS)


def _row(store: Store, job: Job) -> Job:
    row = job_row(store, job.id)
    assert row is not None and row.error_sentence is None, row and row.error_sentence
    return row


def _seconds(row: Job) -> tuple[float, float]:
    there = (row.ended_at or 0.0) - (row.queued_at or 0.0)
    return there, row.worked + (row.ended_at or 0.0) - (row.started_at or 0.0)


def one(folder: Path, song: Path, voice: Path, after: float) -> dict[str, tuple[float, float]]:
    """One run, in a new data folder."""
    store = open_store(StoreSettings(data_dir=folder, database_url=""))
    keys = [store.media.put_file(voice / f"voice.{end}") for end in ("safetensors", "index.safetensors")]
    with store.write() as session:
        voices.finish(session, voices.create(session, MEMBER, "mine", None, None), keys[0], keys[1], {})
    return asyncio.run(run(store, song, after))


def made(folder: Path, seconds: float) -> tuple[Path, Path]:
    """A song of so many seconds, and the folder of a voice without training."""
    notes = [Note(path, path.name) for path in sorted((ROOT / "demo" / "notes").glob("*.ogg"))]
    instant_voice(notes, ModelPool("cpu"), folder)
    song = folder / "song.wav"
    with_intro(song, seconds, min(15.0, seconds / 10))
    with_intro(folder / "short.wav", 8.0, 0.0)
    return song, folder


def elsewhere(checkout: Path, song: Path, voice: Path, after: float) -> dict[str, tuple[float, float]]:
    """One run by a checkout."""
    words = [
        str(checkout / ".venv/bin/python"),
        __file__,
        "--song",
        str(song),
        "--voice",
        str(voice),
        "--after",
        str(after),
    ]
    told = subprocess.run(words, cwd=checkout, env={"PYTHONPATH": str(checkout)}, check=True, stdout=subprocess.PIPE)
    return {name: tuple(both) for name, both in json.loads(told.stdout).items()}


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--after", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--song", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--voice", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.song:
            return print(json.dumps(one(folder, arguments.song, arguments.voice, arguments.after)))
        song, voice = made(folder, arguments.seconds)
        checkouts = [ROOT, *([arguments.peer] if arguments.peer else [])]
        runs = [
            [elsewhere(checkout, song, voice, arguments.after) for checkout in checkouts] for _ in range(arguments.runs)
        ]
    print(f"| a song of {arguments.seconds:g} s | asked until there | by the first | worked in all | by the first |")
    print("| --- | --- | --- | --- | --- |")
    for number, checkout in enumerate(checkouts):
        mine = [turn[number] for turn in runs]
        for cover in COVERS:
            cells = []
            for place in (0, 1):
                cells += [median([run[cover][place] for run in mine])]
                cells += [median([run[cover][place] / run["first"][place] for run in mine])]
            print(f"| {cover}{'' if checkout == ROOT else ', the other checkout'} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
