"""A voice is private to its owner and usable only when it is ready."""

import pytest

from store import DuplicateVoiceName, Job, JobKind, NotFound, Store, Voice, VoiceNotReady, jobs, voices
from store.errors import VoiceUnanswered
from store.use_cases import delete_voice

MEMBER, OTHER = 7, 8


def add_voice(store: Store, name: str = "Me") -> Voice:
    with store.write() as session:
        job = jobs.submit(session, Job(kind=JobKind.TRAIN, user_id=MEMBER))
        return voices.create(session, MEMBER, name, None, job.id)


def test_a_voice_in_training_cannot_sing_yet(store: Store) -> None:
    voice = add_voice(store)
    with pytest.raises(VoiceUnanswered, match="Me waits for your answer"), store.read() as session:
        voices.usable(session, voice.id or 0, MEMBER)
    with store.write() as session:
        jobs.enqueue(session, voice.job_id or "")
    with pytest.raises(VoiceNotReady, match="Me is not ready"), store.read() as session:
        voices.usable(session, voice.id or 0, MEMBER)


def test_nobody_uses_or_deletes_anothers_voice(store: Store) -> None:
    voice = add_voice(store)
    with pytest.raises(NotFound), store.read() as session:
        voices.usable(session, voice.id or 0, OTHER)
    with pytest.raises(NotFound):
        delete_voice(store, voice.id or 0, OTHER)
    with pytest.raises(NotFound):
        delete_voice(store, 999, OTHER)


def test_a_name_is_taken_once_whatever_its_case(store: Store) -> None:
    add_voice(store, "Me")
    with pytest.raises(DuplicateVoiceName):
        add_voice(store, "me")


def test_deleting_a_voice_removes_its_files(store: Store) -> None:
    voice = add_voice(store)
    with store.write() as session:
        row = session.get_one(Voice, voice.id)
        voices.finish(session, row, store.media.put_bytes(b"m"), store.media.put_bytes(b"i"), {})
    delete_voice(store, voice.id or 0, MEMBER)
    assert store.media.keys() == set()
