"""A cover is rated, and deleted after one question, by its member alone: rows, files, messages, shared copies."""

import json
from collections.abc import Callable

import aiohttp
import discord
import pytest
from simcord import InteractionResult, ResponseMessage
from sqlmodel import SQLModel, select

from bot.app import DiscoverBot, result_view
from bot.deleting import DeleteAnswer
from bot.texts.sentences import texts
from store import Deletion, Job, Outbox, Store
from store.tables import Shown
from store.use_cases import my_data
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")


def rows(store: Store, *tables: type[SQLModel]) -> list[int]:
    """How many rows each table has."""
    with store.read() as session:
        return [len(session.exec(select(table)).all()) for table in tables]


def said(click: InteractionResult) -> ResponseMessage:
    """What the member is told, beside the message that a button changed."""
    return click.followups[0] if click.followups else response_of(click)


async def test_a_rating_is_kept_can_be_changed_and_is_the_members_own(
    cover_card: discord.Message, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    for rating in ("2", "4"):
        click = await world.alice.select(cover_card, [rating])
        assert response_of(click).ephemeral and worker.only().rating == int(rating)
    assert "★★★★☆" in response_of(click).content
    with my_data(store, world.alice.id, 1_000_000, texts("en").error) as data:
        assert data.rows == 3 and data.parts
    await world.env.restart_bot(make_bot())
    assert '"default": true' in json.dumps(shown(worker.only()).to_components()) and world.public() == []
    copied = await world.post("copied", shown(worker.only()))
    assert "no such job" in response_of(await world.bob.select(copied, ["1"])).content
    forged = discord.ui.View(timeout=None)
    menu = discord.ui.Select[discord.ui.View](custom_id=f"rate:{worker.only().id}")
    menu.add_option(label="x", value="9")
    click = await world.alice.select(await world.post("forged", forged.add_item(menu)), ["9"])
    assert "not in use" in response_of(click).content and worker.only().rating == 4


def shown(job: Job) -> discord.ui.View:
    """The buttons of its result."""
    view = result_view(job, texts("en"))
    assert view is not None
    return view


async def test_a_cover_that_is_deleted_is_gone_everywhere(
    cover_card: discord.Message, world: World, worker: Worker, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.alice.click(cover_card, label="Share in the channel")
    before = cover_card.content
    await world.alice.click(cover_card, label="Delete")
    assert "cannot be undone" in world.cards()[0].content and len(world.cards()[0].attachments) == 1
    await world.alice.click(world.cards()[0], label="Keep it")
    assert world.cards()[0].content == before and len(world.public()) == 1
    await world.alice.click(world.cards()[0], label="Delete")
    await world.env.restart_bot(make_bot())
    question = world.cards()[0]
    done = await world.alice.click(question, label="Delete it")
    assert said(done).ephemeral and "deleted" in said(done).content
    await world.tick()
    assert world.public() == [] and question.id not in {card.id for card in world.cards()}
    assert rows(store, Job, Outbox, Shown, Deletion) == [0, 0, 0, 0]
    assert not store.media.keys()


async def test_what_a_member_opened_of_a_cover_goes_with_it(
    cover_card: discord.Message, world: World, worker: Worker
) -> None:
    listed = response_of(await world.alice.slash(world.channel, "jobs"))
    await world.alice.click(listed, label="Show result")
    await world.alice.click(cover_card, label="Details")
    opened = {card.id for card in world.cards()} - {cover_card.id, listed.id}
    assert len(opened) == 2
    await world.alice.click(cover_card, label="Delete")
    done = await world.alice.click(cover_card, label="Delete it")
    assert "deleted" in said(done).content and opened & {card.id for card in world.cards()} == set()


@pytest.mark.parametrize("trouble", [aiohttp.ClientConnectionError(), discord.RateLimited(60.0)])
async def test_trouble_at_discord_while_the_message_goes_hides_no_deletion(
    cover_card: discord.Message, world: World, store: Store, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    async def lost(_: discord.Interaction) -> None:
        raise trouble

    await world.alice.click(cover_card, label="Delete")
    monkeypatch.setattr(discord.Interaction, "delete_original_response", lost)
    done = await world.alice.click(cover_card, label="Delete it")
    assert "deleted" in said(done).content and rows(store, Job) == [0]


async def test_a_second_click_and_other_members_are_answered_by_one_sentence(
    cover_card: discord.Message, world: World, worker: Worker, store: Store
) -> None:
    job = worker.only()
    copied = await world.post("copied", shown(job))
    assert "no such job" in said(await world.bob.click(copied, label="Delete")).content
    assert rows(store, Job) == [1]
    await world.alice.click(copied, label="Delete")
    asked = world.public()[0]
    assert "no such job" in said(await world.bob.click(asked, label="Delete it")).content
    assert rows(store, Job) == [1]
    await world.alice.click(cover_card, label="Delete")
    await world.alice.click(asked, label="Delete it")
    for label in ("Delete it", "Keep it"):
        left = await world.post("left", DeleteAnswer.both("Delete it", "Keep it", job=job.id))
        assert "no such job" in said(await world.alice.click(left, label=label)).content
    left = await world.post("left", shown(job))
    for label in ("Key +1", "Delete", "Another voice…", "Details"):
        assert "no such job" in said(await world.alice.click(left, label=label)).content
    assert rows(store, Job, Outbox) == [0, 0]
