"""Buttons and menus that still work after a restart of the bot: all they need is in their `custom_id`."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, TypeVar, cast

import discord

from bot.errors import UnknownButton
from bot.interactions.replies import refuse
from bot.interactions.services import Interaction

Button = discord.ui.Button[discord.ui.View]
Shown = TypeVar("Shown", bound=discord.ui.Item[Any])
FIELD = re.compile(r"\(\?P<(\w+)>[^)]*\)")
NEVER = r"(?!)"  # the template of a base: it matches no custom_id


class PersistentItem(discord.ui.DynamicItem[Shown], template=NEVER):
    """A component that is rebuilt from its `custom_id` on every interaction.

    A subclass has a `template` and implements `pressed`. Each named group of the template becomes an attribute, of the
    type (`str` or `int`) that the class annotates.
    """

    pattern: ClassVar[str]

    def __init_subclass__(cls, *, template: str) -> None:
        super().__init_subclass__(template=template)
        cls.pattern = template

    def __init__(self, item: Shown) -> None:
        super().__init__(item)
        match = self.template.fullmatch(self.custom_id)
        if match is None:
            raise ValueError(f"{self.custom_id} does not match the whole template {self.pattern}")
        for name, text in match.groupdict().items():
            setattr(self, name, self._type_of(name)(text))

    @classmethod
    def custom_id_of(cls, **fields: str | int) -> str:
        """The template with its named groups filled."""
        return FIELD.sub(lambda group: str(fields[group[1]]), cls.pattern)

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The component of a message that was sent before."""
        return cls(cast(Shown, item))

    async def callback(self, interaction: Interaction) -> None:
        """Perform `pressed`; its errors are answered like a command's."""
        try:
            await self.pressed(interaction)
        except Exception as error:
            await refuse(interaction, error)

    async def pressed(self, interaction: Interaction) -> None:
        """What the component does. Its errors become sentences."""
        raise NotImplementedError

    @classmethod
    def _type_of(cls, name: str) -> Callable[[str], str | int]:
        annotated: dict[str, Callable[[str], str | int]] = {}
        for base in reversed(cls.__mro__):
            annotated |= inspect.get_annotations(base)
        return annotated[name]


class PersistentButton(PersistentItem[Button], template=NEVER):
    """A button of this kind."""

    style: ClassVar[discord.ButtonStyle] = discord.ButtonStyle.secondary

    @classmethod
    def labelled(cls, text: str, **fields: str | int) -> Self:
        """The button with this text."""
        return cls(discord.ui.Button(label=text, style=cls.style, custom_id=cls.custom_id_of(**fields)))


class AnswerButton(PersistentButton, template=NEVER):
    """Yes or no to a question. The template has a group `answer`; its consequence replaces the question."""

    style = discord.ButtonStyle.danger
    answer: str

    @classmethod
    def both(cls, yes: str, no: str, **fields: str | int) -> discord.ui.View:
        """A view with yes and no, by their texts."""
        accept, refusal = cls.labelled(yes, answer="yes", **fields), cls.labelled(no, answer="no", **fields)
        refusal.item.style = discord.ButtonStyle.secondary
        return view_of(accept, refusal)

    async def pressed(self, interaction: Interaction) -> None:
        """Acknowledge, and do what was answered."""
        await interaction.response.defer()
        await (self.accepted(interaction) if self.answer == "yes" else self.declined(interaction))

    async def accepted(self, interaction: Interaction) -> None:
        """The answer was yes."""
        raise NotImplementedError

    async def declined(self, interaction: Interaction) -> None:
        """The answer was no."""
        raise NotImplementedError


async def answer_unknown(interaction: Interaction, known: Sequence[type[PersistentItem[Any]]]) -> None:
    """Tell whoever uses a component that is none of the `known` ones; those answer for themselves."""
    if interaction.type is discord.InteractionType.component:
        data: Any = interaction.data
        if not any(re.fullmatch(item.pattern, data["custom_id"]) for item in known):
            await refuse(interaction, UnknownButton())


def view_of(*items: discord.ui.Item[Any]) -> discord.ui.View:
    """A view of these components that never times out."""
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    return view


def rows_of(*rows: Sequence[PersistentItem[Any]]) -> discord.ui.View:
    """A view of these rows of components, the empty ones left out; it never times out."""
    shown = [row for row in rows if row]
    for number, row in enumerate(shown):
        for item in row:
            item.item.row = number
    return view_of(*(item for row in shown for item in row))
