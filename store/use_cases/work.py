"""A worker performs a job: takes it, reports, and ends it with a result, a refusal, a retry or a confirmed cancel.

The job that `take_job` returns carries its attempt and its lease owner; every later step matches only while that lease
is the row's.
"""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlmodel import Session

from store import abilities, additions, basket, clips, jobs, line, previews, retention, voices
from store.abilities import Abilities, Stranded
from store.database import Store
from store.missing import NoSuchVoice
from store.need_tables import ModelRole
from store.params import aim_of, uploads_of
from store.results import LibraryResult, Result, TrainResult, to_json
from store.retention import files_or_nothing
from store.tables import Job, JobKind, JobState, Lane
from store.use_cases.server_library import finish_entry
from store.use_cases.voices import withdraw_sample

DELIVERED = {
    "match": ("picture",),
    "train": ("picture", "sample"),
    "instant": (),
    "cover": ("cover",),
    "song": (),
    "singer": (),
}
"""Roles of the files that go with a job's message, by its aim."""
MEASURED = {JobKind.COVER: ("picture",)}
"""Roles of the files that follow when the result is measured; other kinds have all of theirs at their end."""
PARTS = ("vocals_part", "instrumental_part", "voice_message")
"""Roles of files that are kept beside a message, for whoever asks for them below it."""
KEPT = {
    JobKind.MATCH: (),
    JobKind.TRAIN: ("model", "index"),
    JobKind.COVER: (),
    JobKind.LIBRARY: ("embeddings",),
}
"""Roles of the files that stay with the voice or the singer."""


SWEPT = 50
"""Jobs that one sweep recovers: others write meanwhile."""


class LeaseLost(Exception):
    """Another worker has the job now, or its member has cancelled it or was forgotten."""


@dataclass(frozen=True)
class JobProgress:
    """Where a job is: its stage, the fraction done (0…1), the seconds left (None: unknown)."""

    stage: str
    fraction: float
    seconds_left: float | None


def take_job(store: Store, job_id: str, attempt: int, owner: str) -> Job | None:
    """Lease a queued job to this worker and start it; None if another worker has it or it has ended."""
    with store.write() as session:
        return jobs.take(session, job_id, attempt, owner)


def take_next_job(
    store: Store, owner: str, lanes: Collection[Lane] = tuple(Lane), models: Collection[str] | None = None
) -> Job | None:
    """Lease the first job in line, of these lanes, to this worker and start it; None if nobody waits.

    It needs no other than these models; None: whatever it needs.
    """
    with store.read() as session:
        if line.first(session, lanes, models) is None:  # a look at an empty line takes no write lock
            return None
    with store.step() as session:
        return jobs.take_next(session, owner, lanes, models)


def take_up_result(
    store: Store, owner: str, lanes: Collection[Lane] = tuple(Lane), models: Collection[str] | None = None
) -> Job | None:
    """Lease to this worker a job that has its result, and to which another that stopped or died was adding.

    Of these lanes, and of those that need no other than these models; None: whatever it needs. None if there is none.
    """
    with store.read() as session:
        if additions.first_put_off(session, lanes, models) is None:  # a look takes no write lock
            return None
    with store.step() as session:
        return additions.take_up(session, owner, jobs.LEASE_SECONDS, lanes, models)


def needs_of_job(store: Store, job_id: str) -> dict[ModelRole, str]:
    """The models that a job needs."""
    with store.read() as session:
        return abilities.needed_by(session, job_id)


def stay_with_base(store: Store, job: Job, base: str) -> None:
    """A training that begins on a base goes on with it, whoever takes it up again."""
    with store.step() as session:
        if session.get(Job, job.id) is not None:
            abilities.require(session, job.id, {ModelRole.BASE: base})


def stranded_jobs(store: Store) -> Stranded:
    """What waits in vain: no worker that lives can do it."""
    with store.read() as session:
        return line.stranded(session)


def job_row(store: Store, job_id: str) -> Job | None:
    """A job as it is now; None if it is forgotten."""
    with store.read() as session:
        return session.get(Job, job_id)


def has_ended(store: Store, job: Job) -> bool:
    """Whether this attempt has put its result away, or why it failed, or the job is left to the next attempt."""
    row = job_row(store, job.id)
    return row is not None and (row.attempt > job.attempt or row.state in {*jobs.WITH_RESULT, JobState.FAILED})


def jobs_wait(store: Store, able: Abilities | None = None) -> bool:
    """Whether a job is in line that such a worker can do, or a note waits to be heard."""
    lanes, models = (tuple(Lane), None) if able is None else (able.lanes, able.models)
    with store.read() as session:
        return line.first(session, lanes, models) is not None or basket.unheard(session) is not None


def quick_job_waits(store: Store, able: Abilities) -> bool:
    """Whether a quick job is in line that such a worker can do."""
    with store.read() as session:
        return Lane.QUICK in able.lanes and line.first(session, (Lane.QUICK,), able.models) is not None


def quick_work_waiting(store: Store, models: Collection[str] | None = None) -> str | None:
    """The quick job that is served next, if one is in line, or the note that is heard next: the same word for each.

    Of jobs those that need no other than these models; None: all.
    """
    with store.read() as session:
        if quick := line.first(session, (Lane.QUICK,), models):
            return quick.id
        note = basket.unheard(session)
    return f"note {note.id}" if note else None


def sweep_jobs(store: Store, owner: str = "") -> None:
    """Recover what timed out, except what this owner works on itself; of very much at once a part, the rest next."""
    with store.read() as session:
        overdue = jobs.is_overdue(session, owner)
    if overdue:
        with store.write() as session:
            jobs.sweep(session, owner, SWEPT)


def renew_job(store: Store, job: Job, progress: JobProgress | None = None, seconds: float = jobs.LEASE_SECONDS) -> bool:
    """Extend the lease and write the progress; False if the lease is lost or the member has cancelled."""
    owner = job.lease_owner or ""
    with store.step() as session:
        if progress is not None:
            left = progress.seconds_left
            jobs.report(session, job.id, job.attempt, owner, progress.stage, progress.fraction, left)
        return jobs.renew(session, job.id, job.attempt, owner, seconds)


def keep_preview(store: Store, job: Job, path: Path) -> None:
    """What can be heard of a job already is shown on its card, as long as that lives."""
    previews.keep(store, job, path)


def finish_job(store: Store, job: Job, result: Result, files: Mapping[str, Path], *, measuring: bool = False) -> None:
    """Keep a job's files (by role) and write its result, its voice and its message in one transaction.

    `measuring`: the job keeps its lease, for `complete_job`.
    A job of the operator has no message, so only a voice's files are kept of it.
    Raises LeaseLost, DiskFull, NotFound (the voice was deleted meanwhile); then none of its files is kept.
    """
    with files_or_nothing(store) as saved:
        keys, delivered = {}, DELIVERED[aim_of(job)]
        for role in (*KEPT[job.kind], *delivered):
            saved.add(key := store.media.put_file(files[role]))
            keys[role] = key
        message = [{"key": keys[role], "name": files[role].name} for role in delivered]
        with _writing(store, result) as session:
            replaced: set[str] = set()
            if isinstance(result, TrainResult):
                result, replaced = _finish_voice(session, job, result, keys)
            if isinstance(result, LibraryResult):
                result, replaced = finish_entry(session, job, result, keys["embeddings"])
            owner = job.lease_owner or ""
            written = to_json(result)
            if not jobs.render(session, job.id, job.attempt, owner, written, message, measuring=measuring):
                raise LeaseLost
    if job.user_id == jobs.OPERATOR:
        retention.remove_unreferenced(store, saved)
    retention.remove_unreferenced(store, replaced)


def _writing(store: Store, result: Result) -> AbstractContextManager[Session]:
    """What changes no more than the job's own rows waits for no other worker's result."""
    return store.write() if isinstance(result, TrainResult | LibraryResult) else store.step()


def complete_job(
    store: Store,
    job: Job,
    result: Result,
    files: Mapping[str, Path],
    *,
    worked: float = 0.0,
    measuring: bool = False,
) -> None:
    """Add to a job that has its result what took `worked` seconds, and keep the files, in one transaction.

    `measuring`: more follows, and the job keeps its lease.
    Raises LeaseLost (its member was forgotten, a moderator has removed it, its lease ran out), DiskFull; then nothing
    changes.
    """
    with files_or_nothing(store) as saved:
        message = []
        for role in (role for role in (*MEASURED.get(job.kind, ()), *PARTS) if role in files):
            saved.add(key := store.media.put_file(files[role]))
            message.append({"key": key, "name": files[role].name} | ({"part": role} if role in PARTS else {}))
        with store.step() as session:
            owner = job.lease_owner or ""
            added = to_json(result), message
            if not additions.complete(session, job.id, job.attempt, owner, *added, worked=worked, measuring=measuring):
                raise LeaseLost
    retention.remove_unreferenced(store, saved)  # the operator's job has no message


def fail_job(store: Store, job: Job, code: str, params: dict[str, Any], sentence: str) -> None:
    """Fail a job with one sentence, and remove what it came with; nothing changes if the lease is lost.

    A job that has its result keeps it, and nothing is added to it any more.
    """
    with store.write() as session:
        failed = jobs.fail(session, job.id, job.attempt, job.lease_owner or "", code, params, sentence)
    if failed:
        retention.discard(store, job.id)


def give_back_job(store: Store, job: Job, *, lost: bool = True) -> None:
    """Queue a job for its next attempt: its child died or hung (`lost`), or its worker stops as planned.

    It ends, and what it came with is removed, if its cancel was requested or it was lost too often. A job that has its
    result keeps it; what is still to be added to it is left for `take_up_result`.
    """
    with store.write() as session:
        given_back = jobs.give_back(session, job.id, job.attempt, job.lease_owner or "", lost=lost)
        row = session.get(Job, job.id)
    if given_back and row is not None and row.state in jobs.ENDED - jobs.WITH_RESULT:
        retention.discard(store, job.id)


def give_back_held(store: Store, owner: str, *, but_results: bool = False) -> None:
    """Queue what is leased to a worker that works on nothing: the answer to its taking was lost on the way.

    Those that have their results too, or not, while more is to be added to such (`but_results`).
    """
    with store.read() as session:
        held = [job for job in jobs.held_by(session, owner) if not (but_results and job.state in jobs.WITH_RESULT)]
    for job in held:
        give_back_job(store, job, lost=False)


def confirm_cancel(store: Store, job: Job) -> None:
    """The worker has stopped a job that its member cancelled or whose lease it lost: remove what the job came with."""
    with store.write() as session:
        cancelled = jobs.confirm_cancel(session, job.id, job.attempt, job.lease_owner or "")
    if cancelled:
        retention.discard(store, job.id)
    elif uploads := uploads_of(job):  # its member may be forgotten: then so is what was computed from their song
        retention.remove_unreferenced(store, uploads)


def deliver_to_operator(store: Store, job_id: str) -> None:
    """The command line has shown the result of its own job: rendered → delivered."""
    with store.write() as session:
        jobs.delivered(session, job_id)


def _finish_voice(
    session: Session, job: Job, result: TrainResult, keys: Mapping[str, str]
) -> tuple[TrainResult, set[str]]:
    """Make the job's voice ready; the result with its name and id, and the keys of what it replaces.

    Raises NotFound: its owner has deleted it. LeaseLost: they have cancelled the training.
    """
    voice = voices.of_job(session, job.id)
    if voice is None:
        raise LeaseLost if jobs.get(session, job.id).cancel_requested else NoSuchVoice
    result, replaced = replace(result, voice=voice.name, voice_id=voice.id), set[str]()
    if voice.next_job_id == job.id:
        additions.leave_those_of(session, voice.id or 0)
        replaced = withdraw_sample(session, voice) | {key for key in (voice.model_key, voice.index_key) if key}
        agreed = voices.consent_to(session, job.user_id, clips.fingerprint(clips.of_job(session, job.id)))
        voice.job_id, voice.next_job_id, voice.consent_id = job.id, None, agreed.id if agreed else voice.consent_id
    voices.finish(session, voice, keys["model"], keys["index"], to_json(result))
    return result, replaced
