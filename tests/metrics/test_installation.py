"""The figures of the whole installation are those of its rows."""

from prometheus_client import CollectorRegistry
from pytest import approx

from metrics import InstallationCollector
from store import Job, JobKind, JobState, Lane, Outbox, Store, jobs
from store.tables import OPERATOR, now


def figures(store: Store) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(InstallationCollector(store))
    return registry


def put(store: Store, *rows: Job) -> None:
    with store.write() as session:
        session.add_all(rows)


def queued(kind: JobKind, lane: Lane, waited: float, user: int = 7) -> Job:
    return Job(kind=kind, user_id=user, state=JobState.QUEUED, lane=lane, queued_at=now() - waited)


def test_jobs_are_counted_by_kind_and_state_and_the_oldest_gives_the_age_of_its_lane(store: Store) -> None:
    waits = [queued(JobKind.COVER, Lane.HEAVY, 90), queued(JobKind.COVER, Lane.HEAVY, 30)]
    others = [
        queued(JobKind.MATCH, Lane.QUICK, 500, OPERATOR),
        Job(kind=JobKind.TRAIN, user_id=7, state=JobState.FAILED),
    ]
    put(store, *waits, Job(kind=JobKind.TRAIN, user_id=7, state=JobState.RUNNING), *others)
    seen = figures(store)

    def jobs_of(kind: str, state: str) -> float | None:
        return seen.get_sample_value("discovervoice_jobs", {"kind": kind, "state": state})

    assert (jobs_of("cover", "queued"), jobs_of("train", "running"), jobs_of("match", "queued")) == (2, 1, 0)
    assert jobs_of("train", "failed") is None
    age = "discovervoice_queue_age_seconds"
    assert seen.get_sample_value(age, {"lane": "heavy"}) == approx(90, abs=5)
    assert seen.get_sample_value(age, {"lane": "quick"}) == 0


def test_what_is_to_be_delivered_and_what_lies_in_the_cache_are_told(store: Store) -> None:
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.MATCH, user_id=7, state=JobState.RENDERED))
        session.add(Outbox(job_id=job.id, user_id=7, created_at=now() - 60))
    (store.cache_dir / "song" / "model").mkdir(parents=True)
    (store.cache_dir / "song" / "model" / "stems.flac").write_bytes(bytes(1000))
    seen = figures(store)
    assert seen.get_sample_value("discovervoice_outbox_messages") == 1
    assert seen.get_sample_value("discovervoice_outbox_age_seconds") == approx(60, abs=5)
    assert seen.get_sample_value("discovervoice_cache_bytes") == 1000
    assert (seen.get_sample_value("discovervoice_disk_free_bytes") or 0) > 0
