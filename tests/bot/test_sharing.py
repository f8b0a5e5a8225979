"""*Share*: a result stands in the channel once, where its member wants it, and goes with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
import pytest
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType
from simcord.http import FakeHTTPClient
from sqlmodel import select

from bot import sharing
from bot.app import DiscoverBot, result_view
from bot.messages import post
from bot.texts.sentences import texts
from store import Deletion, Job, JobKind, Store, use_cases
from store.report_tables import MemberBlock, MemberReport, ReportReason
from store.use_cases import MessageFile, can_be_shared
from tests.bot.threads import thread_in
from tests.bot.world import Worker, World, response_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")
SHARE = "Share in the channel"


@pytest.fixture
async def card(world: World, worker: Worker) -> discord.Message:
    """Alice's match is done: her card."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    worker.render(worker.only(), {"candidates": [{"name": "IU", "share": 0.5}]}, {"match.png": b"file"})
    await world.tick()
    return world.cards()[0]


def undoing(store: Store) -> int:
    """How many deletions are ordered."""
    with store.read() as session:
        return len(session.exec(select(Deletion)).all())


async def test_a_result_is_shared_once_with_its_file_and_the_second_click_links_to_it(
    card: discord.Message, world: World, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    click = await world.alice.click(card, label=SHARE)
    (shared,) = world.public()
    assert world.alice.mention in shared.content and "IU" in shared.content and shared.mentions != [world.bob]
    assert await shared.attachments[0].read() == b"file"
    assert response_of(click).ephemeral and f"{world.channel.id}/{shared.id}" in response_of(click).content
    again = await world.alice.click(card, label=SHARE)
    assert "already" in response_of(again).content and f"/{shared.id}" in response_of(again).content
    assert len(world.public()) == 1 and undoing(store) == 0
    listed = text_of(response_of(await world.alice.slash(world.channel, "jobs")))
    assert f"[shared](https://discord.com/channels/{world.guild.id}/{world.channel.id}/{shared.id})" in listed


async def test_what_somebody_deleted_in_the_channel_is_shared_anew(card: discord.Message, world: World) -> None:
    await world.alice.click(card, label=SHARE)
    first = world.public()[0]
    await first.delete()
    click = await world.alice.click(card, label=SHARE)
    (shared,) = world.public()
    assert shared.id != first.id and f"/{shared.id}" in response_of(click).content


async def test_a_shared_result_goes_with_its_member(card: discord.Message, world: World, store: Store) -> None:
    await world.alice.click(card, label=SHARE)
    assert use_cases.forget(store, world.alice.id).messages == 2  # it, and the card
    await world.tick()
    assert world.public() == []


async def test_where_the_bot_may_not_write_it_says_so_and_may_be_tried_again(
    card: discord.Message, world: World, store: Store
) -> None:
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013, times=1)
    click = await world.alice.click(card, label=SHARE)
    assert "I cannot show this there" in response_of(click).content and undoing(store) == 0
    await world.alice.click(card, label=SHARE)
    assert len(world.public()) == 1


async def test_a_crash_before_it_is_noted_leaves_nothing_behind(
    card: discord.Message, world: World, store: Store, monkeypatch: pytest.MonkeyPatch, worker: Worker
) -> None:
    monkeypatch.setattr(sharing, "keep_share", lambda *_: (_ for _ in ()).throw(OSError))
    with pytest.MonkeyPatch.context() as silent:
        silent.setattr("bot.interactions.replies.log.error", lambda *_, **__: None)
        await world.alice.click(card, label=SHARE)
    assert len(world.public()) == 1 and undoing(store) == 1
    with store.write() as session:
        for row in session.exec(select(Deletion)).all():
            row.since, row.next_try_at = world.env.now().timestamp(), 0.0  # simcord's clock is not ours
            session.add(row)
    await world.tick()
    assert world.public() == [] and undoing(store) == 0


@pytest.mark.parametrize("meanwhile", ["removed", "forgotten", "forgotten long ago"])
async def test_a_share_that_arrives_after_its_result_has_gone_goes_too(
    card: discord.Message, world: World, store: Store, worker: Worker, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    job = worker.only()

    def late(store: Store, begun: use_cases.Sharing, message_id: int) -> None:
        if meanwhile == "removed":
            place: dict[str, Any] = {
                "guild_id": world.guild.id,
                "channel_id": world.channel.id,
                "message_id": message_id,
            }
            whose: dict[str, Any] = {"user_id": world.alice.id, "reporter_id": world.bob.id, "removed_by": world.bob.id}
            with store.write() as session:
                session.add(MemberReport(job_id=job.id, reason=ReportReason.SPAM, told=True, **place, **whose))
        else:
            use_cases.forget(store, world.alice.id)
        if meanwhile == "forgotten long ago":
            use_cases.deletion_done(store, begun.deletion_id)
        use_cases.keep_share(store, begun, message_id)

    monkeypatch.setattr(sharing, "keep_share", late)
    await world.alice.click(card, label=SHARE)
    await world.tick(5)
    assert world.public() == [] and undoing(store) == 0


async def test_whom_the_server_has_blocked_shares_nothing(card: discord.Message, world: World, store: Store) -> None:
    with store.write() as session:
        session.add(
            MemberBlock(
                guild_id=world.guild.id, user_id=world.alice.id, moderator_id=world.bob.id, reason=ReportReason.OTHER
            )
        )
    click = await world.alice.click(card, label=SHARE)
    assert "block" in response_of(click).content and world.public() == [] and undoing(store) == 0


async def test_nobody_shares_what_is_anothers(card: discord.Message, world: World, worker: Worker) -> None:
    view = result_view(worker.only(), texts("en"))
    assert view is not None
    click = await world.bob.click(await world.post("copied", view), label=SHARE)
    assert "no such job" in response_of(click).content


def test_samples_and_what_was_asked_in_a_direct_message_have_no_button() -> None:
    def ended(**values: Any) -> Job:
        known: dict[str, Any] = {
            "kind": JobKind.COVER,
            "user_id": 7,
            "guild_id": 1,
            "channel_id": 2,
            "state": "delivered",
        }
        return Job(**known | values)

    assert can_be_shared(ended())
    for values in ({"kind": JobKind.TRAIN}, {"guild_id": None}, {"state": "failed"}, {"state": "running"}):
        assert not can_be_shared(ended(**values))


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("there", "muted"),
        ("elsewhere", "muted"),
        ("elsewhere", "hidden"),
        ("in a direct message", "muted"),
        ("in a direct message", "left"),
    ],
)
async def test_nobody_writes_by_the_bot_where_they_may_not_write_themselves(
    card: discord.Message, world: World, worker: Worker, store: Store, where: str, why: str
) -> None:
    view = result_view(worker.only(), texts("en"))
    assert view is not None
    elsewhere = world.guild.create_text_channel("elsewhere")
    place = world.alice.user.dm_channel if where == "in a direct message" else elsewhere
    shown = card if where == "there" else await world.bot.get_partial_messageable(place.id).send("again", view=view)
    if why == "left":
        world.guild.remove_member(world.alice)
    else:
        muted = discord.PermissionOverwrite(send_messages=False, use_application_commands=False)
        rights = muted if why == "muted" else discord.PermissionOverwrite(view_channel=False)
        deny_everyone(world, rights)
    presser = world.alice.user if where == "in a direct message" else world.alice
    click = await presser.click(shown, label=SHARE)
    assert "You may not write in the channel" in response_of(click).content
    assert world.public() == [] and undoing(store) == 0


@pytest.mark.parametrize("place", ["channel", "thread"])
@pytest.mark.parametrize("may", [True, False])
async def test_what_a_server_of_another_bot_has_asked_for_is_shared_there_from_a_direct_message(
    world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch, place: str, may: bool
) -> None:
    """Direct messages are those of shard 0, which knows nothing of the servers of other shards."""
    channel = world.channel if place == "channel" else thread_in(world, monkeypatch).handle
    await world.alice.slash(channel, "match", note1=("a.ogg", b"x"))
    worker.render(worker.only(), {"candidates": []}, {"match.png": b"file"})
    await world.tick()
    view = result_view(worker.only(), texts("en"))
    assert view is not None
    shown = await world.bot.get_partial_messageable(world.alice.user.dm_channel.id).send("again", view=view)
    world.env.backend.guilds[world.guild.id].preferred_locale = "ko"
    if not may:
        deny_everyone(world, discord.PermissionOverwrite(view_channel=False))
    known = world.bot.get_guild(world.guild.id)
    assert known is not None
    world.bot._connection._remove_guild(known)
    original = FakeHTTPClient.request

    async def request(self: Any, route: Any, **options: Any) -> Any:
        answer = await original(self, route, **options)
        if route.method == "GET" and route.path == "/guilds/{guild_id}":  # Discord's has none of these
            return {name: of for name, of in answer.items() if name not in ("channels", "threads", "members")}
        return answer

    monkeypatch.setattr(FakeHTTPClient, "request", request)
    click = await world.alice.user.click(shown, label=SHARE)
    assert [("님이 공유" in message.content) for message in world.public(channel)] == [True] * may
    assert may or "You may not write in the channel" in response_of(click).content
    asked = [one.path for one in world.env.http_requests if one.method == "GET"]
    assert f"/channels/{channel.id}" in asked and f"/channels/{world.channel.id}" in asked


async def test_what_was_asked_in_one_channel_is_shared_there_from_a_direct_message_in_its_servers_language(
    card: discord.Message, world: World, worker: Worker
) -> None:
    world.bot.services.languages[world.guild.id] = "ko"
    deny_everyone(world, discord.PermissionOverwrite(send_messages=False))  # a channel for commands alone
    view = result_view(worker.only(), texts("en"))
    assert view is not None
    place = world.alice.user.dm_channel
    shown = await world.bot.get_partial_messageable(place.id).send("again", view=view)
    await world.alice.user.click(shown, label=SHARE)
    assert "님이 공유" in world.public()[0].content
    bot = world.guild.me
    assert bot is not None
    hidden = discord.Permissions(view_channel=True).value
    closed = Overwrite(bot.id, OverwriteType.MEMBER, allow=0, deny=hidden)
    use_cases.share_gone(worker.store, world.public()[0].id)
    world.env.backend.edit_channel(world.channel.id, {}, overwrites=[closed])
    click = await world.alice.user.click(shown, label=SHARE)
    assert "cannot show this there" in response_of(click).content
    world.env.backend.delete_channel(world.channel.id)
    click = await world.alice.user.click(shown, label=SHARE)
    assert "cannot show this there" in response_of(click).content


def deny_everyone(world: World, rights: discord.PermissionOverwrite) -> None:
    """Members but the bot lack these rights in the channel."""
    allow, deny = rights.pair()
    me = world.guild.me
    assert me is not None
    full = discord.Permissions.all_channel().value
    everyone = Overwrite(world.guild.id, OverwriteType.ROLE, allow=allow.value, deny=deny.value)
    ours = Overwrite(me.id, OverwriteType.MEMBER, allow=full, deny=0)
    world.env.backend.edit_channel(world.channel.id, {}, overwrites=[everyone, ours])


async def test_what_is_removed_while_it_is_shared_is_said_to_be_gone(
    card: discord.Message, world: World, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "message_files", lambda *_: [MessageFile(tmp_path / "removed.png", "match.png")])
    click = await world.alice.click(card, label=SHARE)
    assert "its file is not kept any more" in response_of(click).content
    assert undoing(store) == 0 and world.public() == []
