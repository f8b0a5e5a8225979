"""The buttons below a cover sing it again, in another key, voice or balance, each once."""

from collections.abc import Callable

import discord
import pytest
from sqlmodel import select

from bot.app import DiscoverBot, result_view
from bot.texts.sentences import texts
from store import Job, Store
from store.params import cover_params, drop_uploads
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")


def covers(store: Store) -> list[Job]:
    """Every cover, oldest first."""
    with store.read() as session:
        return sorted(session.exec(select(Job)).all(), key=lambda job: job.created_at)


def offered(message: discord.Message) -> list[str]:
    """What the menu of a message offers."""
    items = [item for row in message.components if isinstance(row, discord.ActionRow) for item in row.children]
    return [option.label for item in items if isinstance(item, discord.SelectMenu) for option in item.options]


async def test_a_key_is_one_new_cover_whose_card_becomes_its_result_also_after_a_restart(
    cover_card: discord.Message, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    click = await world.alice.click(cover_card, label="Key +1")
    first, again = covers(store)
    assert again.params == first.params | {"key_shift": -11} and again.guild_id == world.guild.id
    assert response_of(click).ephemeral and "Palette" in response_of(click).content
    second = await world.alice.click(cover_card, label="Key +1")
    assert "is being sung already" in response_of(second).content and len(covers(store)) == 2
    worker.render(again, {"song": "Palette", "voice": "mine", "key_shift": -11}, {"cover.mp3": b"higher"})
    await world.tick()
    result = next(message for message in world.cards() if "key −11" in message.content)
    assert await result.attachments[0].read() == b"higher" and await cover_card.attachments[0].read() == b"sound"
    assert world.public() == []


async def test_louder_and_softer_vocals_are_new_covers_where_something_is_mixed_in(
    world: World, worker: Worker, store: Store
) -> None:
    worker.add_voice(world.alice.id, "mine")
    await world.alice.slash(world.channel, "cover", voice="mine", song=("Palette.mp3", b"song"), vocal_level=9)
    sung = {"song": "Palette", "voice": "mine", "key_shift": -12, "instrumental_shift": 0, "vocal_level": 9}
    worker.render(worker.only(), sung, {"cover.mp3": b"sound"})
    await world.tick()
    (card,) = world.cards()
    assert "vocals +9 dB" in card.content
    click = await world.alice.click(card, label="Vocals louder")
    assert cover_params(covers(store)[-1]).vocal_level == 12
    assert "key −12, vocals +12 dB" in response_of(click).content
    second = await world.alice.click(card, label="Vocals louder")
    assert "is being sung already" in response_of(second).content and len(covers(store)) == 2
    worker.render(covers(store)[-1], sung | {"vocal_level": 12}, {"cover.mp3": b"louder"})
    await world.tick()
    loudest = next(message for message in world.cards() if "vocals +12 dB" in message.content)
    refused = await world.alice.click(loudest, label="Vocals louder")
    assert "12 dB louder or softer" in response_of(refused).content and len(covers(store)) == 2
    view = result_view(covers(store)[0], texts("ko"))
    assert view is not None
    copied = await world.post("copied", view)
    assert "no such job" in response_of(await world.bob.click(copied, label="보컬 작게")).content
    assert len(covers(store)) == 2


async def test_vocals_alone_have_no_level(cover_card: discord.Message) -> None:
    labels = {getattr(item, "label", "") for row in cover_card.components for item in getattr(row, "children", [])}
    assert "Key +1" in labels and not labels & {"Vocals louder", "Vocals softer"}


async def test_a_result_that_jobs_shows_again_has_its_buttons(
    cover_card: discord.Message, world: World, store: Store
) -> None:
    listed = await world.alice.slash(world.channel, "jobs")
    shown = await world.alice.click(response_of(listed), label="Show result")
    await world.alice.click(response_of(shown), label="Octave ↑")
    assert covers(store)[-1].params["key_shift"] == 0 and len(covers(store)) == 2


async def test_another_voice_is_chosen_from_those_that_the_member_may_use(
    cover_card: discord.Message, world: World, worker: Worker, store: Store
) -> None:
    alone = await world.alice.click(cover_card, label="Another voice…")
    assert "no other voice" in response_of(alone).content
    free = worker.add_voice(-1, "Emma")
    worker.add_voice(world.bob.id, "bobs")
    for number in range(25):
        worker.add_voice(world.alice.id, f"more {number:02}")
    asked = await world.alice.click(cover_card, label="Another voice…")
    assert len(offered(world.cards()[-1])) == 25
    await world.alice.click(response_of(asked), label="More ▶")
    assert offered(world.cards()[-1]) == ["Emma · free"]
    await world.alice.select(world.cards()[-1], [str(free)])
    again = cover_params(covers(store)[-1])
    assert (again.voice_name, again.free_voice, again.key_shift) == ("Emma", True, None)
    assert "**Cover** of “Palette” with the voice “Emma”" in world.cards()[-1].content
    assert offered(world.cards()[-1]) == []


async def test_what_cannot_be_sung_again_is_one_sentence(
    cover_card: discord.Message, world: World, store: Store
) -> None:
    with store.write() as session:
        row = session.exec(select(Job)).one()
        drop_uploads(row)
        session.add(row)
    click = await world.alice.click(cover_card, label="Octave ↓")
    assert "no song of this cover" in response_of(click).content and "/cover" in response_of(click).content
    view = result_view(covers(store)[0], texts("en"))
    assert view is not None
    copied = await world.post("copied", view)
    for label in ("Key −1", "Another voice…"):
        assert "no such job" in response_of(await world.bob.click(copied, label=label)).content
    assert len(covers(store)) == 1
