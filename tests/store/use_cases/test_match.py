"""A match is requested: its rows, its files, and nothing when it is refused."""

import pytest

from store import DownloadFailed, JobKind, JobState, TooManyJobs, clips, jobs
from store.params import MatchParams, params_of
from store.use_cases import SavedFile, request_match
from tests.store.use_cases.scene import OPERATOR, Scene


def test_notes_become_a_queued_job_and_its_clips(scene: Scene) -> None:
    notes = [scene.save(b"one", "a.ogg"), scene.save(b"three", "b.ogg")]
    job = request_match(scene.store, scene.member, notes, "command")
    assert (job.kind, job.state, job.attempt) == (JobKind.MATCH, JobState.QUEUED, 1)
    assert (job.user_id, job.guild_id, job.channel_id, job.locale) == (7, 3, 5, "ko")
    assert job.params == {} and params_of(job) == MatchParams()
    with scene.store.read() as session:
        kept = clips.of_job(session, job.id)
    assert [(note.name, note.bytes, note.source) for note in kept] == [("a.ogg", 3, "command"), ("b.ogg", 5, "command")]
    assert [scene.store.media.path(note.media_key).read_bytes() for note in kept] == [b"one", b"three"]
    assert all(note.expires_at - note.created_at == pytest.approx(30 * 86400, abs=5) for note in kept)


def test_a_note_that_is_sent_twice_counts_once_and_is_kept_once(scene: Scene) -> None:
    notes = [scene.save(sound, name) for sound, name in ((b"one", "a.ogg"), (b"two", "b.ogg"), (b"one", "again.mp3"))]
    job = request_match(scene.store, scene.member, notes, "command")
    with scene.store.read() as session:
        assert [note.name for note in clips.of_job(session, job.id)] == ["a.ogg", "b.ogg"]
    assert scene.remains()["files"] == 2


def test_one_job_too_many_leaves_neither_row_nor_file(scene: Scene) -> None:
    for number in range(3):
        request_match(scene.store, scene.member, [scene.save(bytes([number]))], "command")
    before = scene.remains()
    with pytest.raises(TooManyJobs, match="running \\(3\\)"):
        request_match(scene.store, scene.member, [scene.save(b"fourth")], "command")
    assert scene.remains() == before


def test_a_refused_note_that_another_job_has_too_stays(scene: Scene) -> None:
    for number in range(3):
        request_match(scene.store, scene.member, [scene.save(bytes([number]))], "command")
    with pytest.raises(TooManyJobs):
        request_match(scene.store, scene.member, [scene.save(bytes([0]))], "command")
    assert scene.remains()["files"] == 3


def test_a_file_that_was_cleaned_up_meanwhile_is_asked_for_again(scene: Scene) -> None:
    gone = SavedFile("0" * 64 + ".ogg", "gone.ogg", 3)
    with pytest.raises(DownloadFailed, match=r"gone\.ogg"):
        request_match(scene.store, scene.member, [scene.save(b"one"), gone], "command")
    assert scene.remains() == {}


def test_a_job_of_the_command_line_is_leased_in_the_same_transaction(scene: Scene) -> None:
    job = request_match(scene.store, OPERATOR, [scene.save(b"one")], "cli", lease_to="cli:1")
    assert (job.state, job.lease_owner, job.attempt) == (JobState.RUNNING, "cli:1", 1)
    with scene.store.write() as session:
        jobs.sweep(session)
    assert scene.job(job).state is JobState.RUNNING


def test_the_operator_has_no_cap(scene: Scene) -> None:
    for number in range(5):
        request_match(scene.store, OPERATOR, [scene.save(bytes([number]))], "cli")
    assert scene.remains() == {"Job": 5, "Clip": 5, "files": 5}
