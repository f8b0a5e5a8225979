"""*Remove* beside a song or singer of a server: asks once, in the list's place."""

import asyncio
from collections.abc import Sequence

from bot.interactions.components import AnswerButton, PersistentButton
from bot.interactions.moderators import check_moderator
from bot.interactions.replies import replace
from bot.interactions.services import Interaction, services_of, texts_for
from bot.texts.names import choice_names, safe
from store import Store
from store.missing import NoSuchServerSinger, NoSuchServerSong
from store.params import LibraryEntry
from store.use_cases import own_singers, own_songs, remove_singer, remove_song, song_title


class LibraryRemove(PersistentButton, template=r"library:remove:(?P<entry>song|singer):(?P<number>[0-9]{1,15})"):
    """Asks whether an entry of the server where it is pressed is to go."""

    entry: str
    number: int

    async def pressed(self, interaction: Interaction) -> None:
        """Put the question in the place of the list. Raises ModeratorsOnly, NoSuchServerSong, NoSuchServerSinger."""
        await interaction.response.defer()
        await check_moderator(interaction)
        store, say = services_of(interaction).store, texts_for(interaction)
        name = await asyncio.to_thread(_name_of, store, interaction.guild_id or 0, self.entry, self.number)
        view = LibraryAnswer.both(say("library.yes"), say("library.no"), entry=self.entry, number=self.number)
        await replace(interaction, say(f"library.sure.{self.entry}", name=safe(name)), view)


class LibraryAnswer(
    AnswerButton, template=r"library:(?P<answer>yes|no):(?P<entry>song|singer):(?P<number>[0-9]{1,15})"
):
    """Remove it, or keep it."""

    entry: str
    number: int

    async def accepted(self, interaction: Interaction) -> None:
        """Remove the entry. Raises ModeratorsOnly, NoSuchServerSong, NoSuchServerSinger, SongInUse."""
        await check_moderator(interaction)
        where = services_of(interaction).store, interaction.guild_id or 0, interaction.user.id
        if self.entry == LibraryEntry.SONG.value:
            name = song_title(await asyncio.to_thread(remove_song, *where, f"#{self.number}"))
        else:
            name = await asyncio.to_thread(remove_singer, *where, f"#{self.number}")
        await replace(interaction, texts_for(interaction)("library.removed", name=safe(name)))

    async def declined(self, interaction: Interaction) -> None:
        """Keep it."""
        await replace(interaction, texts_for(interaction)("library.kept"))


def _name_of(store: Store, guild_id: int, entry: str, number: int) -> str:
    """What the entry is called. Raises NoSuchServerSong, NoSuchServerSinger."""
    if entry == LibraryEntry.SONG.value:
        rows = own_songs(store, guild_id)
        shown = choice_names((song_title(song), song.id) for song in rows)
        names: Sequence[str] = [name for name, song in zip(shown, rows, strict=True) if song.id == number]
    else:
        names = [singer.name for singer in own_singers(store, guild_id) if singer.id == number]
    if not names:
        raise NoSuchServerSong if entry == LibraryEntry.SONG.value else NoSuchServerSinger
    return names[0]
