"""The free voices and songs that ship: made once, sung by everybody, deleted by nobody."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from pipeline.sound.decode import SONG, measure
from store import NotFound, Song, Store, StoreSettings, Voice, VoiceState, open_store, voices
from store.use_cases import CoverRequest, Requester, delete_voice, forget, ready_voices, request_cover
from tests.conftest import LIBRARY, BuiltOnce
from tests.warm_child import WarmChildren
from worker.child import Child
from worker.errors import CannotRun
from worker.library.free import SONGS, VOICES, FreeVoices, missing_voices, seed_songs
from worker.messages import End, InstantTask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
ME = 7


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(StoreSettings(data_dir=tmp_path / "data"))


@pytest.fixture
def child(warm_children: WarmChildren) -> Child:
    return warm_children("cpu", 1)


@pytest.fixture(scope="session")
def one_voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library whose only free voice is Emma."""
    folder = tmp_path_factory.mktemp("library") / "voices"
    shutil.copytree(LIBRARY / "bf_emma", folder / "bf_emma")
    row = '{ folder = "bf_emma", name = "Kokoro Emma", free = "Emma", source = "Kokoro", licence = "Apache-2.0" }'
    other = '{ folder = "maxim", name = "Maxim", source = "x", licence = "y" }'
    (folder / "library.toml").write_text(f"voice = [{row}, {other}]")
    return folder


async def made(store: Store, child: Child, folder: Path) -> int:
    """Make what is missing; how many that were."""
    free = FreeVoices(store, missing_voices(store, (await child.ready()).instant_base, folder))
    count = 0
    while await free.make_next(child):
        count += 1
    return count


@pytest.fixture(scope="session")
def seeded_once(built_once: BuiltOnce, warm_children: WarmChildren, one_voice: Path) -> Path:
    """A data folder with Emma and the songs."""

    def build(folder: Path) -> None:
        opened = open_store(StoreSettings(data_dir=folder))
        assert asyncio.run(made(opened, warm_children("cpu", 1), one_voice)) == 1 and seed_songs(opened) == 5
        opened.engine.dispose()

    return built_once("emma", build)


@pytest.fixture
def filled(seeded_once: Path, tmp_path: Path) -> Store:
    """A store that has been seeded."""
    return open_store(StoreSettings(data_dir=shutil.copytree(seeded_once, tmp_path / "sung")))


def test_they_are_made_once_and_everybody_may_sing_with_them(filled: Store, child: Child, one_voice: Path) -> None:
    assert asyncio.run(made(filled, child, one_voice)) == 0 and seed_songs(filled) == 0
    with filled.read() as session:
        (voice,) = session.exec(select(Voice)).all()
        assert (voice.name, voice.owner_id, voice.state) == ("Emma", voices.PUBLIC, VoiceState.READY)
        assert [one.name for one in ready_voices(session, ME, "em")] == ["Emma"]
        title = session.exec(select(Song)).all()[0].title
    job = request_cover(filled, Requester(ME, channel_id=1), CoverRequest(voice="emma", title=title))
    assert job.params["voice_id"] == voice.id
    with pytest.raises(NotFound):
        delete_voice(filled, voice.id or 0, ME)
    forget(filled, ME)
    with filled.read() as session:
        assert len(session.exec(select(Voice)).all()) == 1 and len(session.exec(select(Song)).all()) == 5


def test_two_workers_that_start_at_once_add_one_of_each(store: Store, child: Child, one_voice: Path) -> None:
    """The second finds no voice either, and makes one while the first keeps its own."""
    run = child.run

    async def slower(*arguments: Any) -> End:
        end = await run(*arguments)
        if isinstance(arguments[0], InstantTask):
            child.run = run  # type: ignore[method-assign]
            assert await made(store, child, one_voice) == 1
        return end

    child.run = slower  # type: ignore[method-assign, assignment]
    assert asyncio.run(made(store, child, one_voice)) == 1
    with store.read() as session:
        assert len(session.exec(select(Voice)).all()) == 1


def test_a_voice_of_another_base_is_made_anew_under_another_id(filled: Store, child: Child, one_voice: Path) -> None:
    with filled.write() as session:
        voice = session.exec(select(Voice)).one()
        before, voice.quality = voice.id, {**voice.quality, "base": "an earlier one"}
    assert asyncio.run(made(filled, child, one_voice)) == 1
    with filled.read() as session:
        after = session.exec(select(Voice)).one()
    assert after.name == "Emma" and after.id != before and after.quality["base"] != "an earlier one"


def test_no_process_that_can_run_leaves_them_for_the_next_start(
    store: Store, child: Child, one_voice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing_weights(*_: Any) -> End:
        raise CannotRun("There are no weights.")

    free = FreeVoices(store, missing_voices(store, "h24", one_voice) * 3)
    monkeypatch.setattr(child, "run", missing_weights)
    assert asyncio.run(free.make_next(child)) and not asyncio.run(free.make_next(child))
    with store.read() as session:
        assert not session.exec(select(Voice)).all()
    assert len(missing_voices(store, "h24", one_voice)) == 1


def test_an_own_voice_of_the_same_name_comes_first(filled: Store) -> None:
    with filled.write() as session:
        own = voices.create(session, ME, "Emma", None, None)
        voices.finish(session, own, "model", "index", {})
    job = request_cover(filled, Requester(ME, channel_id=1), CoverRequest(voice="Emma", title="아리랑"))
    assert job.params["voice_id"] == own.id


def test_the_songs_that_ship_are_sound_with_a_source_and_a_licence() -> None:
    import tomllib

    rows = tomllib.loads((SONGS / "songs.toml").read_text())["song"]
    assert {"아리랑", "Amazing Grace"} < {row["title"] for row in rows}
    assert len(rows) == 5 and {row["file"] for row in rows} == {path.name for path in SONGS.glob("*.ogg")}
    for row in rows:
        assert measure(SONGS / row["file"], SONG, row["file"]) == pytest.approx(row["seconds"], abs=0.1)
        assert row["licence"] == "CC0-1.0" and "synthetic" in row["singer"] and row["words"]
    free = [row for row in tomllib.loads((VOICES / "library.toml").read_text())["voice"] if "free" in row]
    assert len(free) == 4 and all(row["licence"] == "Apache-2.0" for row in free)
