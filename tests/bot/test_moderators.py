"""Commands of moderators: Discord shows them to who manages the server, and the bot looks at whoever sends one."""

import re
from collections.abc import Iterator
from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.backend.models.channel import Overwrite
from simcord.enums import OverwriteType

from bot.interactions.moderators import MODERATORS
from bot.interactions.services import Services
from bot.texts.locale import Translator
from store import Store
from store.tables import GuildSetting
from tests.bot.test_features import ROOT
from tests.bot.world import World, response_of

pytestmark = pytest.mark.usefixtures("quiet")
SONG = ("song.mp3", b"song")
HANGUL = re.compile("[가-힣]")
GIVEN: dict[str, dict[str, Any]] = {
    "songs add": {"file": SONG},
    "songs edit": {"song": "#1"},
    "songs remove": {"song": "#1"},
    "singers add": {"singer": "X", "song1": SONG, "song2": SONG, "song3": SONG},
    "singers remove": {"singer": "X"},
}
"""What a command cannot be sent without."""


def leaves(command: dict[str, Any], above: str = "") -> Iterator[str]:
    """The names under which a command can be sent."""
    name = f"{above} {command['name']}".strip()
    inside = [one for one in command.get("options", []) if one["type"] in (1, 2)]
    yield from (leaf for one in inside for leaf in leaves(one, name)) if inside else (name,)


async def commands_of(world: World) -> dict[str, dict[str, Any]]:
    """Every slash command as Discord gets it."""
    tree, translator = world.bot.tree, Translator()
    listed = tree.get_commands(type=discord.AppCommandType.chat_input)
    return {one.name: await one.get_translated_payload(tree, translator) for one in listed}


@pytest.fixture
def moderator(world: World) -> MemberActor:
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("moderator"), roles=[role])


async def test_every_command_of_moderators_is_guarded_twice(world: World) -> None:
    sent = await commands_of(world)
    theirs = {name: one for name, one in sent.items() if one.get("default_member_permissions") is not None}
    assert set(theirs) == {"mos", "settings", "blocked", "songs", "singers"}
    for name, one in theirs.items():
        assert one["default_member_permissions"] == MODERATORS.value, name
        assert one["contexts"] == [0] or one["dm_permission"] is False, name
        world.allow(name, world.bob)
        for leaf in leaves(one):
            answer = response_of(await world.bob.slash(world.channel, leaf, **GIVEN.get(leaf, {})))
            assert answer.ephemeral and answer.content.startswith("Only moderators"), leaf


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_every_command_of_moderators_answers_in_both_languages(
    world: World, moderator: MemberActor, language: str
) -> None:
    await moderator.slash(world.channel, "settings", language=language)
    for one in (await commands_of(world)).values():
        if one.get("default_member_permissions") is None:
            continue
        for leaf in leaves(one):
            said = await moderator.slash(world.channel, leaf, **GIVEN.get(leaf, {}))
            shown = response_of(said).content or "".join(followup.content for followup in said.followups)
            assert shown and bool(HANGUL.search(shown)) is (language == "ko"), (leaf, shown)


async def test_the_role_of_moderators_moderates_until_it_is_cleared(world: World, moderator: MemberActor) -> None:
    role = world.guild.create_role("ears")
    dora = world.guild.add_member(world.env.create_user("dora"), roles=[role])
    world.allow("settings", dora)
    assert "Only moderators" in response_of(await dora.slash(world.channel, "settings")).content
    shown = response_of(await moderator.slash(world.channel, "settings", moderator_role=role)).content
    assert f"or the role <@&{role.id}>" in shown and "Integrations" in shown
    assert "Settings of this server" in response_of(await dora.slash(world.channel, "settings")).content
    await moderator.slash(world.channel, "settings", clear="moderator_role_id")
    assert "Only moderators" in response_of(await dora.slash(world.channel, "settings")).content


async def test_settings_are_kept_shown_and_audited(world: World, moderator: MemberActor, store: Store) -> None:
    staff = world.guild.create_text_channel("staff")
    options = {"staff_channel": staff, "listening_tests": False, "max_jobs": 7, "keep_days": 3}
    shown = response_of(await moderator.slash(world.channel, "settings", **options)).content
    assert f"Staff channel: <#{staff.id}>" in shown and "Listening tests: off" in shown and "at once: 7" in shown
    with store.read() as session:
        row = session.get_one(GuildSetting, world.guild.id)
    assert (row.staff_channel_id, row.listening_tests, row.max_active_jobs, row.locale) == (staff.id, False, 7, None)
    assert row.keep_days == 3 and "are kept: 3 days" in shown
    assert "made here go after 3 days" in response_of(await world.alice.slash(world.channel, "help")).content
    refused = response_of(await moderator.slash(world.channel, "mos start", covers=2)).content
    assert refused.startswith("Listening tests are off")
    assert response_of(await moderator.slash(world.channel, "settings")).content == shown


@pytest.mark.parametrize("language", ["en", "ko"])
async def test_a_staff_channel_that_is_closed_or_gone_is_told_in_the_overview(
    world: World, moderator: MemberActor, language: str
) -> None:
    staff, backend, me = world.guild.create_text_channel("staff"), world.env.backend, world.guild.me
    assert me is not None
    await moderator.slash(world.channel, "settings", staff_channel=staff, language=language)
    denied = discord.Permissions(send_messages=True).value
    closed = Overwrite(target_id=me.id, type=OverwriteType.MEMBER, allow=0, deny=denied)
    backend.edit_channel(staff.id, {}, overwrites=[closed])
    shown = response_of(await moderator.slash(world.channel, "settings")).content
    assert ("(Send Messages), so reports wait" if language == "en" else "신고가 기다리고 있어요") in shown
    backend.delete_channel(staff.id)
    shown = response_of(await moderator.slash(world.channel, "settings")).content
    assert ("deleted, so no report arrives" if language == "en" else "신고가 도착하지 않으니") in shown


async def test_what_cannot_be_set_is_one_sentence(world: World, moderator: MemberActor, store: Store) -> None:
    me = world.guild.me
    assert me is not None
    mute = world.guild.create_text_channel(
        "mute", overwrites={me: discord.PermissionOverwrite(send_messages=False, view_channel=False)}
    )
    refused = response_of(await moderator.slash(world.channel, "settings", staff_channel=mute)).content
    assert refused.startswith("I lack permissions in this channel: View Channel, Send Messages.")
    everyone = response_of(await moderator.slash(world.channel, "settings", moderator_role=world.guild.default_role))
    assert everyone.content.startswith("Everybody has this role")
    longer = response_of(await moderator.slash(world.channel, "settings", keep_days=31)).content
    assert longer.startswith("The operator of this bot allows at most 30 (in days)")
    with store.read() as session:
        assert session.get(GuildSetting, world.guild.id) is None


async def test_a_servers_language_is_that_of_every_answer_after_a_restart_too(
    world: World, moderator: MemberActor, make_bot: Any
) -> None:
    assert "You have no jobs yet" in response_of(await world.alice.slash(world.channel, "jobs")).content
    assert "이 서버의 설정" in response_of(await moderator.slash(world.channel, "settings", language="ko")).content
    await world.env.restart_bot(make_bot())
    world.allow("settings", world.alice)
    assert "아직 작업이 없어요" in response_of(await world.alice.slash(world.channel, "jobs")).content
    assert "관리자만 쓸 수 있어요" in response_of(await world.alice.slash(world.channel, "settings")).content
    services = world.bot.services
    assert isinstance(services, Services) and services.languages == {world.guild.id: "ko"}
    await moderator.slash(world.channel, "settings", clear="locale")
    assert "You have no jobs yet" in response_of(await world.alice.slash(world.channel, "jobs")).content


async def test_answers_take_their_language_from_one_place() -> None:
    own = {path.name for path in ROOT.rglob("*.py") if "interaction.locale" in path.read_text()}
    assert own == {"services.py"}
