"""Several processes at once on one database: a cap holds, no job is taken twice, no message is sent twice."""

import multiprocessing
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError
from sqlmodel import select

from store import Job, JobKind, JobState, Outbox, Store, StoreSettings, TooManyJobs, existing_store
from store.tables import now
from store.trouble import is_passing
from store.use_cases import (
    Requester,
    due_messages,
    lease_message,
    mark_sent,
    request_match,
    save_files,
    take_next_job,
)

FORK = multiprocessing.get_context("fork")
AT_ONCE, CAP, JOBS, MOST, MESSAGES = 8, 3, 200, 120, 30


def together(number: int, part: Callable[..., Any], store: Store, *args: Any) -> list[Any]:
    """What a function returns in each of so many processes, which begin it together, each with a store of its own."""
    settings = StoreSettings(
        data_dir=store.data_dir, database_url=store.engine.url.render_as_string() if store.on_server else ""
    )
    barrier, results = FORK.Barrier(number), FORK.SimpleQueue()

    def process(index: int) -> None:
        try:
            own = existing_store(settings)
            barrier.wait(60)
            results.put(part(own, index, *args))
            own.engine.dispose()
        except BaseException as error:
            results.put(error)

    processes = [FORK.Process(target=process, args=(index,)) for index in range(number)]
    for one in processes:
        one.start()
    found = [results.get() for _ in processes]
    for one in processes:
        one.join()
    for error in found:
        if isinstance(error, BaseException):
            raise error
    return found


def test_of_eight_requests_at_once_the_cap_takes_three(store: Store, tmp_path: Path) -> None:
    note = tmp_path / "note.ogg"
    note.write_bytes(b"note")

    def ask(own: Store, _: int) -> bool:
        while True:
            try:
                request_match(own, Requester(7, guild_id=3), save_files(own, [(note, "note.ogg")]), "command")
            except TooManyJobs:
                return False
            except OperationalError as error:  # a machine that does much else: they ask again
                assert is_passing(error)
                continue
            return True

    assert Counter(together(AT_ONCE, ask, store)) == {True: CAP, False: AT_ONCE - CAP}


def test_two_workers_take_each_job_once_and_in_turn(store: Store) -> None:
    with store.write() as session:
        row: dict[str, Any] = {"kind": JobKind.MATCH, "state": JobState.QUEUED, "attempt": 1, "queued_at": now()}
        session.add_all(Job(user_id=member + 1, **row) for member in range(JOBS))

    def work(own: Store, index: int) -> list[str]:
        taken: list[str] = []
        while len(taken) < MOST and (job := take_next_job(own, f"worker {index}")) is not None:
            taken.append(job.id)
        return taken

    first, second = together(2, work, store)
    assert Counter(first + second).most_common(1)[0][1] == 1 and len(first + second) == JOBS
    with store.read() as session:
        rows = session.exec(select(Job)).all()
    assert {job.state for job in rows} == {JobState.RUNNING}
    assert Counter(job.lease_owner for job in rows).total() == JOBS


def test_two_bots_send_each_message_once(store: Store) -> None:
    with store.write() as session:
        for number in range(MESSAGES):
            job = Job(kind=JobKind.MATCH, user_id=number + 1, state=JobState.RENDERED)
            session.add(job)
            session.flush()
            session.add(Outbox(job_id=job.id, user_id=job.user_id))

    def deliver(own: Store, index: int) -> list[str]:
        sent = []
        while due := due_messages(own, f"bot {index}"):
            for message in due:
                if lease_message(own, message.job.id, f"bot {index}"):
                    sent.append(message.job.id)
                    mark_sent(own, message.job.id, 5, 55)
        return sent

    first, second = together(2, deliver, store)
    assert len(first + second) == len({*first, *second}) == MESSAGES
