"""Notes arrive in a member's basket: checked, downloaded, kept, and shown until a worker has heard them."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import discord

from bot.faults import is_away
from bot.interactions.attachments import check, download
from bot.interactions.replies import change, replace
from bot.interactions.services import Interaction, Services, requester_of
from store import BasketNote, NoteState
from store.use_cases import add_to_basket, basket_of, check_basket

log = logging.getLogger(__name__)

FOLLOW_SECONDS = 600.0
"""How long a message follows what it shows; Discord lets it be edited for 15 minutes."""
Shown = tuple[str, discord.ui.View | None]


async def gather(
    services: Services, interaction: Interaction, attachments: Sequence[discord.Attachment], source: str
) -> list[BasketNote]:
    """Put attachments into the basket of whoever interacts, all or none; the notes that are new to it.

    Raises what `check` and `download` raise, Blocked, BasketFull, NoteKnown.
    """
    settings, store, requester = services.settings, services.store, requester_of(interaction)
    check(attachments, settings.max_notes, settings.note_megabytes)
    async with services.turn_of(requester.user_id):
        await asyncio.to_thread(check_basket, store, requester, len(attachments))
        files = await download(services, attachments, settings.note_megabytes)
        return await asyncio.to_thread(add_to_basket, store, requester, files, source)


async def show_until_heard(
    services: Services, interaction: Interaction, show: Callable[[Sequence[BasketNote]], Shown]
) -> None:
    """Show the basket in place of the (deferred) answer, anew as each note is heard, until all are."""
    shown, rung = "", False
    pause = services.settings.poll_seconds
    for _ in range(max(1, round(FOLLOW_SECONDS / pause))):
        notes = await asyncio.to_thread(basket_of, services.store, interaction.user.id)
        text, view = show(notes)
        waiting = any(note.state is NoteState.WAITING for note in notes)
        first = not shown
        if text != shown:
            try:
                await (replace if first else change)(interaction, text, view)
                shown = text
            except discord.NotFound:  # dismissed, or its member is forgotten
                shown = text
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("The basket could not be shown now: %s", error)
        if not waiting and shown == text:
            return
        if waiting and not rung:
            await services.doorbell.ring()
            rung = True
        await _pause(pause)


async def _pause(seconds: float) -> None:
    """Give the worker time to hear."""
    await asyncio.sleep(seconds)
