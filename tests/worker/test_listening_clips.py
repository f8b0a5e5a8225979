"""A worker makes the clips of listening tests between two jobs."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from sqlmodel import select

from bot.texts.sentences import texts
from files.disk import DiskFull
from models.signal import MUSIC_RATE
from pipeline.errors import SoundError
from pipeline.sound.encode import encode
from store import ClipRole, ListeningClip, ListeningState, MediaAway, Question, Store
from store.use_cases import (
    ListeningPlace,
    ListeningRequest,
    SavedFile,
    clips_to_show,
    forget,
    listening_votes,
    save_files,
    start_listening_test,
)
from store.use_cases.listening_clips import clip_files
from worker import child_tasks
from worker.child import Child
from worker.errors import CannotRun, ChildDied
from worker.listening_clips import prepare_listening_tests
from worker.messages import Broken, Done, End, Refused, Task


class Inside:
    """A child in this process; the first tasks end as it is told."""

    def __init__(self, *ends: End | Exception) -> None:
        self.ends = list(ends)

    async def run(self, task: Task) -> End:
        if self.ends:
            end = self.ends.pop(0)
            if isinstance(end, Exception):
                raise end
            return end
        try:
            return Done(child_tasks.perform(task, cast(Any, None), lambda _: None, lambda *_: None))
        except (SoundError, DiskFull) as error:
            return Refused(error.code, error.params, str(error))


def hiss(path: Path, gain: float) -> Path:
    sound = gain * np.random.default_rng(round(1000 * gain)).standard_normal((2, 2 * MUSIC_RATE))
    encode(path, np.asarray(sound, np.float32), MUSIC_RATE)
    return path


def start(store: Store, *files: SavedFile) -> None:
    request = ListeningRequest(Question.NATURALNESS, 1.0, uploads=files[:-1], references=files[-1:])
    start_listening_test(store, ListeningPlace(1, 2, 3), request)


def prepare(store: Store, child: Inside) -> ListeningState:
    asyncio.run(prepare_listening_tests(store, cast(Child, child)))
    return listening_votes(store, 1).test.state


@pytest.fixture
def files(store: Store, tmp_path: Path) -> list[SavedFile]:
    return save_files(store, [(hiss(tmp_path / f"{gain}.wav", gain), f"{gain}.wav") for gain in (0.1, 0.02, 0.05)])


def test_a_waiting_test_gets_its_clips_and_runs(store: Store, files: list[SavedFile]) -> None:
    start(store, *files)
    assert prepare(store, Inside()) is ListeningState.RUNNING
    shown = clips_to_show(store)
    sounds = {clip_files(store, one).sound for one in shown}
    assert len(sounds) == len(shown) == 4  # the anchor is not its reference
    assert {sound.suffix for sound in sounds} == {".mp3"}
    assert list(store.work_dir.glob("*")) == []


def test_a_clip_that_is_no_sound_fails_the_test(store: Store, files: list[SavedFile]) -> None:
    start(store, SavedFile(store.media.put_bytes(b"text", "x.mp3"), "x.mp3", 4), *files)
    assert prepare(store, Inside()) is ListeningState.FAILED
    test = listening_votes(store, 1).test
    assert test.error_code == "not_audio" and (test.error_sentence or "").startswith("An uploaded clip")


def test_a_child_that_dies_is_tried_again_and_not_for_ever(store: Store, files: list[SavedFile]) -> None:
    start(store, *files)
    assert prepare(store, Inside(ChildDied("gone"), ChildDied("gone"))) is ListeningState.RUNNING
    start_listening_test(
        store, ListeningPlace(9, 2, 3), ListeningRequest(Question.NATURALNESS, 1.0, uploads=tuple(files))
    )
    asyncio.run(prepare_listening_tests(store, cast(Child, Inside(*[ChildDied("gone")] * 3))))
    assert listening_votes(store, 9).test.state is ListeningState.FAILED


def test_a_bug_and_a_lost_file_fail_the_test_too(store: Store, files: list[SavedFile]) -> None:
    start(store, *files)
    assert prepare(store, Inside(Broken("Traceback"))) is ListeningState.FAILED
    assert "reference" in listening_votes(store, 1).test.error_params
    again = save_files(store, [(store.media.path(file.key), file.name) for file in files])
    start(store, *again)
    store.media.path(again[0].key).write_bytes(b"changed on the disk")
    assert prepare(store, Inside()) is ListeningState.FAILED
    assert listening_votes(store, 1).test.error_code == "file_damaged"
    assert {clip.role for clip in listening_votes(store, 1).clips} >= {ClipRole.ANCHOR}


def test_a_lost_model_fails_the_test_and_storage_that_is_away_is_waited_for(
    store: Store, files: list[SavedFile], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start(store, *files)

    def away(*_: str) -> Path:
        raise MediaAway

    with monkeypatch.context() as bucket:
        bucket.setattr(type(store.media), "checked", away)
        assert prepare(store, Inside()) is ListeningState.PREPARING
    assert prepare(store, Inside(CannotRun("no device"))) is ListeningState.FAILED
    test = listening_votes(store, 1).test
    assert test.error_code == "model_unusable" and "no device" in caplog.text
    assert "no device" not in texts("en").error("model_unusable", test.error_params, test.error_sentence or "")
    assert list(store.work_dir.glob("*")) == []


class Meanwhile(Inside):
    """A child whose files go while it reads them, the first time."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self.happens: Callable[[], object] | None = happens

    async def run(self, task: Task) -> End:
        if self.happens is None:
            return await super().run(task)
        self.happens()
        self.happens = None
        return Broken("FileNotFoundError")


def test_a_clip_that_is_withdrawn_meanwhile_leaves_the_others(
    store: Store, files: list[SavedFile], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start(store, *files)
    [theirs] = save_files(store, [(hiss(tmp_path / "cover.wav", 0.07), "cover.wav")])
    with store.write() as session:
        first = session.exec(select(ListeningClip).where(ListeningClip.role == ClipRole.UPLOAD)).all()[0]
        cover = ListeningClip(test_id=first.test_id, position=9, role=ClipRole.COVER, owner_id=7)
        cover.source_key = theirs.key
        session.add(cover)
    assert prepare(store, Meanwhile(partial(forget, store, 7))) is ListeningState.RUNNING
    assert len(clips_to_show(store)) == 4 and "could not be made" not in caplog.text


def test_a_test_of_which_nothing_is_left_meanwhile_says_so(
    store: Store, files: list[SavedFile], caplog: pytest.LogCaptureFixture
) -> None:
    start(store, *files)
    assert prepare(store, Meanwhile(partial(forget, store, 3))) is ListeningState.FAILED
    assert listening_votes(store, 1).test.error_code == "nothing_to_rate"
    assert "could not be made" not in caplog.text
