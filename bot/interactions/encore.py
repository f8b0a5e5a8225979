"""A cover is sung again for whoever pressed a button below it."""

import asyncio
from functools import partial

from bot.interactions.services import Interaction, services_of
from store.use_cases import sing_again


async def encore(
    interaction: Interaction, job_id: str, *, shift: int = 0, voice_id: int | None = None, louder: int = 0
) -> None:
    """Queue what `sing_again` does; its card is the (acknowledged) answer. Raises what that raises."""
    services = services_of(interaction)
    again = partial(sing_again, services.store, job_id=job_id, shift=shift, voice_id=voice_id, louder=louder)
    async with services.admitted(interaction) as requester:
        job = await asyncio.to_thread(again, requester=requester)
    await services.launch(job)
