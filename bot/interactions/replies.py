"""Answers to interactions; the one place where an error becomes a sentence."""

import logging
import secrets
from collections.abc import Sequence
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.utils import MISSING
from sqlalchemy.exc import DBAPIError

from bot.errors import (
    AnswerRefused,
    BotError,
    DiscordAway,
    FileRefused,
    Internal,
    UnknownCommand,
)
from bot.faults import is_away, is_reply_over, is_too_large
from bot.interactions.layouts import AnyView, Layout, each_text, laid_out
from bot.interactions.services import Interaction, services_of, texts_for
from bot.texts.mentions import clickable
from files.disk import DiskFull
from store import FileDamaged, StoreError, StoreUnusable
from store import refusal_of as database_refusal
from store.errors import MediaRefused

log = logging.getLogger(__name__)
OVER = {10062, 10015, 50027, 40060}
"""Discord's codes for an interaction that was not acknowledged within 3 s, for one whose answer is over (after 15
minutes), and for one that another process of the bot has acknowledged."""
UNKNOWN_MESSAGE = 10008
CHANGED = app_commands.CommandNotFound, app_commands.CommandSignatureMismatch, app_commands.TransformerError
"""What the library raises where Discord shows a command otherwise than it is now."""


async def reply(
    interaction: Interaction, text: str, view: AnyView | None = None, files: Sequence[discord.File] = ()
) -> discord.WebhookMessage | None:
    """Answer only to the member, whether or not the interaction has been acknowledged; a layout has its own text.

    Returns the message if it had been.
    """
    mentions = services_of(interaction).mentions
    shown: dict[str, Any] = {"view": view or MISSING, "files": files, "ephemeral": True}
    if isinstance(view, Layout):
        each_text(view, lambda part: clickable(part, mentions))
    else:
        shown["content"] = clickable(text, mentions)
    if interaction.response.is_done():
        sent: discord.WebhookMessage = await interaction.followup.send(**shown)
        return sent
    await interaction.response.send_message(**shown)
    return None


async def show_result(
    interaction: Interaction,
    job_id: str,
    text: str,
    view: AnyView | None = None,
    files: Sequence[discord.File] = (),
) -> None:
    """`reply` to an acknowledged interaction with (a part of) a job's result; it goes when the result is deleted."""
    sent = await reply(interaction, text, view, files)
    if sent is not None:
        services_of(interaction).opened.keep(interaction.user.id, job_id, interaction.followup, sent.id)


async def replace(interaction: Interaction, text: str, view: AnyView | None = None) -> None:
    """Put `text` in the place of the (acknowledged) message whose button was pressed; `reply` if that is gone."""
    try:
        await change(interaction, text, view)
    except discord.NotFound as error:
        if error.code != UNKNOWN_MESSAGE:
            raise
        await reply(interaction, text, view)


async def change(interaction: Interaction, text: str, view: AnyView | None = None) -> None:
    """Put `text` in the place of the message whose button was pressed. Raises discord.NotFound if it is gone."""
    mentions = services_of(interaction).mentions
    if isinstance(view, Layout) or (interaction.message is not None and interaction.message.flags.components_v2):
        layout = each_text(laid_out(text, view), lambda part: clickable(part, mentions))
        await interaction.edit_original_response(content=None, view=layout)
    else:
        await interaction.edit_original_response(content=clickable(text, mentions), view=view)


async def refuse(interaction: Interaction, error: BaseException) -> None:
    """Answer with one sentence on what is wrong; a bug of ours gets a reference for the log."""
    if is_late(error):
        log.warning("An interaction was answered too late for Discord: %s", cause_of(error))
        return
    error = refusal_of(error)
    sentence = texts_for(interaction).error(error.code, error.params, str(error))
    try:
        await reply(interaction, sentence)
    except (discord.DiscordException, aiohttp.ClientError, OSError) as trouble:
        log.warning("An answer (%s) did not reach Discord: %s", error.code, trouble)  # its sentence may hold names


def refusal_of(error: BaseException) -> StoreError | BotError | DiskFull:
    """The error whose sentence is shown; one that is for the operator, or no refusal, is logged under a reference."""
    error = cause_of(error)
    if is_away(error):
        log.warning("Discord did not take an answer: %s", error)
        return DiscordAway()
    if isinstance(error, CHANGED):
        log.warning("A command of an earlier version was used: %s", error)
        return UnknownCommand()
    if isinstance(error, discord.HTTPException) and (is_reply_over(error) or is_too_large(error)):
        log.warning("Discord refused an answer: %s", error)
        return FileRefused() if is_too_large(error) else AnswerRefused()
    refusal = database_refusal(error) if isinstance(error, DBAPIError) else error
    if isinstance(refusal, StoreError | BotError | DiskFull) and not isinstance(refusal, StoreUnusable):
        if isinstance(refusal, MediaRefused | FileDamaged | DiskFull):  # the member may read less of it
            log.error("%s", refusal)
        return refusal
    reference = secrets.token_hex(4)
    log.error("Reference %s", reference, exc_info=error)
    return Internal(reference=reference)


def is_late(error: BaseException) -> bool:
    """Whether Discord knows the interaction no more, so that nobody waits for an answer."""
    cause = cause_of(error)
    return isinstance(cause, discord.HTTPException) and cause.code in OVER


def cause_of(error: BaseException) -> BaseException:
    """What a command raised."""
    return error.original if isinstance(error, app_commands.CommandInvokeError) else error


class ChoicesLog(logging.Filter):
    """What the library logs of choices that could not be offered, without the member who was typing.

    Those that Discord no longer waits for, or did not take for want of time, are no error: the next letter asks anew.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or not isinstance(record.args, tuple) or "autocomplete" not in str(record.msg):
            return True
        record.msg, record.args = "The choices of %r could not be offered", record.args[:1]
        return not (is_late(error) or is_away(error))


CHOICES_LOG = ChoicesLog()


class Tree(app_commands.CommandTree[Any]):
    """The commands, whose errors become sentences."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        logging.getLogger("discord.app_commands.tree").addFilter(CHOICES_LOG)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Every error of every command ends here."""
        await refuse(interaction, error)
