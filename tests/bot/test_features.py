"""The bot's inner walls: no feature imports another, what they share imports no feature."""

import ast
from pathlib import Path

import pytest

import bot

ROOT = Path(bot.__file__).parent
MAY_IMPORT = {  # what is shared, from the bottom to the top
    "errors": set[str](),
    "faults": set[str](),
    "settings": {"errors"},
    "invite": {"errors"},
    "texts": {"errors"},
    "messages": {"errors", "faults", "texts"},
    "interactions": {"errors", "faults", "settings", "texts"},
}
FEATURES = sorted(
    {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")}
    - {"__init__", "app", *MAY_IMPORT}
)


def parts_of(part: str) -> list[Path]:
    """The files of a part of the bot: one file, or a folder."""
    return [path for path in (ROOT / f"{part}.py", *(ROOT / part).rglob("*.py")) if path.exists()]


def imported(source: str) -> set[str]:
    """The parts of the bot that a module imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("bot.")}


def breaches(part: str, source: str) -> set[str]:
    """What a module of this part imports although it may not."""
    return imported(source) - {part} - MAY_IMPORT.get(part, set(MAY_IMPORT))


@pytest.mark.parametrize("part", [*MAY_IMPORT, *FEATURES])
def test_a_part_of_the_bot_imports_only_what_it_may(part: str) -> None:
    files = parts_of(part)
    assert files
    assert {str(path): breaches(part, path.read_text()) for path in files} == {str(path): set() for path in files}


def test_the_features_are_seen() -> None:
    features = {
        "match",
        "notes",
        "my_data",
        "training",
        "covers",
        "voices",
        "jobs",
        "forget",
        "help",
        "live_cards",
        "login",
        "delivery",
        "removal",
        "sharing",
        "details",
        "again",
        "parts",
        "rating",
        "suggested",
        "deleting",
        "presence",
        "copies",
        "mos",
        "guild_settings",
        "reports",
        "library",
    }
    assert features == set(FEATURES)


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("match", "from bot.training import NOTES"),
        ("voices", "def f():\n    import bot.jobs"),
        ("interactions", "if TYPE_CHECKING:\n    from bot.live_cards import LiveCards"),
        ("interactions", "from bot.messages.post import post"),
        ("texts", "from bot import app"),
        ("jobs", "from bot.app import DiscoverBot"),
    ],
)
def test_a_breach_would_be_seen(part: str, source: str) -> None:
    assert breaches(part, source)
