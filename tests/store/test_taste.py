"""What a member may like: singers they have covered, and what others in their server sing."""

from collections.abc import Sequence

import pytest
from sqlmodel import select

from store import Job, JobKind, Song, SongVocals, Store, StoreSettings, library, open_store
from store.taste import Liking, tastes
from store.use_cases import forget, keep_music, keep_vocals, pick_songs

ME, HERE, ELSEWHERE = 1, 10, 20


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(StoreSettings(data_dir=tmp_path_factory.mktemp("data")))


@pytest.fixture
def songs(store: Store) -> Sequence[Song]:
    """Two by Anna, one by Bea."""
    with store.write() as session:
        for title, singer in (("one", "Anna"), ("two", "anna"), ("three", "Bea")):
            library.add_song(session, Song(title=title, singer=singer, media_key=title))
    with store.read() as session:
        return session.exec(select(Song)).all()


def cover(store: Store, song: Song, user: int, guild: int = HERE, rating: int | None = None) -> None:
    with store.write() as session:
        params = {"song_id": song.id}
        session.add(Job(kind=JobKind.COVER, user_id=user, guild_id=guild, params=params, rating=rating))


def tasted(store: Store, songs: Sequence[Song]) -> list[float]:
    with store.read() as session:
        return [one.share for one in tastes(session, ME, HERE, songs)]


def reasons(store: Store, songs: Sequence[Song]) -> list[Liking | None]:
    with store.read() as session:
        return [one.why for one in tastes(session, ME, HERE, songs)]


def test_without_covers_all_are_equal(store: Store, songs: Sequence[Song]) -> None:
    assert tasted(store, songs) == [0, 0, 0]


def test_another_song_by_a_singer_they_covered_is_liked(store: Store, songs: Sequence[Song]) -> None:
    cover(store, songs[0], ME)
    assert tasted(store, songs) == [0, 0.375, 0]


@pytest.mark.parametrize(("ratings", "liked"), [((5,), 0.5), ((3,), 0.25), ((1,), 0.0), ((5, 3), 0.375)])
def test_a_singer_is_liked_as_the_covers_of_them_were_rated(
    store: Store, songs: Sequence[Song], ratings: tuple[int, ...], liked: float
) -> None:
    for rating in ratings:
        cover(store, songs[0], ME, rating=rating)
    cover(store, songs[2], ME, rating=5)
    assert tasted(store, songs) == [0, liked, 0]


def test_what_they_say_of_a_song_counts_for_it_and_as_a_rating_for_its_singer(
    store: Store, songs: Sequence[Song]
) -> None:
    ids = [song.id or 0 for song in songs]
    pick_songs(store, ME, HERE, ids, [ids[0]])
    assert tasted(store, songs) == [1, 0.5, 0]
    cover(store, songs[0], ME, rating=1)
    assert tasted(store, songs) == [1, 0.25, 0]
    pick_songs(store, ME, HERE, ids, [])
    assert tasted(store, songs) == [0, 0, 0]


def test_what_others_here_sing_counts_once_a_member_and_not_elsewhere(store: Store, songs: Sequence[Song]) -> None:
    for user, song in ((2, 2), (2, 2), (3, 2), (4, 0)):
        cover(store, songs[song], user)
    for user in range(5, 15):
        cover(store, songs[1], user, ELSEWHERE)
    first, second, third = tasted(store, songs)
    assert (second, third) == (0, 0.5) and 0 < first < third


def test_the_reason_is_what_says_most(store: Store, songs: Sequence[Song]) -> None:
    assert reasons(store, songs) == [None, None, None]
    cover(store, songs[0], ME, rating=2)  # not much liked
    assert reasons(store, songs) == [None, None, None]
    cover(store, songs[0], ME, rating=5)
    for user in (2, 3, 4):
        cover(store, songs[2], user)
    assert reasons(store, songs) == [None, Liking.SINGER, Liking.HERE]
    pick_songs(store, ME, HERE, [songs[2].id or 0], [songs[2].id or 0])
    assert reasons(store, songs) == [None, Liking.SINGER, Liking.SAID]


def test_what_was_heard_of_a_song_goes_with_it_and_is_heard_once_for_each_model(
    store: Store, songs: Sequence[Song]
) -> None:
    one, two = (song.id or 0 for song in songs[:2])
    keep_vocals(store, SongVocals(song_id=one, model="a", notes={"60": 5.0}, embedding=[1.0], seconds=5.0))
    keep_vocals(store, SongVocals(song_id=two, model="a"))
    keep_vocals(store, SongVocals(song_id=999, model="a", seconds=1.0))
    with store.read() as session:
        assert [song.id for song in library.unheard_songs(session, "a")] == [songs[2].id]
        assert len(library.unheard_songs(session, "b")) == 3
        assert [(song.id, vocals.notes) for song, vocals in library.sung_songs(session)] == [(one, {"60": 5.0})]
    with store.write() as session:
        session.delete(session.get_one(Song, one))
    with store.read() as session:
        assert [vocals.song_id for vocals in session.exec(select(SongVocals)).all()] == [two]


def test_a_key_that_an_older_version_did_not_hear_is_heard_once(store: Store, songs: Sequence[Song]) -> None:
    one, two, three = (song.id or 0 for song in songs[:3])
    keep_vocals(store, SongVocals(song_id=one, model="a", seconds=5.0))
    keep_vocals(store, SongVocals(song_id=two, model="a"))  # nobody sings in it
    keep_vocals(store, SongVocals(song_id=three, model="a", seconds=5.0, key="Am", tempo=92.0))
    with store.read() as session:
        assert [song.id for song in library.songs_without_key(session)] == [one]
    keep_music(store, one, "", None)  # not clear
    with store.read() as session:
        assert library.songs_without_key(session) == []
        assert library.music_of(session, songs) == {one: ("", None), three: ("Am", 92.0)}
        assert library.music_of(session, songs[:1]) == {one: ("", None)} and library.music_of(session, []) == {}


def test_a_forgotten_members_covers_count_no_more(store: Store, songs: Sequence[Song]) -> None:
    cover(store, songs[2], 2)
    forget(store, 2)
    assert tasted(store, songs) == [0, 0, 0]
