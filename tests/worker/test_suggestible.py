"""What a member says of songs changes which ones a match suggests to them, and in which order."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.matching.recommend import SongTraits, suggest
from store import Job, JobKind, JobState, Song, SongVocals, Store, StoreSettings, library, open_store
from store.use_cases import judge_suggested, pick_songs
from worker.suggestible import songs_to_suggest

ME, OTHER, HERE = 7, 8, 10
TITLES = ("Arirang", "Bella", "Canon", "Danny", "Evening")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A library of five songs that suit everybody alike; a later one is a little farther in timbre."""
    store = open_store(StoreSettings(data_dir=tmp_path, database_url=""))
    with store.write() as session:
        for number, title in enumerate(TITLES):
            song = library.add_song(session, Song(title=title, singer=title, media_key=title))
            near = [1.0, 0.001 * number]
            vocals = SongVocals(song_id=song.id or 0, model="m", notes={"60": 9.0}, embedding=near, seconds=9.0)
            session.add(vocals)
    return store


def suggested(store: Store, member: int) -> list[str]:
    """The titles that a match suggests, best first."""
    with store.read() as session:
        songs = songs_to_suggest(session, member, HERE)
    traits = [SongTraits(song.notes, np.array(song.embedding, np.float32)) for song in songs]
    found = suggest(np.array([0.0, -1.0], np.float32), None, traits, [song.taste for song in songs])
    return [songs[one.song].title for one in found]


def test_a_picked_song_comes_first_and_a_disliked_one_not_at_all(store: Store) -> None:
    assert suggested(store, ME) == ["Arirang", "Bella", "Canon"]
    assert pick_songs(store, ME, HERE, {1, 2, 3, 4, 5, 999}, {2, 999}) == 1
    assert suggested(store, ME) == ["Bella", "Arirang", "Canon"]
    with store.read() as session:
        assert [song.liked for song in songs_to_suggest(session, ME, HERE)] == ["", "said", "", "", ""]
    with store.write() as session:
        songs = [{"title": "Arirang", "song_id": 1}]
        match = Job(kind=JobKind.MATCH, user_id=ME, state=JobState.DELIVERED, result={"songs": songs})
        session.add(match)
        session.flush()
        job_id = match.id
    judge_suggested(store, ME, job_id, 0, likes=False)
    assert suggested(store, ME) == ["Bella", "Canon", "Danny"]
    assert suggested(store, OTHER) == ["Arirang", "Bella", "Canon"]
    assert pick_songs(store, ME, HERE, {1, 2}, set()) == 0
    assert suggested(store, ME) == ["Bella", "Canon", "Danny"]
    judge_suggested(store, ME, job_id, 0, likes=True)
    assert suggested(store, ME) == ["Arirang", "Bella", "Canon"]
