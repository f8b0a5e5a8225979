"""The folders of the pipeline in the order of the sound's way: each imports only from those before it."""

import pytest

from tests.test_walls import ROOT, imported

ORDER = ("sound", "separation", "listening", "voices", "pool", "singing", "matching", "training", "covers")
BELOW = {"errors", "progress", "canvas", "captions", "sheet"}


@pytest.mark.parametrize("folder", ORDER)
def test_a_folder_imports_only_from_those_before_it(folder: str) -> None:
    allowed = {*ORDER[: ORDER.index(folder) + 1], *BELOW}
    breaches = [
        f"{path.relative_to(ROOT)} line {line}: {name}"
        for path in sorted((ROOT / "pipeline" / folder).glob("*.py"))
        for line, name in imported(path.read_text(), f"pipeline.{folder}")
        if name.startswith("pipeline.") and name.split(".")[1] not in allowed
    ]
    assert not breaches


def test_every_folder_has_its_place_and_a_sentence() -> None:
    folders = {path.parent.name: path.read_text() for path in (ROOT / "pipeline").glob("*/__init__.py")}
    assert folders.keys() == set(ORDER)
    assert all(text.startswith('"""') and text.endswith('."""\n') for text in folders.values())
