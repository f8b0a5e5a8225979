"""A listening test from its start to its report: votes are secret, counted once, and nobody rates what is theirs."""

import csv
import io
import json
import os
import random
from collections.abc import Callable
from typing import Any

import discord
import pytest
from PIL import Image

from bot.app import DiscoverBot
from bot.mos.ballot import REACTIONS, value_of
from store import ListeningState, Question, Store, Voice, VoiceState
from store.tables import GuildSetting, now
from store.use_cases import agreed_to_tests, listening_votes, refuse_prepared
from tests.bot.mos.conftest import FILE, Hall
from tests.bot.world import response_of

pytestmark = pytest.mark.usefixtures("quiet")
UNTOUCHED = dict.fromkeys(REACTIONS, 1)  # the bot's own
PROMPT = "Choose in the menu"
RATERS = int(os.environ.get("RATERS", "6"))


async def test_clips_are_shown_under_neutral_names_with_five_reactions(hall: Hall) -> None:
    messages = await hall.begin(clip1=FILE, reference1=("real.mp3", b"real"))
    assert [message.attachments[0].filename for message in messages] == [f"clip-0{n}.mp3" for n in range(1, 6)]
    assert all(hall.lying(message) == UNTOUCHED for message in messages)
    seen = " ".join(message.content for message in messages)
    assert "alice" not in seen and "h24" not in seen and "real" not in seen.replace("realistic", "")
    assert "How natural does this sound?" in messages[0].content
    await hall.world.tick()
    assert len(hall.shown()) == 5


async def test_a_vote_is_counted_and_nobody_sees_it(hall: Hall) -> None:
    await hall.begin()
    message = hall.of(hall.world.alice)
    await hall.carol.react(message, REACTIONS[2])
    await hall.world.bob.react(message, REACTIONS[5])
    assert hall.votes() == {(message.id, hall.carol.id): 2, (message.id, hall.world.bob.id): 5}
    assert hall.lying(message) == UNTOUCHED
    await hall.carol.react(message, REACTIONS[4])
    assert hall.votes()[message.id, hall.carol.id] == 4 and len(hall.votes()) == 2


async def test_nobody_rates_their_own_voice(hall: Hall) -> None:
    await hall.begin()
    message, alice = hall.of(hall.world.alice), hall.world.alice
    await alice.react(message, REACTIONS[5])
    answer = await alice.select(message, ["5"])
    assert "This clip is your own" in response_of(answer).content + "".join(f.content for f in answer.followups)
    assert hall.votes() == {} and hall.lying(message) == UNTOUCHED


async def test_other_reactions_and_other_messages_are_no_votes(hall: Hall) -> None:
    await hall.begin()
    message = hall.of(hall.world.alice)
    await hall.carol.react(message, "👍")
    chat = await hall.carol.send(hall.world.channel, "hello")
    await hall.world.bob.react(chat, REACTIONS[3])
    assert hall.votes() == {}
    assert [value_of(text) for text in ("1️⃣", "5\u20e3", "6️⃣", "👍", "1")] == [1, 5, None, None, None]


async def test_the_menu_is_private_and_changes_the_vote(hall: Hall) -> None:
    await hall.begin()
    message = hall.of(hall.world.alice)
    await hall.carol.react(message, REACTIONS[2])
    for _ in range(2):
        answer = await hall.carol.select(message, ["5"])
    assert hall.votes() == {(message.id, hall.carol.id): 5}
    assert response_of(answer).ephemeral and "Your rating 5 is counted" in response_of(answer).content


async def test_votes_of_the_time_when_the_bot_was_away_count_once(
    hall: Hall, make_bot: Callable[[], DiscoverBot]
) -> None:
    await hall.begin()
    message, bob = hall.of(hall.world.alice), hall.world.bob
    backend = hall.world.env.backend
    await bob.react(message, REACTIONS[4])
    await hall.world.bot.remove_cog("ListeningTests")
    await bob.react(message, REACTIONS[1])
    await hall.carol.react(message, REACTIONS[3])
    assert hall.votes() == {(message.id, bob.id): 4}
    await hall.world.env.restart_bot(make_bot())
    await hall.world.tick()
    expected = {(message.id, bob.id): 1, (message.id, hall.carol.id): 3}
    assert hall.votes() == expected and hall.lying(message) == UNTOUCHED
    assert backend is hall.world.env.backend
    await hall.world.env.restart_bot(make_bot())
    await hall.world.tick()
    assert hall.votes() == expected and len(hall.shown()) == 2


async def test_votes_are_counted_before_a_test_ends_that_ran_out_meanwhile(
    hall: Hall, make_bot: Callable[[], DiscoverBot]
) -> None:
    await hall.begin()
    message = hall.of(hall.world.alice)
    await hall.world.bot.remove_cog("ListeningTests")
    await hall.carol.react(message, REACTIONS[3])
    hall.change(lambda test: setattr(test, "ends_at", now() - 1))
    await hall.world.env.restart_bot(make_bot())
    await hall.world.tick()
    assert hall.votes() == {(message.id, hall.carol.id): 3}
    assert listening_votes(hall.store, hall.world.guild.id).test.state is ListeningState.ENDED
    await hall.carol.react(message, REACTIONS[5])
    answer = await hall.carol.select(message, ["1"])
    assert "does not run any more" in response_of(answer).content + "".join(f.content for f in answer.followups)
    assert hall.votes() == {(message.id, hall.carol.id): 3} and hall.lying(message) == UNTOUCHED


async def test_without_manage_messages_only_the_menu_counts(hall: Hall) -> None:
    me = hall.world.guild.me
    assert me is not None
    hall.world.channel = hall.world.guild.create_text_channel(
        "plain", overwrites={me: discord.PermissionOverwrite(manage_messages=False)}
    )
    text = await hall.say("start", covers=5)
    assert "Manage Messages" in text and "Add Reactions" not in text and "menu alone" in text
    hall.prepare()
    await hall.world.tick()
    message = hall.of(hall.world.alice)
    assert message.reactions == [] and PROMPT in message.content
    await hall.carol.react(message, REACTIONS[5])
    assert hall.votes() == {}
    await hall.carol.select(message, ["2"])
    assert hall.votes() == {(message.id, hall.carol.id): 2}


async def test_a_channel_without_rights_is_one_sentence(hall: Hall) -> None:
    me = hall.world.guild.me
    assert me is not None
    hall.world.channel = hall.world.guild.create_text_channel(
        "closed", overwrites={me: discord.PermissionOverwrite(attach_files=False, send_messages=False)}
    )
    text = await hall.say("start", covers=5)
    assert text.startswith("I lack permissions in this channel: Send Messages, Attach Files")


async def test_only_moderators_may(hall: Hall, store: Store) -> None:
    hall.world.allow("mos", hall.carol)
    for command in ("start", "status", "stop", "report", "export"):
        assert "Only moderators" in await hall.say(command, hall.carol)
    role = hall.world.guild.create_role("ears")
    with store.write() as session:
        session.add(GuildSetting(guild_id=hall.world.guild.id, moderator_role_id=role.id))
    dora = hall.world.guild.add_member(hall.world.env.create_user("dora"), roles=[role])
    hall.world.allow("mos", hall.carol, dora)
    assert "is prepared" in await hall.say("start", dora, covers=2)
    assert "Only moderators" in await hall.say("stop", hall.carol)


async def test_what_cannot_be_tested_is_one_sentence(hall: Hall, store: Store) -> None:
    assert "fewer than 2 clips" in await hall.say("start")
    assert "exactly one reference" in await hall.say("start", covers=2, question=Question.SIMILARITY.value)
    twice = {"clip1": ("a.mp3", b"one"), "clip2": ("b.mp3", b"two"), "clip3": ("c.ogg", b"one")}
    assert "a.mp3 and c.ogg hold the same sound" in await hall.say("start", None, **twice)
    assert "a.mp3 and me.mp3 hold" in await hall.say("start", clip1=("a.mp3", b"one"), reference1=("me.mp3", b"one"))
    assert (await hall.say("stop")).startswith("There is no listening test that runs here.")
    assert (await hall.say("report")).startswith("There is no such listening test.")
    await hall.say("start", covers=2)
    assert "runs in this server already" in await hall.say("start", covers=2)
    assert "being prepared" in await hall.say("status")
    test = listening_votes(store, hall.world.guild.id).test
    refuse_prepared(store, test.id or 0, "silent_file", {"name": "A cover"}, "Nothing is to be heard in A cover.")
    assert "Nothing is to be heard in A cover" in await hall.say("status")
    for _ in range(2):
        await hall.world.tick(5)
        [told] = hall.world.public()
        assert "could not begin.** Nothing is to be heard in A cover" in told.content
    assert "is prepared" in await hall.say("start", covers=2)
    assert "has ended" in await hall.say("stop")
    assert "There is no listening test" in await hall.say("stop")


async def test_a_similarity_test_shows_the_reference_beside_each_clip(hall: Hall) -> None:
    messages = await hall.begin(question=Question.SIMILARITY.value, reference1=("me.mp3", b"me"))
    assert len(messages) == 4
    assert all([a.filename for a in message.attachments][1:] == ["reference.mp3"] for message in messages)


async def test_a_member_agrees_and_takes_it_back(hall: Hall, store: Store) -> None:
    guild, carol = hall.world.guild.id, hall.carol
    answer = await carol.slash(hall.world.channel, "listening-tests")
    assert response_of(answer).ephemeral and "You have not agreed" in response_of(answer).content
    await carol.click(response_of(answer), label="Yes, use them")
    assert agreed_to_tests(store, carol.id, guild) is True
    messages = await hall.begin()
    again = await hall.world.alice.slash(hall.world.channel, "listening-tests")
    await hall.world.alice.click(response_of(again), label="No")
    await hall.world.tick(5)
    assert len(messages) == 2 and len(hall.shown()) == 1 and len(hall.clips()) == 1


async def test_a_forgotten_member_leaves_the_running_test(hall: Hall) -> None:
    await hall.begin()
    of_bob, alice = hall.of(hall.world.bob), hall.world.alice
    await alice.react(of_bob, REACTIONS[3])
    await hall.carol.react(of_bob, REACTIONS[4])
    await hall.carol.react(hall.of(alice), REACTIONS[2])
    answer = await alice.slash(hall.world.channel, "forget-me")
    await alice.click(response_of(answer), label="Remove everything")
    await hall.world.tick(5)
    assert hall.votes() == {(of_bob.id, hall.carol.id): 4}
    assert [message.id for message in hall.shown()] == [of_bob.id]


async def test_a_deleted_message_keeps_the_others_going(hall: Hall, make_bot: Callable[[], DiscoverBot]) -> None:
    await hall.begin()
    gone, kept = hall.of(hall.world.alice), hall.of(hall.world.bob)
    await hall.carol.react(gone, REACTIONS[5])
    hall.world.env.backend.delete_message(gone.channel.id, gone.id)
    await hall.world.env.restart_bot(make_bot())
    await hall.world.tick()
    number = next(clip.position for clip in hall.clips() if clip.message_id == gone.id)
    assert f"Deleted by somebody: clip-{number:02d}. Votes on them stay" in await hall.say("status")
    await hall.carol.react(kept, REACTIONS[2])
    assert hall.votes() == {(gone.id, hall.carol.id): 5, (kept.id, hall.carol.id): 2} and len(hall.shown()) == 1


async def test_what_was_cast_is_what_is_reported(hall: Hall, make_bot: Callable[[], DiscoverBot]) -> None:
    chance = random.Random(4)
    clips = {f"clip{n}": (f"{n}.mp3", f"clip {n}".encode()) for n in range(1, 9)}
    messages = await hall.begin(**clips, reference1=("r.mp3", b"real"))
    raters = [hall.world.guild.add_member(hall.world.env.create_user(f"rater{n}")) for n in range(RATERS)]
    roles = {clip.message_id: clip.role for clip in hall.clips()}
    cast: dict[tuple[int | None, int], int] = {}
    for number, message in enumerate(messages):
        for rater in raters:
            value = {"reference": 5, "anchor": 1}.get(roles[message.id], chance.randint(2, 4))
            value = 6 - value if rater is raters[0] else value  # somebody who does not listen
            await rater.react(message, REACTIONS[value])
            cast[message.id, rater.id] = value
        if number in (3, 8):
            await hall.world.env.restart_bot(make_bot())
    assert hall.votes() == cast and all(hall.lying(message) == UNTOUCHED for message in messages)

    said = await hall.moderator.slash(hall.world.channel, "mos report")
    text = response_of(said).content or said.followups[0].content
    shown = [*response_of(said).attachments, *(a for f in said.followups for a in f.attachments)]
    pictures = [Image.open(io.BytesIO(await attachment.read())) for attachment in shown]
    assert [(one.format, one.width) for one in pictures] == [("PNG", 780)] * 2  # the covers, the uploads
    assert len(messages) == 12 and f"{12 * RATERS} votes of {RATERS} raters" in text
    assert "Left out: 1 (rated the hidden reference low)" in text
    assert "Hidden references: **5.00**" in text and "Low anchors: **1.00**" in text and "P.808" in text
    assert "Covers (h24): **" in text and "Krippendorff" in text
    assert "12 of 12 clips shown" in await hall.say("status")

    answer = await hall.moderator.slash(hall.world.channel, "mos export")
    files: dict[str, Any] = {}
    for attachment in [*response_of(answer).attachments, *(a for f in answer.followups for a in f.attachments)]:
        files[attachment.filename.rpartition(".")[2]] = await attachment.read()
    rows = list(csv.DictReader(io.StringIO(files["csv"].decode())))
    assert len(rows) == 12 * RATERS and sum(int(row["counted"]) for row in rows) == 12 * (RATERS - 1)
    assert sum(int(row["value"]) for row in rows) == sum(cast.values())
    table = json.loads(files["json"])
    assert len(table["votes"]) == 12 * RATERS and list(table["screened"].values()) == ["reference"]
    assert str(raters[0].id) not in files["csv"].decode() + files["json"].decode()


async def test_a_member_is_asked_once_where_tests_are_held(hall: Hall, store: Store) -> None:
    world, carol = hall.world, hall.carol
    with store.write() as session:
        session.add(Voice(owner_id=carol.id, name="mine", state=VoiceState.READY))
    song = {"voice": "mine", "song": ("song.mp3", b"song")}
    asked = []
    for begin in (False, True, True):
        if begin and not hall.shown():
            await hall.begin()
        answer = await carol.slash(world.channel, "cover", **song)
        asked.append(any("May your covers be rated" in followup.content for followup in answer.followups))
    assert asked == [False, True, False] and agreed_to_tests(store, carol.id, world.guild.id) is False
