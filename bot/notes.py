"""`/notes`, its form and "Add to my voice": a member's basket of notes, which `/train` makes voices of."""

import asyncio
from collections.abc import Sequence

import discord
from discord import app_commands
from discord.ext import commands

from bot.interactions.arrival import Shown, gather, show_until_heard
from bot.interactions.attachments import is_audio
from bot.interactions.components import PersistentButton, PersistentItem, rows_of, view_of
from bot.interactions.pages import PageButton, numbered, pages, within
from bot.interactions.replies import refuse, replace
from bot.interactions.services import Interaction, Services, services_of, texts_for
from bot.interactions.uploads import form_of, upload_form, uploaded
from bot.messages.basket import Numbered, basket_lines
from bot.texts.locale import label, note_descriptions, note_labels
from bot.texts.names import choice_name, safe
from bot.texts.sentences import Texts
from store import BasketNote, NotYours
from store.use_cases import basket_of, keep_days_of_basket, remove_notes

NOTES = tuple(f"note{number}" for number in range(1, 11))
PAGE, FILES = 10, 10
"""Notes of a page, and those that a form takes at once."""
FORM = "notes:form"


def listing(notes: Sequence[BasketNote], say: Texts, days: float, page: int = 1, above: Sequence[str] = ()) -> Shown:
    """One page of the basket, newest first, and a menu to take notes out of it; lines that stand `above`."""
    add = NotesAdd.labelled(say("basket.add"))
    if not notes:
        return "\n".join([*above, say("basket.empty")]), view_of(add)

    def shown(some: Sequence[Numbered]) -> str:
        return "\n".join([*above, basket_lines(notes, some, say, days)])

    cut = pages(list(enumerate(reversed(notes), start=1)), shown, PAGE)
    page = within(page, len(cut))
    turning = NotesPage.around(page, len(cut), say)
    menu = rows_of([NotesPick.of(cut[page - 1], say("basket.pick"))], [add, *turning])
    return numbered(shown(cut[page - 1]), page, len(cut), say), menu


async def page_of(interaction: Interaction, page: int, above: Sequence[str] = ()) -> Shown:
    """That page of the basket of whoever interacts."""
    store = services_of(interaction).store
    notes = await asyncio.to_thread(basket_of, store, interaction.user.id)
    days = await asyncio.to_thread(keep_days_of_basket, store, interaction.user.id, interaction.guild_id)
    return listing(notes, texts_for(interaction), days, page, above)


class NotesPick(PersistentItem[discord.ui.Select[discord.ui.View]], template=r"notes:pick"):
    """The menu of notes that can be taken out."""

    @classmethod
    def of(cls, shown: Sequence[Numbered], text: str) -> "NotesPick":
        """The menu of these notes, of which several can be chosen."""
        options = [
            discord.SelectOption(label=choice_name(f"{number}. {note.name}", note.id), value=str(note.id))
            for number, note in shown
        ]
        menu = discord.ui.Select[discord.ui.View](
            custom_id=cls.custom_id_of(), placeholder=text, options=options, max_values=len(options)
        )
        return cls(menu)

    async def pressed(self, interaction: Interaction) -> None:
        """Take them out, and show what is left."""
        await interaction.response.defer()
        store, say = services_of(interaction).store, texts_for(interaction)
        chosen = [int(value) for value in getattr(self.item, "values", ()) if value.isdecimal() and len(value) < 16]
        names = await asyncio.to_thread(remove_notes, store, interaction.user.id, chosen)
        removed = say("basket.removed", names=", ".join(safe(name, 40) for name in names[:PAGE]))
        await replace(interaction, *await page_of(interaction, 1, [removed]))


class NotesAdd(PersistentButton, template=r"notes:add"):
    """Asks for more notes by a form, several at once."""

    style = discord.ButtonStyle.primary

    async def pressed(self, interaction: Interaction) -> None:
        """Show the form; `NotesCog` takes its answer, also after a restart."""
        say = texts_for(interaction)
        most = min(FILES, services_of(interaction).settings.max_notes)
        await interaction.response.send_modal(upload_form(FORM, say("basket.form"), say("basket.files"), most))


class NotesPage(PageButton, template=r"notes:page:(?P<page>[0-9]{1,4})"):
    """Another page of the basket."""

    async def show(self, interaction: Interaction) -> None:
        """Show the page, as the notes are now."""
        await replace(interaction, *await page_of(interaction, self.page))


class NotesCog(commands.Cog):
    """The command, and the menu of a message."""

    def __init__(self, bot: commands.AutoShardedBot, services: Services) -> None:
        self.services = services
        self.menu = app_commands.ContextMenu(name=label("notes.menu"), callback=self.add_message)
        bot.tree.add_command(self.menu)

    @app_commands.command(name=label("notes.name"), description=label("notes.description"))
    @app_commands.rename(**note_labels(NOTES))
    @app_commands.describe(**note_descriptions(NOTES))
    async def notes(
        self,
        interaction: Interaction,
        note1: discord.Attachment | None = None,
        note2: discord.Attachment | None = None,
        note3: discord.Attachment | None = None,
        note4: discord.Attachment | None = None,
        note5: discord.Attachment | None = None,
        note6: discord.Attachment | None = None,
        note7: discord.Attachment | None = None,
        note8: discord.Attachment | None = None,
        note9: discord.Attachment | None = None,
        note10: discord.Attachment | None = None,
    ) -> None:
        """Show the basket; notes that are given go into it first."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        given = (note1, note2, note3, note4, note5, note6, note7, note8, note9, note10)
        if sent := [note for note in given if note is not None]:
            await gather(self.services, interaction, sent, "command")
        await self._show(interaction)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """The form was sent: put its files into the basket, and show that in the place of its button."""
        if form_of(interaction) != FORM:
            return
        try:
            await interaction.response.defer()
            await gather(self.services, interaction, uploaded(interaction), "form")
            await self._show(interaction)
        except Exception as error:
            await refuse(interaction, error)

    async def add_message(self, interaction: Interaction, message: discord.Message) -> None:
        """Put the sound of a member's own message into their basket. Raises NotYours."""
        if message.author.id != interaction.user.id:
            raise NotYours(what="This voice note")
        await interaction.response.defer(ephemeral=True, thinking=True)
        await gather(self.services, interaction, [a for a in message.attachments if is_audio(a)], "message")
        await self._show(interaction)

    async def _show(self, interaction: Interaction) -> None:
        say, store = texts_for(interaction), self.services.store
        days = await asyncio.to_thread(keep_days_of_basket, store, interaction.user.id, interaction.guild_id)
        await show_until_heard(self.services, interaction, lambda basket: listing(basket, say, days))
