"""What an operator is told of an error names what the desk has, not what the bot has."""

import pytest
import typer

from cli.console import DeskError, semitones
from cli.refusals import sentence_of
from pipeline.errors import VoiceOutdated
from store import DuplicateVoiceName, VoiceNotReady
from worker.errors import ChildDied


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (DuplicateVoiceName(name="Me"), "delete it first: discovervoice voices."),
        (VoiceOutdated(name="Me"), "Train it again: discovervoice train"),
        (ChildDied("The working process ended in the middle of its work."), "if that ends so too, free some memory."),
        (DeskError("There is no file /train/a.ogg."), "There is no file /train/a.ogg."),
    ],
)
def test_the_next_step_is_a_command_of_the_desk(error: Exception, ending: str) -> None:
    assert (sentence_of(error) or "").endswith(ending)


def test_every_command_in_a_sentence_is_the_desks() -> None:
    told = sentence_of(VoiceNotReady(name="Me", state="training")) or ""
    assert "discovervoice jobs shows" in told and "discovervoice train begins" in told and "/" not in told


@pytest.mark.parametrize(("text", "count"), [("-3", -3), ("−3", -3), ("+12", 12), ("0", 0)])
def test_a_key_is_taken_as_it_is_typed_and_as_our_tables_write_it(text: str, count: int) -> None:
    assert semitones(text) == count


@pytest.mark.parametrize("text", ["25", "−25", "high", "1.5", ""])
def test_a_key_out_of_reach_is_said_with_what_is_allowed(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no whole number from -24 to 24, such as -3"):
        semitones(text)
