"""What is refused before and after a download, and that it leaves nothing behind."""

import errno
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import select

from bot.errors import AttachmentTooLarge, BotError, EmptyAttachment, NoAudio, TooManyNotes
from bot.interactions import attachments
from store import Clip, Job, Store
from store.errors import DownloadFailed
from store.use_cases import Requester, SavedFile, request_match
from tests.bot.world import World, response_of


def note(name: str = "a.ogg", size: int = 5, content_type: str | None = None, voice: bool = False) -> Any:
    """An attachment as far as checks look at it."""
    return SimpleNamespace(filename=name, size=size, content_type=content_type, is_voice_message=lambda: voice)


@pytest.mark.parametrize(
    ("notes", "error"),
    [
        ([], NoAudio),
        ([note()] * 3, TooManyNotes),
        ([note(), note(size=0)], EmptyAttachment),
        ([note(size=25_000_001)], AttachmentTooLarge),
    ],
)
def test_bad_attachments_are_refused(notes: list[Any], error: type[BotError]) -> None:
    with pytest.raises(error):
        attachments.check(notes, 2, 25)


def test_good_attachments_pass() -> None:
    attachments.check([note(), note(size=25_000_000)], 2, 25)


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


async def test_an_empty_note_is_named(world: World, store: Store) -> None:
    assert "b.ogg is empty" in await send(world, ("a.ogg", b"x"), ("b.ogg", b""))
    assert nothing_left(store)


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

    assert "Something went wrong on our side" in text and "secret" not in text
    reference = text.rsplit(" ", 1)[-1]
    assert any(reference in record.getMessage() and record.exc_info for record in caplog.records)
    assert nothing_left(store)


async def test_hostile_names_are_kept_plain(world: World, store: Store) -> None:
    await send(world, ("../../etc/**@everyone** 🎤.ogg", b"x"), ("x" * 300 + ".ogg", b"y"))

    with store.read() as session:
        first, second = session.exec(select(Clip)).all()
    assert first.name == "**@everyone** 🎤.ogg" and len(second.name) == 100 and second.name.endswith("x.ogg")
