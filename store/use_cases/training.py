"""A member requests the training of a voice on their notes, and agrees to it or declines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from store import basket, clips, jobs, replies, retention, voices
from store.database import Store
from store.errors import (
    AlreadyAnswered,
    ConsentMismatch,
    ConsentOver,
    DuplicateVoiceName,
    VoiceNotReady,
    VoiceUnanswered,
)
from store.missing import NoSuchJob
from store.names import named
from store.params import TrainParams, train_params
from store.reading_errors import SentenceUnread
from store.retention import files_or_nothing
from store.tables import Clip, Job, JobState, Lane, NoteState, Voice, VoiceState, now
from store.use_cases.accept import Requester, SavedFile, accept, add_clips, enqueue


@dataclass(frozen=True)
class TrainingRequest:
    """The name of the voice to be, and the recordings to train it on.

    `source` is how they were sent: "basket", "cli", "demo". A limit of None leaves it to the worker's settings. An
    `instant` voice is not trained, and comes by the quick lane. With `anew` a voice of this name that is ready is
    trained anew.
    """

    voice_name: str
    notes: Sequence[SavedFile]
    source: str
    train_seconds: float | None = None
    train_steps: int | None = None
    instant: bool = False
    anew: bool = False
    sentence: str = ""
    """What has to be read aloud before it begins."""


@dataclass(frozen=True)
class BasketTraining:
    """A training that waits for its member's consent: the voice's name, and of how many notes and seconds of voice."""

    job: Job
    voice_name: str
    notes: int
    seconds: float
    left_out: int
    """Notes of the basket that were refused; a reading of its sentence is none of them."""
    anew: bool
    """Whether it takes the place of what the voice sings with now."""


def request_training(store: Store, requester: Requester, request: TrainingRequest) -> Job:
    """Keep the notes and the name until its member agrees or declines; return the accepted job.

    Raises BlankName, DuplicateVoiceName, TooManyJobs, DownloadFailed; then neither a row nor a file of the request
    remains.
    """
    with files_or_nothing(store, (note.key for note in request.notes)), store.write() as session:
        return _accept(session, store, requester, request)


def request_basket_training(
    store: Store, requester: Requester, voice_name: str, *, instant: bool = False, sentence: str = ""
) -> BasketTraining:
    """Like `request_training`, of the good notes of the member's basket; they stay in it, however it ends.

    A voice of this name that is ready is trained anew, unless it is to be `instant`. With a `sentence` it begins once
    that was read aloud, and an instant voice needs no notes before: the reading is one. Raises also BasketUnheard,
    BasketEmpty, BasketShort, and VoiceNotReady: a training of this voice is on its way.
    """
    with store.write() as session:
        everything = basket.of_member(session, requester.user_id)
        if instant and sentence:
            basket.check_heard(everything)
            notes = basket.good_notes(everything)
        else:
            notes = basket.check_trainable(everything, basket.least_seconds(instant=instant))
        files = [SavedFile(note.media_key, note.name, note.bytes) for note in notes]
        request = TrainingRequest(voice_name, files, "basket", instant=instant, anew=not instant, sentence=sentence)
        return asked(session, _accept(session, store, requester, request))


def asked(session: Session, job: Job) -> BasketTraining:
    """What the member of an accepted training of basket notes is asked."""
    keys = {clip.media_key for clip in clips.of_job(session, job.id)}
    everything = basket.of_member(session, job.user_id)
    notes, voice = [note for note in everything if note.media_key in keys], voices.of_job(session, job.id)
    refused = [note for note in everything if note.state is NoteState.REFUSED and note.reads_for != job.id]
    name, seconds = train_params(job).voice_name, basket.seconds_of(notes)
    return BasketTraining(job, name, len(keys), seconds, len(refused), _is_anew(voice, job))


def check_training(store: Store, requester: Requester, voice_name: str, *, instant: bool = False) -> None:
    """Raise what `request_basket_training` would refuse whatever the basket holds; to be called before a download."""
    name = named(voice_name, what="voice")
    with store.read() as session:
        jobs.check_cap(session, requester.user_id, requester.guild_id)
        same = voices.by_name(session, requester.user_id, name)
        if same is None:
            return
        if voices.is_unanswered(session, same):
            raise VoiceUnanswered(name=same.name)
    if same.state is VoiceState.TRAINING or same.next_job_id is not None:
        raise VoiceNotReady(name=same.name, state=VoiceState.TRAINING.value)
    if instant and same.state is VoiceState.READY:
        raise DuplicateVoiceName(name=same.name)


def request_agreed_training(
    store: Store, requester: Requester, request: TrainingRequest, phrase: str, *, lease_to: str | None = None
) -> Job:
    """Queue a training whose requester has given consent with `phrase` already, in one transaction.

    With `lease_to` the job is returned running, leased to this owner. Raises like `request_training`.
    """
    with files_or_nothing(store, (note.key for note in request.notes)), store.write() as session:
        job = _accept(session, store, requester, request)
        grant(session, job, phrase)
        return enqueue(session, job, lease_to)


def agree(store: Store, job_id: str, user_id: int, phrase: str, reply_token: str | None = None) -> Job:
    """Record the consent to these very clips and queue the training, in one transaction; return the queued job.

    `reply_token` is that of the interaction by which they agreed: the question becomes the job's card.
    Raises NotFound (also if it is another member's), AlreadyAnswered, ConsentOver, and SentenceUnread: this one begins
    when its sentence was read aloud.
    """
    with store.write() as session:
        job = jobs.get(session, job_id)
        check_open(job, user_id)
        if train_params(job).sentence:
            raise SentenceUnread
        grant(session, job, phrase)
        replies.keep(job, reply_token)
        session.add(job)
        session.flush()
        return jobs.enqueue(session, job_id)


def decline(store: Store, job_id: str, user_id: int) -> None:
    """Cancel the training and remove what was sent for it. Raises like `agree`."""
    with store.write() as session:
        check_open(jobs.get(session, job_id), user_id)
        jobs.cancel(session, job_id, user_id)
    retention.discard(store, job_id)


def check_consent(session: Session, job: Job, notes: Sequence[Clip]) -> None:
    """Raise ConsentMismatch unless the job's member has agreed to a training on these very clips."""
    if voices.consent_to(session, job.user_id, clips.fingerprint(notes)) is None:
        raise ConsentMismatch


def _accept(session: Session, store: Store, requester: Requester, request: TrainingRequest) -> Job:
    limits = request.train_seconds, request.train_steps
    params = TrainParams(0, request.voice_name, *limits, request.instant, request.sentence)
    lane = Lane.QUICK if request.instant else Lane.HEAVY
    job = accept(session, store, requester, params, request.notes, lane)
    voice = voices.create(session, requester.user_id, request.voice_name, requester.guild_id, job.id, anew=request.anew)
    job.params = replace(params, voice_id=voice.id or 0, voice_name=voice.name).to_json()
    session.add(job)
    add_clips(session, store, job, request.notes, request.source)
    return job


def _is_anew(voice: Voice | None, job: Job) -> bool:
    return voice is not None and voice.next_job_id == job.id


def grant(session: Session, job: Job, phrase: str, score: float | None = None) -> None:
    """Record the consent to the job's clips; `score` is how like its reader the least like of them is.

    Raises ConsentOver if its voice was deleted.
    """
    voice = voices.of_job(session, job.id)
    if voice is None:
        raise ConsentOver
    notes = clips.of_job(session, job.id)
    consent = voices.grant(session, job.user_id, job.guild_id, phrase, clips.fingerprint(notes), score)
    if voice.next_job_id != job.id:  # what it sings with was agreed to before
        voice.consent_id = consent.id
    session.add(voice)
    session.flush()


def check_open(job: Job, user_id: int) -> None:
    """Raise unless this member may still answer."""
    if job.user_id != user_id:
        raise NoSuchJob
    too_old = job.created_at < now() - jobs.ACCEPT_SECONDS
    if job.state == JobState.EXPIRED or (job.state == JobState.ACCEPTED and too_old):
        raise ConsentOver
    if job.state != JobState.ACCEPTED:
        raise AlreadyAnswered
