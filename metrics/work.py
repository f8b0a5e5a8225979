"""Figures of one worker: how long jobs waited and worked, how they ended, and what its child holds."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from store import Job
from store.results import CoverResult, result_of

SECONDS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
FACTORS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
STATUS = "/proc/{pid}/status"


class WorkingProcess(Protocol):
    """A child of a worker."""

    @property
    def pid(self) -> int | None:
        """Its process id, while there is one."""
        ...

    @property
    def gpu_bytes(self) -> int:
        """What it holds of a GPU's memory."""
        ...


class WorkMetrics:
    """The counters and histograms of a worker in a registry; `children` are the processes that work for it."""

    def __init__(self, registry: CollectorRegistry, children: Callable[[], Iterable[WorkingProcess]]) -> None:
        self._wait = Histogram(
            "discovervoice_job_wait_seconds",
            "From the line to the first attempt.",
            ("kind",),
            buckets=SECONDS,
            registry=registry,
        )
        self._run = Histogram(
            "discovervoice_job_run_seconds", "One attempt.", ("kind",), buckets=SECONDS, registry=registry
        )
        self._attempts = Counter(
            "discovervoice_job_attempts", "Attempts by how they ended.", ("kind", "end"), registry=registry
        )
        self._ended = Counter(
            "discovervoice_jobs_ended",
            "Jobs by the state in which the worker left them, and by the code of a failure.",
            ("kind", "state", "code"),
            registry=registry,
        )
        self._factor = Histogram(
            "discovervoice_stage_real_time_factor",
            "Seconds of work for each second of song, by stage of a cover.",
            ("stage",),
            buckets=FACTORS,
            registry=registry,
        )
        memory = Gauge(
            "discovervoice_child_memory_bytes", "Resident memory of the working processes.", registry=registry
        )
        memory.set_function(lambda: float(sum(resident_bytes(child.pid) for child in children())))
        gpu = Gauge(
            "discovervoice_gpu_memory_bytes", "Memory of GPUs that the working processes hold.", registry=registry
        )
        gpu.set_function(lambda: float(sum(child.gpu_bytes for child in children())))

    def began(self, job: Job) -> None:
        """A job was leased."""
        if job.attempt <= 1 and job.queued_at is not None and job.started_at is not None:
            self._wait.labels(job.kind).observe(max(0.0, job.started_at - job.queued_at))

    def ended(self, job: Job, end: str, seconds: float) -> None:
        """An attempt ended; `job` is its row now."""
        self._attempts.labels(job.kind, end).inc()
        self._run.labels(job.kind).observe(seconds)
        if job.ended_at is None:
            return
        self._ended.labels(job.kind, job.state, job.error_code or "").inc()
        result = result_of(job)
        if isinstance(result, CoverResult) and result.seconds:
            for stage, taken in result.stages.items():
                self._factor.labels(stage).observe(taken / result.seconds)


def resident_bytes(pid: int | None) -> int:
    """The resident memory of a process (proc(5), VmRSS); 0 if it is gone, or the system does not tell."""
    try:
        lines = Path(STATUS.format(pid=pid)).read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
