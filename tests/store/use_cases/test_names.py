"""Names: found in whatever form they were typed, refused where nothing can be seen, and never guessed."""

import unicodedata

import pytest

from store import BlankName, SeveralFit, Singer, Song, Voice, library, voices
from store.names import folded, is_blank, named, tidy
from store.params import LibraryParams, subject_of
from store.use_cases import (
    NewSinger,
    NewSong,
    TrainingRequest,
    add_singer,
    add_song,
    check_voice_name,
    edit_song,
    find_song,
    find_voice,
    ready_voices,
    request_training,
    search_songs,
)
from tests.store.use_cases.scene import Scene

TYPED = "사랑의 노래"
MAC = unicodedata.normalize("NFD", TYPED)
NOTHING_TO_SEE = ["", " ", "\t\n", "\u200b", "\u3164", "\u2800 \u00a0", "\u202e", "\ufe0f", "\u0301", "\u115f\u1160"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (MAC, TYPED),
        ("  two \n lines\t", "two lines"),
        ("a\u200bb\ufeff", "ab"),
        ("\u202eevil\x1b[31m", "evil[31m"),
        ("half \udcff", "half"),
        ("👩\u200d🚀", "👩\u200d🚀"),
        ("[b] :cat: $x$ {0}", "[b] :cat: $x$ {0}"),
    ],
)
def test_the_form_that_is_kept(text: str, kept: str) -> None:
    assert tidy(text) == kept and tidy(kept) == kept


@pytest.mark.parametrize(("one", "other"), [(MAC, TYPED), ("STRASSE", "straße"), ("É", "e\u0301"), ("Σ", "ς")])
def test_names_that_are_the_same_but_for_form_and_case(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize("text", NOTHING_TO_SEE)
def test_a_name_of_blank_signs_is_refused(scene: Scene, text: str) -> None:
    assert is_blank(text)
    with pytest.raises(BlankName, match=r"^A song needs a name that can be seen"):
        named(text, what="song")
    path = scene.file(b"song", "song.mp3")
    before = scene.remains()
    with pytest.raises(BlankName):
        add_song(scene.store, NewSong(path, text))
    with pytest.raises(BlankName):
        add_singer(scene.store, NewSinger(text, path, "m", 3))
    with pytest.raises(BlankName):
        check_voice_name(scene.store, 7, text)
    with pytest.raises(BlankName):
        request_training(scene.store, scene.member, TrainingRequest(text, [scene.save(b"note")], "command"))
    assert scene.remains() == before


@pytest.mark.parametrize("text", ["가", "1", "♥", "\u3164x", "e\u0301"])
def test_a_name_that_can_be_seen_is_not_blank(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize("given", [TYPED, MAC])
@pytest.mark.parametrize("asked", [TYPED, MAC])
def test_what_is_added_in_one_form_is_found_in_the_other(scene: Scene, given: str, asked: str) -> None:
    add_song(scene.store, NewSong(scene.file(b"song", "song.mp3"), given, singer=given))
    job = request_training(scene.store, scene.member, TrainingRequest(given, [scene.save(b"note")], "command"))
    assert subject_of(job) == TYPED
    with scene.store.read() as session:
        assert find_song(session, asked).title == TYPED
        assert [song.singer for song in search_songs(session, asked.split()[0])] == [TYPED]
        assert (voice := voices.by_name(session, 7, asked)) is not None and voice.name == TYPED


@pytest.mark.parametrize("asked", [TYPED, MAC])
def test_rows_from_before_are_found_in_either_form(scene: Scene, asked: str) -> None:
    scene.add_song(MAC)
    scene.add_voice(MAC)
    with scene.store.read() as session:
        assert find_song(session, asked).title == MAC
        assert find_voice(session, asked, 7).name == MAC
        part = asked.split()[1]
        assert len(ready_voices(session, 7, part)) == len(search_songs(session, part)) == 1


def test_one_singer_in_two_forms_is_one_singer(scene: Scene) -> None:
    for name in (MAC, TYPED):
        add_singer(scene.store, NewSinger(name, scene.file(name.encode(), "e.safetensors"), "m", 3))
    assert [singer.name for singer in scene.rows(Singer)] == [TYPED]
    assert scene.remains() == {"Singer": 1, "files": 1}


def test_one_song_in_two_forms_is_one_song(scene: Scene) -> None:
    path = scene.file(b"song", "song.mp3")
    assert add_song(scene.store, NewSong(path, MAC)).id == add_song(scene.store, NewSong(path, TYPED)).id
    assert len(scene.rows(Song)) == 1


def test_a_whole_title_wins_over_titles_that_hold_it_however_many_there_are(scene: Scene) -> None:
    for number in range(30):
        scene.add_song(f"All You Need Is Love {number:02}")
    scene.add_song("Love")
    with scene.store.read() as session:
        assert find_song(session, "love").title == "Love"


def test_a_part_of_one_title_is_enough(scene: Scene) -> None:
    scene.add_song("All You Need Is Love", "The Beatles")
    scene.add_song("Palette", "IU")
    with scene.store.read() as session:
        assert find_song(session, "need is").title == find_song(session, "beatles").title == "All You Need Is Love"
        assert find_song(session, "IU - Pal").title == "Palette"


def test_a_part_of_several_titles_is_a_question(scene: Scene) -> None:
    ids = [scene.add_song(f"Love {name}", "IU").id for name in "ABCDEFG"]
    with scene.store.read() as session, pytest.raises(SeveralFit) as caught:
        find_song(session, "LOVE")
    sentence = str(caught.value)
    assert sentence.startswith(f"LOVE fits more than one: IU - Love A (#{ids[0]}), IU - Love B")
    assert sentence.endswith(f"IU - Love E (#{ids[4]}), …. Give the whole name.")


def test_songs_of_one_title_are_told_apart_by_singer_or_number(scene: Scene) -> None:
    first, second = (
        add_song(scene.store, NewSong(scene.file(singer.encode(), "song.mp3"), "Hello", singer))
        for singer in ("Adele", "Lionel")
    )
    with scene.store.read() as session:
        with pytest.raises(SeveralFit, match=rf"Adele - Hello \(#{first.id}\), Lionel - Hello \(#{second.id}\)"):
            find_song(session, "Hello")
        assert find_song(session, "lionel - hello").id == find_song(session, f"#{second.id}").id == second.id


def test_voices_are_chosen_like_songs(scene: Scene) -> None:
    for name in ("Ann", "Annabel", "Anna"):
        scene.add_voice(name)
    with scene.store.read() as session:
        assert find_voice(session, "ann", 7).name == "Ann"
        assert find_voice(session, "bel", 7).name == "Annabel"
        with pytest.raises(SeveralFit, match=r"nna fits more than one: Anna, Annabel"):
            find_voice(session, "nna", 7)
    assert {voice.name for voice in scene.rows(Voice)} == {"Ann", "Annabel", "Anna"}


def test_every_song_is_listed(scene: Scene) -> None:
    for number in range(30):
        scene.add_song(f"Song {number}")
    with scene.store.read() as session:
        assert len(library.find_songs(session, "", limit=None)) == 30


HIDDEN_SIGNS = [
    "\u202e사랑의 노래\u202c",  # turned round
    "\u2066사랑의 노래\u2069",
    "사랑\u200b의 노래",
    "사\u200d랑의\ufeff 노래",
    "사랑의\u3000노래",
    "사랑의 노래\ufe0f",
    "\u1109\u1161\u1105\u1161\u11bc\u110b\u1174 노래",  # jamo
]


@pytest.mark.parametrize("asked", HIDDEN_SIGNS)
def test_signs_that_show_nothing_change_no_name(scene: Scene, asked: str) -> None:
    add_song(scene.store, NewSong(scene.file(b"song", "song.mp3"), TYPED))
    assert add_song(scene.store, NewSong(scene.file(b"song", "song.mp3"), asked)).title == TYPED
    scene.add_voice(TYPED)
    for _ in range(2):
        add_singer(scene.store, NewSinger(asked, scene.file(b"voice", "e.safetensors"), "m", 3))
    with scene.store.read() as session:
        assert find_song(session, asked).title == find_voice(session, asked, 7).name == TYPED
        assert len(search_songs(session, asked)) == len(ready_voices(session, 7, asked)) == 1
        assert len(library.singers(session)) == len(library.same_singer(session, TYPED, "m")) == 1


@pytest.mark.parametrize(
    ("kept", "asked"), [("ＡＢＣ", "abc"), ("ABC", "ａｂｃ"), ("カラオケ", "ｶﾗｵｹ"), ("밤편지", "밤펴")]
)
def test_widths_and_half_typed_syllables_are_found(scene: Scene, kept: str, asked: str) -> None:
    scene.add_song(kept)
    scene.add_voice(kept)
    with scene.store.read() as session:
        assert find_song(session, asked).title == find_voice(session, asked, 7).name == kept
        assert len(search_songs(session, asked)) == len(ready_voices(session, 7, asked)) == 1


def test_what_a_refusal_calls_songs_of_one_title_can_be_typed(scene: Scene) -> None:
    with scene.store.write() as session:
        one, other = (library.add_song(session, Song(title="쌍둥이", media_key=key, guild_id=3)) for key in "ab")
        session.flush()
        ids = [one.id, other.id]
    with scene.store.read() as session, pytest.raises(SeveralFit) as refused:
        find_song(session, "쌍둥이", 3)
    for number, typed in zip(ids, refused.value.params["candidates"].split(", "), strict=True):
        with scene.store.read() as session:
            assert find_song(session, typed, 3).id == number
        assert edit_song(scene.store, 3, 9, typed, LibraryParams(licence="CC0")).id == number
