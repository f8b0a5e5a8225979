"""Messages of components alone (Discord's second kind): each entry of a list beside its button, pictures in their text.

Discord takes 40 components and 4000 characters, and lets no such message become text with buttons again. So whatever
takes its place is laid out, too; an ordinary message may become a list at any time. Messages with a sound file stay
ordinary ones, because only there Discord shows a player.
"""

from collections.abc import Callable, Sequence
from typing import Any

import discord

Layout = discord.ui.LayoutView
AnyView = discord.ui.View | Layout
Row = tuple[str, discord.ui.Item[Any] | None]
"""An entry, and what can be done with it."""
ROWS = 10
"""Entries of three components each; box, title, foot and the buttons that turn the page fit beside them."""
LONGEST = 4000
"""Characters that Discord takes."""
TEXT = 3000
"""Characters of a list, so that its commands have room to become mentions."""
ACCENT = discord.Colour.blurple()


def list_of(title: str, rows: Sequence[Row], foot: str = "", below: Sequence[discord.ui.Item[Any]] = ()) -> Layout:
    """A box with a title, one row an entry and a foot, and buttons below it; it never times out."""
    box = discord.ui.Container[Layout](discord.ui.TextDisplay(title), accent_colour=ACCENT)
    for text, button in rows:
        box.add_item(discord.ui.Section(text, accessory=button) if button else discord.ui.TextDisplay(text))
    if foot:
        box.add_item(discord.ui.TextDisplay(foot))
    return _layout(box, below)


def pictured(text: str, pictures: Sequence[discord.File], meaning: str) -> Layout:
    """A box with a text and its pictures, which are sent with it; `meaning` is read to who does not see them."""
    box = discord.ui.Container[Layout](discord.ui.TextDisplay(text), accent_colour=ACCENT)
    if pictures:
        shown = [discord.MediaGalleryItem(picture, description=meaning) for picture in pictures]
        box.add_item(discord.ui.MediaGallery(*shown))
    return _layout(box, ())


def laid_out(text: str, view: AnyView | None) -> Layout:
    """A text with the buttons of a view, for the place of a list."""
    if isinstance(view, Layout):
        return view
    return _layout(discord.ui.TextDisplay[Layout](text), view.children if view else ())


def each_text(layout: Layout, change: Callable[[str], str]) -> Layout:
    """The layout with every text changed; as it was if Discord would not take it."""
    shown = [item for item in layout.walk_children() if isinstance(item, discord.ui.TextDisplay)]
    changed = [change(item.content) for item in shown]
    if sum(map(len, changed)) <= LONGEST:
        for item, text in zip(shown, changed, strict=True):
            item.content = text
    return layout


def _layout(top: discord.ui.Item[Any], below: Sequence[discord.ui.Item[Any]]) -> Layout:
    layout = Layout(timeout=None).add_item(top)
    return layout.add_item(discord.ui.ActionRow(*below)) if below else layout
