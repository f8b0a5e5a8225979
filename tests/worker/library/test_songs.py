"""An idle worker hears what the library's songs ask of a voice, and `/match` suggests what suits."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from models.signal import MUSIC_RATE
from pipeline.sound.encode import encode
from store import Job, JobKind, JobState, Song, SongVocals, Store, cache, library
from store.use_cases import NewSong, add_song, take_job
from tests.warm_child import WarmChildren
from tests.worker.conftest import MEMBER, StartWorker, read, submit, wait_for, wait_until
from worker.child import Child
from worker.job_runner import work_on
from worker.library.songs import SongListener
from worker.settings import WorkerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def child(warm_children: WarmChildren) -> Child:
    return warm_children("cpu", 1)


@pytest.fixture(scope="module")
def humming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of noise: nobody sings."""
    path = tmp_path_factory.mktemp("songs") / "hiss.wav"
    encode(path, np.random.default_rng(0).normal(0, 0.05, (2, 8 * MUSIC_RATE)).astype(np.float32), MUSIC_RATE)
    return path


def heard(store: Store) -> list[SongVocals]:
    with store.read() as session:
        return list(session.exec(select(SongVocals)).all())


def test_a_song_is_heard_once_and_then_suggested(store: Store, child: Child, song: Path, notes: list[Path]) -> None:
    added = add_song(store, NewSong(song, "Slow Motion Dream", "Somebody"))

    async def listen() -> None:
        model = (await child.ready()).singer_model
        await SongListener(store, child, model).listen_while_idle()

    asyncio.run(listen())
    (vocals,) = heard(store)
    assert vocals.song_id == added.id and 3 < vocals.seconds < 11 and len(vocals.embedding) == 256
    assert np.linalg.norm(vocals.embedding) == pytest.approx(1, abs=1e-3)
    assert sum(vocals.notes.values()) <= vocals.seconds and all(36 < int(note) < 90 for note in vocals.notes)
    assert cache.is_heard(store, added.media_key)  # its first cover separates nothing, and is quick
    assert not cache.is_heard(store, added.media_key, vocals_only=True)
    job = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5), notes[:1])
    taken = take_job(store, job.id, 1, "test")
    assert taken is not None
    asyncio.run(work_on(store, child, taken, WorkerSettings()))
    done = read(store, job)
    assert done.state is JobState.RENDERED, done.error_sentence
    (suggested,) = done.result["songs"]
    assert (suggested["title"], suggested["singer"], suggested["song_id"]) == (
        "Slow Motion Dream",
        "Somebody",
        added.id,
    )
    assert -18 <= suggested["key_shift"] <= 18 and 0.5 < suggested["inside"] <= 1 and 0 < suggested["timbre"] < 1


def test_a_song_in_which_nobody_sings_is_heard_once_and_suggested_to_nobody(
    store: Store, child: Child, humming: Path
) -> None:
    added = add_song(store, NewSong(humming, "Hiss"))

    async def listen() -> list[str | None]:
        listener = SongListener(store, child, (await child.ready()).singer_model)
        said = [await listener.hear(added)]
        await listener.listen_while_idle()
        return said

    (sentence,) = asyncio.run(listen())
    assert sentence is not None and "No voice was heard in Hiss" in sentence
    assert [(vocals.song_id, vocals.seconds) for vocals in heard(store)] == [(added.id, 0)]
    with store.read() as session:
        assert library.sung_songs(session) == []


def test_a_song_whose_file_is_gone_is_left_for_the_next_start(store: Store, child: Child, humming: Path) -> None:
    added = add_song(store, NewSong(humming, "Hiss"))
    store.media.delete(added.media_key)
    asyncio.run(SongListener(store, child, "any").listen_while_idle())
    assert heard(store) == []


def test_a_job_does_not_wait_for_songs(store: Store, start_worker: StartWorker, song: Path, notes: list[Path]) -> None:
    """Ten songs wait to be heard; the match is done before they are."""
    for number in range(10):
        with store.write() as session:
            library.add_song(session, Song(title=f"song {number}", media_key=store.media.put_file(song)))
    start_worker()
    wait_until(lambda: (store.cache_dir).exists(), 60)
    job = submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, channel_id=5), notes[:1])
    wait_for(store, job, lambda row: row.state is JobState.RENDERED, 60)
    assert len(heard(store)) < 10
    wait_until(lambda: len(heard(store)) == 10, 100)
    assert len(heard(store)) == 10
