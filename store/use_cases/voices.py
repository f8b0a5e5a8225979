"""A member's voices: listed, imported, deleted."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from store import additions, deletions, jobs, listening, reports, voices
from store.database import Store
from store.errors import DuplicateVoiceName, IllegalMove, NotFound, VoiceNotReady
from store.missing import NoSuchVoice
from store.names import named
from store.retention import files_or_nothing, media_keys, remove_unreferenced
from store.tables import Audit, Job, JobKind, JobState, Outbox, Shown, Voice, VoiceState


@dataclass(frozen=True)
class NewVoice:
    """A voice that was trained elsewhere: its two files, its figures, and the sha256 of the file it was read from."""

    name: str
    model: Path
    index: Path
    quality: dict[str, Any]
    source_sha256: str


def voices_of(store: Store, user_id: int) -> Sequence[Voice]:
    """The member's voices, by name."""
    with store.read() as session:
        return voices.of_owner(session, user_id)


def has_free_voice(store: Store) -> bool:
    """Whether there is a voice that everybody may sing with."""
    with store.read() as session:
        return any(voice.state is VoiceState.READY for voice in voices.of_owner(session, voices.PUBLIC))


def unanswered_voices(store: Store, user_id: int) -> frozenset[int | None]:
    """The ids of the member's voices that are trained only once they say yes."""
    waits = col(Voice.job_id) == col(Job.id), col(Job.state) == JobState.ACCEPTED
    with store.read() as session:
        return frozenset(session.exec(select(Voice.id).where(col(Voice.owner_id) == user_id, *waits)).all())


def voice_named(store: Store, user_id: int, name: str) -> Voice:
    """The member's voice of this name, whatever its state or the name's case. Raises NotFound."""
    with store.read() as session:
        voice = voices.by_name(session, user_id, name)
    if voice is None:
        raise NoSuchVoice
    return voice


def own_voice(store: Store, voice_id: int, user_id: int) -> Voice:
    """One voice of its owner, whatever its state. Raises NotFound, also if it is another member's."""
    with store.read() as session:
        return _owned(session, voice_id, user_id)


def hand_over_voice(store: Store, voice_id: int) -> tuple[Voice, Path, Path]:
    """A ready voice, whoever's it is, with its two files: the operator gives them to its owner; the audit tells.

    Raises NotFound, VoiceNotReady.
    """
    with store.write() as session:
        voice = session.get(Voice, voice_id)
        if voice is None:
            raise NoSuchVoice
        session.add(Audit(user_id=jobs.OPERATOR, action="export voice", subject=str(voice_id)))
        return _with_files(store, voice)


def check_voice_name(store: Store, user_id: int, name: str) -> None:
    """Raise BlankName or DuplicateVoiceName if no voice of this name can be added."""
    name = named(name, what="voice")
    with store.read() as session:
        same = voices.by_name(session, user_id, name)
    if same is not None and same.state != VoiceState.FAILED:
        raise DuplicateVoiceName(name=name)


def keep_voice(store: Store, user_id: int, imported: NewVoice, phrase: str) -> Voice:
    """Add an imported voice, ready to sing, with the consent given by `phrase`; all or nothing.

    Raises BlankName, DuplicateVoiceName, DiskFull.
    """
    store.await_writing()
    with files_or_nothing(store) as keys:
        keys.add(model := store.media.put_file(imported.model))
        keys.add(index := store.media.put_file(imported.index))
        with store.write() as session:
            voice = voices.create(session, user_id, imported.name, None, None)
            voice.consent_id = voices.grant(session, user_id, None, phrase, imported.source_sha256).id
            voices.finish(session, voice, model, index, imported.quality)
            return voice


def delete_voice(store: Store, voice_id: int, user_id: int) -> str:
    """Delete a voice, its files and the message with its sample, stopping its training first; return its name.

    Covers that it has sung stay as they are; those that wait for it end, and say why.
    Raises NotFound, also for another member's voice.
    """
    with store.write() as session:
        voice = _owned(session, voice_id, user_id)
        name, keys = voice.name, media_keys([], [voice], [], []) | withdraw_sample(session, voice)
        _stop_training(session, voice)
        _end_covers(session, voice_id)
        additions.leave_those_of(session, voice_id)
        session.flush()
        if (trained := session.get(Voice, voice_id)) is not None:
            session.delete(trained)
        session.add(Audit(user_id=user_id, action="delete voice", subject=str(voice_id)))
    remove_unreferenced(store, keys)
    return name


def rename_voice(store: Store, voice_id: int, user_id: int, name: str) -> str:
    """Call a voice otherwise; return the name that it had. Raises NotFound, BlankName, DuplicateVoiceName."""
    name = named(name, what="voice")
    with store.write() as session:
        voice = _owned(session, voice_id, user_id)
        same = voices.by_name(session, user_id, name)
        if same is not None and same.id != voice.id:
            raise DuplicateVoiceName(name=name)
        before, voice.name = voice.name, name
        session.add(voice)
        return before


def voice_files(store: Store, voice_id: int, user_id: int) -> tuple[Voice, Path, Path]:
    """A voice of its owner with its model and its index, as files. Raises NotFound, VoiceNotReady."""
    return _with_files(store, own_voice(store, voice_id, user_id))


def withdraw_sample(session: Session, voice: Voice) -> set[str]:
    """Delete the message that tells of a voice, with a curve and a sample, and the clips of it that raters hear.

    Returns the media keys that these named.
    """
    trained = voice.state == VoiceState.READY
    mail = session.exec(select(Outbox).where(Outbox.job_id == voice.job_id)).all() if trained else []
    keys = media_keys([], [], [], mail)
    for message in mail:
        _withdraw(session, message)
    deletions.of_ended(session, col(Shown.job_id) == voice.job_id)
    reports.withdrawn(session, voice.job_id, voice.owner_id)
    if voice.job_id is not None:
        keys |= listening.withdraw(session, listening.of_job(session, voice.job_id))
    return keys


def _stop_training(session: Session, voice: Voice) -> None:
    training = voice.job_id if voice.state == VoiceState.TRAINING else voice.next_job_id
    if training is not None:
        with suppress(IllegalMove, NotFound):  # it has ended meanwhile
            jobs.cancel(session, training, voice.owner_id)


def _end_covers(session: Session, voice_id: int) -> None:
    waiting = Job.kind == JobKind.COVER, col(Job.state).in_(jobs.WAITING)
    sung = col(Job.params)["voice_id"].as_integer() == voice_id
    for cover in session.exec(select(Job).where(*waiting, sung)).all():
        jobs.cancel(session, cover.id, cover.user_id, NoSuchVoice())


def _withdraw(session: Session, message: Outbox) -> None:
    """Delete a message, in Discord too if it was sent; nothing of its job is left to deliver."""
    deletions.of_result(session, message)
    deletions.of_card(session, jobs.get(session, message.job_id))
    session.delete(message)
    jobs.delivered(session, message.job_id)


def _with_files(store: Store, voice: Voice) -> tuple[Voice, Path, Path]:
    if voice.state != VoiceState.READY:
        raise VoiceNotReady(name=voice.name, state=voice.state.value)
    return voice, store.media.path(voice.model_key or ""), store.media.path(voice.index_key or "")


def _owned(session: Session, voice_id: int, user_id: int) -> Voice:
    voice = session.get(Voice, voice_id)
    if voice is None or voice.owner_id != user_id:
        raise NoSuchVoice
    return voice
