"""Scratch folders: `work/<job id>/<attempt>/`, so that what still runs of an older attempt writes into none of a newer.

A child outlives its lease when its worker was stopped (SIGSTOP) and goes on later.
"""

import shutil
from pathlib import Path

from files.atomic import DRAFT
from files.disk import disk_full
from store import Job, Store, jobs


def scratch_of(store: Store, job: Job) -> tuple[Path, Path]:
    """A fresh folder of this attempt, and its empty `out`; what earlier attempts had computed is copied into it.

    Copied, since an older attempt that still runs may have a file open. Raises DiskFull.
    """
    work = store.work_dir / job.id / str(job.attempt)
    shutil.rmtree(work, ignore_errors=True)
    with disk_full():
        (work / "out").mkdir(parents=True)
        for earlier in _earlier(work):
            for file in earlier.iterdir():
                if file.is_file() and not file.name.endswith(DRAFT):
                    shutil.copyfile(file, work / file.name)
            shutil.rmtree(earlier, ignore_errors=True)
    return work, work / "out"


def clear(store: Store, job: Job) -> None:
    """Remove the scratch of a job that has ended; another attempt may work in it if this one lost its lease.

    So may one that adds to a result.
    """
    with store.read() as session:
        row = session.get(Job, job.id)
    if row is None or (row.state not in jobs.ACTIVE and row.lease_owner in (None, job.lease_owner)):
        shutil.rmtree(store.work_dir / job.id, ignore_errors=True)


def _earlier(work: Path) -> list[Path]:
    """The folders of earlier attempts, oldest first."""
    attempts = [folder for folder in work.parent.iterdir() if folder.name.isdigit()]
    return sorted((a for a in attempts if int(a.name) < int(work.name)), key=lambda folder: int(folder.name))
