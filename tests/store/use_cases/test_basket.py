"""A basket: notes are heard once, and stay until their member removes them, however trainings end."""

import pytest

from store import (
    BasketEmpty,
    BasketFull,
    BasketNote,
    BasketShort,
    BasketUnheard,
    Clip,
    DownloadFailed,
    DuplicateVoiceName,
    JobState,
    NoteKnown,
    NoteState,
    NotFound,
    Voice,
    VoiceNotReady,
    VoiceState,
    basket,
    jobs,
    retention,
)
from store.results import TrainResult
from store.tables import Audit, Job
from store.use_cases import (
    Requester,
    SavedFile,
    add_to_basket,
    agree,
    basket_of,
    decline,
    delete_voice,
    fail_job,
    finish_job,
    forget,
    hear_again,
    jobs_wait,
    keep_heard,
    next_unheard,
    quick_work_waiting,
    refuse_note,
    remove_notes,
    rename_voice,
    request_basket_training,
    take_next_job,
    voice_files,
    voices_of,
)
from tests.store.use_cases.scene import MEMBER, OTHER, WORKER, Scene

VECTOR = [1.0] + [0.0] * 255


def gather(scene: Scene, *sounds: bytes, who: Requester = MEMBER, seconds: float = 20.0) -> list[BasketNote]:
    """Notes that were heard."""
    added = add_to_basket(scene.store, who, [scene.save(sound) for sound in sounds], "command")
    for note in added:
        keep_heard(scene.store, note.id or 0, seconds, VECTOR, "m")
    return added


def row_of(scene: Scene, job_id: str) -> Job:
    with scene.store.read() as session:
        return jobs.get(session, job_id)


def train(scene: Scene, name: str = "mine") -> str:
    """Agree to a training of what is in the basket; the id of its job, which a worker has begun."""
    asked = request_basket_training(scene.store, MEMBER, name)
    agree(scene.store, asked.job.id, MEMBER.user_id, "yes")
    job = take_next_job(scene.store, WORKER)
    assert job is not None and job.id == asked.job.id
    return job.id


def finish(scene: Scene, job_id: str, mark: str) -> None:
    """The worker ends the training."""
    files = {
        role: scene.file(f"{mark} {role}".encode(), f"{role}.x") for role in ("model", "index", "picture", "sample")
    }
    finish_job(scene.store, row_of(scene, job_id), TrainResult(minutes=1.0), files)


def test_a_note_waits_until_it_is_heard_and_counts_then(scene: Scene) -> None:
    [note] = add_to_basket(scene.store, MEMBER, [scene.save(b"one")], "message")
    waiting = next_unheard(scene.store)
    assert waiting is not None and waiting.note.id == note.id and list(waiting.others) == []
    assert jobs_wait(scene.store) and quick_work_waiting(scene.store) == f"note {note.id}"
    keep_heard(scene.store, note.id or 0, 12.5, VECTOR, "m")
    assert next_unheard(scene.store) is None and quick_work_waiting(scene.store) is None
    assert basket.seconds_of(basket_of(scene.store, 7)) == 12.5
    add_to_basket(scene.store, MEMBER, [scene.save(b"two")], "message")
    add_to_basket(scene.store, OTHER, [scene.save(b"three")], "message")
    second = next_unheard(scene.store)
    assert second is not None and [other.id for other in second.others] == [note.id]


def test_a_refused_note_keeps_its_sentence_counts_nothing_and_can_be_sent_again(scene: Scene) -> None:
    [note] = add_to_basket(scene.store, MEMBER, [scene.save(b"one")], "command")
    refuse_note(scene.store, note.id or 0, "noisy", {"name": "a.ogg"}, "too noisy")
    [row] = basket_of(scene.store, 7)
    assert (row.state, row.error_sentence, basket.seconds_of([row])) == (NoteState.REFUSED, "too noisy", 0.0)
    with pytest.raises(BasketEmpty):
        request_basket_training(scene.store, MEMBER, "mine")
    assert [one.id for one in add_to_basket(scene.store, MEMBER, [scene.save(b"one")], "command")] == [note.id]
    keep_heard(scene.store, note.id or 0, 3.0, VECTOR, "m")
    assert basket_of(scene.store, 7)[0].error_sentence is None


def test_a_note_whose_child_dies_three_times_is_refused(scene: Scene) -> None:
    [note] = add_to_basket(scene.store, MEMBER, [scene.save(b"one")], "command")
    for _ in range(2):
        hear_again(scene.store, note.id or 0)
        assert next_unheard(scene.store) is not None
    hear_again(scene.store, note.id or 0)
    assert basket_of(scene.store, 7)[0].error_code == "unheard"


def test_a_second_click_and_a_full_basket_are_refused_and_leave_no_file(scene: Scene) -> None:
    gather(scene, b"one")
    with pytest.raises(NoteKnown):
        add_to_basket(scene.store, MEMBER, [scene.save(b"one")], "message")
    assert scene.remains() == {"BasketNote": 1, "files": 1}
    many = [scene.save(b"%d" % number) for number in range(basket.MOST_NOTES)]
    with pytest.raises(BasketFull):
        add_to_basket(scene.store, MEMBER, many, "message")
    assert scene.remains() == {"BasketNote": 1, "files": 1}
    with pytest.raises(DownloadFailed):
        add_to_basket(scene.store, MEMBER, [SavedFile("0" * 64, "gone.ogg", 1)], "message")


def test_a_training_needs_half_a_minute_of_notes_that_were_heard(scene: Scene) -> None:
    with pytest.raises(BasketEmpty):
        request_basket_training(scene.store, MEMBER, "mine")
    gather(scene, b"one")
    with pytest.raises(BasketShort, match="20 s of voice"):
        request_basket_training(scene.store, MEMBER, "mine")
    [note] = add_to_basket(scene.store, MEMBER, [scene.save(b"two")], "command")
    with pytest.raises(BasketUnheard):
        request_basket_training(scene.store, MEMBER, "mine")
    keep_heard(scene.store, note.id or 0, 9.9, VECTOR, "m")
    with pytest.raises(BasketShort, match="29 s of voice; at least 30 s"):
        request_basket_training(scene.store, MEMBER, "mine")
    with scene.store.write() as session:
        session.get_one(BasketNote, note.id).seconds = 10.0
    before = scene.remains()
    asked = request_basket_training(scene.store, MEMBER, "mine")
    assert (asked.notes, asked.seconds, asked.anew) == (2, 30.0, False)
    assert scene.remains() == {**before, "Job": 1, "Voice": 1, "Clip": 2}


@pytest.mark.parametrize("end", ["declined", "failed", "expired"])
def test_nothing_is_lost_when_a_training_has_no_result(scene: Scene, end: str) -> None:
    gather(scene, b"one", b"two")
    if end == "failed":
        fail_job(scene.store, row_of(scene, train(scene)), "noisy", {}, "no")
    else:
        asked = request_basket_training(scene.store, MEMBER, "mine")
        if end == "declined":
            decline(scene.store, asked.job.id, MEMBER.user_id)
        else:
            scene.age(jobs.ACCEPT_SECONDS + 1)
            with scene.store.write() as session:
                jobs.sweep(session)
            retention.discard(scene.store, asked.job.id)
    assert scene.rows(Clip) == [] and scene.rows(Voice) == []
    assert len(scene.store.media.keys()) == 2 and len(basket_of(scene.store, 7)) == 2
    request_basket_training(scene.store, MEMBER, "mine")


def test_a_voice_is_trained_anew_and_sings_as_before_until_then(scene: Scene) -> None:
    gather(scene, b"one", b"two")
    finish(scene, first := train(scene), "old")
    [before] = voices_of(scene.store, 7)
    gather(scene, b"three")
    asked = request_basket_training(scene.store, MEMBER, "MINE")
    assert asked.anew and asked.notes == 3
    with pytest.raises(VoiceNotReady):
        request_basket_training(scene.store, MEMBER, "mine")
    decline(scene.store, asked.job.id, 7)
    [voice] = voices_of(scene.store, 7)
    assert (voice.id, voice.state, voice.next_job_id) == (before.id, VoiceState.READY, None)

    second = train(scene)
    _, model, _ = voice_files(scene.store, before.id or 0, 7)
    assert model.read_bytes() == b"old model"
    finish(scene, second, "new")
    [voice] = voices_of(scene.store, 7)
    assert (voice.id, voice.job_id, voice.next_job_id) == (before.id, second, None)
    assert voice.consent_id not in (None, before.consent_id)
    _, model, index = voice_files(scene.store, before.id or 0, 7)
    assert (model.read_bytes(), index.read_bytes()) == (b"new model", b"new index")
    kept = [scene.store.media.path(key).read_bytes() for key in sorted(scene.store.media.keys())]
    assert not any(content.startswith(b"old") for content in kept)  # the earlier sample is withdrawn with its message
    assert row_of(scene, first).state is JobState.DELIVERED


def test_a_voice_that_is_deleted_while_it_trains_anew_leaves_nothing(scene: Scene) -> None:
    gather(scene, b"one", b"two")
    finish(scene, train(scene), "old")
    [voice] = voices_of(scene.store, 7)
    asked = request_basket_training(scene.store, MEMBER, "mine")
    delete_voice(scene.store, voice.id or 0, 7)
    assert scene.job(asked.job).state is JobState.CANCELLED and voices_of(scene.store, 7) == []


def test_a_removed_note_is_gone_with_the_clips_of_trainings_that_ended(scene: Scene) -> None:
    one, two = gather(scene, b"one", b"two")
    finish(scene, train(scene), "old")
    with pytest.raises(NotFound):
        remove_notes(scene.store, OTHER.user_id, [one.id or 0])
    assert remove_notes(scene.store, 7, [one.id or 0]) == ["a.ogg"]
    with pytest.raises(NotFound):
        remove_notes(scene.store, 7, [one.id or 0])
    assert scene.store.media.keys().isdisjoint({one.media_key}) and scene.store.media.keys() >= {two.media_key}
    assert [row.action for row in scene.rows(Audit)] == ["remove note"]


def test_a_training_that_runs_keeps_what_was_agreed_to(scene: Scene) -> None:
    one, _ = gather(scene, b"one", b"two")
    train(scene)
    remove_notes(scene.store, 7, [one.id or 0])
    assert scene.store.media.keys() >= {one.media_key} and len(scene.rows(Clip)) == 2


def test_notes_expire_and_are_forgotten_with_their_member_alone(scene: Scene) -> None:
    gather(scene, b"one", b"two")
    gather(scene, b"three", who=OTHER)
    assert forget(scene.store, OTHER.user_id).clips == 1
    assert len(scene.rows(BasketNote)) == 2
    with scene.store.write() as session:
        note = session.get_one(BasketNote, basket_of(scene.store, 7)[0].id)
        note.expires_at = 1.0
        session.add(note)
    retention.expire(scene.store)
    assert len(scene.rows(BasketNote)) == 1 and len(scene.store.media.keys()) == 1


def test_a_voice_is_called_otherwise_by_its_owner_alone(scene: Scene) -> None:
    voice, other = scene.add_voice("mine"), scene.add_voice("second")
    assert rename_voice(scene.store, voice.id or 0, 7, "  song bird ") == "mine"
    assert rename_voice(scene.store, voice.id or 0, 7, "Song Bird") == "song bird"
    assert [one.name for one in voices_of(scene.store, 7)] == ["Song Bird", "second"]
    with pytest.raises(NotFound):
        rename_voice(scene.store, voice.id or 0, OTHER.user_id, "stolen")
    with pytest.raises(DuplicateVoiceName):
        rename_voice(scene.store, other.id or 0, 7, "SONG BIRD")
    with pytest.raises(NotFound):
        voice_files(scene.store, voice.id or 0, OTHER.user_id)
