"""Whatever finds nothing says what to do next, with a command to click; in both languages."""

import re

import pytest
from sqlmodel import col, select

from bot.messages.result import compose
from bot.texts.mentions import clickable
from bot.texts.sentences import texts
from store import Job, Store, Voice, VoiceState, voices
from store.errors import DuplicateVoiceName, NotFound, StoreError, TooManyJobs, VoiceNotReady, VoiceUnanswered
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")
MENTION = re.compile(r"</[^:>]+:\d+>")
EMPTY = (
    "voices.none",
    "voices.none_own",
    "jobs.none",
    "jobs.none_own",
    "basket.empty",
    "again.alone",
    "liking.none",
    "liking.empty",
    "my_data.nothing",
    "library.none.song",
    "library.none.singer",
    "mos.no_votes",
    "result.match.empty",
    "result.match.none_means",
    "result.cover.free_voice",
    "result.instant.next",
)
"""Sentences of lists and results that hold nothing, or less than they could."""
REFUSALS: tuple[type[StoreError], ...] = (
    NotFound,
    *NotFound.__subclasses__(),
    VoiceNotReady,
    VoiceUnanswered,
    DuplicateVoiceName,
    TooManyJobs,
)
CODES = (*(one.code for one in REFUSALS), "no_audio", "unknown_button", "song_or_title", "nothing_to_rate")


def jobs_of(store: Store) -> list[Job]:
    """Every job, oldest first."""
    with store.read() as session:
        return list(session.exec(select(Job).order_by(col(Job.created_at))).all())


async def test_every_empty_state_names_the_next_step(world: World) -> None:
    mentions = world.bot.services.mentions
    for language in ("en", "ko"):
        for key in EMPTY:
            assert MENTION.search(clickable(texts(language).sentences[key], mentions)), (language, key)
    for code in CODES:
        assert MENTION.search(clickable(texts("ko").sentences[f"errors.{code}"], mentions)), code
    for one in REFUSALS:
        assert MENTION.search(clickable(one.sentence, mentions)), one


async def test_commands_that_find_nothing_say_what_to_do(world: World, store: Store) -> None:
    for command, wanted in (("voices", "train"), ("jobs", "cover")):
        assert f"</{wanted}:" in response_of(await world.alice.slash(world.channel, command)).content
    for options, wanted in (({"voice": "x", "title": "y"}, "train"), ({"voice": "#1", "title": "y"}, "cover")):
        with store.write() as session:
            session.merge(Voice(id=1, owner_id=world.alice.id, name="mine", state=VoiceState.READY))
        refused = response_of(await world.alice.slash(world.channel, "cover", **options))
        assert f"</{wanted}:" in refused.content and refused.ephemeral


async def test_an_autocomplete_without_a_choice_says_what_to_do(world: World) -> None:
    voice = await world.alice.autocomplete(world.channel, "cover", "voice", "x")
    title = await world.alice.autocomplete(world.channel, "cover", "title", "x", voice="")
    assert [(one["name"], one["value"]) for one in voice] == [
        ("No voice fits. /train makes one from your voice notes", "#0")
    ]
    assert [(one["name"], one["value"]) for one in title] == [("No song fits. Send a song file", "#0")]
    picked = response_of(await world.alice.slash(world.channel, "cover", voice="#0", title="#0"))
    assert "There is no such voice" in picked.content and MENTION.search(picked.content)


async def test_a_cover_in_a_free_voice_offers_an_own_one(world: World, worker: Worker, store: Store) -> None:
    with store.write() as session:
        session.add(own := Voice(owner_id=world.alice.id, name="mine", state=VoiceState.READY))
        session.add(free := Voice(owner_id=voices.PUBLIC, name="Emma", state=VoiceState.READY))
        session.flush()
        ids = own.id, free.id
    for number in ids:
        await world.alice.slash(world.channel, "cover", voice=f"#{number}", song=("a.mp3", b"x"))
    own_job, free_job = jobs_of(store)
    for job in (own_job, free_job):
        worker.render(job, {"song": "a", "voice": "b", "seconds": 10.0})
    said = [compose(worker.job(job.id), texts("en")) for job in (own_job, free_job)]
    assert "free for all" not in said[0] and "free for all. Hear it in your own: /train" in said[1]
