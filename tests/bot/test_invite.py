"""The address of the invitation: the bot's own, with the permissions that the documentation names."""

import base64
from pathlib import Path

import pytest

from bot.errors import WrongToken
from bot.invite import PERMISSIONS, invite_of

OPERATORS = Path(__file__).resolve().parents[2] / "docs" / "operators.md"


def token_of(number: str) -> str:
    """A token as Discord makes them."""
    return f"{base64.urlsafe_b64encode(number.encode()).decode().rstrip('=')}.GabcDE.secret"


def test_the_address_names_the_bot_and_its_permissions_and_not_the_token() -> None:
    address = invite_of(token_of("1234567890123456789"))
    assert address == (
        "https://discord.com/oauth2/authorize?client_id=1234567890123456789"
        f"&scope=bot+applications.commands&permissions={PERMISSIONS.value}"
    )
    assert str(PERMISSIONS.value) in OPERATORS.read_text("utf-8")


@pytest.mark.parametrize("token", ["x.y.z", "not-a-token", token_of("abc"), "ÿÿÿ"])
def test_what_is_no_token_has_no_address(token: str) -> None:
    with pytest.raises(WrongToken):
        invite_of(token)
