"""In threads: results, shared copies and their deletion, also where a moderator archived or locked one meanwhile."""

from typing import Any

import aiohttp
import pytest
from simcord.http import FakeHTTPClient
from sqlmodel import select

from store import Deletion, JobState, Store, use_cases
from store.tables import Shown
from tests.bot.threads import Thread, thread_in
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")
SHARE = "Share in the channel"


@pytest.fixture
def thread(world: World, monkeypatch: pytest.MonkeyPatch) -> Thread:
    """One of the channel."""
    return thread_in(world, monkeypatch)


@pytest.fixture
async def matched(thread: Thread, world: World, worker: Worker) -> Thread:
    """Alice's match was asked for and delivered in the thread."""
    await world.alice.slash(thread.handle, "match", note1=("a.ogg", b"x"))
    worker.render(worker.only(), {"candidates": [{"name": "IU", "share": 0.5}]}, {"match.png": b"file"})
    await world.tick()
    return thread


@pytest.mark.parametrize("locked", [False, True])
async def test_what_was_shared_goes_also_from_a_thread_that_was_archived_meanwhile(
    matched: Thread, world: World, store: Store, locked: bool
) -> None:
    await world.alice.click(world.cards(matched.handle)[0], label=SHARE)
    assert len(world.public(matched.handle)) == 1
    matched.shut(locked=locked)
    use_cases.forget(store, world.alice.id)
    await world.tick(4)
    assert world.public(matched.handle) == [] and matched.is_shut
    with store.read() as session:
        assert session.exec(select(Deletion)).all() == []


async def test_a_thread_is_archived_again_also_where_nothing_could_be_deleted_at_first(
    matched: Thread, world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.alice.click(world.cards(matched.handle)[0], label=SHARE)
    matched.shut()
    left, original = [1], FakeHTTPClient.request

    async def request(self: Any, route: Any, **options: Any) -> Any:
        if route.method == "DELETE" and not matched.is_shut and left:
            left.pop()
            raise aiohttp.ClientConnectionError
        return await original(self, route, **options)

    monkeypatch.setattr(FakeHTTPClient, "request", request)
    use_cases.forget(store, world.alice.id)
    await world.tick(2)
    assert matched.is_shut and len(world.public(matched.handle)) == 1 and not left
    with store.write() as session:
        for row in session.exec(select(Deletion)).all():
            row.next_try_at = 0.0
    await world.tick()
    assert matched.is_shut and world.public(matched.handle) == []


async def test_nothing_is_shared_in_a_locked_thread_and_the_member_is_told(
    matched: Thread, world: World, store: Store
) -> None:
    matched.shut(locked=True)
    click = await world.alice.click(world.cards(matched.handle)[0], label=SHARE)
    assert "cannot show this there" in response_of(click).content and world.public(matched.handle) == []
    with store.read() as session:
        assert session.exec(select(Deletion)).all() == [] == session.exec(select(Shown)).all()


async def test_a_result_for_a_locked_thread_comes_by_direct_message_or_waits_in_jobs(
    thread: Thread, world: World, worker: Worker
) -> None:
    await world.alice.slash(thread.handle, "match", note1=("a.ogg", b"x"))
    thread.shut(locked=True)
    world.env.inject_error("PATCH", "/webhooks/*", status=400, code=50083, times=None)
    worker.render(worker.only(), {}, {"a.txt": b"file"})
    await world.tick()
    (message,) = world.dms(world.alice)
    assert await message.attachments[0].read() == b"file" and worker.only().state is JobState.DELIVERED


async def test_where_a_locked_thread_takes_no_notice_either_the_result_is_kept(
    thread: Thread, world: World, worker: Worker
) -> None:
    await world.alice.slash(thread.handle, "match", note1=("a.ogg", b"x"))
    thread.shut(locked=True)
    worker.end_replies()
    path = f"/channels/{world.alice.user.dm_channel.id}/messages"
    world.env.inject_error("POST", path, status=403, code=50007, times=None)
    worker.render(worker.only(), {}, {"a.txt": b"file"})
    await world.tick()
    assert worker.only().state is JobState.UNDELIVERABLE
    listed = response_of(await world.alice.slash(world.channel, "jobs"))
    shown = response_of(await world.alice.click(listed, label="Show result"))
    assert await shown.attachments[0].read() == b"file"
