"""A worker on a machine that has nothing but the database and the bucket."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from store import Job, JobKind, Singer, Store, bucket, library, open_store
from store.bucket import bucket_at
from store.database import StoreSettings
from store.media_bucket import MediaBucket
from store.use_cases import lease_message, message_files, take_next_job
from tests.s3_server import S3Server, bad_line, broken
from tests.worker.conftest import MEMBER, submit
from tests.worker.scripted import scripted
from worker.job_runner import AttemptEnd, work_on
from worker.settings import WorkerSettings


@pytest.fixture
def machines(s3: S3Server, tmp_path: Path) -> Iterator[list[Store]]:
    """The bot's machine and the worker's, with a singer to compare with."""
    media, database = f"s3://{s3.bucket()}", f"sqlite:///{tmp_path}/rows.db"
    reach = {name.lower(): value for name, value in s3.environment().items()}
    settings = StoreSettings.model_validate({"media_url": media, "database_url": database, **reach})
    opened = [open_store(settings.model_copy(update={"data_dir": tmp_path / name})) for name in ("bot", "worker")]
    with opened[0].write() as session:
        key = opened[0].media.put_bytes(b"embeddings")
        library.put_singer(session, Singer(name="A", embedding_model="m", embeddings_key=key, clips=3))
    yield opened
    for store in opened:
        store.engine.dispose()


def test_a_job_comes_and_goes_through_the_bucket_though_it_is_away_for_a_while(
    s3: S3Server, machines: list[Store], notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_bot, at_worker = machines
    submitted = submit(at_bot, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5), notes[:1])
    job = take_next_job(at_worker, "a")
    assert job is not None and job.id == submitted.id and isinstance(at_worker.media, MediaBucket)
    for kind in ("PATIENCE", "AT_ONCE"):
        monkeypatch.setattr(bucket, kind, {"max_retries": 0, "retry_timeout": timedelta(seconds=1)})
    with bad_line(s3) as line:
        shaky = replace(at_worker.media, bucket=bucket_at(at_worker.media.place, line.access))
        line.fault = broken
        threading.Timer(0.7, lambda: setattr(line, "fault", lambda _: False)).start()
        with scripted("work 0.1") as child:
            settings = WorkerSettings()
            end = asyncio.run(work_on(replace(at_worker, media=shaky), child, job, settings))
        assert len(line.seen) > 3
    assert end is AttemptEnd.WRITTEN
    message = lease_message(at_bot, job.id, "bot")
    assert message is not None
    assert [file.path.read_bytes() for file in message_files(at_bot, message.row)] == [b"png"]
