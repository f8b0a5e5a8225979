"""`/voices`: the list, and deleting after a second look."""

import pytest
from sqlmodel import select

from bot import voices as ours
from bot.texts.sentences import texts
from store import JobState, NotYours, Voice, VoiceState, voices
from store.use_cases import delete_voice

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def mine(store, world):
    """Alice's ready voice with files."""
    keys = {k: store.media.put_bytes(k.encode(), "x.pth") for k in ("model_key", "index_key")}
    quality = {"minutes": 9.5, "cosine": 0.87, "steps": None, "models": {"speaker": "resemblyzer"}}
    with store.write() as session:
        voice = Voice(owner_id=world.alice.id, name="**mine**", state=VoiceState.READY, quality=quality, **keys)
        session.add(voice)
        session.flush()
        return voice


def names(store):
    """Every voice's name."""
    with store.read() as session:
        return [voice.name for voice in session.exec(select(Voice)).all()]


async def test_voices_are_listed_with_their_figures_to_their_owner_only(world, mine):
    answer = await world.alice.slash(world.channel, "voices")
    text = answer.response.content
    assert answer.response.ephemeral
    for part in ("\\*\\*mine\\*\\*", "ready", "9.5 min", "cosine): 0.87", "speaker resemblyzer"):
        assert part in text
    assert "steps" not in text and "probab" not in text
    other = await world.bob.slash(world.channel, "voices")
    assert other.response.content.startswith("You have no voice yet") and other.response.components == []


async def test_a_voice_is_deleted_after_a_second_look(world, mine, store):
    answer = await world.alice.slash(world.channel, "voices")
    await world.alice.select(answer.response, [str(mine.id)])
    assert "Delete the voice" in answer.response.content and names(store) == ["**mine**"]

    await world.alice.click(answer.response, label="Delete it")
    assert "is deleted" in answer.response.content and answer.response.components == []
    assert names(store) == [] and store.media.keys() == set()


async def test_a_voice_is_kept_on_second_thought_even_after_a_restart(world, mine, store, make_bot):
    answer = await world.alice.slash(world.channel, "voices")
    await world.env.restart_bot(make_bot())
    await world.alice.select(answer.response, [str(mine.id)])
    await world.env.restart_bot(make_bot())
    await world.alice.click(answer.response, label="Keep it")
    assert "Nothing was deleted" in answer.response.content and names(store) == ["**mine**"]


async def test_a_voice_that_is_gone_is_one_sentence(world, mine, store):
    answer = await world.alice.slash(world.channel, "voices")
    await world.alice.select(answer.response, [str(mine.id)])
    delete_voice(store, mine.id, world.alice.id)
    click = await world.alice.click(answer.response, label="Delete it")
    assert click.followups[0].content == "There is no such voice."


def test_somebody_elses_voice_is_not_deleted(world, mine, store):
    with pytest.raises(NotYours):
        delete_voice(store, mine.id, world.bob.id)
    assert names(store) == ["**mine**"]


async def test_deleting_a_voice_in_training_stops_its_training(world, store, worker):
    await world.alice.slash(world.channel, "train", name="young", note1=("a.ogg", b"x"))
    with store.read() as session:
        voice = voices.of_job(session, worker.only().id)
    delete_voice(store, voice.id, world.alice.id)
    await world.tick()
    assert worker.only().state == JobState.CANCELLED and names(store) == [] and store.media.keys() == set()


def test_the_list_is_korean_too(mine):
    shown = ours.listing([mine], texts("ko"))
    assert "사용 가능" in shown and "유사도(코사인): 0.87" in shown
    assert ours.listing([], texts("ko")).startswith("아직 목소리가 없어요")


def test_many_voices_fit_one_message():
    many = [Voice(owner_id=1, name="x" * 32, state=VoiceState.READY, quality={"minutes": 1.0}) for _ in range(60)]
    assert len(ours.listing(many, texts("en"))) <= 2000
