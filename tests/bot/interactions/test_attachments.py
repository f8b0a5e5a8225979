"""What is refused before and after a download, and that it leaves nothing behind."""

import asyncio
import errno
import unicodedata
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from sqlmodel import select

from bot.errors import AttachmentTooLarge, BotError, EmptyAttachment, NoAudio, NotSound, TooManyNotes
from bot.interactions import attachments
from store import Clip, Job, Store, Voice
from store.errors import DownloadFailed, TooManyJobs
from store.use_cases import Requester, SavedFile, basket_of, request_match
from tests.bot.world import Worker, World, response_of
from worker.doorbell import Doorbell


def note(
    name: str = "a.ogg",
    size: int = 5,
    content_type: str | None = None,
    voice: bool = False,
    title: str | None = None,
) -> Any:
    """An attachment as far as checks look at it."""
    return SimpleNamespace(
        filename=name, title=title, size=size, content_type=content_type, is_voice_message=lambda: voice
    )


@pytest.mark.parametrize(
    ("notes", "error"),
    [
        ([], NoAudio),
        ([note()] * 3, TooManyNotes),
        ([note(), note(size=0)], EmptyAttachment),
        ([note(size=25_000_001)], AttachmentTooLarge),
        ([note("cat.png", content_type="image/png")], NotSound),
        ([note(), note("words.txt", content_type="text/plain; charset=utf-8")], NotSound),
        ([note("all.zip", content_type="application/zip")], NotSound),
    ],
)
def test_bad_attachments_are_refused(notes: list[Any], error: type[BotError]) -> None:
    with pytest.raises(error):
        attachments.check(notes, 2, 25)


def test_a_file_just_above_the_limit_is_not_said_to_be_of_its_size() -> None:
    with pytest.raises(AttachmentTooLarge, match="has 26 MB; at most 25 MB"):
        attachments.check([note(size=25_000_001)], 2, 25)


@pytest.mark.parametrize(
    "passing",
    [
        note(size=25_000_000),
        note("x", content_type=None),
        note("x.bin", content_type="application/octet-stream"),
        note("x.ogv", content_type="video/ogg"),
        note("x.ogx", content_type="application/ogg"),
        note("x.mp3", content_type="text/plain"),
    ],
)
def test_good_attachments_pass_and_what_is_not_known_is_left_to_the_worker(passing: Any) -> None:
    attachments.check([note(), passing], 2, 25)


@pytest.mark.parametrize(
    ("attachment", "wanted"),
    [
        (note("x.bin", content_type="audio/ogg"), True),
        (note("X.MP3"), True),
        (note("x.AIFF"), True),
        (note("x.caf"), True),
        (note("x", voice=True), True),
        (note("x.png", content_type="image/png"), False),
        (note("mp3"), False),
    ],
)
def test_sound_is_known_by_type_name_or_flag(attachment: Any, wanted: bool) -> None:
    assert attachments.is_audio(attachment) is wanted


@pytest.mark.parametrize(
    ("filename", "title", "name"),
    [
        ("_.mp3", "사랑의 노래", "사랑의 노래.mp3"),
        ("_.mp3", "사랑의 노래.mp3", "사랑의 노래.mp3"),
        ("_.MP3", unicodedata.normalize("NFD", "사랑"), "사랑.MP3"),
        ("AC_DC.flac", "AC/DC", "AC\u2215DC.flac"),
        ("Mr._Children.ogg", "Mr. Children", "Mr. Children.ogg"),
        ("plain.ogg", None, "plain.ogg"),
        ("plain.ogg", " \u3164", "plain.ogg"),
        ("noname", "노래", "노래"),
    ],
)
def test_a_file_is_called_what_its_member_called_it(filename: str, title: str | None, name: str) -> None:
    assert attachments.name_of(note(filename, title=title)) == name
    with pytest.raises(EmptyAttachment) as caught:
        attachments.check([note(filename, size=0, title=title)], 1, 25)
    assert caught.value.params == {"name": name}


def test_a_file_that_a_cleanup_took_is_not_committed(store: Store) -> None:
    gone = SavedFile("0" * 64 + ".ogg", "a.ogg", 3)
    with pytest.raises(DownloadFailed):
        request_match(store, Requester(1, None, 2, "en"), [gone], "command")
    with store.read() as session:
        assert session.exec(select(Job)).all() == []


async def send(world: World, *notes: tuple[str, bytes]) -> str:
    """Use /match with these notes."""
    options: dict[str, Any] = {f"note{n}": one for n, one in enumerate(notes, start=1)}
    return response_of(await world.alice.slash(world.channel, "match", **options)).content


def nothing_left(store: Store) -> bool:
    """No row, no file."""
    with store.read() as session:
        rows = [*session.exec(select(Job)).all(), *session.exec(select(Clip)).all()]
    return rows == [] and not any(store.media.root.glob("*/*"))


async def test_what_is_no_sound_waits_for_no_worker(world: World, worker: Worker, store: Store) -> None:
    worker.add_voice(world.alice.id, "mine")
    png, ogg = ("cat.png", b"png"), ("a.ogg", b"sound")
    for command, options in (
        ("match", {"note1": ogg, "note2": png}),
        ("notes", {"note1": png}),
        ("train", {"name": "new", "note1": png}),
        ("cover", {"voice": "mine", "song": png}),
        ("cover", {"voice": "mine", "song": ogg, "instrumental": png}),
    ):
        answer = response_of(await world.alice.slash(world.channel, command, **options))
        assert answer.content == "cat.png is not audio that I can read. Send OGG, MP3, M4A, FLAC, WAV or WebM."
        assert nothing_left(store) and basket_of(store, world.alice.id) == []


async def test_an_empty_note_is_named(world: World, store: Store) -> None:
    assert "b.ogg is empty" in await send(world, ("a.ogg", b"x"), ("b.ogg", b""))
    assert nothing_left(store)


@pytest.fixture
def fetched(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were asked of Discord, in order."""
    get, asked = world.env.backend.cdn.get, []

    def counted(url: str) -> bytes | None:
        asked.append(url)
        return get(url)

    monkeypatch.setattr(world.env.backend.cdn, "get", counted)
    return asked


async def test_of_twenty_requests_only_those_below_the_cap_are_downloaded(
    world: World, store: Store, fetched: list[str]
) -> None:
    answers = [await send(world, ("a.ogg", b"x"), ("b.ogg", b"y")) for _ in range(20)]
    assert sum("reached the limit of jobs waiting or running (3)" in answer for answer in answers) == 17
    assert len(fetched) == 2 * 3


async def test_of_twenty_requests_at_once_only_those_below_the_cap_are_downloaded(world: World, store: Store) -> None:
    downloaded = []

    async def read() -> bytes:
        downloaded.append(1)
        await asyncio.sleep(0.01)
        return b"x"

    async def request() -> None:
        async with services.admitted(alice) as requester:
            files = await attachments.download(services, [attached], 25)
            await asyncio.to_thread(request_match, store, requester, files, "command")

    attached: Any = SimpleNamespace(filename="a.ogg", title=None, read=read)
    services, user = world.bot.services, SimpleNamespace(id=world.alice.id)
    asking = {"client": world.bot, "user": user, "locale": discord.Locale.korean, "token": "t"}
    alice: Any = SimpleNamespace(guild_id=None, channel_id=5, **asking)
    ended = await asyncio.gather(*(request() for _ in range(20)), return_exceptions=True)
    assert [type(error) for error in ended if error] == [TooManyJobs] * 17 and len(downloaded) == 3
    assert not services.turns


async def test_nothing_is_downloaded_for_a_name_that_is_taken_or_a_voice_that_is_not_there(
    world: World, worker: Worker, store: Store, fetched: list[str]
) -> None:
    with store.write() as session:
        session.add(Voice(owner_id=world.alice.id, name="mine"))
    taken = await world.alice.slash(world.channel, "train", name="Mine", note1=("a.ogg", b"x"))
    assert "The voice mine is not ready (training)" in response_of(taken).content
    worker.add_voice(world.alice.id, "sings")
    taken = await world.alice.slash(world.channel, "train", name="SINGS", note1=("a.ogg", b"x"), at_once=True)
    assert "You already have a voice called sings" in response_of(taken).content
    for voice, sentence in (("mine", "not ready"), ("#99", "no such voice")):
        refused = await world.alice.slash(world.channel, "cover", voice=voice, song=("a.mp3", b"x"))
        assert sentence in response_of(refused).content
    assert fetched == [] and nothing_left(store)


async def test_the_member_is_answered_before_the_bell_rings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answered_first = []

    async def ring(_: Doorbell) -> bool:
        answers = [r for r in world.env.http_requests if r.method in ("POST", "PATCH") and "/webhooks/" in r.path]
        answered_first.append(bool(answers))
        return False

    monkeypatch.setattr(Doorbell, "ring", ring)
    assert "in line" in await send(world, ("a.ogg", b"x"))
    assert answered_first == [True]


async def test_a_download_that_fails_leaves_nothing(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.env.backend.cdn, "get", lambda url: b"x" if "a.ogg" in url else None)

    assert "Discord did not hand over b.ogg" in await send(world, ("a.ogg", b"x"), ("b.ogg", b"y"))
    assert nothing_left(store)


async def test_a_full_disk_leaves_nothing(world: World, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 3:  # the first file, its folder, the second file
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)

    assert "disk is full" in await send(world, ("a.ogg", b"x"), ("b.ogg", b"y"))
    assert nothing_left(store)


async def test_a_bug_of_ours_is_a_reference_and_leaves_nothing(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("store.use_cases.match.add_clips", broken)
    text = await send(world, ("a.ogg", b"x"))
    world.env._errors.clear()

    assert "Something went wrong on my side" in text and "secret" not in text
    reference = text.rsplit(" ", 1)[-1]
    assert any(reference in record.getMessage() and record.exc_info for record in caplog.records)
    assert nothing_left(store)


async def test_hostile_names_are_kept_plain(world: World, store: Store) -> None:
    await send(world, ("../../etc/**@everyone** 🎤.ogg", b"x"), ("x" * 300 + ".ogg", b"y"))

    with store.read() as session:
        first, second = session.exec(select(Clip)).all()
    assert first.name == "**@everyone** 🎤.ogg" and len(second.name) == 100 and second.name.endswith("x.ogg")
