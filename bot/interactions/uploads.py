"""Forms that ask for sound files. Whoever takes their answer knows them by their id, also after a restart."""

from typing import Any

import discord

from bot.interactions.services import Interaction


def upload_form(custom_id: str, title: str, text: str, most: int = 1) -> discord.ui.Modal:
    """A form with one field, called `text`, for up to `most` files."""
    form = discord.ui.Modal(title=title, custom_id=custom_id)
    field = discord.ui.FileUpload[discord.ui.Modal](custom_id="files", required=True, min_values=1, max_values=most)
    form.add_item(discord.ui.Label(text=text, component=field))
    return form


def uploaded(interaction: Interaction) -> list[discord.Attachment]:
    """The files that were sent with a form."""
    data: Any = interaction.data
    state: Any = interaction._state
    sent = data.get("resolved", {}).get("attachments", {}).values()
    return [discord.Attachment(data=file, state=state) for file in sent]


def form_of(interaction: Interaction) -> str:
    """The id of the form that an interaction answers, or nothing."""
    data: Any = interaction.data
    return str(data["custom_id"]) if interaction.type is discord.InteractionType.modal_submit else ""
