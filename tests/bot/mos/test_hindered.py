"""What can befall a listening test that runs: it is stopped while it is shown, a file or a channel is gone."""

from typing import Any

import aiohttp
import discord
import pytest
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType
from simcord.http import FakeHTTPClient

from bot.mos.ballot import REACTIONS
from bot.mos.running import PAUSE_SECONDS, ListeningTests
from store import ListeningState, Question
from store.tables import now
from store.use_cases import ClipToShow, listening_votes, stop_listening_test
from tests.bot.mos.conftest import Hall

pytestmark = pytest.mark.usefixtures("quiet")
UPLOADS = {f"clip{number}": (f"{number}.mp3", b"%d" % number) for number in range(1, 4)}


async def test_of_a_test_that_is_stopped_while_it_is_shown_no_further_clip_comes(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, tried = ListeningTests._post, list[str]()

    async def stopped_after_two(self: ListeningTests, one: ClipToShow) -> None:
        await post(self, one)
        tried.append(one.clip.name)
        if len(tried) == 2:
            stop_listening_test(hall.store, hall.world.guild.id)

    monkeypatch.setattr(ListeningTests, "_post", stopped_after_two)
    await hall.begin(**UPLOADS)
    assert len(tried) == 5 and len(hall.shown()) == 2


async def test_a_message_that_arrives_after_the_stop_goes(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    send = discord.abc.Messageable.send

    async def stopped_meanwhile(self: discord.abc.Messageable, *args: object, **options: object) -> discord.Message:
        message: discord.Message = await send(self, *args, **options)  # type: ignore[call-overload]
        if options.get("files"):
            with_test = listening_votes(hall.store, hall.world.guild.id).test
            if with_test.state is ListeningState.RUNNING:
                stop_listening_test(hall.store, hall.world.guild.id)
        return message

    monkeypatch.setattr(discord.abc.Messageable, "send", stopped_meanwhile)
    await hall.begin(**UPLOADS)
    assert hall.shown() == [] and not any(clip.message_id for clip in hall.clips())


@pytest.mark.parametrize("question", list(Question))
async def test_a_lost_file_keeps_back_its_own_clip_alone_and_the_test_ends_in_time(
    hall: Hall, question: Question, caplog: pytest.LogCaptureFixture
) -> None:
    reference = {"reference1": ("me.mp3", b"me")} if question is Question.SIMILARITY else {}
    await hall.say("start", None, covers=5, question=question.value, **UPLOADS, **reference)
    hall.prepare()
    lost = next(clip for clip in hall.clips() if clip.owner_id == hall.world.alice.id)
    hall.store.media.delete(lost.media_key or "")
    for _ in range(3):
        await hall.world.tick()
    assert len(hall.shown()) == len(hall.clips()) - 1
    assert f"not shown: {lost.name}. The others are shown" in await hall.say("status")
    assert len([one for one in caplog.records if "cannot be shown now" in one.getMessage()]) == 1
    hall.change(lambda test: setattr(test, "ends_at", now() - 1))
    await hall.world.tick()
    assert listening_votes(hall.store, hall.world.guild.id).test.state is ListeningState.ENDED


async def test_reactions_that_are_cleared_are_put_back_while_the_test_runs(hall: Hall) -> None:
    await hall.begin()
    message, backend = hall.of(hall.world.alice), hall.world.env.backend
    everything = dict.fromkeys(REACTIONS, 1)
    backend.clear_reactions(message.channel.id, message.id)
    await hall.world.env.settle()
    assert hall.lying(message) == everything
    backend.clear_reaction(message.channel.id, message.id, REACTIONS[2])
    await hall.world.env.settle()
    assert hall.lying(message) == everything
    await hall.carol.react(message, REACTIONS[2])
    assert hall.votes() == {(message.id, hall.carol.id): 2}
    await hall.say("stop")
    backend.clear_reactions(message.channel.id, message.id)
    await hall.world.env.settle()
    assert hall.lying(message) == dict.fromkeys(REACTIONS, 0)


async def test_a_channel_that_is_closed_or_gone_is_told_to_the_moderators(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, backend = hall.world, hall.world.env.backend
    home, stage = world.channel, world.guild.create_text_channel("stage")
    me = world.guild.me
    assert me is not None
    world.channel = stage
    await hall.say("start", None, covers=5)
    world.channel = home
    denied = discord.Permissions(send_messages=True, manage_messages=True)
    closed = Overwrite(target_id=me.id, type=OverwriteType.MEMBER, allow=0, deny=denied.value)
    backend.edit_channel(stage.id, {}, overwrites=[closed])
    hall.prepare()
    await world.tick()
    told = await hall.say("status")
    assert "0 of 2 clips shown" in told and f"<#{stage.id}> (Send Messages, Attach Files, Manage Messages)" in told
    backend.edit_channel(stage.id, {}, overwrites=[])
    later = now() + PAUSE_SECONDS
    monkeypatch.setattr("bot.mos.running.now", lambda: later)
    await world.tick()
    assert "2 of 2 clips shown" in (told := await hall.say("status")) and "permissions" not in told
    backend.delete_channel(stage.id)
    for status in (404, 403):  # a private thread that the bot has left
        world.env.inject_error("GET", f"/channels/{stage.id}", status=status, code=50001, times=1)
        assert "Its channel is gone" in (told := await hall.say("status")) and "Deleted by somebody" not in told
    assert "has ended" in await hall.say("stop")


async def test_a_reaction_that_discord_refuses_holds_up_no_test(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    await hall.begin()
    first, backend = hall.shown()[0], hall.world.env.backend
    full = f"/channels/{first.channel.id}/messages/{first.id}/reactions/*"
    hall.world.env.inject_error("PUT", full, status=400, code=30010, message="Maximum number of reactions", times=None)
    backend.clear_reaction(first.channel.id, first.id, REACTIONS[3])
    hall.change(lambda test: setattr(test, "ends_at", now() - 1))
    await hall.world.bot.listening_tests.on_ready()
    await hall.world.tick(4)
    assert listening_votes(hall.store, hall.world.guild.id).test.state is ListeningState.ENDED
    assert "Traceback" not in caplog.text


async def test_trouble_at_discord_while_a_reaction_is_taken_away_is_no_bug_of_ours(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await hall.begin()
    message, original, left = hall.of(hall.world.alice), FakeHTTPClient.request, [1]

    async def lost(self: FakeHTTPClient, route: Any, **options: Any) -> Any:
        if route.method == "DELETE" and left:
            left.pop()
            raise aiohttp.ClientConnectionError
        return await original(self, route, **options)

    monkeypatch.setattr(FakeHTTPClient, "request", lost)
    await hall.carol.react(message, REACTIONS[4])
    await hall.world.tick()
    assert hall.votes() == {(message.id, hall.carol.id): 4}
    assert hall.lying(message) == dict.fromkeys(REACTIONS, 1) and "Traceback" not in caplog.text
