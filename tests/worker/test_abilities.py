"""What a worker says that it can do, and how many jobs it does at once."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.weights import catalog
from models.weights.integrity import NotFetched
from pipeline.pool import abilities as pool
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Selection
from store import Lane
from worker.abilities import abilities_of, at_once
from worker.messages import Ready
from worker.settings import WorkerSettings


def test_what_is_fetched_can_be_loaded_if_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    models = ModelPool()
    fetched = {"contentvec", "rvc-40k", "htdemucs", "mdx23c"}

    def locate(name: str) -> dict[str, Path]:
        if name not in fetched and not catalog.read().entries[name].embedded:
            raise NotFetched(name)
        return {"weights": Path(name)}

    monkeypatch.setattr(models, "locate", locate)
    assert fetched - {"rvc-40k"} | {"classic", "spleeter", "h24"} <= set(pool.loadable(models, 24.0))
    assert "rvc-40k" not in pool.loadable(models, 24.0)  # without a GPU it would take days
    monkeypatch.setattr(models, "device", torch.device("cuda"))
    assert "rvc-40k" in pool.loadable(models, 24.0) and "rvc-40k" not in pool.loadable(models, 6.0)
    fetched.remove("contentvec")
    assert "rvc-40k" not in pool.loadable(models, 24.0)


def test_another_separator_takes_the_place_of_the_selected_one_for_one_job() -> None:
    models = ModelPool()
    first = models.separator
    models.choose(voice_base="rvc-40k")
    assert models.separator is first and models.selection.voice_base == "rvc-40k"
    models.choose(separator="spleeter:1")
    assert models.separator is not first
    models.choose()
    assert models.separator.model_id == first.model_id and models.selection.voice_base == "h24"


def test_a_worker_can_do_what_was_selected_for_it_whatever_the_catalogue_says() -> None:
    settings = WorkerSettings(separator="mine.safetensors", voice_base="rvc-40k", worker_lanes="heavy")
    able = abilities_of(Ready("cuda", "m", models=("spleeter",), memory_gb=24.0), settings)
    assert able.models == {"spleeter", "mine.safetensors", "rvc-40k"} and able.lanes == {Lane.HEAVY}


@pytest.mark.parametrize(
    ("room", "wanted", "jobs"), [(80.0, 4, 4), (24.0, 4, 3), (7.0, 4, 1), (80.0, 1, 1), (0.0, 2, 1)]
)
def test_as_many_jobs_run_at_once_as_the_memory_has_room_for(room: float, wanted: int, jobs: int) -> None:
    each = pool.job_gb(Selection(voice_base="rvc-40k"))
    assert at_once(wanted, Ready("cuda", "m", memory_gb=room, job_gb=each)) == jobs


def test_a_job_takes_what_its_models_take_together() -> None:
    light = pool.job_gb(Selection())
    assert light < pool.job_gb(Selection(separator="classic")) and light < pool.job_gb(Selection(voice_base="rvc-40k"))
    assert pool.job_gb(replace(Selection(), separator="mine.safetensors")) == light
