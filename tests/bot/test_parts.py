"""Below a cover: its parts, for its member alone, and one sentence where a part is not there."""

import json
import re
from collections.abc import Callable
from typing import Any

import discord
import pytest
from simcord import InteractionResult, ResponseMessage
from sqlmodel import select

from bot import parts
from bot.app import DiscoverBot, result_view
from bot.texts.sentences import texts
from store import Job, Outbox, Store, Voice
from store.params import cover_params, drop_uploads
from store.use_cases import PartOfCover, cover_part
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")
LABELS = {"Vocals only": "vocals_part", "Instrumental": "instrumental_part", "Voice message": "voice_message"}


def said(click: InteractionResult) -> ResponseMessage:
    """What the member is told, below the cover."""
    return click.followups[-1] if click.followups else response_of(click)


@pytest.fixture
def mixed(cover_card: discord.Message, worker: Worker, store: Store) -> Job:
    """Alice's delivered cover, over an instrumental; its parts are not there yet."""
    with store.write() as session:
        row = session.get_one(Job, worker.only().id)
        row.result = row.result | {"instrumental_shift": 0, "seconds": 2.5, "waveform": "AP8="}
        session.add(row)
    return worker.only()


def complete(store: Store) -> None:
    """The worker has written the parts."""
    with store.write() as session:
        row = session.exec(select(Outbox)).one()
        keys = {part: store.media.put_bytes(part.encode(), f"{part}.ogg") for part in LABELS.values()}
        row.files = [*row.files, *({"key": key, "name": f"{part}.ogg", "part": part} for part, key in keys.items())]
        session.add(row)


async def shown(world: World) -> discord.Message:
    """The cover once more, as /jobs shows it."""
    listed = await world.alice.slash(world.channel, "jobs")
    await world.alice.click(response_of(listed), label="Show result")
    return world.cards()[-1]


async def test_each_part_is_sent_to_its_member_alone_also_after_a_restart(
    mixed: Job, world: World, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    complete(store)
    card = await shown(world)
    assert [file.filename for file in card.attachments] == ["cover.mp3"]
    await world.env.restart_bot(make_bot())
    for label in ("Vocals only", "Instrumental"):
        sent = said(await world.alice.click(card, label=label))
        assert sent.ephemeral and await sent.attachments[0].read() == LABELS[label].encode()
        assert "“Palette”" in sent.content and "30 days" in sent.content
    voice = said(await world.alice.click(card, label="Voice message"))
    assert await voice.attachments[0].read() == b"voice_message" and voice.content == ""
    sent_by = [r for r in world.env.http_requests if r.method == "POST" and "/webhooks/" in r.path][-1]
    body = sent_by.json
    assert isinstance(body, dict) and body["flags"] == 8192 + 64
    (file,) = body["attachments"]
    assert (file["duration_secs"], file["waveform"], file["filename"]) == (2.5, "AP8=", "voice-message.ogg")
    assert world.public() == []


async def test_a_part_that_is_not_there_is_one_sentence_with_the_next_step(
    mixed: Job, world: World, worker: Worker, store: Store
) -> None:
    card = await shown(world)
    with store.write() as session:
        row = session.get_one(Job, mixed.id)
        row.lease_owner, row.lease_until = "w", row.created_at + 9e9
        session.add(row)
    assert "again in a moment" in said(await world.alice.click(card, label="Vocals only")).content
    with store.write() as session:
        row = session.get_one(Job, mixed.id)
        row.lease_owner = row.lease_until = None
        row.to_add_since = row.created_at
        session.add(row)
    assert "press again later" in said(await world.alice.click(card, label="Vocals only")).content
    with store.write() as session:
        row = session.get_one(Job, mixed.id)
        row.to_add_since = None
        session.add(row)
    gone = said(await world.alice.click(card, label="Vocals only"))
    assert "not kept here" in gone.content
    await world.alice.click(gone, label="Sing it again")
    with store.read() as session:
        again = next(job for job in session.exec(select(Job)).all() if job.id != mixed.id)
    assert again.params == mixed.params | {"key_shift": -12} and "Waiting" in world.cards()[-1].content
    with store.write() as session:
        session.delete(session.get_one(Voice, cover_params(mixed).voice_id))
    gone = said(await world.alice.click(card, label="Vocals only"))
    assert "neither is the voice" in gone.content and "Sing it again" not in json.dumps(gone.components)
    with store.write() as session:
        row = session.get_one(Job, mixed.id)
        drop_uploads(row)
        session.add(row)
    lost = said(await world.alice.click(card, label="Instrumental"))
    assert "neither is its song" in lost.content and "Sing it again" not in json.dumps(lost.components)


async def test_where_no_voice_message_may_be_sent_it_says_so_and_others_are_refused(
    mixed: Job, world: World, store: Store
) -> None:
    complete(store)
    card = await shown(world)
    for status, code in ((403, 50013), (400, 50173)):
        world.env.inject_error("POST", "/webhooks/*", status=status, code=code, times=1)
        refused = said(await world.alice.click(card, label="Voice message"))
        assert "No voice message can be sent in this channel" in refused.content and not refused.attachments
    view = result_view(mixed, texts("en"))
    assert view is not None
    copied = await world.post("copied", view)
    for label in LABELS:
        assert "no such job" in said(await world.bob.click(copied, label=label)).content


async def test_a_cover_without_an_instrumental_is_its_vocals_already(mixed: Job) -> None:
    mixed.result = mixed.result | {"instrumental_shift": None}
    view = result_view(mixed, texts("en"))
    assert view is not None
    assert not re.search("Vocals only|Instrumental", json.dumps(view.to_components()))
    assert "Voice message" in json.dumps(view.to_components())


@pytest.mark.parametrize("label", LABELS)
async def test_a_part_that_is_removed_while_it_is_asked_for_is_said_to_be_gone(
    mixed: Job, world: World, store: Store, label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(store)
    card = await shown(world)

    def then_removed(*asked: Any) -> PartOfCover:
        found = cover_part(*asked)
        assert found.file is not None
        found.file.path.unlink()
        return found

    monkeypatch.setattr(parts, "cover_part", then_removed)
    assert "not kept here" in said(await world.alice.click(card, label=label)).content
