"""Discord's voice messages, which discord.py does not send: a flag, and a file that says its length and waveform.

Discord's developer documentation, Message resource, "Voice Messages".
"""

from pathlib import Path
from typing import Any

import discord
from discord.http import handle_message_parameters
from discord.webhook.async_ import async_context

NAME = "voice-message.ogg"
REFUSED = 50173
"""Discord's code for a channel that takes no voice messages."""


class VoiceFile(discord.File):
    """An Ogg Opus file of `seconds`, with its waveform in base64."""

    def __init__(self, path: Path, seconds: float, waveform: str) -> None:
        super().__init__(path, filename=NAME)
        self.seconds, self.waveform = seconds, waveform

    def to_dict(self, index: int) -> dict[str, Any]:
        """What Discord is told of the file."""
        described: dict[str, Any] = super().to_dict(index)
        return described | {"duration_secs": self.seconds, "waveform": self.waveform}


async def send_voice_message(followup: discord.Webhook, file: VoiceFile) -> int:
    """Answer an acknowledged interaction with a voice message that only its member sees; its id. Raises as Discord."""
    way: dict[str, Any] = {name: getattr(followup, name) for name in ("session", "proxy", "proxy_auth")}
    flags = discord.MessageFlags(voice=True, ephemeral=True)
    with handle_message_parameters(file=file, flags=flags) as params:
        body: dict[str, Any] = {"payload": params.payload, "multipart": params.multipart, "files": params.files}
        sent = await async_context.get().execute_webhook(followup.id, followup.token or "", wait=True, **way, **body)
    return int(sent["id"]) if sent else 0
