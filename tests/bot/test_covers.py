"""`/cover`: voices, songs, and the labelled result."""

from collections.abc import Callable
from typing import Any

import pytest
from simcord.backend.cdn import CdnStore
from sqlmodel import select

from bot.texts.locale import language
from pipeline.errors import LengthsApart
from store import Job, JobState, NotFound, Song, Store, Voice, VoiceState, jobs, library
from store.params import subject_of
from store.use_cases import find_song
from tests.bot.world import Worker, World, response_of, text_of

RESULT = {
    "song": "IU - Palette",
    "voice": "mine",
    "seconds": 200.0,
    "lufs": -14.2,
    "true_peak_db": -1.0,
    "cosine_source": 0.31,
    "cosine_cover": 0.84,
    "mos_model": "distillmos",
    "mos_source": 3.9,
    "mos_cover": 3.4,
    "f0_correlation": 0.97,
    "key_shift": -2,
    "encoding": "MP3 192 kbit/s",
    "models": {"separator": "htdemucs"},
}
pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def voices(store: Store, world: World) -> dict[str, str]:
    """Alice: one ready, one in training. Bob: one ready."""
    rows = {
        "mine": Voice(owner_id=world.alice.id, name="mine", state=VoiceState.READY, model_key="m", index_key="i"),
        "late": Voice(owner_id=world.alice.id, name="late"),
        "bobs": Voice(owner_id=world.bob.id, name="bobs", state=VoiceState.READY),
    }
    with store.write() as session:
        session.add_all(rows.values())
        session.flush()
        return {name: f"#{voice.id}" for name, voice in rows.items()}


@pytest.fixture
def songs(store: Store) -> dict[str, str]:
    """A small library."""
    names = [("Palette", "IU"), ("Pal", ""), ("1004", "Angel"), ("100%_", "")]
    keys = {}
    with store.write() as session:
        for title, singer in names:
            key = store.media.put_bytes(title.encode(), "x.mp3")
            keys[title] = f"#{library.add_song(session, Song(title=title, singer=singer, media_key=key)).id}"
    return keys


async def test_a_song_file_becomes_a_cover_with_its_bytes(
    world: World, worker: Worker, store: Store, voices: dict[str, str], rung: Callable[[], list[str]]
) -> None:
    await world.alice.slash(
        world.channel, "cover", voice=voices["mine"], song=("IU - Palette.mp3", b"song"), key_shift=-2
    )

    job = worker.only()
    assert (job.kind, job.state) == ("cover", JobState.QUEUED) and len(rung()) == 1
    key = job.params.pop("song_key")
    assert store.media.path(key).read_bytes() == b"song"
    assert job.params == {
        "song_name": "IU - Palette",
        "voice_id": int(voices["mine"][1:]),
        "voice_name": "mine",
        "key_shift": -2,
        "max_bytes": 10 * 1024 * 1024,
    }
    assert "IU - Palette" in world.cards()[0].content and world.public() == []

    unmeasured = {"song": RESULT["song"], "voice": RESULT["voice"]}
    worker.render(job, unmeasured, {"palette-ai-cover.mp3": b"\xff\xfbcover"}, measuring=True)
    await world.tick()
    (message,) = world.cards()
    for part in ("AI-generated", "IU - Palette", "mine"):
        assert part in message.content
    assert "0.84" not in message.content
    details = response_of(await world.alice.click(message, label="Details"))
    assert "still being measured" in text_of(details) and not details.attachments
    worker.complete(job, RESULT, {"cover.png": b"picture"})
    details = response_of(await world.alice.click(message, label="Details"))
    assert [a.filename for a in details.attachments] == ["cover.png"] and "measured:" not in text_of(details)
    for part in ("0.31", "0.84", "distillmos", "3.40", "0.97", "−14.2", "htdemucs"):
        assert part in text_of(details) and details.ephemeral
    assert [a.filename for a in message.attachments] == ["palette-ai-cover.mp3"]
    assert await message.attachments[0].read() == b"\xff\xfbcover"
    assert worker.only().state == JobState.DELIVERED


async def test_vocals_over_the_members_own_instrumental(
    world: World, worker: Worker, store: Store, voices: dict[str, str]
) -> None:
    await world.alice.slash(
        world.channel,
        "cover",
        voice=voices["mine"],
        song=("vocals.wav", b"vocals"),
        vocals_only=True,
        instrumental=("karaoke.mp3", b"karaoke"),
    )
    job = worker.only()
    assert store.media.path(job.params["song_key"]).read_bytes() == b"vocals"
    assert store.media.path(job.params["instrumental_key"]).read_bytes() == b"karaoke"
    assert (job.params["vocals_only"], job.params["instrumental_name"]) == (True, "karaoke.mp3")
    worker.render(job, RESULT | {"vocals_only": True, "instrumental": "karaoke.mp3", "models": {"voice": "RVC"}})
    await world.tick()
    message = world.cards()[0].content
    assert "nothing was separated. The instrumental is your own: karaoke.mp3" in message and "separator" not in message


async def test_a_song_keeps_the_name_that_discord_gives_as_its_title(
    world: World, worker: Worker, voices: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = CdnStore.store_attachment
    monkeypatch.setattr(CdnStore, "store_attachment", lambda *given: stored(*given) | {"title": "사랑의 노래"})
    await world.alice.slash(
        world.channel, "cover", voice=voices["mine"], song=("_.mp3", b"song"), instrumental=("_.mp3", b"karaoke")
    )
    job = worker.only()
    assert (subject_of(job), job.params["instrumental_name"]) == ("사랑의 노래", "사랑의 노래.mp3")


async def test_a_title_of_the_library_over_the_members_own_instrumental(
    world: World, worker: Worker, store: Store, voices: dict[str, str], songs: dict[str, str]
) -> None:
    await world.alice.slash(
        world.channel, "cover", voice=voices["mine"], title=songs["Palette"], instrumental=("k.mp3", b"karaoke")
    )
    params = worker.only().params
    assert params["song_id"] == int(songs["Palette"][1:]) and "song_key" not in params and "vocals_only" not in params
    assert store.media.path(params["instrumental_key"]).read_bytes() == b"karaoke"


@pytest.mark.parametrize(
    ("song", "instrumental", "sentence"),
    [
        (b"x", b"xxxxx", "k.mp3 has 1 MB"),
        (b"x", b"", "k.mp3 is empty"),
        (None, b"x", "Give either a song file or a title"),
    ],
)
async def test_a_bad_instrumental_is_one_sentence_and_nothing_is_kept(
    world: World, store: Store, voices: dict[str, str], song: bytes | None, instrumental: bytes, sentence: str
) -> None:
    world.bot.services.settings.song_megabytes = 0.000002
    options: dict[str, Any] = {"instrumental": ("k.mp3", instrumental)} | ({"song": ("a.mp3", song)} if song else {})
    answer = await world.alice.slash(world.channel, "cover", voice=voices["mine"], **options)
    assert response_of(answer).content.startswith(sentence)
    assert store.media.keys() == set()
    with store.read() as session:
        assert session.exec(select(Job)).all() == []


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("en-US", "The instrumental k.mp3 lasts 200.0 seconds and a 180.5; they may differ by 5 at most. Send"),
        ("ko", "반주 k.mp3의 길이는 200.0초, 노래 a의 길이는 180.5초예요. 5초 넘게 차이 나면 안 되니"),
    ],
)
async def test_lengths_apart_are_said_in_the_members_language_and_both_files_go(
    world: World, worker: Worker, store: Store, voices: dict[str, str], locale: str, sentence: str
) -> None:
    files: dict[str, Any] = {"song": ("a.mp3", b"song"), "instrumental": ("k.mp3", b"karaoke")}
    await world.alice.slash(world.channel, "cover", voice=voices["mine"], **files)
    job = worker.only()
    with store.write() as session:
        row = jobs.get(session, job.id)
        row.locale = language(locale)
        session.add(row)
    refusal = LengthsApart(name="k.mp3", seconds=200.0, song="a", song_seconds=180.5, limit=5.0)
    worker.fail(job, refusal.code, refusal.params, str(refusal))
    await world.tick()
    assert sentence in world.cards()[-1].content
    assert store.media.keys() == set() and not {"song_key", "instrumental_key"} & set(worker.only().params)


async def test_a_song_of_the_library(
    world: World, worker: Worker, voices: dict[str, str], songs: dict[str, str]
) -> None:
    await world.alice.slash(world.channel, "cover", voice=voices["mine"], title=songs["Palette"])
    params = worker.only().params
    assert params["song_id"] == int(songs["Palette"][1:]) and params["song_name"] == "IU - Palette"
    assert "song_key" not in params and params["key_shift"] is None


@pytest.mark.parametrize("options", [{}, {"song": ("a.mp3", b"x"), "title": "#1"}])
async def test_neither_or_both_is_one_sentence(
    world: World, store: Store, voices: dict[str, str], options: dict[str, Any]
) -> None:
    answer = await world.alice.slash(world.channel, "cover", voice=voices["mine"], **options)
    assert response_of(answer).content.startswith("Give either a song file or a title")
    assert store.media.keys() == set()


async def test_a_level_of_vocals_alone_is_one_sentence_and_keeps_nothing(
    world: World, store: Store, voices: dict[str, str]
) -> None:
    given = {"song": ("a.mp3", b"song"), "vocals_only": True, "vocal_level": 3}
    answer = await world.alice.slash(world.channel, "cover", voice=voices["mine"], **given)
    assert "are mixed with nothing" in response_of(answer).content
    assert store.media.keys() == set()


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("bobs", "There is no such voice."),
        ("late", "The voice late is not ready (training)"),
        ("#999", "There is no such voice"),
        ("nonsense", "There is no such voice"),
        ("²", "There is no such voice"),
        ("9" * 40, "There is no such voice"),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
async def test_a_voice_typed_by_hand(
    world: World, store: Store, voices: dict[str, str], which: str, sentence: str, bare: bool
) -> None:
    typed = voices.get(which, which)
    answer = await world.alice.slash(
        world.channel, "cover", voice=typed.lstrip("#") if bare else typed, song=("a.mp3", b"x")
    )
    assert response_of(answer).content.startswith(sentence)
    assert store.media.keys() == set()
    with store.read() as session:
        assert session.exec(select(Job)).all() == []


async def test_a_voice_may_be_typed_by_name(world: World, worker: Worker, voices: dict[str, str]) -> None:
    await world.alice.slash(world.channel, "cover", voice="MINE", song=("a.mp3", b"x"))
    assert worker.only().params["voice_id"] == int(voices["mine"][1:])


async def test_a_large_song_is_refused_by_its_size(world: World, store: Store, voices: dict[str, str]) -> None:
    world.bot.services.settings.song_megabytes = 0.000002
    answer = await world.alice.slash(world.channel, "cover", voice=voices["mine"], song=("a.mp3", b"xxxxx"))
    assert "a.mp3 has 1 MB" in response_of(answer).content and store.media.keys() == set()


async def test_voices_are_completed_from_the_members_own_ready_ones(world: World, voices: dict[str, str]) -> None:
    assert await world.alice.autocomplete(world.channel, "cover", "voice", "") == [
        {"name": "mine", "value": voices["mine"]}
    ]
    assert [c["value"] for c in await world.alice.autocomplete(world.channel, "cover", "voice", "ZZ")] == ["#0"]
    assert [c["name"] for c in await world.bob.autocomplete(world.channel, "cover", "voice", "b")] == ["bobs"]


async def test_titles_are_completed_from_the_library(world: World, songs: dict[str, str]) -> None:
    choices = await world.alice.autocomplete(world.channel, "cover", "title", "pal")
    assert choices == [{"name": "Pal", "value": songs["Pal"]}, {"name": "IU - Palette", "value": songs["Palette"]}]
    assert [c["name"] for c in await world.alice.autocomplete(world.channel, "cover", "title", "%_")] == ["100%_"]


async def test_at_most_25_choices_of_100_characters(world: World, store: Store) -> None:
    with store.write() as session:
        for n in range(30):
            library.add_song(session, Song(title=f"{n:02}" + "x" * 200, media_key=f"{n}"))
    choices = await world.alice.autocomplete(world.channel, "cover", "title", "")
    assert len(choices) == 25 and all(len(c["name"]) == 100 for c in choices)


@pytest.mark.parametrize(
    ("typed", "title"), [("palette", "Palette"), ("IU - Palette", "Palette"), ("Pal", "Pal"), ("1004", "1004")]
)
def test_titles_typed_by_hand(store: Store, songs: dict[str, str], typed: str, title: str) -> None:
    with store.read() as session:
        assert find_song(session, typed).title == title


@pytest.mark.parametrize("typed", ["", " ", "#77", "#", "nothing"])
def test_titles_that_are_not_there(store: Store, songs: dict[str, str], typed: str) -> None:
    with store.read() as session, pytest.raises(NotFound):
        find_song(session, typed)


async def test_in_a_direct_message_the_limit_is_discords_smallest(
    world: World, worker: Worker, voices: dict[str, str]
) -> None:
    await world.alice.user.slash("cover", voice=voices["mine"], song=("a.mp3", b"x"))
    job = worker.only()
    assert job.guild_id is None and job.params["max_bytes"] == 10 * 1024 * 1024
    (card,) = world.alice.user.dm_channel.history(viewer=world.alice)
    assert "in line" in card.content
