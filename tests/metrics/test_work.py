"""What a worker counts of its jobs."""

import os
from types import SimpleNamespace

from prometheus_client import CollectorRegistry
from pytest import approx

from metrics import WorkMetrics
from store import Job, JobKind, JobState
from store.tables import now
from worker.child import Child


def measured(pid: int | None = None) -> tuple[CollectorRegistry, WorkMetrics]:
    registry = CollectorRegistry()
    return registry, WorkMetrics(registry, lambda: [SimpleNamespace(pid=pid, gpu_bytes=3), Child("cpu", 1)])


def test_the_first_attempt_tells_how_long_a_job_waited() -> None:
    registry, metrics = measured()
    metrics.began(Job(kind=JobKind.COVER, user_id=7, attempt=1, queued_at=100.0, started_at=142.0))
    metrics.began(Job(kind=JobKind.COVER, user_id=7, attempt=2, queued_at=100.0, started_at=900.0))
    assert registry.get_sample_value("discovervoice_job_wait_seconds_sum", {"kind": "cover"}) == 42
    assert registry.get_sample_value("discovervoice_job_wait_seconds_count", {"kind": "cover"}) == 1


def test_an_ended_cover_is_counted_with_the_real_time_factor_of_each_stage() -> None:
    registry, metrics = measured()
    result = {"song": "s", "seconds": 200.0, "stages": {"separating": 20.0, "mixing": 4.0}}
    metrics.ended(
        Job(kind=JobKind.COVER, user_id=7, state=JobState.RENDERED, ended_at=now(), result=result), "written", 30.0
    )
    ended = {"kind": "cover", "state": "rendered", "code": ""}
    assert registry.get_sample_value("discovervoice_jobs_ended_total", ended) == 1
    assert registry.get_sample_value("discovervoice_job_run_seconds_sum", {"kind": "cover"}) == 30
    factor = "discovervoice_stage_real_time_factor_sum"
    assert registry.get_sample_value(factor, {"stage": "separating"}) == approx(0.1)
    assert registry.get_sample_value(factor, {"stage": "mixing"}) == approx(0.02)


def test_a_failure_is_counted_by_its_code_and_an_attempt_that_was_given_back_is_no_end() -> None:
    registry, metrics = measured()
    failed = Job(kind=JobKind.MATCH, user_id=7, state=JobState.FAILED, ended_at=now(), error_code="no_voice")
    metrics.ended(failed, "written", 2.0)
    metrics.ended(Job(kind=JobKind.MATCH, user_id=7, state=JobState.QUEUED), "child_died", 1.0)
    ended = {"kind": "match", "state": "failed", "code": "no_voice"}
    assert registry.get_sample_value("discovervoice_jobs_ended_total", ended) == 1
    assert registry.get_sample_value("discovervoice_jobs_ended_total", {**ended, "state": "queued"}) is None
    attempts = "discovervoice_job_attempts_total"
    assert registry.get_sample_value(attempts, {"kind": "match", "end": "child_died"}) == 1


def test_the_childs_memory_is_read_when_it_is_asked_for() -> None:
    registry, _ = measured(os.getpid())
    held = registry.get_sample_value("discovervoice_child_memory_bytes")
    assert held is not None
    assert 10e6 < held < 100e9
    assert measured(None)[0].get_sample_value("discovervoice_child_memory_bytes") == 0
    assert registry.get_sample_value("discovervoice_gpu_memory_bytes") == 3
