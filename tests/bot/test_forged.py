"""Buttons and menus that no menu of ours has: one sentence, no trace, and no word on what others have."""

import discord
import pytest
from simcord import InteractionResult

from bot.interactions.components import view_of
from store import Job, JobKind, Store, Voice, VoiceState
from tests.bot.world import World, response_of

pytestmark = pytest.mark.usefixtures("quiet")

HUGE = "9" * 25
IDS = [
    *(f"voices:yes:{number}" for number in ("0", "-1", "9" * 15, HUGE, "abc", "", "1.5", "٣", "0x1")),
    *(f"{kind}:{'f' * 32}" for kind in ("cancel", "fetch", "consent:yes", "consent:no")),
    *(f"{kind}:{job}" for kind in ("cancel", "fetch", "consent:yes") for job in ("", "1", "F" * 32, HUGE, "é" * 32)),
    *("forget:", "forget:maybe", "voices:pick", "voices:pick:1", "nothing", "%s{}", "🎤"),
]
SENTENCES = {
    "There is no such voice",
    "There is no such job",
    "This button is not in use any more",
}


def said(click: InteractionResult) -> str:
    """The first sentence that the member reads."""
    return (click.followups[0] if click.followups else response_of(click)).content.partition(".")[0]


async def pressed(world: World, custom_id: str) -> str:
    """The answer to Bob, who presses a button of this id."""
    button: discord.ui.Button[discord.ui.View] = discord.ui.Button(label="x", custom_id=custom_id)
    view = discord.ui.View(timeout=None).add_item(button)
    return said(await world.bob.click(await world.post("forged", view), label="x"))


async def test_a_button_of_any_id_is_answered_by_a_sentence(world: World) -> None:
    for custom_id in IDS:
        assert await pressed(world, custom_id) in SENTENCES, custom_id


@pytest.mark.parametrize("value", ["abc", HUGE, "-1", "1.5", "٣", " "])
async def test_a_menu_of_voices_answers_any_value_by_a_sentence(world: World, value: str) -> None:
    options = [discord.SelectOption(label="x", value=value)]
    menu = view_of(discord.ui.Select[discord.ui.View](custom_id="voices:pick", options=options))
    assert said(await world.bob.select(await world.post("forged", menu), [value])) == "There is no such voice"


async def test_what_others_have_is_answered_like_what_nobody_has(world: World, store: Store) -> None:
    with store.write() as session:
        session.add(voice := Voice(owner_id=world.alice.id, name="hers", state=VoiceState.READY))
        session.add(job := Job(kind=JobKind.TRAIN, user_id=world.alice.id))
        session.flush()
    for kind, real, unreal in (
        ("voices:yes", str(voice.id), "999"),
        *((kind, job.id, "0" * 32) for kind in ("cancel", "fetch", "consent:yes", "consent:no")),
    ):
        assert await pressed(world, f"{kind}:{real}") == await pressed(world, f"{kind}:{unreal}"), kind
    covers = [
        await world.bob.slash(world.channel, "cover", voice=f"#{number}", song=("a.mp3", b"x"))
        for number in (voice.id, 999)
    ]
    assert said(covers[0]) == said(covers[1]) == "There is no such voice"
