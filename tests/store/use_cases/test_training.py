"""A training is requested, and agreed to or declined; each once, in time, and by its own member."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from store import (
    AlreadyAnswered,
    Clip,
    Consent,
    ConsentOver,
    DuplicateVoiceName,
    JobState,
    NotFound,
    Outbox,
    Store,
    TooManyJobs,
    Voice,
    VoiceState,
    clips,
    jobs,
    voices,
)
from store.params import TrainParams, params_of, subject_of
from store.use_cases import TrainingRequest, agree, decline, forget, request_agreed_training, request_training
from tests.store.use_cases.scene import OPERATOR, OTHER, Scene

PHRASE = "This is my voice."
Answer = Callable[[Store, str, int], object]


def yes(store: Store, job_id: str, user_id: int) -> object:
    """Agree."""
    return agree(store, job_id, user_id, PHRASE)


def wanted(scene: Scene, name: str = "mine", notes: tuple[bytes, ...] = (b"one", b"two")) -> TrainingRequest:
    """A request with saved notes."""
    return TrainingRequest(name, [scene.save(note) for note in notes], "command")


def test_a_request_waits_for_its_members_consent(scene: Scene) -> None:
    job = request_training(scene.store, scene.member, wanted(scene))
    [voice] = scene.rows(Voice)
    assert job.state is JobState.ACCEPTED
    assert (voice.name, voice.owner_id, voice.state, voice.job_id) == ("mine", 7, VoiceState.TRAINING, job.id)
    assert voice.consent_id is None
    assert job.params == {"voice_id": voice.id, "voice_name": "mine"}
    assert params_of(job) == TrainParams(voice.id or 0, "mine") and subject_of(job) == "mine"
    assert scene.remains() == {"Job": 1, "Voice": 1, "Clip": 2, "files": 2}


def test_to_agree_records_the_consent_to_these_clips_and_queues(scene: Scene) -> None:
    request = request_training(scene.store, scene.member, wanted(scene))
    job = agree(scene.store, request.id, 7, PHRASE)
    [given], [voice] = scene.rows(Consent), scene.rows(Voice)
    assert (job.state, job.attempt) == (JobState.QUEUED, 1)
    assert (given.user_id, given.guild_id, given.phrase) == (7, 3, PHRASE)
    assert given.policy_version == voices.POLICY_VERSION and given.clip_hash == clips.fingerprint(scene.rows(Clip))
    assert voice.consent_id == given.id


def test_to_decline_leaves_a_cancelled_job_and_its_message(scene: Scene) -> None:
    job = request_training(scene.store, scene.member, wanted(scene))
    decline(scene.store, job.id, 7)
    assert scene.job(job).state is JobState.CANCELLED
    assert scene.remains() == {"Job": 1, "Outbox": 1}


@pytest.mark.parametrize("answer", [yes, decline])
def test_somebody_elses_answer_changes_nothing(scene: Scene, answer: Answer) -> None:
    job = request_training(scene.store, scene.member, wanted(scene))
    before = scene.remains()
    with pytest.raises(NotFound):
        answer(scene.store, job.id, OTHER.user_id)
    assert scene.remains() == before and scene.job(job).state is JobState.ACCEPTED


@pytest.mark.parametrize("first", [yes, decline])
@pytest.mark.parametrize("second", [yes, decline])
def test_a_second_answer_changes_nothing(scene: Scene, first: Answer, second: Answer) -> None:
    job = request_training(scene.store, scene.member, wanted(scene))
    first(scene.store, job.id, 7)
    before, state = scene.remains(), scene.job(job).state
    with pytest.raises(AlreadyAnswered):
        second(scene.store, job.id, 7)
    assert scene.remains() == before and scene.job(job).state is state


@pytest.mark.parametrize("answer", [yes, decline])
@pytest.mark.parametrize("swept", [False, True])
def test_an_answer_after_fifteen_minutes_is_too_late(scene: Scene, answer: Answer, swept: bool) -> None:
    job = request_training(scene.store, scene.member, wanted(scene))
    scene.age(jobs.ACCEPT_SECONDS + 1)
    if swept:
        with scene.store.write() as session:
            jobs.sweep(session)
    with pytest.raises(ConsentOver):
        answer(scene.store, job.id, 7)
    assert scene.job(job).state is (JobState.EXPIRED if swept else JobState.ACCEPTED)
    assert scene.rows(Consent) == []


@pytest.mark.parametrize("answer", [yes, decline])
def test_a_forgotten_request_cannot_be_answered(scene: Scene, answer: Answer) -> None:
    job = request_training(scene.store, scene.member, wanted(scene))
    forget(scene.store, 7)
    with pytest.raises(NotFound, match="no such job"):
        answer(scene.store, job.id, 7)


def test_a_voice_that_was_deleted_meanwhile_is_not_trained(scene: Scene) -> None:
    job = request_training(scene.store, scene.member, wanted(scene))
    with scene.store.write() as session:
        voices.drop_untrained(session, job.id)
    with pytest.raises(ConsentOver):
        agree(scene.store, job.id, 7, PHRASE)
    assert scene.job(job).state is JobState.ACCEPTED and scene.rows(Consent) == []


@pytest.mark.parametrize("name", ["mine", "MINE"])
def test_a_name_that_is_taken_leaves_neither_row_nor_file(scene: Scene, name: str) -> None:
    request_training(scene.store, scene.member, wanted(scene))
    before = scene.remains()
    with pytest.raises(DuplicateVoiceName):
        request_training(scene.store, scene.member, wanted(scene, name, (b"other",)))
    assert scene.remains() == before
    request_training(scene.store, OTHER, wanted(scene, name, (b"other",)))


def test_a_voice_whose_training_failed_makes_room(scene: Scene) -> None:
    failed = scene.add_voice("mine", state=VoiceState.FAILED)
    request_training(scene.store, scene.member, wanted(scene))
    [voice] = scene.rows(Voice)
    assert voice.state is VoiceState.TRAINING and voice.model_key != failed.model_key


def test_one_job_too_many_leaves_neither_row_nor_file(scene: Scene) -> None:
    for number in range(3):
        request_training(scene.store, scene.member, wanted(scene, f"voice {number}"))
    before = scene.remains()
    with pytest.raises(TooManyJobs):
        request_training(scene.store, scene.member, wanted(scene, "fourth", (b"other",)))
    assert scene.remains() == before


def test_who_has_agreed_already_is_queued_in_one_transaction(scene: Scene) -> None:
    request = replace(wanted(scene), source="cli", train_seconds=60.0, train_steps=2)
    job = request_agreed_training(scene.store, OPERATOR, request, PHRASE, lease_to="cli:1")
    [given], [voice] = scene.rows(Consent), scene.rows(Voice)
    assert (job.state, job.lease_owner) == (JobState.RUNNING, "cli:1")
    assert voice.consent_id == given.id and given.clip_hash == clips.fingerprint(scene.rows(Clip))
    assert params_of(job) == TrainParams(voice.id or 0, "mine", 60.0, 2)
    assert scene.rows(Outbox) == []


def test_without_a_lease_it_waits_for_a_worker(scene: Scene) -> None:
    job = request_agreed_training(scene.store, scene.member, wanted(scene), PHRASE)
    assert (job.state, job.lease_owner) == (JobState.QUEUED, None)
