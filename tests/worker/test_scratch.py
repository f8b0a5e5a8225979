"""Scratch folders: an attempt finds what earlier ones had computed, and none can write into a newer one's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Job, JobKind, JobState, Store, StoreSettings, open_store
from worker.scratch import clear, scratch_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = open_store(StoreSettings(data_dir=tmp_path))
    yield opened
    opened.engine.dispose()


def attempt(number: int) -> Job:
    return Job(id="a" * 32, kind=JobKind.TRAIN, user_id=7, attempt=number, state=JobState.RUNNING)


def test_what_was_computed_goes_on_and_what_was_put_out_does_not(store: Store) -> None:
    work, out = scratch_of(store, attempt(1))
    (work / "training.pt").write_bytes(b"step 5")
    (work / ".training.pt.0.part").write_bytes(b"half")
    (out / "training.png").write_bytes(b"old")
    again, its_out = scratch_of(store, attempt(3))
    assert {path.name for path in again.iterdir()} == {"training.pt", "out"} and not list(its_out.iterdir())
    assert (again / "training.pt").read_bytes() == b"step 5" and not work.exists()


def test_an_older_child_that_still_writes_reaches_nothing_of_the_newer(store: Store) -> None:
    work, out = scratch_of(store, attempt(1))
    with (work / "training.pt").open("wb") as file, (out / "sample.mp3").open("wb") as sample:
        file.write(b"step 5")
        file.flush()
        again, its_out = scratch_of(store, attempt(2))
        file.seek(0)
        file.write(b"ZOMBIE")
        sample.write(b"ZOMBIE")
    assert (again / "training.pt").read_bytes() == b"step 5" and not list(its_out.iterdir())


def test_the_scratch_goes_with_its_job_only(store: Store) -> None:
    with store.write() as session:
        session.add(attempt(1))
    work, _ = scratch_of(store, attempt(1))
    clear(store, attempt(1))
    assert work.is_dir()  # it runs
    with store.write() as session:
        session.delete(session.get_one(Job, "a" * 32))
    clear(store, attempt(1))
    assert not list(Path(store.work_dir).iterdir())


def test_who_has_lost_a_lease_leaves_the_scratch_to_whoever_adds_to_the_result_now(store: Store) -> None:
    lost, now_adding = attempt(1), attempt(2)
    lost.lease_owner, now_adding.lease_owner, now_adding.state = "a", "b", JobState.RENDERED
    with store.write() as session:
        session.add(now_adding)
    work, _ = scratch_of(store, attempt(2))
    clear(store, lost)
    assert work.is_dir()
    with store.write() as session:
        session.get_one(Job, "a" * 32).lease_owner = None
    clear(store, lost)
    assert not list(Path(store.work_dir).iterdir())
