"""`/settings`: what moderators set for their server, shown and changed."""

import asyncio

import discord
from discord import app_commands
from discord.ext import commands

from bot.errors import EveryoneModerates
from bot.interactions.moderators import MODERATORS, SPEAKING, admit_moderator, check_rights, lacking, named_rights
from bot.interactions.replies import reply
from bot.interactions.services import Interaction, Services, texts_for
from bot.texts.locale import label
from bot.texts.sentences import LANGUAGES, Texts
from store.tables import GuildSetting
from store.use_cases import SettingsChange, change_settings, guild_setting
from store.use_cases.guild_settings import Clearable

MOST_JOBS = 20
MOST_DAYS = 365
CHOSEN = [app_commands.Choice(name=label(f"settings.{one}"), value=one) for one in LANGUAGES]
CLEARABLE = [app_commands.Choice(name=label(f"settings.{one.value}"), value=one.value) for one in Clearable]


def staff_channel_of(row: GuildSetting, guild: discord.Guild | None, say: Texts) -> str:
    """Where reports arrive, or why they do not; `guild` is as the bot sees it, None if it is no member of it."""
    if row.staff_channel_id is None:
        return say("settings.no_staff")
    place = f"<#{row.staff_channel_id}>"
    if guild is None:
        return place
    channel = guild.get_channel(row.staff_channel_id)
    if channel is None:
        return say("settings.staff_gone")
    missing = lacking(channel.permissions_for(guild.me), SPEAKING)
    return say("settings.staff_closed", channel=place, rights=named_rights(missing, say)) if missing else place


def overview(row: GuildSetting, most_days: float, guild: discord.Guild | None, say: Texts) -> str:
    """Every setting on its line; the operator keeps notes and results for `most_days`."""
    days = min(most_days, row.keep_days or most_days)
    role = say("settings.with_role", role=f"<@&{row.moderator_role_id}>") if row.moderator_role_id else ""
    staff = staff_channel_of(row, guild, say)
    language = say(f"settings.language.{row.locale or 'member'}")
    return "\n".join(
        [
            say("settings.title"),
            say("settings.line.language", language=language),
            say("settings.line.moderators", role=role),
            say("settings.line.staff", staff=staff),
            say("settings.line.listening", state=say("settings.on" if row.listening_tests else "settings.off")),
            say("settings.line.jobs", number=row.max_active_jobs),
            say("settings.line.kept", days=days),
            *([f"-# {say('settings.integrations')}"] if role else []),
        ]
    )


class GuildSettingsCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("settings.name"), description=label("settings.description"))
    @app_commands.guild_only()
    @app_commands.default_permissions(MODERATORS)
    @app_commands.rename(
        language=label("settings.language"),
        moderator_role=label("settings.moderator_role"),
        staff_channel=label("settings.staff_channel"),
        listening_tests=label("settings.listening_tests"),
        max_jobs=label("settings.max_jobs"),
        keep_days=label("settings.keep_days"),
        clear=label("settings.clear"),
    )
    @app_commands.describe(
        language=label("settings.language_about"),
        moderator_role=label("settings.moderator_role_about"),
        staff_channel=label("settings.staff_channel_about"),
        listening_tests=label("settings.listening_tests_about"),
        max_jobs=label("settings.max_jobs_about"),
        keep_days=label("settings.keep_days_about"),
        clear=label("settings.clear_about"),
    )
    @app_commands.choices(language=CHOSEN, clear=CLEARABLE)
    async def settings(
        self,
        interaction: Interaction,
        language: str | None = None,
        moderator_role: discord.Role | None = None,
        staff_channel: discord.TextChannel | None = None,
        listening_tests: bool | None = None,
        max_jobs: app_commands.Range[int, 1, MOST_JOBS] | None = None,
        keep_days: app_commands.Range[int, 1, MOST_DAYS] | None = None,
        clear: str | None = None,
    ) -> None:
        """Change what is given, and show what holds now."""
        await admit_moderator(interaction)
        if moderator_role is not None and moderator_role.is_default():
            raise EveryoneModerates
        if staff_channel is not None:
            check_rights(staff_channel.permissions_for(staff_channel.guild.me), SPEAKING, texts_for(interaction))
        change = SettingsChange(
            locale=language,
            moderator_role_id=moderator_role.id if moderator_role else None,
            staff_channel_id=staff_channel.id if staff_channel else None,
            listening_tests=listening_tests,
            max_active_jobs=max_jobs,
            keep_days=keep_days,
            clear=(Clearable(clear),) if clear else (),
        )
        await reply(interaction, await self._changed(interaction, change))

    async def _changed(self, interaction: Interaction, change: SettingsChange) -> str:
        """Keep the change, also in what the bot remembers of languages; the overview, in the language that holds."""
        store, guild_id = self.services.store, interaction.guild_id or 0
        guild = interaction.client.get_guild(guild_id)
        if change == SettingsChange():
            row = await asyncio.to_thread(guild_setting, store, guild_id)
            return overview(row, store.clip_days, guild, texts_for(interaction))
        row = await asyncio.to_thread(change_settings, store, guild_id, interaction.user.id, change)
        self.services.languages.pop(guild_id, None)
        if row.locale:
            self.services.languages[guild_id] = row.locale
        return overview(row, store.clip_days, guild, texts_for(interaction))
