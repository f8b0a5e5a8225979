"""Trained voices and the consent that each requires."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, or_, select

from store.errors import DuplicateVoiceName, VoiceNotReady, VoiceUnanswered
from store.missing import NoSuchVoice
from store.names import folded, named, tidy
from store.tables import Consent, Job, JobState, Voice, VoiceState

POLICY_VERSION = "2026-11"
PUBLIC = -1  # the owner of free voices, which everybody may sing with and nobody can delete


def create(
    session: Session, owner_id: int, name: str, guild_id: int | None, job_id: str | None, *, anew: bool = False
) -> Voice:
    """Add a voice that this job trains (None: an import), in place of a failed one.

    With `anew` a voice of this name that is ready is trained anew, and sings as it does until then.
    Raises BlankName, DuplicateVoiceName, VoiceNotReady (it is being trained anew already).
    """
    name = named(name, what="voice")
    same = by_name(session, owner_id, name)
    if same is not None and anew and same.state == VoiceState.READY:
        if same.next_job_id is not None:
            raise VoiceNotReady(name=same.name, state=VoiceState.TRAINING.value)
        same.next_job_id = job_id
        session.add(same)
        session.flush()
        return same
    if same is not None:
        if same.state != VoiceState.FAILED:
            raise DuplicateVoiceName(name=name)
        session.delete(same)
        session.flush()
    voice = Voice(owner_id=owner_id, name=name, guild_id=guild_id, job_id=job_id)
    session.add(voice)
    session.flush()
    return voice


def by_name(session: Session, owner_id: int, name: str) -> Voice | None:
    """The owner's voice of this name, whatever its case and form."""
    wanted = folded(tidy(name))
    return next((voice for voice in of_owner(session, owner_id) if folded(voice.name) == wanted), None)


def of_owner(session: Session, owner_id: int) -> Sequence[Voice]:
    """Every voice of a member, by name."""
    return session.exec(select(Voice).where(Voice.owner_id == owner_id).order_by(col(Voice.name))).all()


def of_job(session: Session, job_id: str) -> Voice | None:
    """The voice that this job trains, or trains anew."""
    return session.exec(select(Voice).where(or_(Voice.job_id == job_id, Voice.next_job_id == job_id))).first()


def usable(session: Session, voice_id: int, user_id: int) -> Voice:
    """The voice, ready, and the user's own or free.

    Raises NotFound (also if it is another member's), VoiceNotReady, VoiceUnanswered.
    """
    voice = session.get(Voice, voice_id)
    if voice is None or voice.owner_id not in (user_id, PUBLIC):
        raise NoSuchVoice
    if voice.state == VoiceState.TRAINING and is_unanswered(session, voice):
        raise VoiceUnanswered(name=voice.name)
    if voice.state != VoiceState.READY:
        raise VoiceNotReady(name=voice.name, state=voice.state.value)
    return voice


def trained_since(session: Session, voice_id: int, moment: float) -> bool:
    """Whether a training has made anew what the voice sings with."""
    voice = session.get(Voice, voice_id)
    training = session.get(Job, voice.job_id) if voice is not None and voice.job_id is not None else None
    return training is not None and (training.ended_at or 0.0) > moment


def is_unanswered(session: Session, voice: Voice) -> bool:
    """Whether its training, or the one anew, begins only once its owner says yes."""
    job = session.get(Job, voice.next_job_id or voice.job_id or "")
    return job is not None and job.state is JobState.ACCEPTED


def finish(session: Session, voice: Voice, model_key: str, index_key: str, quality: dict[str, Any]) -> None:
    """Training → ready, with its files and figures."""
    voice.state, voice.model_key, voice.index_key, voice.quality = (
        VoiceState.READY,
        model_key,
        index_key,
        quality,
    )
    session.add(voice)


def drop_untrained(session: Session, job_id: str) -> None:
    """Delete the voice of a job whose training did not finish, so that its name can be used again.

    One that was to be trained anew stays what it is.
    """
    voice = of_job(session, job_id)
    if voice is not None and voice.next_job_id == job_id:
        voice.next_job_id = None
        session.add(voice)
    elif voice is not None and voice.state == VoiceState.TRAINING:
        session.delete(voice)


def consent_to(session: Session, user_id: int, clip_hash: str) -> Consent | None:
    """The member's newest consent to a training on these clips."""
    given = select(Consent).where(
        Consent.user_id == user_id, Consent.clip_hash == clip_hash, col(Consent.revoked_at).is_(None)
    )
    return session.exec(given.order_by(col(Consent.id).desc())).first()


def grant(
    session: Session,
    user_id: int,
    guild_id: int | None,
    phrase: str,
    clip_hash: str,
    score: float | None = None,
) -> Consent:
    """Record a member's consent to train on the clips that `clip_hash` names."""
    consent = Consent(
        user_id=user_id,
        guild_id=guild_id,
        policy_version=POLICY_VERSION,
        phrase=phrase,
        clip_hash=clip_hash,
        speaker_score=score,
    )
    session.add(consent)
    session.flush()
    return consent
