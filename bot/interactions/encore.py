"""A cover is sung again for whoever pressed a button below it."""

import asyncio

from bot.interactions.services import Interaction, services_of
from store.use_cases import sing_again


async def encore(interaction: Interaction, job_id: str, *, shift: int = 0, voice_id: int | None = None) -> None:
    """Queue what `sing_again` does; its card is the (acknowledged) answer. Raises what that raises."""
    services = services_of(interaction)
    async with services.admitted(interaction) as requester:
        job = await asyncio.to_thread(sing_again, services.store, requester, job_id, shift=shift, voice_id=voice_id)
    await services.launch(job)
