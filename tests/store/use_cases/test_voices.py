"""A member's voices: looked at and deleted by their owner only; an import is kept whole or not at all."""

from pathlib import Path

import pytest

from store import Consent, Deletion, DuplicateVoiceName, JobState, NotFound, Outbox, Voice, VoiceState, jobs, voices
from store.results import quality_of
from store.use_cases import (
    CoverRequest,
    NewVoice,
    TrainingRequest,
    agree,
    begin_message,
    check_training,
    check_voice_name,
    delete_voice,
    keep_voice,
    mark_sent,
    own_voice,
    request_cover,
    request_training,
    voice_named,
    voices_of,
)
from tests.store.use_cases.scene import OPERATOR, OTHER, WORKER, Scene

QUALITY = {"base": "RVC v2", "rows": 3, "models": {"voice": "v2", "content": "contentvec"}}


def imported(scene: Scene, name: str = "mine") -> NewVoice:
    """An import with both files."""
    files = scene.file(b"model", "model"), scene.file(b"index", "index")
    return NewVoice(name, *files, QUALITY, "0" * 64)


def test_voices_are_listed_for_their_owner_by_name(scene: Scene) -> None:
    for name in ("b", "a"):
        scene.add_voice(name)
    scene.add_voice("bobs", owner=OTHER.user_id)
    assert [voice.name for voice in voices_of(scene.store, 7)] == ["a", "b"]


def test_a_voice_is_its_owners_whatever_its_state(scene: Scene) -> None:
    voice = scene.add_voice("mine", state=VoiceState.TRAINING)
    assert own_voice(scene.store, voice.id or 0, 7) == voice_named(scene.store, 7, "MINE") == voice
    with pytest.raises(NotFound):
        own_voice(scene.store, voice.id or 0, OTHER.user_id)
    with pytest.raises(NotFound):
        own_voice(scene.store, 999, 7)
    with pytest.raises(NotFound):
        voice_named(scene.store, OTHER.user_id, "mine")


def test_a_deleted_voice_leaves_nothing_but_the_record_that_it_was_deleted(scene: Scene) -> None:
    voice = scene.add_voice("mine")
    assert delete_voice(scene.store, voice.id or 0, 7) == "mine"
    assert scene.remains() == {"Audit": 1}
    with pytest.raises(NotFound):
        delete_voice(scene.store, voice.id or 0, 7)


def test_somebody_elses_voice_is_not_deleted(scene: Scene) -> None:
    voice = scene.add_voice("mine")
    before = scene.remains()
    with pytest.raises(NotFound):
        delete_voice(scene.store, voice.id or 0, OTHER.user_id)
    assert scene.remains() == before


@pytest.mark.parametrize("agreed", [False, True])
def test_deleting_a_voice_cancels_the_training_that_waits(scene: Scene, agreed: bool) -> None:
    job = request_training(scene.store, scene.member, TrainingRequest("mine", [scene.save(b"one")], "command"))
    if agreed:
        agree(scene.store, job.id, 7, "yes")
    [voice] = scene.rows(Voice)
    delete_voice(scene.store, voice.id or 0, 7)
    assert scene.job(job).state is JobState.CANCELLED and scene.rows(Voice) == []


def test_deleting_a_voice_ends_the_covers_that_wait_for_it_and_says_why(scene: Scene) -> None:
    voice, other = scene.add_voice("mine"), scene.add_voice("other")
    ended, stays, runs = (
        request_cover(scene.store, scene.member, CoverRequest(f"#{one.id}", song=scene.save(b"song %d" % number)))
        for number, one in enumerate((voice, other, voice))
    )
    with scene.store.write() as session:
        assert jobs.take(session, runs.id, 1, WORKER)
    delete_voice(scene.store, voice.id or 0, 7)
    told = scene.job(ended)
    assert (told.state, told.error_code) == (JobState.CANCELLED, "no_such_voice")
    assert [one.job_id for one in scene.rows(Outbox)] == [ended.id]
    assert (scene.job(stays).state, scene.job(runs).state) == (JobState.QUEUED, JobState.RUNNING)


def test_deleting_a_voice_asks_the_training_that_runs_to_stop(scene: Scene) -> None:
    job = request_training(scene.store, scene.member, TrainingRequest("mine", [scene.save(b"one")], "command"))
    agree(scene.store, job.id, 7, "yes")
    with scene.store.write() as session:
        assert jobs.take(session, job.id, 1, WORKER)
    [voice] = scene.rows(Voice)
    delete_voice(scene.store, voice.id or 0, 7)
    assert scene.job(job).cancel_requested and scene.rows(Voice) == []


def test_a_training_that_expires_frees_the_name_of_its_voice(scene: Scene) -> None:
    request_training(scene.store, scene.member, TrainingRequest("mine", [scene.save(b"one")], "command"))
    scene.age(jobs.ACCEPT_SECONDS + 1)
    with scene.store.write() as session:
        jobs.sweep(session)
    assert scene.rows(Voice) == []
    check_training(scene.store, scene.member, "mine")


@pytest.mark.parametrize("sent", [False, True])
def test_the_message_with_the_sample_of_a_deleted_voice_goes_with_it(scene: Scene, sent: bool) -> None:
    job = request_training(scene.store, scene.member, TrainingRequest("mine", [scene.save(b"one")], "command"))
    agree(scene.store, job.id, 7, "yes")
    sample = [{"key": scene.store.media.put_bytes(b"sample"), "name": "sample.mp3"}]
    with scene.store.write() as session:
        assert jobs.take(session, job.id, 1, WORKER) and jobs.render(session, job.id, 1, WORKER, {}, sample)
        voice = voices.of_job(session, job.id)
        assert voice is not None
        voice.state = VoiceState.READY
    begin_message(scene.store, job.id, 5)
    if sent:
        mark_sent(scene.store, job.id, 5, 55)
    delete_voice(scene.store, voice.id or 0, 7)
    assert not scene.store.media.keys() & {sample[0]["key"]}
    assert scene.rows(Outbox) == [] and scene.job(job).state is JobState.DELIVERED
    [deletion] = scene.rows(Deletion)
    assert (deletion.channel_id, deletion.message_id) == (5, 55 if sent else None)


def test_the_private_card_with_a_sample_goes_while_its_token_lives(scene: Scene) -> None:
    job = request_training(scene.store, scene.member, TrainingRequest("mine", [scene.save(b"one")], "command"))
    agree(scene.store, job.id, 7, "yes", "token")
    with scene.store.write() as session:
        assert jobs.take(session, job.id, 1, WORKER) and jobs.render(session, job.id, 1, WORKER, {}, [])
        voice = voices.of_job(session, job.id)
        assert voice is not None
        voice.state = VoiceState.READY
    mark_sent(scene.store, job.id, None, None)
    delete_voice(scene.store, voice.id or 0, 7)
    assert [(one.message_id, one.reply_token) for one in scene.rows(Deletion)] == [(None, "token")]


def test_an_import_is_kept_ready_with_its_consent(scene: Scene) -> None:
    voice = keep_voice(scene.store, OPERATOR.user_id, imported(scene), "I may.")
    [given] = scene.rows(Consent)
    assert (voice.owner_id, voice.state, voice.job_id, voice.consent_id) == (0, VoiceState.READY, None, given.id)
    assert (given.phrase, given.clip_hash) == ("I may.", "0" * 64)
    assert [scene.store.media.path(key or "").read_bytes() for key in (voice.model_key, voice.index_key)] == [
        b"model",
        b"index",
    ]
    assert quality_of(voice).base == "RVC v2" and voice.quality == QUALITY


def test_an_import_under_a_name_that_is_taken_leaves_nothing(scene: Scene) -> None:
    scene.add_voice("Mine", owner=0)
    before = scene.remains()
    with pytest.raises(DuplicateVoiceName):
        check_voice_name(scene.store, 0, "mine")
    with pytest.raises(DuplicateVoiceName):
        keep_voice(scene.store, 0, imported(scene), "I may.")
    assert scene.remains() == before
    check_voice_name(scene.store, 7, "mine")


def test_an_import_whose_index_is_missing_leaves_nothing(scene: Scene) -> None:
    voice = NewVoice("mine", scene.file(b"model", "model"), Path("gone"), QUALITY, "0" * 64)
    with pytest.raises(FileNotFoundError):
        keep_voice(scene.store, 0, voice, "I may.")
    assert scene.remains() == {}


def test_a_failed_voice_frees_its_name(scene: Scene) -> None:
    scene.add_voice("mine", owner=0, state=VoiceState.FAILED)
    check_voice_name(scene.store, 0, "mine")
    keep_voice(scene.store, 0, imported(scene), "I may.")
    assert len(scene.rows(Voice)) == 1
