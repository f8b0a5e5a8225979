"""What an operator is told of an error names what the desk has, not what the bot has."""

import pytest

from cli.console import DeskError
from cli.refusals import sentence_of
from pipeline.errors import VoiceOutdated
from store import DuplicateVoiceName, VoiceNotReady


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (DuplicateVoiceName(name="Me"), "delete it first: discovervoice voices."),
        (VoiceOutdated(name="Me"), "Train it again: discovervoice train"),
        (DeskError("There is no file /train/a.ogg."), "There is no file /train/a.ogg."),
    ],
)
def test_the_next_step_is_a_command_of_the_desk(error: Exception, ending: str) -> None:
    assert (sentence_of(error) or "").endswith(ending)


def test_every_command_in_a_sentence_is_the_desks() -> None:
    told = sentence_of(VoiceNotReady(name="Me", state="training")) or ""
    assert "discovervoice jobs shows" in told and "discovervoice train begins" in told and "/" not in told
