"""A worker hears the notes of baskets before it takes a job."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from sqlmodel import select

from bot.messages.basket import note_line
from bot.texts.sentences import texts
from files.disk import DiskFull
from pipeline.errors import ModelUnusable, SoundError
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.voices.own_note import hear_note
from pipeline.voices.reading import SAME_READER
from store import BasketNote, Consent, JobState, Lane, MediaAway, NoteState, Store
from store.abilities import Abilities
from store.basket import OF_THE_MACHINE
from store.params import train_params
from store.use_cases import (
    Requester,
    add_to_basket,
    basket_of,
    hear_anew,
    job_row,
    keep_heard,
    remove_notes,
    request_basket_training,
    request_match,
    save_files,
    send_reading,
)
from tests.conftest import LIBRARY
from worker import child_tasks, service
from worker.child import Child
from worker.errors import CannotRun, ChildDied
from worker.messages import Broken, Done, End, HeardNote, OwnNoteTask, Refused, SpeakerOfNote, Task
from worker.notes import NoteListener

HEARD = Done(HeardNote(12.0, SpeakerOfNote((1.0, 0.0), "m")))


class Played:
    """A child that ends its tasks as it is told, or performs them in this process."""

    def __init__(self, *ends: End | Exception, models: ModelPool | None = None) -> None:
        self.ends, self.models = list(ends), models
        self.tasks: list[Task] = []

    async def run(self, task: Task) -> End:
        self.tasks.append(task)
        if self.models is None:
            end = self.ends.pop(0)
            if isinstance(end, Exception):
                raise end
            return end
        try:
            return Done(child_tasks.perform(task, self.models, lambda _: None, lambda *_: None))
        except (SoundError, DiskFull) as error:
            return Refused(error.code, error.params, str(error))


def hear(store: Store, child: Played) -> list[BasketNote]:
    asyncio.run(NoteListener(store, cast(Child, child)).hear())
    return list(basket_of(store, 7))


def add(store: Store, *paths: Path) -> None:
    add_to_basket(store, Requester(7), save_files(store, [(path, path.name) for path in paths]), "command")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in ("one.ogg", "two.ogg")]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_a_note_is_heard_and_what_is_no_sound_is_refused(
    store: Store, models: ModelPool, notes: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "text.ogg").write_bytes(b"no sound at all")
    add(store, notes[0], tmp_path / "text.ogg")
    good, refused = hear(store, Played(models=models))
    assert good.state is NoteState.GOOD and 15 < good.seconds < 25
    assert len(good.embedding) == 256 and good.model == models.speaker.model_id
    assert (refused.state, refused.error_code) == (NoteState.REFUSED, "not_audio")


def test_later_notes_are_compared_with_those_that_were_heard(store: Store, files: list[Path]) -> None:
    add(store, *files)
    child = Played(HEARD, HEARD)
    assert [note.seconds for note in hear(store, child)] == [12.0, 12.0]
    assert [task.others for task in child.tasks if isinstance(task, OwnNoteTask)] == [
        (),
        (SpeakerOfNote((1.0, 0.0), "m"),),
    ]


def test_a_note_of_somebody_else_than_the_others_is_refused(store: Store, models: ModelPool, notes: list[Path]) -> None:
    add(store, notes[0], sorted((LIBRARY / "libri-1688").glob("*.ogg"))[0])
    own, other = hear(store, Played(models=models))
    assert own.state is NoteState.GOOD
    assert (other.state, other.error_code) == (NoteState.REFUSED, "other_speaker")


def test_members_take_turns_with_their_notes(store: Store, tmp_path: Path) -> None:
    for user, count in ((7, 3), (9, 1), (8, 2)):
        sent = [tmp_path / f"{user}-{number}.ogg" for number in range(count)]
        for path in sent:
            path.write_bytes(path.name.encode())
        add_to_basket(store, Requester(user), save_files(store, [(path, path.name) for path in sent]), "command")
    child = Played(*[HEARD] * 6)
    hear(store, child)
    order = [task.note.name[:-4] for task in child.tasks if isinstance(task, OwnNoteTask)]
    assert order == ["7-0", "8-0", "9-0", "7-1", "8-1", "7-2"]


def test_a_quick_job_waits_for_one_note_at_most(store: Store, files: list[Path]) -> None:
    add(store, *files)
    request_match(store, Requester(8), save_files(store, [(files[0], "a.ogg")]), "command")
    for able, heard in ((Abilities(), 1), (Abilities(lanes=frozenset({Lane.HEAVY})), 2)):
        for note in basket_of(store, 7):
            hear_anew(store, [note.id or 0])
        child = Played(HEARD, HEARD)
        asyncio.run(NoteListener(store, cast(Child, child), able).hear())
        assert len(child.tasks) == heard


def test_a_child_that_dies_is_tried_again_and_not_for_ever(store: Store, files: list[Path]) -> None:
    add(store, *files)
    died = ChildDied("gone")
    one, two = hear(store, Played(died, died, HEARD, died, died, died))
    assert one.state is NoteState.GOOD
    assert (two.state, two.error_code) == (NoteState.REFUSED, "unheard")


def test_a_bug_a_lost_model_and_a_damaged_file_are_one_sentence_each(
    store: Store, files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    add(store, *files)
    one, two = hear(store, Played(Broken("Traceback"), CannotRun("no device")))
    assert (one.error_code, two.error_code) == ("internal", "model_unusable")
    assert "no device" in caplog.text and "no device" not in note_line(2, two, texts("en"))
    assert "그대로 두고 관리자에게" in note_line(2, two, texts("ko")) and "no device" not in note_line(
        2, two, texts("ko")
    )
    third = files[0].with_name("three.ogg")
    third.write_bytes(b"three")
    add(store, third)
    store.media.path(basket_of(store, 7)[2].media_key).write_bytes(b"changed on the disk")
    assert hear(store, Played())[2].error_code == "file_damaged"


class Removing(Played):
    """A child whose note is removed by its member while it reads it."""

    def __init__(self, store: Store, *ends: End) -> None:
        super().__init__(Broken("FileNotFoundError"), *ends)
        self.store = store

    async def run(self, task: Task) -> End:
        if not self.tasks:
            remove_notes(self.store, 7, [basket_of(self.store, 7)[0].id or 0])
        return await super().run(task)


def test_a_note_that_is_removed_while_it_is_heard_leaves_no_trace(
    store: Store, files: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    add(store, *files)
    [left] = hear(store, Removing(store, HEARD))
    assert left.state is NoteState.GOOD and caplog.text == ""


def test_what_the_machine_could_not_hear_is_heard_once_that_is_mended(store: Store, files: list[Path]) -> None:
    assert {ModelUnusable.code, DiskFull.code} == OF_THE_MACHINE
    add(store, *files)
    lost = ModelUnusable(reason="no weights")
    refused = [Refused("not_audio", {"name": "one.ogg"}, "x"), Refused(lost.code, lost.params, str(lost))]
    assert [note.state for note in hear(store, Played(*refused))] == [NoteState.REFUSED] * 2
    assert hear(store, Played())[1].error_code == lost.code
    asyncio.run(service._expire(store))
    one, two = hear(store, Played(HEARD))
    assert (one.state, one.error_code) == (NoteState.REFUSED, "not_audio")
    assert (two.state, two.seconds, two.error_code) == (NoteState.GOOD, 12.0, None)


def test_a_note_waits_while_its_file_cannot_be_fetched(
    store: Store, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, *files)

    def away(*_: str) -> Path:
        raise MediaAway

    with monkeypatch.context() as bucket:
        bucket.setattr(type(store.media), "checked", away)
        assert [note.state for note in hear(store, Played())] == [NoteState.WAITING] * 2
    assert [note.state for note in hear(store, Played(HEARD, HEARD))] == [NoteState.GOOD] * 2


SENTENCE = "This is my own voice, and I agree: river, apple, window, tiger, honey, piano."
OTHER_WORDS = "This is my own voice, and I agree: camera, lemon, rocket, winter, pocket, engine."
NOTE = "Yesterday I walked along the shore, and the wind took my hat. A dog found it, and would not give it back."


def test_who_reads_aloud_is_compared_with_every_note_of_the_training(
    store: Store, models: ModelPool, spoken: Callable[[str], Path], song: Path
) -> None:
    stranger, member = sorted((LIBRARY / "libri-1688").glob("*.ogg"))[0], Requester(7)
    add(store, spoken(f"{NOTE} {NOTE}"))
    hear(store, Played(models=models))
    add(store, stranger)
    other = hear_note(Note(stranger, "x"), np.zeros((0, 256), np.float32), models.speaker, models.pitch)
    keep_heard(store, 2, other.seconds, list(map(float, other.embedding)), models.speaker.model_id)
    asked = request_basket_training(store, member, "mine", instant=True, sentence=SENTENCE)
    for file in (song, spoken(OTHER_WORDS), spoken(SENTENCE)):
        [reading] = save_files(store, [(file, "read.flac")])
        send_reading(store, member, asked.job.id, reading)

    own, strange, music, wrong, read = hear(store, Played(models=models))
    assert (music.state, music.error_code) == (NoteState.REFUSED, "music_behind")
    assert (wrong.state, wrong.error_code) == (NoteState.REFUSED, "sentence_not_read")
    assert read.error_sentence is None
    job = job_row(store, asked.job.id)
    assert job is not None and job.state is JobState.QUEUED
    assert list(train_params(job).left_out) == [stranger.name]
    assert (own.state, read.state) == (NoteState.GOOD, NoteState.GOOD)
    assert (strange.state, strange.error_code) == (NoteState.REFUSED, "note_not_of_reader")
    with store.read() as session:
        (given,) = session.exec(select(Consent)).all()
    assert given.phrase == SENTENCE and SAME_READER < (given.speaker_score or 0) < 1


def test_notes_that_an_earlier_model_heard_are_heard_anew_before_they_are_compared(
    store: Store, files: list[Path]
) -> None:
    add(store, files[0])
    hear(store, Played(Done(HeardNote(12.0, SpeakerOfNote((1.0,), "old")))))
    asked = request_basket_training(store, Requester(7), "mine", instant=True, sentence="read this")
    [reading] = save_files(store, [(files[1], "read.ogg")])
    send_reading(store, Requester(7), asked.job.id, reading)
    speaker = SpeakerOfNote((1.0, 0.0), "m")
    first, again, last = HeardNote(8.0, speaker, (None,)), HeardNote(12.0, speaker), HeardNote(8.0, speaker, (0.9,))
    one, two = hear(store, Played(Done(first), Done(again), Done(last)))
    assert one.model == two.model == "m" and two.state is NoteState.GOOD
    job = job_row(store, asked.job.id)
    assert job is not None and job.state is JobState.QUEUED
