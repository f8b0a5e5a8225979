"""A member's private card: the answer to their interaction, which nobody else sees, edited through its token."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

from bot.texts.mentions import clickable


class PrivateCards:
    """Edits and deletes cards; the commands in them can be clicked (`mentions` by name).

    Whoever edits takes the job's turn first, so no older state covers a newer one.
    """

    def __init__(self, client: discord.Client, mentions: Mapping[str, str]) -> None:
        self._client, self.mentions = client, mentions
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def turn(self, job_id: str) -> asyncio.Lock:
        """One editor of a job's card at a time."""
        return self._turns.setdefault(job_id, asyncio.Lock())

    async def edit(
        self, token: str, text: str, view: discord.ui.View | None = None, files: Sequence[discord.File] | None = ()
    ) -> None:
        """Make the card this text with these buttons and files; None: the files that it has.

        Raises as Discord does (`is_reply_over`).
        """
        shown: dict[str, Any] = {"content": clickable(text, self.mentions), "view": view}
        shown |= {} if files is None else {"attachments": list(files)}
        with handle_message_parameters(**shown, allowed_mentions=discord.AllowedMentions.none()) as params:
            body: dict[str, Any] = {"payload": params.payload, "multipart": params.multipart, "files": params.files}
            await async_context.get().edit_original_interaction_response(**self._answer(token), **body)

    async def delete(self, token: str) -> None:
        """Delete the card. Raises as Discord does."""
        await async_context.get().delete_original_interaction_response(**self._answer(token))

    def _answer(self, token: str) -> dict[str, Any]:
        """The library edits an answer only from its interaction, which a restarted bot has no more."""
        http: Any = self._client.http
        way = {"session": http._HTTPClient__session, "proxy": http.proxy, "proxy_auth": http.proxy_auth}
        return {"application_id": self._client.application_id, "token": token, **way}
