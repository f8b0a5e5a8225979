"""The library of `/match` under the classifier of SINGERS: a voice is compared only by the model that embedded it."""

import asyncio
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from cli.report import singer_line
from lab.classifiers.start import begin
from lab.classifiers.task import SingerConfig
from models.signal import SPEECH_RATE
from models.speaker import ast, resemblyzer
from pipeline.pool.selection import Selection
from pipeline.sound.decode import NOTE, decode
from store import Job, JobKind, JobState, Singer, Store, StoreSettings, library, open_store, outbox
from store.use_cases import take_job
from tests.conftest import LIBRARY, BuiltOnce
from tests.warm_child import ForkedChild, WarmChildren
from tests.worker.conftest import MEMBER, read, submit
from worker.child import Child
from worker.job_runner import work_on
from worker.library.seed import embed_singer, seed_library
from worker.settings import WorkerSettings

VOICES = {"libri-533": "LibriSpeech 533", "maxim": "Maxim", "nsh": "N. Shmyrev"}
STEPS = 60
EMBEDDED = resemblyzer.model_id(resemblyzer.SINGERS_DB)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def clips_of(voice: str) -> list[Path]:
    """Five clips to train on, three of them to compare with; the sixth is held out."""
    return sorted((LIBRARY / voice).glob("*.ogg"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """With an empty library."""
    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three of the voices that ship, as a library of their own."""
    folder = tmp_path_factory.mktemp("shipped")
    rows = []
    for voice, name in VOICES.items():
        (folder / voice).mkdir()
        for clip in clips_of(voice)[:3]:
            shutil.copyfile(clip, folder / voice / clip.name)
        rows.append(f'{{ folder = "{voice}", name = "{name}", source = "shipped", licence = "free" }}')
    (folder / "library.toml").write_text(f"voice = [{', '.join(rows)}]")
    return folder


@pytest.fixture(scope="module")
def trained(built_once: BuiltOnce, one_thread: None) -> Path:
    """A tiny classifier of the three voices, trained for some seconds."""

    def build(folder: Path) -> None:
        network = begin(None, SingerConfig(width=64, layers=1, frames=128), seed=0)
        singers = ast.Singers(ast.SingerHead(64, len(VOICES)), tuple(VOICES.values()), 1.0)
        windows = [
            ast.windows(
                ast.spectrum(ast.loud_parts(decode(clip, SPEECH_RATE, channels=1, limits=NOTE, name=clip.name))), 128
            )
            for voice in VOICES
            for clip in clips_of(voice)[:5]
        ]
        labels = torch.cat([torch.full((len(cut),), number // 5) for number, cut in enumerate(windows)])
        optimizer = torch.optim.Adam([*network.parameters(), *singers.head.parameters()], 1e-3)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(singers.head(network(torch.cat(windows)).pooler_output), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        folder.mkdir()
        ast.save(network.eval(), folder / "singers.safetensors", "AST tiny, 3 singers", singers)

    return built_once("classifier", build) / "singers.safetensors"


@pytest.fixture(scope="module")
def embedded(warm_children: WarmChildren) -> Child:
    """The worker's child as it is without SINGERS."""
    return warm_children("cpu", 1)


@pytest.fixture(scope="module")
def classifier_child(trained: Path) -> Iterator[Child]:
    """The worker's child with SINGERS."""
    child = ForkedChild("cpu", 1, Selection(singers=trained))
    yield child
    child.kill()


def rows(store: Store) -> list[Singer]:
    with store.read() as session:
        return list(library.singers(session))


def models_of(store: Store) -> dict[str, set[str]]:
    return {row.name: {other.embedding_model for other in rows(store) if other.name == row.name} for row in rows(store)}


def matched(store: Store, child: Child, note: Path) -> dict[str, Any]:
    """The result of a `/match` that a worker took."""
    job = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5), [note])
    taken = take_job(store, job.id, 1, "test")
    assert taken is not None
    asyncio.run(work_on(store, child, taken, WorkerSettings()))
    done = read(store, job)
    assert done.state is JobState.RENDERED, done.error_sentence
    return done.result


def test_match_by_the_classifier_names_the_right_voice_and_the_training(
    store: Store, shipped: Path, trained: Path, classifier_child: Child
) -> None:
    assert asyncio.run(seed_library(store, classifier_child, shipped)) == 3
    for voice in ("maxim", "libri-533"):
        result = matched(store, classifier_child, clips_of(voice)[5])
        best = result["candidates"][0]
        assert best["name"] == VOICES[voice] and best["share"] > result["none"]
    encoder = ast.load(trained)
    assert result["model"] == result["models"]["singer"] == encoder.name
    assert encoder.name.startswith("AST tiny, 3 singers (") and encoder.model_id[-8:] in encoder.name
    assert result["calibration"]["clips"] == 9
    with store.read() as session:
        assert [file["name"] for file in outbox.due(session)[0].files] == ["match.png"]


def test_another_model_embeds_the_shipped_voices_too_and_both_go_on_matching(
    store: Store,
    shipped: Path,
    trained: Path,
    classifier_child: Child,
    embedded: Child,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert asyncio.run(seed_library(store, embedded, shipped)) == 3
    assert models_of(store) == {key: {EMBEDDED} for key in VOICES.values()}
    assert asyncio.run(seed_library(store, classifier_child, shipped)) == 3
    assert models_of(store) == {key: {EMBEDDED, ast.load(trained).model_id} for key in VOICES.values()}
    assert (
        asyncio.run(seed_library(store, embedded, shipped))
        == asyncio.run(seed_library(store, classifier_child, shipped))
        == 0
    )
    assert store.media.keys() == {row.embeddings_key for row in rows(store)}
    assert "leaves out" not in caplog.text
    for child, name in (
        (embedded, resemblyzer.NAME),
        (classifier_child, ast.load(trained).name),
    ):  # two workers on one folder
        result = matched(store, child, clips_of("maxim")[5])
        assert result["model"] == name and result["candidates"][0]["name"] == "Maxim"


def test_a_singer_that_is_added_again_replaces_its_own_row_and_no_other(
    store: Store, classifier_child: Child, embedded: Child
) -> None:
    for child in (embedded, classifier_child, embedded):
        asyncio.run(embed_singer(store, child, "Mine", clips_of("maxim")[:3], source="my own", licence="mine"))
    assert len(rows(store)) == 2 and len(models_of(store)["Mine"]) == 2
    assert store.media.keys() == {row.embeddings_key for row in rows(store)}


def test_a_clip_that_is_given_twice_is_one(store: Store, embedded: Child, tmp_path: Path) -> None:
    first, second = clips_of("maxim")[:2]
    same = Path(shutil.copy(first, tmp_path / "another name.ogg"))
    asyncio.run(embed_singer(store, embedded, "Mine", [first, same, second, first], source="my own", licence="mine"))
    [mine] = rows(store)
    assert mine.clips == 2 and "add it again with more" in singer_line(mine)


def test_a_start_that_was_interrupted_between_two_voices_is_completed(
    store: Store, shipped: Path, classifier_child: Child, embedded: Child
) -> None:
    asyncio.run(seed_library(store, embedded, shipped))
    asyncio.run(embed_singer(store, classifier_child, "Maxim", clips_of("maxim")[:3], source="shipped", licence="free"))
    assert asyncio.run(seed_library(store, classifier_child, shipped)) == 2
    assert all(len(models) == 2 for models in models_of(store).values())


def test_an_operators_own_singers_are_named_and_come_back_with_their_model(
    store: Store, shipped: Path, classifier_child: Child, embedded: Child, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="worker.library.seed")
    asyncio.run(seed_library(store, embedded, shipped))
    for name in ("Mine", "Maxim"):  # one takes the place of a shipped voice
        asyncio.run(embed_singer(store, embedded, name, clips_of("maxim")[:3], source="my own", licence="mine"))
    assert caplog.text == ""
    assert asyncio.run(seed_library(store, classifier_child, shipped)) == 2
    [record] = caplog.records
    assert "leaves out singers that only another model embedded (2): Maxim, Mine." in record.getMessage()
    assert "discovervoice singers add NAME CLIPS" in record.getMessage()
    assert models_of(store)["Mine"] == models_of(store)["Maxim"] == {EMBEDDED}
    names = {candidate["name"] for candidate in matched(store, classifier_child, clips_of("maxim")[5])["candidates"]}
    assert names == {"LibriSpeech 533", "N. Shmyrev"}
    caplog.clear()
    asyncio.run(seed_library(store, embedded, shipped))
    assert caplog.text == "" and all(EMBEDDED in models for models in models_of(store).values())


def test_a_library_without_shipped_voices_stays_its_operators(store: Store, shipped: Path, embedded: Child) -> None:
    asyncio.run(embed_singer(store, embedded, "Mine", clips_of("maxim")[:3], source="my own", licence="mine"))
    assert asyncio.run(seed_library(store, embedded, shipped)) == 0
    assert set(models_of(store)) == {"Mine"}
