"""What can be heard of a job before its result: a file in its scratch folder, which goes when the job ends."""

import contextlib
from pathlib import Path

from store.database import Store
from store.jobs import WORKING
from store.tables import Job

NAME = "preview.mp3"


def keep(store: Store, job: Job, path: Path) -> None:
    """Move what its child wrote to where its card finds it, in the place of an earlier attempt's."""
    with contextlib.suppress(FileNotFoundError):  # its member was forgotten meanwhile
        path.replace(store.work_dir / job.id / NAME)


def of_job(store: Store, job: Job) -> Path | None:
    """The file, if there is one and the job is worked on."""
    path = store.work_dir / job.id / NAME
    return path if job.state in WORKING and path.is_file() else None
