"""*Report this result*: any member, of any result that the bot has put into a channel of the server."""

import asyncio
import re

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.components import PersistentItem, view_of
from bot.interactions.replies import replace, reply
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.texts.locale import label
from bot.texts.sentences import Texts
from store import ReportReason
from store.missing import NoResultShown
from store.use_cases import ReportedMessage, check_report, report_result

MARK = re.compile(r"\b[0-9a-f]{12}\b")
REASONS = frozenset(reason.value for reason in ReportReason)


def mark_in(text: str) -> str:
    """The job that a message names at its end; "" if it names none."""
    found = MARK.findall(text)
    return found[-1] if found else ""


class ReasonMenu(
    PersistentItem[discord.ui.Select[discord.ui.View]],
    template=r"report:why:(?P<channel>[0-9]{1,20}):(?P<message>[0-9]{1,20}):(?P<mark>[0-9a-f]{0,12})",
):
    """What is wrong; only its member sees the menu."""

    channel: int
    message: int
    mark: str

    @classmethod
    def about(cls, message: ReportedMessage, say: Texts) -> discord.ui.View:
        """The menu in a view."""
        options = [
            discord.SelectOption(label=say(f"report.reason.{one.value}"), value=one.value) for one in ReportReason
        ]
        custom_id = cls.custom_id_of(channel=message.channel_id, message=message.message_id, mark=message.mark)
        return view_of(cls(discord.ui.Select(custom_id=custom_id, placeholder=say("report.pick"), options=options)))

    async def pressed(self, interaction: Interaction) -> None:
        """Keep the report; the bot's loop tells the moderators."""
        await interaction.response.defer()
        chosen = "".join(getattr(self.item, "values", ()))
        if chosen not in REASONS:
            raise NoResultShown
        message = ReportedMessage(interaction.guild_id or 0, self.channel, self.message, self.mark)
        store, reason = services_of(interaction).store, ReportReason(chosen)
        await asyncio.to_thread(report_result, store, interaction.user.id, message, reason)
        await replace(interaction, texts_for(interaction)("report.thanks"))


class ReportCog(commands.Cog):
    """The entry of a message's menu."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name=label("report.menu"), callback=self.report_message)
        bot.tree.add_command(app_commands.guild_only(self.menu))

    async def report_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Ask what is wrong. Raises NotFound for what shows no result of the bot."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        if message.author.id != interaction.client.application_id and message.author != interaction.client.user:
            raise NoResultShown
        place = ReportedMessage(interaction.guild_id or 0, message.channel.id, message.id, mark_in(message.content))
        await asyncio.to_thread(check_report, self.services.store, place)
        say = texts_for(interaction)
        await reply(interaction, say("report.question"), ReasonMenu.about(place, say))
