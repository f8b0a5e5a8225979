"""The address at which a server's owner adds the bot, with the permissions that it needs and no others."""

import base64
import binascii

import discord

from bot.errors import WrongToken

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    embed_links=True,
    read_message_history=True,
    add_reactions=True,
    manage_messages=True,
)
SCOPES = ("bot", "applications.commands")


def invite_of(token: str) -> str:
    """The address for the bot of a token. Raises WrongToken."""
    return discord.utils.oauth_url(_application(token), permissions=PERMISSIONS, scopes=SCOPES)


def _application(token: str) -> int:
    """The bot's id, which is its application's: the first part of a token, in base 64. Raises WrongToken."""
    first = token.partition(".")[0]
    try:
        return int(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii"))
    except (binascii.Error, ValueError) as error:
        raise WrongToken from error
