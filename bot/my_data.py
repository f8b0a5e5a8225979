"""`/mydata`: everything that is kept about a member, sent to them alone as ZIP files."""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.replies import reply
from bot.interactions.services import Interaction, Services, file_limit, texts_for
from bot.texts.locale import label
from bot.texts.names import safe, shorten
from bot.texts.sentences import Texts
from store.use_cases import MyData, my_data

SPARE = 64 * 1024
"""Bytes of Discord's limit that are left to the message itself."""
NAMED = 5


def told(data: MyData, say: Texts) -> str:
    """What is in the files, and what is not."""
    if not data.rows:
        return say("my_data.nothing")
    text = say("my_data.done", rows=data.rows, files=data.files, parts=len(data.parts))
    if not data.left_out:
        return text
    names = ", ".join(safe(name) for name in data.left_out[:NAMED])
    return f"{text}\n{say('my_data.left_out', number=len(data.left_out), names=names)}"


def reason(say: Texts, code: str, params: Mapping[str, Any], english: str) -> str:
    """Why something failed, as the member was told, with names as they are kept."""
    return say.error(code, params, english or say("result.failed_unknown"), shorten)


class MyDataCog(commands.Cog):
    """The command."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @app_commands.command(name=label("my_data.name"), description=label("my_data.description"))
    async def mydata(self, interaction: Interaction) -> None:
        """Send whoever asks what is theirs."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        say, user_id = texts_for(interaction), interaction.user.id
        async with self.services.turn_of(user_id):
            with contextlib.ExitStack() as stack:
                writing = my_data(self.services.store, user_id, file_limit(interaction) - SPARE, partial(reason, say))
                data = await asyncio.to_thread(stack.enter_context, writing)
                await reply(interaction, told(data, say))
                for part in data.parts:
                    await interaction.followup.send(file=discord.File(part), ephemeral=True)
