"""Components that outlive the bot's process: what stands in messages that were sent before never changes."""

import re
from typing import Any, ClassVar

import discord
import pytest

from bot.forget import ForgetButton
from bot.interactions.components import AnswerButton, PersistentButton, PersistentItem, view_of
from bot.jobs import CancelButton, FetchButton
from bot.training.question import ConsentButton
from bot.voices import VoiceDelete, VoicePick

JOB = "0123456789abcdef" * 2
TEMPLATES = {
    CancelButton: r"cancel:(?P<job>[0-9a-f]{32})",
    FetchButton: r"fetch:(?P<job>[0-9a-f]{32})",
    ConsentButton: r"consent:(?P<answer>yes|no):(?P<job>[0-9a-f]{32})",
    VoicePick: r"voices:pick",
    VoiceDelete: r"voices:(?P<answer>yes|no):(?P<voice>[0-9]{1,15})",
    ForgetButton: r"forget:(?P<answer>yes|no)",
}
DANGER, SUCCESS, SECONDARY = (discord.ButtonStyle[name] for name in ("danger", "success", "secondary"))


class Numbered(PersistentButton, template=r"numbered:(?P<name>[a-z]+):(?P<number>[0-9]+)"):
    """A button with a field of each type."""

    seen: ClassVar[list[tuple[str, int]]] = []
    name: str
    number: int

    async def pressed(self, interaction: discord.Interaction[Any]) -> None:
        """Keep the fields."""
        self.seen.append((self.name, self.number))


@pytest.mark.parametrize("component", TEMPLATES)
def test_the_templates_of_old_messages_stand(component: type[PersistentItem[Any]]) -> None:
    assert component.pattern == TEMPLATES[component]


@pytest.mark.parametrize(
    ("item", "custom_id", "style"),
    [
        (CancelButton.labelled("x", job=JOB), f"cancel:{JOB}", DANGER),
        (FetchButton.labelled("x", job=JOB), f"fetch:{JOB}", SECONDARY),
        (ConsentButton.labelled("x", answer="yes", job=JOB), f"consent:yes:{JOB}", SUCCESS),
        (VoiceDelete.labelled("x", answer="no", voice=12), "voices:no:12", DANGER),
        (ForgetButton.labelled("x", answer="yes"), "forget:yes", DANGER),
    ],
)
def test_custom_ids_and_styles_are_those_of_old_messages(
    item: PersistentButton, custom_id: str, style: discord.ButtonStyle
) -> None:
    assert (item.custom_id, item.item.label, item.item.style) == (custom_id, "x", style)


def test_no_is_never_the_loud_button() -> None:
    for answers in (ForgetButton.both("a", "b"), ConsentButton.both("a", "b", job=JOB)):
        yes, no = answers.children
        assert isinstance(yes, AnswerButton) and isinstance(no, AnswerButton) and answers.timeout is None
        assert (yes.answer, yes.item.label, no.answer, no.item.label) == ("yes", "a", "no", "b")
        assert yes.item.style == type(yes).style and no.item.style == SECONDARY


def test_fields_have_their_types_and_come_from_the_custom_id() -> None:
    button = Numbered(discord.ui.Button(custom_id="numbered:abc:7"))
    assert (button.name, button.number) == ("abc", 7)
    assert Numbered.labelled("x", name="abc", number=7).custom_id == "numbered:abc:7"
    assert VoiceDelete.labelled("x", answer="yes", voice=3).voice == 3


@pytest.mark.parametrize("fields", [{"job": "0" * 31}, {"job": "0" * 31 + "g"}, {"job": "0" * 33}])
def test_what_its_template_does_not_take_is_no_component(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="template"):
        CancelButton.labelled("x", **fields)


async def test_the_component_of_an_old_message_is_rebuilt_from_it() -> None:
    old = discord.ui.Button[discord.ui.View](label="old", custom_id="numbered:abc:7")
    match = re.fullmatch(Numbered.pattern, "numbered:abc:7")
    assert match is not None
    rebuilt = await Numbered.from_custom_id(None, old, match)  # type: ignore[arg-type]
    await rebuilt.callback(None)  # type: ignore[arg-type]
    assert rebuilt.item is old and Numbered.seen == [("abc", 7)]


def test_a_view_never_times_out() -> None:
    view = view_of(Numbered.labelled("x", name="a", number=1))
    assert view.timeout is None and view.is_persistent()
