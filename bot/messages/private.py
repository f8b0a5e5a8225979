"""A member's private card: the answer to their interaction, which nobody else sees, edited through its token."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast
from weakref import WeakValueDictionary

import discord

ORIGINAL = cast(int, "@original")  # Discord's name for the answer; the library wants a number


class PrivateCards:
    """Edits and deletes cards. Whoever edits takes the job's turn first, so no older state covers a newer one."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, job_id: str) -> asyncio.Lock:
        """One editor of a job's card at a time."""
        return self._turns.setdefault(job_id, asyncio.Lock())

    async def edit(
        self, token: str, text: str, view: discord.ui.View | None = None, files: Sequence[discord.File] = ()
    ) -> None:
        """Make the card this text with these buttons and files. Raises as Discord does (`is_reply_over`)."""
        nobody = discord.AllowedMentions.none()
        answer = self._answer(token)
        await answer.edit_message(ORIGINAL, content=text, view=view, attachments=list(files), allowed_mentions=nobody)

    async def delete(self, token: str) -> None:
        """Delete the card. Raises as Discord does."""
        await self._answer(token).delete_message(ORIGINAL)

    def _answer(self, token: str) -> discord.Webhook:
        client: Any = self._client
        return discord.Webhook.partial(client.application_id or 0, token, client=client)
