"""`/match` from the command to the delivered message."""

from collections.abc import Callable
from typing import Any

import pytest
from simcord import actors
from simcord.backend.cdn import CdnStore

from store import JobState, Store, clips
from tests.bot.world import Worker, World, response_of, text_of

RESULT = {
    "model": "ast-singers-86",
    "candidates": [{"name": "IU", "share": 0.41}, {"name": "Taeyeon", "share": 0.2}],
    "none": 0.23,
    "range": {"low": "A2", "high": "E4"},
    "notes": 2,
    "seconds": 34.0,
    "calibration": "temperature on 2 909 songs",
}
pytestmark = pytest.mark.usefixtures("quiet")


async def test_notes_become_a_queued_job_a_card_and_a_result(
    world: World, worker: Worker, rung: Callable[[], list[str]], store: Store
) -> None:
    answer = await world.alice.slash(world.channel, "match", note1=("hello.ogg", b"one"), note2=("hello.ogg", b"two"))

    job = worker.only()
    assert answer.ephemeral and "in line" in response_of(answer).content
    assert (job.kind, job.state, job.user_id, job.channel_id) == (
        "match",
        JobState.QUEUED,
        world.alice.id,
        world.channel.id,
    )
    assert len(rung()) == 1
    assert "place 1 in line" in response_of(answer).content

    worker.render(job, RESULT)
    await world.tick()

    (result,) = world.cards()
    assert result.id == response_of(answer).id and "Share in" in str(result.components) and world.public() == []
    assert "IU**: 41%" in result.content and "None of them: 23%" in result.content
    assert "A2 to E4" in result.content and "ast-singers-86" not in result.content
    details = response_of(await world.alice.click(result, label="Details"))
    assert "ast-singers-86" in text_of(details) and details.ephemeral
    assert worker.only().state == JobState.DELIVERED


async def test_the_notes_are_kept_with_their_bytes_and_their_day(world: World, worker: Worker, store: Store) -> None:
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"one"), note2=("b.ogg", b"two"))

    with store.read() as session:
        notes = clips.of_job(session, worker.only().id)
    assert [store.media.path(note.media_key).read_bytes() for note in notes] == [b"one", b"two"]
    assert [(note.name, note.bytes, note.source) for note in notes] == [
        ("a.ogg", 3, "command"),
        ("b.ogg", 3, "command"),
    ]
    assert all(note.expires_at - note.created_at == pytest.approx(store.clip_days * 86400, abs=5) for note in notes)


async def test_a_message_is_matched_by_its_menu(world: World, worker: Worker, store: Store) -> None:
    message = await world.alice.send(world.channel, attachments=[("voice-message.ogg", b"sound"), ("cat.png", b"png")])

    await world.alice.context_menu(world.channel, "Match this voice note", message)

    with store.read() as session:
        (note,) = clips.of_job(session, worker.only().id)
    assert (note.name, note.source, note.user_id) == ("voice-message.ogg", "message", world.alice.id)


async def test_a_note_keeps_the_name_that_discord_gives_as_its_title(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = CdnStore.store_attachment
    monkeypatch.setattr(CdnStore, "store_attachment", lambda *given: stored(*given) | {"title": "사랑의 노래"})
    await world.alice.slash(world.channel, "match", note1=("_.mp3", b"sound"))
    with store.read() as session:
        (note,) = clips.of_job(session, worker.only().id)
    assert note.name == "사랑의 노래.mp3"


async def test_nobody_has_anothers_voice_compared(world: World, store: Store) -> None:
    message = await world.bob.send(world.channel, attachments=[("voice-message.ogg", b"sound")])

    answer = await world.alice.context_menu(world.channel, "Match this voice note", message)

    assert response_of(answer).content.startswith("This voice note belongs to another member.")
    assert world.public() == [] and store.media.keys() == set()


async def test_a_message_without_sound_gets_one_sentence(world: World, store: Store) -> None:
    message = await world.alice.send(world.channel, "hi", attachments=[("cat.png", b"png")])

    answer = await world.alice.context_menu(world.channel, "Match this voice note", message)

    assert response_of(answer).content.startswith("There is no voice note or audio file here.")
    assert world.public() == [] and store.media.keys() == set()


async def test_the_fourth_job_is_refused_and_leaves_no_file(world: World, worker: Worker, store: Store) -> None:
    for number in range(3):
        await world.alice.slash(world.channel, "match", note1=("a.ogg", bytes([number])))

    answer = await world.alice.slash(world.channel, "match", note1=("a.ogg", b"fourth"))

    assert response_of(answer).content.startswith("You have reached the limit of jobs waiting or running (3)")
    assert len(store.media.keys()) == 3 and len(world.cards()) == 4


async def test_a_korean_member_reads_korean(world: World, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    interactions: Any = vars(actors)["_interactions"]
    original = interactions.base_payload

    def korean(*args: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        record, payload = original(*args, **options)
        return record, {**payload, "locale": "ko"}

    monkeypatch.setattr(interactions, "base_payload", korean)
    answer = await world.alice.slash(world.channel, "match", note1=("a.ogg", b"one"))
    job = worker.only()
    assert "대기 중: 1번째" in response_of(answer).content and job.locale == "ko"
    worker.fail(job, "silent", {"name": "a.ogg"}, "a.ogg is silent. Check the microphone and record again.")
    await world.tick()

    assert "a.ogg: 소리가 없어요." in response_of(answer).content and world.public() == []


class TestWithoutTheQueue:
    """Redis is down while the command runs."""

    @pytest.fixture
    def redis_url(self) -> str:
        """A port where nobody listens."""
        return "redis://127.0.0.1:1"

    async def test_the_job_waits_in_the_database_and_the_member_sees_its_card(
        self, world: World, worker: Worker
    ) -> None:
        answer = await world.alice.slash(world.channel, "match", note1=("a.ogg", b"one"))

        assert worker.only().state == JobState.QUEUED
        assert "in line" in response_of(answer).content
