"""The scene of every use case's test."""

from pathlib import Path

import pytest

from store import Store
from tests.store.use_cases.scene import MEMBER, Scene


@pytest.fixture
def scene(store: Store, tmp_path: Path) -> Scene:
    """A real database and media folder, and nothing in them."""
    return Scene(store, tmp_path, MEMBER)
