"""The voices that ship come with what the model that ships hears of them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from models.speaker import resemblyzer
from pipeline.matching.match import embed_clips
from pipeline.pool.model_pool import ModelPool
from store import Store, StoreSettings, library, open_store
from worker.child import Child
from worker.library.seed import SHIPPED, seed_library, shipped_embeddings
from worker.messages import End, Ready, Task

MODEL = resemblyzer.model_id(resemblyzer.SINGERS_DB)
VOICES = tomllib.loads((SHIPPED / "library.toml").read_text())["voice"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """With an empty library."""
    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    yield opened
    opened.engine.dispose()


class IdleChild(Child):
    """A child that says which model it has, and works on nothing."""

    def __init__(self, model: str) -> None:
        self._model = model

    async def ready(self, able: bool = True) -> Ready:
        return Ready("cpu", self._model, "h24")

    async def run(self, task: Task, on_report: object = None, on_preview: object = None) -> End:
        raise AssertionError(f"it was asked for {task}")


async def test_a_first_start_embeds_nothing(store: Store) -> None:
    assert await seed_library(store, IdleChild(MODEL)) == len(VOICES)
    with store.read() as session:
        rows = library.singers(session)
    assert {row.name for row in rows} == {voice["name"] for voice in VOICES}
    assert all(row.embedding_model == MODEL and row.clips == 6 for row in rows)


async def test_another_model_hears_them_itself(store: Store) -> None:
    with pytest.raises(AssertionError, match="EmbedTask"):
        await seed_library(store, IdleChild("another"))


@pytest.mark.parametrize("voice", ["maxim", "bf_emma"])
def test_what_ships_is_what_is_heard(voice: str, models: ModelPool) -> None:
    folder: Path = SHIPPED / voice
    stored = load_file(shipped_embeddings(folder, MODEL))["embeddings"]
    heard = embed_clips(tuple(sorted(folder.glob("*.ogg"))), models.singer)
    np.testing.assert_allclose(stored, heard, atol=1e-3)
