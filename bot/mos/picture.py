"""One picture for each voice of a listening test: its mean beside references and anchors, its votes, its clips.

Three panels one above the other, dark, for a telephone: 780 pixels wide, two for each of its 390. Drawn by Pillow,
because the bot loads no numpy.
"""

import io
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bot.mos.figures import GroupOpinion, ListeningFigures
from bot.mos.opinion import Opinion
from bot.texts.names import shorten
from bot.texts.sentences import Texts
from store import ClipRole
from store.use_cases import ListeningVotes

PAPER, INK, FAINT, GREY, BLUE = "#1f2024", "#f1f2f4", "#3a3d44", "#8b9099", "#6ea3f5"
FINE = 2
"""It is drawn so many times larger, and made smaller, so that edges are smooth."""
WIDTH, MARGIN, LABELS, ROW = 780, 36, 250, 46
SMALL, LARGE = 24, 30
"""Pixels: 12 and 15 on a telephone."""
LOWEST, HIGHEST = 1, 5
MOST_CLIPS = 12
KNOWN = (ClipRole.REFERENCE, ClipRole.ANCHOR)
Row = tuple[str, Opinion | None, str]


def group_name(group: GroupOpinion, say: Texts) -> str:
    """What the clips of a group are, and what made them."""
    name = say(f"mos.role.{group.role.value}")
    return f"{name} ({group.model})" if group.model else name


def voice_pictures(votes: ListeningVotes, figures: ListeningFigures, say: Texts) -> list[bytes]:
    """A PNG file for each group of clips that has a vote, references and anchors aside."""
    rated = [group for group in figures.groups if group.opinion is not None and group.role not in KNOWN]
    return [voice_picture(votes, figures, group, say) for group in rated]


def voice_picture(votes: ListeningVotes, figures: ListeningFigures, group: GroupOpinion, say: Texts) -> bytes:
    """The picture of one voice, as PNG."""
    own = [clip for clip in votes.clips if (clip.role, clip.model) == (group.role, group.model)]
    known = [one for one in figures.groups if one.role in KNOWN]
    beside: list[Row] = [(group_name(group, say), group.opinion, BLUE)]
    beside += [(group_name(one, say), one.opinion, GREY) for one in known]
    clips: list[Row] = [(clip.name, figures.by_clip[clip.id or 0], BLUE) for clip in own[:MOST_CLIPS]]
    ids = {clip.id for clip in own}
    counted = (one for one in figures.ratings if one.clip in ids and one.rater not in figures.screened)
    given = Counter(int(one.value) for one in counted)
    sheet = _Sheet(room=2 * MARGIN + 3 * 100 + 40 + ROW * (len(beside) + len(clips) + 6))
    question = say(f"mos.about.{votes.test.question.value}")
    sheet.line(say("mos.picture.title", number=votes.test.id, question=question), LARGE)
    sheet.heading(say("mos.picture.means"))
    sheet.scale(beside)
    sheet.heading(say("mos.picture.votes", number=given.total()))
    sheet.bars([(say(f"mos.value.{value}"), given[value]) for value in range(HIGHEST, LOWEST - 1, -1)])
    sheet.heading(say("mos.picture.clips"))
    sheet.scale(clips)
    return sheet.png()


class _Sheet:
    """What is drawn from the top downwards, in pixels of the finished picture."""

    def __init__(self, room: int) -> None:
        self._image = Image.new("RGB", (WIDTH * FINE, room * FINE), PAPER)
        self._draw = ImageDraw.Draw(self._image)
        self._top = MARGIN

    def line(self, text: str, size: int) -> None:
        """A line of text."""
        self._text(MARGIN, self._top, shorten(text, 52), size)
        self._top += size + 16

    def heading(self, text: str) -> None:
        """The title of a panel, with a line above it."""
        self._top += 18
        self._draw.line(self._points(MARGIN, self._top, WIDTH - MARGIN, self._top), FAINT, 2 * FINE)
        self._top += 16
        self.line(text, SMALL)

    def scale(self, rows: Sequence[Row]) -> None:
        """A row for each mean (a dot) with its interval (a bar), over the scale from 1 to 5."""
        end = self._top + ROW * len(rows)
        for value in range(LOWEST, HIGHEST + 1):
            self._draw.line(self._points(_across(value), self._top, _across(value), end), FAINT, FINE)
            self._text(_across(value) - 7, end + 2, str(value), SMALL, GREY)
        for name, found, colour in rows:
            middle = self._top + ROW // 2
            self._text(MARGIN, middle - SMALL // 2 - 4, shorten(name, 17), SMALL)
            if found is not None:
                self._mean(found, middle, colour)
            self._top += ROW
        self._top += SMALL + 10

    def bars(self, rows: Sequence[tuple[str, int]]) -> None:
        """A bar for each count."""
        most = max(1, *(count for _, count in rows))
        for name, count in rows:
            middle, left = self._top + ROW // 2, MARGIN + LABELS
            right = left + (WIDTH - MARGIN - 70 - left) * count / most
            self._text(MARGIN, middle - SMALL // 2 - 4, shorten(name, 17), SMALL)
            self._draw.rectangle(self._points(left, middle - 12, max(right, left + 2), middle + 12), BLUE)
            self._text(right + 14, middle - SMALL // 2 - 4, str(count), SMALL)
            self._top += ROW

    def png(self) -> bytes:
        """What was drawn."""
        out = io.BytesIO()
        used = self._image.crop((0, 0, WIDTH * FINE, (self._top + MARGIN) * FINE))
        smooth = used.resize((WIDTH, used.height // FINE), Image.Resampling.LANCZOS)
        smooth.save(out, "PNG", optimize=True)
        return out.getvalue()

    def _mean(self, found: Opinion, middle: int, colour: str) -> None:
        if found.low is not None and found.high is not None:
            low, high = (_across(min(HIGHEST, max(LOWEST, end))) for end in (found.low, found.high))
            self._draw.line(self._points(low, middle, high, middle), colour, 5 * FINE)
        x = _across(found.mean)
        self._draw.ellipse(self._points(x - 9, middle - 9, x + 9, middle + 9), colour, PAPER, 2 * FINE)
        self._text(WIDTH - MARGIN - 48, middle - SMALL // 2 - 4, f"{found.mean:.2f}", SMALL)

    def _text(self, x: float, y: float, text: str, size: int, colour: str = INK) -> None:
        self._draw.text((x * FINE, y * FINE), text, colour, _font(size * FINE))

    def _points(self, *numbers: float) -> list[float]:
        return [number * FINE for number in numbers]


def _across(value: float) -> float:
    """Where a value of the scale lies."""
    left, right = MARGIN + LABELS + 10, WIDTH - MARGIN - 80
    return left + (right - left) * (value - LOWEST) / (HIGHEST - LOWEST)


def _font(size: int) -> ImageFont.FreeTypeFont:
    """NanumGothic, which knows Korean; read from its package, which is not imported (it wants matplotlib)."""
    spec = find_spec("koreanize_matplotlib")
    folder = Path(next(iter(spec.submodule_search_locations or ()))) if spec else Path()
    return ImageFont.truetype(str(folder / "fonts" / "NanumGothic.ttf"), size)
