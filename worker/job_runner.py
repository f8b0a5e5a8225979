"""One job from lease to end: the row is leased, the child works, the result is written if the lease still holds."""

import asyncio
import logging
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlmodel import Session

from files.atomic import drafts
from files.disk import DiskFull
from pipeline.errors import ModelUnusable, OutOfMemory
from store import Job, JobKind, NotFound, Store, StoreError, clips, jobs, library, retention, voices
from worker.child import Child, Message
from worker.errors import CannotRun, ChildDied
from worker.forecast import Forecast
from worker.settings import WorkerSettings

log = logging.getLogger(__name__)

RENEW_SECONDS = 1.0
FINISH_SECONDS = 600.0  # putting a long song's files away may take longer than a lease
INTERNAL = "Something went wrong on our side. The operator finds it in the log under {reference}."
DELIVERED_FILES = {
    JobKind.MATCH: ("picture",),
    JobKind.TRAIN: ("picture", "sample"),
    JobKind.COVER: ("cover", "picture"),
}


def take(session: Session, job_id: str, attempt: int, owner: str) -> Job | None:
    """Lease a queued job and start it; None if somebody else has it or it is over."""
    if jobs.lease(session, job_id, attempt, owner) is None or not jobs.start(session, job_id, attempt, owner):
        return None
    return jobs.get(session, job_id)


async def work_on(
    store: Store,
    child: Child,
    job: Job,
    settings: WorkerSettings,
    on_files: Callable[[dict[str, Path]], None] | None = None,
) -> None:
    """Do a job that was taken, and write how it ended.

    `on_files` sees the files that the child made before they are put away. If this coroutine is cancelled (the
    worker stops) or the child dies, the job goes back to the queue and keeps its scratch folder.
    """
    work = store.work_dir / job.id
    owner = job.lease_owner or ""
    try:
        task = await asyncio.to_thread(_task, store, job, work, settings)
        message, forecast = await _supervise(store, child, job, owner, task)
        if message is not None:
            await asyncio.to_thread(_finish, store, job, owner, message, forecast, on_files)
    except ChildDied:
        log.warning("The child died during job %s, attempt %d.", job.id, job.attempt)
        await asyncio.to_thread(_give_back, store, job, owner)
        return
    except asyncio.CancelledError:
        await asyncio.to_thread(_give_back, store, job, owner)
        raise
    except CannotRun as error:
        log.error("%s", error)
        refusal = ModelUnusable(reason=str(error))
        await asyncio.to_thread(_fail, store, job, owner, refusal.code, refusal.params, str(refusal))
    except (StoreError, DiskFull) as error:
        await asyncio.to_thread(_fail, store, job, owner, error.code, error.params, str(error))
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("Job %s broke (%s).", job.id, reference)
        sentence = INTERNAL.format(reference=reference)
        await asyncio.to_thread(_fail, store, job, owner, "internal", {"reference": reference}, sentence)
    await asyncio.to_thread(_clear, store, job, work)


async def _supervise(
    store: Store, child: Child, job: Job, owner: str, task: dict[str, Any]
) -> tuple[Message | None, Forecast]:
    """Run the task while renewing the lease and writing progress once a second.

    Returns None for a message when the lease was lost or the member cancelled: the child is killed then.
    """
    forecast = Forecast({})
    latest: list[tuple[str, float, float]] = []

    def heard(message: Message) -> None:
        if message[0] == "plan":
            forecast.plan = message[1]
        else:
            _, stage, fraction = message
            latest[:] = [(stage, *forecast.update(stage, fraction, time.monotonic()))]

    working = asyncio.create_task(child.run(task, heard))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=RENEW_SECONDS)
            if not working.done() and not await asyncio.to_thread(_renew, store, job, owner, latest[-1:]):
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await asyncio.to_thread(_confirm_cancel, store, job, owner)
                return None, forecast
        return working.result(), forecast
    finally:
        if not working.done():
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


def _task(store: Store, job: Job, work: Path, settings: WorkerSettings) -> dict[str, Any]:
    """The child's task for a job: paths instead of keys. Raises StoreError (something is gone or not ready)."""
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for draft in drafts(work):  # of an attempt that was killed while it wrote
        draft.unlink()
    task: dict[str, Any] = {"kind": job.kind.value, "work": str(work), "out": str(out)}
    with store.read() as session:
        if job.kind is JobKind.COVER:
            return task | _cover_task(store, session, job)
        notes = clips.of_job(session, job.id)
        if not notes:
            raise NotFound(what="voice note left in this job")
        task["notes"] = [{"path": str(store.media.path(n.media_key)), "name": n.name} for n in notes]
        if job.kind is JobKind.MATCH:
            singers = library.singers(session)
            if not singers:
                raise NotFound(what="voice in the library yet")
            task["singers"] = [
                {"name": s.name, "path": str(store.media.path(s.embeddings_key)), "model": s.embedding_model}
                for s in singers
            ]
        else:
            task["train_seconds"] = job.params.get("train_seconds", 60 * settings.train_minutes)
            if "train_steps" in job.params:
                task["train_steps"] = job.params["train_steps"]
    return task


def _cover_task(store: Store, session: Session, job: Job) -> dict[str, Any]:
    voice = voices.usable(session, job.params["voice_id"], job.user_id)
    key = job.params.get("song_key") or library.song(session, job.params["song_id"]).media_key
    return {
        "song": str(store.media.path(key)),
        "song_name": job.params["song_name"],
        "voice_name": voice.name,
        "model": str(store.media.path(voice.model_key or "")),
        "index": str(store.media.path(voice.index_key or "")),
        "cache": str(store.cache_dir / key.partition(".")[0]),
        "key_shift": job.params.get("key_shift"),
        "max_bytes": job.params.get("max_bytes"),
    }


def _finish(
    store: Store,
    job: Job,
    owner: str,
    message: Message,
    forecast: Forecast,
    on_files: Callable[[dict[str, Path]], None] | None,
) -> None:
    """Write the child's last message into the rows; what is written is all or nothing."""
    if message[0] == "refused":
        if message[1] in (ModelUnusable.code, OutOfMemory.code):  # for the operator to mend
            log.error("Job %s, attempt %d: %s", job.id, job.attempt, message[-1])
        _fail(store, job, owner, *message[1:])
        return
    if message[0] == "broken":
        raise RuntimeError(message[1])
    with store.write() as session:
        held = jobs.renew(session, job.id, job.attempt, owner, FINISH_SECONDS)
    if not held:
        _confirm_cancel(store, job, owner)
        return
    outcome = message[1]
    made = {role: Path(path) for role, path in outcome["files"].items()}
    if on_files is not None:
        on_files(made)
    result = {**outcome["result"], "stages": forecast.durations()}
    wanted = (*(("model", "index") if job.kind is JobKind.TRAIN else ()), *DELIVERED_FILES[job.kind])
    keys: dict[str, str] = {}
    try:
        for role in wanted:
            keys[role] = store.media.put_file(made[role])
        files = [{"key": keys[role], "name": made[role].name} for role in DELIVERED_FILES[job.kind]]
        with store.write() as session:
            if job.kind is JobKind.TRAIN:
                voice = voices.of_job(session, job.id)
                if voice is None:
                    raise NotFound(what="such voice")  # its owner deleted it meanwhile
                voices.finish(session, voice, keys["model"], keys["index"], result)
                result |= {"voice": voice.name, "voice_id": voice.id}
            written = jobs.render(session, job.id, job.attempt, owner, result, files)
            if not written:
                raise LeaseLost
        if job.user_id == jobs.OPERATOR:  # has copies in a folder, and no message that names them
            retention.remove_unreferenced(store, set(keys.values()))
    except LeaseLost:
        log.warning("Job %s, attempt %d: the lease was lost, the result is thrown away.", job.id, job.attempt)
        retention.remove_unreferenced(store, set(keys.values()))
        _confirm_cancel(store, job, owner)
    except BaseException:
        retention.remove_unreferenced(store, set(keys.values()))
        raise


class LeaseLost(Exception):
    """Somebody else has the job now."""


def _fail(store: Store, job: Job, owner: str, code: str, params: dict[str, Any], sentence: str) -> None:
    with store.write() as session:
        failed = jobs.fail(session, job.id, job.attempt, owner, code, params, sentence)
    if failed:
        retention.discard(store, job.id)


def _give_back(store: Store, job: Job, owner: str) -> None:
    with store.write() as session:
        given_back = jobs.give_back(session, job.id, job.attempt, owner)
        row = session.get(Job, job.id)
    if given_back and row is not None and row.state in jobs.ENDED:
        retention.discard(store, job.id)


def _clear(store: Store, job: Job, work: Path) -> None:
    """Remove the scratch folder, unless another attempt works in it (this one lost its lease)."""
    with store.read() as session:
        row = session.get(Job, job.id)
    if row is None or row.state not in jobs.ACTIVE:
        shutil.rmtree(work, ignore_errors=True)


def _renew(store: Store, job: Job, owner: str, latest: list[tuple[str, float, float]]) -> bool:
    with store.write() as session:
        for stage, progress, left in latest:
            jobs.report(session, job.id, job.attempt, owner, stage, progress, left)
        return jobs.renew(session, job.id, job.attempt, owner)


def _confirm_cancel(store: Store, job: Job, owner: str) -> None:
    with store.write() as session:
        cancelled = jobs.confirm_cancel(session, job.id, job.attempt, owner)
    if cancelled:
        retention.discard(store, job.id)
    elif job.params.get("song_key"):  # its member was forgotten: so is what was computed from their song
        retention.remove_unreferenced(store, {job.params["song_key"]})
