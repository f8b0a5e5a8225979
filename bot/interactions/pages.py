"""Lists that are longer than a message: cut into pages, turned by buttons that work after a restart."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.interactions.components import NEVER, PersistentButton
from bot.interactions.services import Interaction
from bot.texts.names import MESSAGE_LENGTH
from bot.texts.sentences import Texts

Entry = TypeVar("Entry")


def pages(
    entries: Sequence[Entry], render: Callable[[Sequence[Entry]], str], most: int, limit: int = MESSAGE_LENGTH
) -> list[Sequence[Entry]]:
    """The entries in pages of at most `most`, none longer than a message when it is rendered (but for a single one)."""
    cut: list[Sequence[Entry]] = []
    start = 0
    while start < len(entries):
        end = start + 1
        while end < len(entries) and end - start < most and len(render(entries[start : end + 1])) <= limit:
            end += 1
        cut.append(entries[start:end])
        start = end
    return cut


def within(page: int, count: int) -> int:
    """The page, or the last one of a list that has become shorter; the first is 1."""
    return max(1, min(page, count))


class PageButton(PersistentButton, template=NEVER):
    """Shows another page in the message's place. The template has a group `page`."""

    page: int

    async def pressed(self, interaction: Interaction) -> None:
        """Turn the page."""
        await interaction.response.defer()
        await self.show(interaction)

    async def show(self, interaction: Interaction) -> None:
        """Put the page in the place of the message."""
        raise NotImplementedError

    @classmethod
    def around(cls, page: int, count: int, say: Texts, **fields: str | int) -> list["PageButton"]:
        """Buttons for the page before and the page after; `fields` are the template's others."""
        before = [cls.labelled(say("pages.before"), page=page - 1, **fields)] if page > 1 else []
        return before + ([cls.labelled(say("pages.after"), page=page + 1, **fields)] if page < count else [])


def page_line(page: int, count: int, say: Texts) -> str:
    """The number of a page, where there are several."""
    return f"-# {say('pages.number', page=page, pages=count)}" if count > 1 else ""


def numbered(text: str, page: int, count: int, say: Texts) -> str:
    """The text with the number of its page, where there are several."""
    line = page_line(page, count, say)
    return f"{text}\n{line}" if line else text
