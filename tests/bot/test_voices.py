"""`/voices`: the list, and deleting after a second look."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import discord
import pytest
from simcord import InteractionResult, actors
from sqlmodel import select

from bot import voices as ours
from bot.app import DiscoverBot
from bot.covers import voice_choices
from bot.interactions.components import view_of
from bot.texts.sentences import texts
from store import Job, JobKind, JobState, NotFound, Outbox, Store, Voice, VoiceState, voices
from store.tables import OutboxState
from store.use_cases import agree, delete_voice
from tests.bot.world import BUTTON, Worker, World, parts_of, response_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def mine(store: Store, world: World) -> Voice:
    """Alice's ready voice with files."""
    keys: dict[str, Any] = {k: store.media.put_bytes(k.encode(), "x.pth") for k in ("model_key", "index_key")}
    quality = {"minutes": 9.5, "cosine": 0.87, "steps": None, "models": {"speaker": "resemblyzer"}}
    with store.write() as session:
        voice = Voice(owner_id=world.alice.id, name="**mine**", state=VoiceState.READY, quality=quality, **keys)
        session.add(voice)
        session.flush()
        return voice


def names(store: Store) -> list[str]:
    """Every voice's name."""
    with store.read() as session:
        return [voice.name for voice in session.exec(select(Voice)).all()]


async def test_voices_are_listed_with_their_figures_to_their_owner_only(world: World, mine: Voice) -> None:
    answer = await world.alice.slash(world.channel, "voices")
    text = text_of(response_of(answer))
    assert response_of(answer).ephemeral
    for part in ("\\*\\*mine\\*\\*", "ready", "9.5 min"):
        assert part in text
    await world.alice.click(response_of(answer), label="Manage")
    opened = text_of(response_of(answer))
    details = await world.alice.click(response_of(answer), label="Details")
    told = text_of(response_of(details))
    assert response_of(details).ephemeral
    for part in ("cosine): 0.87", "speaker: resemblyzer"):
        assert part in told and part not in text + opened
    assert "steps" not in told and "probab" not in told
    other = await world.bob.slash(world.channel, "voices")
    assert text_of(response_of(other)).startswith("You have no voice yet") and response_of(other).components == []


async def test_a_voice_is_deleted_after_a_second_look(world: World, mine: Voice, store: Store) -> None:
    answer = await world.alice.slash(world.channel, "voices")
    await world.alice.click(response_of(answer), label="Manage")
    assert "trains it anew" in text_of(response_of(answer))
    await world.alice.click(response_of(answer), label="Delete")
    assert "Delete the voice" in text_of(response_of(answer)) and names(store) == ["**mine**"]

    await world.alice.click(response_of(answer), label="Delete it")
    assert "is deleted" in text_of(response_of(answer)) and parts_of(response_of(answer), BUTTON) == []
    assert names(store) == [] and store.media.keys() == set()


async def test_what_a_member_opened_of_a_voices_training_goes_with_it(world: World, mine: Voice, store: Store) -> None:
    sample = [{"key": store.media.put_bytes(b"sample", "sample.mp3"), "name": "sample.mp3"}]
    with store.write() as session:
        job = Job(kind=JobKind.TRAIN, user_id=world.alice.id, state=JobState.DELIVERED, result={"voice": "mine"})
        session.add(job)
        session.flush()
        session.add(Outbox(job_id=job.id, user_id=world.alice.id, files=sample, state=OutboxState.SENT))
        session.get_one(Voice, mine.id).job_id = job.id
    listed = response_of(await world.alice.slash(world.channel, "jobs"))
    shown = response_of(await world.alice.click(listed, label="Show result"))
    assert [file.filename for file in shown.attachments] == ["sample.mp3"]
    answer = response_of(await world.alice.slash(world.channel, "voices"))
    for label in ("Manage", "Delete", "Delete it"):
        await world.alice.click(answer, label=label)
    assert "is deleted" in text_of(answer) and shown.id not in {card.id for card in world.cards()}


async def test_a_voice_is_kept_on_second_thought_even_after_a_restart(
    world: World, mine: Voice, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    answer = await world.alice.slash(world.channel, "voices")
    await world.env.restart_bot(make_bot())
    await world.alice.click(response_of(answer), label="Manage")
    await world.env.restart_bot(make_bot())
    await world.alice.click(response_of(answer), label="Delete")
    await world.env.restart_bot(make_bot())
    await world.alice.click(response_of(answer), label="Keep it")
    assert "Nothing was deleted" in text_of(response_of(answer)) and names(store) == ["**mine**"]


async def test_a_voice_that_is_gone_is_one_sentence(world: World, mine: Voice, store: Store) -> None:
    answer = await world.alice.slash(world.channel, "voices")
    await world.alice.click(response_of(answer), label="Manage")
    await world.alice.click(response_of(answer), label="Delete")
    delete_voice(store, mine.id or 0, world.alice.id)
    click = await world.alice.click(response_of(answer), label="Delete it")
    assert click.followups[0].content.startswith("There is no such voice.")


def test_somebody_elses_voice_is_not_deleted(world: World, mine: Voice, store: Store) -> None:
    with pytest.raises(NotFound):
        delete_voice(store, mine.id or 0, world.bob.id)
    assert names(store) == ["**mine**"]


async def test_deleting_a_voice_in_training_stops_its_training(world: World, store: Store, worker: Worker) -> None:
    await world.train(worker, "young", [("a.ogg", b"x")])
    with store.read() as session:
        voice = voices.of_job(session, worker.only().id)
    assert voice is not None
    delete_voice(store, voice.id or 0, world.alice.id)
    await world.tick()
    assert worker.only().state == JobState.CANCELLED and names(store) == []


async def test_a_voice_whose_training_was_not_agreed_to_is_not_said_to_be_trained(
    world: World, worker: Worker, store: Store
) -> None:
    await world.train(worker, "young", [("a.ogg", b"x")])
    asked = await world.alice.slash(world.channel, "voices")
    assert "young**: waiting for your answer" in text_of(response_of(asked))
    await world.alice.click(response_of(asked), label="Manage")
    assert "waiting for your answer" in text_of(response_of(asked))
    with store.read() as session:
        young = voices.of_job(session, worker.only().id)
    assert young is not None
    assert "답변 기다리는 중" in ours.line(young, texts("ko"), unanswered=True) and "학습 중" in ours.line(
        young, texts("ko")
    )
    agree(store, worker.only().id, world.alice.id, "yes")
    agreed = await world.alice.slash(world.channel, "voices")
    assert "young**: training" in text_of(response_of(agreed))


async def test_the_list_is_korean_too(mine: Voice) -> None:
    assert "사용 가능" in ours.line(mine, texts("ko"))
    shown = ours.card(mine, texts("ko"))
    assert "사용 가능" in shown and "코사인" not in shown and "resemblyzer" not in shown
    told = ours.figures(mine, texts("ko"))
    assert "유사도(코사인): 0.87" in told and "resemblyzer" in told
    assert ours.listing([], texts("ko"))[0].startswith("아직 목소리가 없어요")


def add_many(store: Store, owner: int, number: int) -> None:
    """Voices with every figure, the last ones by newer models."""
    with store.write() as session:
        for each in range(number):
            models = {"voice": "h24" if each < number - 2 else "h25", "content": "whisper text", "f0": "SwiftF0"}
            quality = {"minutes": 9.5, "cosine": 0.87, "steps": 1200, "base": "h24 base", "models": models}
            session.add(Voice(owner_id=owner, name=f"voice {each:02}", state=VoiceState.READY, quality=quality))


async def test_every_one_of_many_voices_can_be_seen_and_deleted(
    world: World, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    add_many(store, world.alice.id, 60)
    answer = await world.alice.slash(world.channel, "voices")
    seen, pages = list[str](), list[int]()
    while True:
        text, buttons = text_of(response_of(answer)), parts_of(response_of(answer), BUTTON)
        assert len(text) <= 4000
        found = re.findall(r"voice \d+", text)
        seen += found
        pages.append(len(found))
        beside = [button["custom_id"] for button in buttons if button["label"] == "Manage"]
        assert len(beside) == len(found)
        if "More ▶" not in str(buttons):
            break
        await world.env.restart_bot(make_bot())
        await world.alice.click(response_of(answer), label="More ▶")
    assert sorted(seen) == [f"voice {each:02}" for each in range(60)] and set(pages) == {10}
    assert "h25" not in text  # a model's name is in the details of its voice alone
    last = next(voice for voice in names(store) if voice == seen[-1])
    await world.alice.click(response_of(answer), custom_id=beside[-1])
    assert "h25" not in text_of(response_of(answer))
    details = await world.alice.click(response_of(answer), label="Details")
    assert text_of(response_of(details)).count("h25") == 1
    await world.alice.click(response_of(answer), label="Delete")
    await world.alice.click(response_of(answer), label="Delete it")
    assert last not in names(store) and len(names(store)) == 59


async def test_a_page_that_is_gone_shows_the_last_one(world: World, store: Store) -> None:
    add_many(store, world.alice.id, 20)
    answer = await world.alice.slash(world.channel, "voices")
    with store.write() as session:
        for voice in session.exec(select(Voice)).all()[3:]:
            session.delete(voice)
    await world.alice.click(response_of(answer), label="More ▶")
    assert len(re.findall(r"voice \d+", text_of(response_of(answer)))) == 3
    assert "Page" not in text_of(response_of(answer))


def test_a_choice_names_a_voice_without_a_name_by_its_number(store: Store, world: World) -> None:
    with store.write() as session:
        voice = Voice(owner_id=world.alice.id, name="\u3164", state=VoiceState.READY)
        session.add(voice)
        session.flush()
        number = voice.id
    assert voice_choices(store, world.alice.id, "", texts("en")) == [(f"#{number}", f"#{number}")]


async def test_a_list_that_was_shown_before_lists_had_buttons_still_works(world: World, mine: Voice) -> None:
    option = discord.SelectOption(label="mine", value=str(mine.id))
    menu = discord.ui.Select[discord.ui.View](custom_id="voices:pick", options=[option])
    old = await world.post("**Your voices**", view_of(menu, ours.VoicesPage.labelled("More ▶", page=1)))
    await world.alice.select(old, [str(mine.id)])
    assert "trains it anew" in world.public()[0].content
    await world.alice.click(world.public()[0], label="All voices")
    [turned] = world.public()
    assert turned.content == "" and turned.flags.components_v2 and "9.5 min" in str(turned.components[0].to_dict())


async def opened(world: World, voice: Voice) -> InteractionResult:
    """Alice has chosen her voice."""
    answer = await world.alice.slash(world.channel, "voices")
    await world.alice.click(response_of(answer), label="Manage")
    return answer


async def test_a_voice_is_renamed_even_if_the_bot_restarts_before_the_form_is_sent(
    world: World, mine: Voice, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    answer = await opened(world, mine)
    form = await world.alice.click(response_of(answer), label="Rename")
    done = await world.alice.submit_modal(form, {"name": " song  bird "})
    assert response_of(done).content == "The voice “\\*\\*mine\\*\\*” is now called “song bird”."
    assert response_of(done).ephemeral and names(store) == ["song bird"]

    form = await world.alice.click(response_of(answer), label="Rename")
    await world.env.restart_bot(make_bot())
    with store.write() as session:
        session.add(Voice(owner_id=world.alice.id, name="second", state=VoiceState.READY))
    refused = await world.alice.submit_modal(form, {"name": "SECOND"})
    assert "already have a voice called SECOND" in response_of(refused).content
    assert names(store) == ["song bird", "second"]


async def test_a_voice_is_exported_to_its_owner_alone(world: World, mine: Voice, store: Store) -> None:
    answer = await opened(world, mine)
    click = await world.alice.click(response_of(answer), label="Export")
    message = response_of(click)
    assert message.ephemeral and "whoever has them can sing as you" in message.content
    (model, index) = message.attachments
    assert model.filename.endswith(".safetensors") and index.filename.endswith(".index.safetensors")

    copied = await world.post("copied", view_of(*acts(mine)))
    for label in ("Export", "Rename", "Delete"):
        theft = await world.bob.click(copied, label=label)
        assert "There is no such voice." in str([theft.response, *theft.followups])
    delete_voice(store, mine.id or 0, world.alice.id)
    again = await world.alice.click(copied, label="Export")
    assert "There is no such voice." in str([again.response, *again.followups])


async def test_a_voice_is_sent_up_to_what_discord_takes_of_this_member_in_this_place(
    world: World, mine: Voice, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    interactions: Any = vars(actors)["_interactions"]
    original = interactions.base_payload

    def limited(limit: int) -> Callable[..., Any]:
        def payload(*args: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
            record, sent = original(*args, **options)
            return record, {**sent, "attachment_size_limit": limit}

        return payload

    size = store.media.path(mine.model_key or "").stat().st_size
    answer = await opened(world, mine)
    monkeypatch.setattr(interactions, "base_payload", limited(size - 1))
    refused = response_of(await world.alice.click(response_of(answer), label="Export"))
    assert "larger than Discord allows here" in refused.content and f"number is {mine.id}" in refused.content
    assert refused.attachments == []
    monkeypatch.setattr(interactions, "base_payload", limited(size))
    assert len(response_of(await world.alice.click(response_of(answer), label="Export")).attachments) == 2


def acts(voice: Voice) -> list[ours.VoiceAct]:
    """The buttons of a voice's card."""
    say = texts("en")
    return [ours.VoiceAct.labelled(say(f"voices.{act}"), act=act, voice=voice.id or 0) for act in ours.ACTS]


def test_a_voice_is_found_by_its_mark_too(store: Store, worker: Worker) -> None:
    worker.add_voice(7, "mine")
    worker.add_voice(voices.PUBLIC, "Emma")
    for language, mark in (("en", "free"), ("ko", "무료"), ("ko", "ㅁㄹ")):
        assert [name for name, _ in voice_choices(store, 7, mark, texts(language))] == [
            f"Emma · {texts(language)('command.cover.free')}"
        ]
    assert [name for name, _ in voice_choices(store, 7, "mi", texts("ko"))] == ["mine"]


async def test_a_voice_whose_files_are_removed_while_it_is_exported_is_one_sentence(
    world: World, mine: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await opened(world, mine)
    monkeypatch.setattr(ours, "voice_files", lambda *_: (mine, tmp_path / "removed", tmp_path / "removed too"))
    refused = response_of(await world.alice.click(response_of(answer), label="Export"))
    assert "no such file any more" in refused.content
