"""An idle worker hears what the library's songs ask of a voice, and `/match` suggests what suits."""

import asyncio
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from safetensors.numpy import load_file
from sqlmodel import select

from files.disk import DiskFull
from models.signal import MUSIC_RATE
from pipeline.sound.encode import encode
from store import Job, JobKind, JobState, Song, SongVocals, Store, cache, clips, jobs, library
from store.params import LibraryEntry, LibraryParams
from store.use_cases import LibraryRequest, NewSong, Requester, add_song, request_library, save_files, take_job
from tests.warm_child import WarmChildren
from tests.worker.conftest import MEMBER, StartWorker, read, submit, wait_for, wait_until
from worker.child import Child
from worker.errors import CannotRun
from worker.job_runner import work_on
from worker.library.free import SONGS
from worker.library.songs import SongListener
from worker.messages import Refused
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
    assert suggested["key"] == vocals.key and bool(suggested["key"]) == bool(suggested["sung_key"])
    assert -18 <= suggested["key_shift"] <= 18 and 0.5 < suggested["inside"] <= 1 and 0 < suggested["timbre"] < 1


def test_a_servers_song_and_singer_are_heard_as_jobs_and_stay_in_their_server(
    store: Store, child: Child, song: Path, notes: list[Path]
) -> None:
    def done(job: Job) -> Job:
        taken = take_job(store, job.id, 1, "test")
        assert taken is not None
        asyncio.run(work_on(store, child, taken, WorkerSettings()))
        return read(store, job)

    [sent] = save_files(store, [(song, "song.ogg")])
    moderator = Requester(MEMBER, guild_id=3, channel_id=5)
    added = done(request_library(store, moderator, LibraryRequest(LibraryEntry.SONG, "Slow Motion", [sent])))
    assert added.state is JobState.RENDERED, added.error_sentence
    (vocals,) = heard(store)
    assert 3 < vocals.seconds < 11 and added.result["seconds"] == pytest.approx(vocals.seconds)
    assert added.result["range"]["low_note"] < added.result["range"]["high_note"]
    with store.write() as session:  # a singer of one song three times, whose stems are there
        entry = LibraryParams(LibraryEntry.SINGER, "Somebody").to_json()
        job = jobs.submit(session, Job(kind=JobKind.LIBRARY, user_id=MEMBER, guild_id=3, params=entry))
        for _ in range(3):
            clips.add(session, job, sent.key, sent.name, sent.bytes, "library", 30)
        singer_job = jobs.enqueue(session, job.id)
    assert done(singer_job).result["songs"] == 3
    with store.read() as session:
        (singer,) = library.own_singers(session, 3)
    assert singer.clips == 3
    embeddings = load_file(store.media.path(singer.embeddings_key))["embeddings"]
    assert embeddings.shape == (3, 256)
    assert np.allclose(embeddings @ np.array(vocals.embedding), 1, atol=1e-3)
    here, there = (
        done(submit(store, Job(kind=JobKind.MATCH, user_id=MEMBER, guild_id=guild, channel_id=5), notes[:1])).result
        for guild in (3, 4)
    )
    assert here["calibration"]["clips"] == there["calibration"]["clips"] + 3
    assert (len(here["songs"]), len(there["songs"])) == (1, 0)


def test_a_song_that_ships_is_heard_with_its_key_and_tempo_and_of_an_older_version_those_alone(
    store: Store, child: Child
) -> None:
    added = add_song(store, NewSong(SONGS / "auld-lang-syne.ogg", "Auld Lang Syne"))

    async def listen() -> None:
        await SongListener(store, child, (await child.ready()).singer_model).listen_while_idle()

    asyncio.run(listen())
    (vocals,) = heard(store)
    assert vocals.key == "E♭" and vocals.tempo == pytest.approx(120, rel=0.01)
    with store.write() as session:
        row = session.exec(select(SongVocals)).one()
        row.key, row.tempo, row.notes = None, None, {"60": 1.0}
        session.add(row)
    asyncio.run(listen())
    (vocals,) = heard(store)
    assert vocals.key == "E♭" and vocals.tempo == pytest.approx(120, rel=0.01)
    assert vocals.notes == {"60": 1.0}  # its vocals were not listened to again
    with store.read() as session:
        assert library.music_of(session, [added]) == {added.id: ("E♭", vocals.tempo)}


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


def test_songs_wait_for_the_next_start_once_no_child_can_run(
    store: Store, humming: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_song(store, NewSong(humming, "Hiss"))
    add_song(store, NewSong(humming, "Hush"))

    class Lost:
        starts = 0

        async def run(self, _: object) -> None:
            self.starts += 1
            raise CannotRun("no device")

    child = Lost()
    listener = SongListener(store, cast(Child, child), "any")
    for _ in range(2):
        asyncio.run(listener.listen_while_idle())
    assert heard(store) == [] and child.starts == 1 and "no device" in caplog.text


class DiskIsFull:
    """A child whose cache takes nothing, until it does."""

    asked = 0

    async def run(self, _: object) -> Refused:
        self.asked += 1
        return Refused(DiskFull.code, {}, str(DiskFull()))


def test_a_song_that_met_a_full_disk_is_heard_at_the_next_start(
    store: Store, child: Child, humming: Path, caplog: pytest.LogCaptureFixture
) -> None:
    add_song(store, NewSong(humming, "Hiss"))
    full = DiskIsFull()
    listener = SongListener(store, cast(Child, full), "any")
    for _ in range(2):
        asyncio.run(listener.listen_while_idle())
    assert heard(store) == [] and full.asked == 1 and "disk is full" in caplog.text

    async def next_start() -> None:
        await SongListener(store, child, (await child.ready()).singer_model).listen_while_idle()

    asyncio.run(next_start())
    assert len(heard(store)) == 1


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
