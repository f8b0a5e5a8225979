"""Moderators start, follow and stop listening tests; members agree to be heard in them, or do not any more."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from store import guilds, listening
from store.database import Store
from store.listening_errors import (
    AlreadyListening,
    ListeningOff,
    NothingToRate,
    ReferenceNeeded,
    SameClip,
    TooManyClips,
)
from store.listening_tables import (
    ClipRole,
    ListeningClip,
    ListeningConsent,
    ListeningTest,
    ListeningVote,
    Question,
)
from store.media import hash_of
from store.missing import NoSuchListeningTest, NothingRuns
from store.results import result_of
from store.retention import files_or_nothing, remove_unreferenced
from store.tables import Job, JobKind, Outbox, now
from store.use_cases.accept import SavedFile, check_files
from store.use_cases.work import DELIVERED

MOST_CLIPS = 40
FEWEST_CLIPS = 2
HOUR = 3600.0
MADE_BY = {ClipRole.COVER: (JobKind.COVER, "cover"), ClipRole.VOICE: (JobKind.TRAIN, "sample")}
"""Which jobs make clips of a role, and the role of the file that they delivered."""


@dataclass(frozen=True)
class ListeningPlace:
    """Where a test runs, who moderates it, in which language; `reactions`: whether the bot can keep votes secret."""

    guild_id: int
    channel_id: int
    moderator_id: int
    locale: str = "en"
    reactions: bool = True


@dataclass(frozen=True)
class ListeningRequest:
    """What is asked, for how many hours, and how many covers and voice samples are drawn of those who agreed.

    A reference is hidden among the clips, and an anchor is made from it.
    """

    question: Question
    hours: float
    covers: int = 0
    voices: int = 0
    uploads: tuple[SavedFile, ...] = ()
    references: tuple[SavedFile, ...] = ()


@dataclass(frozen=True)
class ListeningVotes:
    """A test with its clips, in their order, and all votes on them."""

    test: ListeningTest
    clips: Sequence[ListeningClip]
    votes: Sequence[ListeningVote]


def check_listening_test(store: Store, guild_id: int, question: Question, references: int) -> None:
    """Raise ListeningOff, AlreadyListening or ReferenceNeeded before anything is downloaded."""
    if question is Question.SIMILARITY and references != 1:
        raise ReferenceNeeded
    with store.read() as session:
        _check_free(session, guild_id)


def start_listening_test(
    store: Store, place: ListeningPlace, request: ListeningRequest, seed: int | None = None
) -> ListeningTest:
    """Draw the clips and their order, and leave their making to a worker, in one transaction.

    Raises ListeningOff, AlreadyListening, ReferenceNeeded, SameClip, NothingToRate, TooManyClips, DownloadFailed; then
    no upload is kept.
    """
    files = [*request.uploads, *request.references]
    seed = random.SystemRandom().getrandbits(53) if seed is None else seed
    with files_or_nothing(store, [file.key for file in files]), store.write() as session:
        if request.question is Question.SIMILARITY and len(request.references) != 1:
            raise ReferenceNeeded
        _check_free(session, place.guild_id)
        check_files(store, files)
        _check_different(files)
        chance = random.Random(seed)
        clips = _uploaded(request, place.moderator_id)
        rated = len(request.uploads)
        for role, count in ((ClipRole.COVER, request.covers), (ClipRole.VOICE, request.voices)):
            drawn = _drawn(session, place.guild_id, role, count, chance, {file.content for file in files})
            rated, clips = rated + len(drawn), [*clips, *drawn]
        if rated < FEWEST_CLIPS:
            raise NothingToRate(limit=FEWEST_CLIPS)
        if len(clips) > MOST_CLIPS:
            raise TooManyClips(limit=MOST_CLIPS)
        test = ListeningTest(
            guild_id=place.guild_id,
            channel_id=place.channel_id,
            moderator_id=place.moderator_id,
            locale=place.locale,
            question=request.question,
            seed=seed,
            reactions=place.reactions,
            ends_at=now() + request.hours * HOUR,
        )
        session.add(test)
        session.flush()
        chance.shuffle(clips)
        for position, clip in enumerate(clips, start=1):
            clip.test_id, clip.position = test.id or 0, position
            session.add(clip)
            session.flush()  # ids in the order in which they are heard: they tell no more than that
        return test


def stop_listening_test(store: Store, guild_id: int) -> ListeningTest:
    """End the guild's test now. Raises NotFound."""
    with store.write() as session:
        test = listening.active(session, guild_id)
        if test is None:
            raise NothingRuns
        return listening.end(session, test)


def listening_votes(store: Store, guild_id: int, number: int | None = None) -> ListeningVotes:
    """A test of the guild, by default the newest. Raises NotFound."""
    with store.read() as session:
        wanted = select(ListeningTest).where(ListeningTest.guild_id == guild_id)
        wanted = wanted if number is None else wanted.where(ListeningTest.id == number)
        test = session.exec(wanted.order_by(col(ListeningTest.id).desc()).limit(1)).first()
        if test is None:
            raise NoSuchListeningTest
        clips = listening.clips_of(session, test.id or 0)
        ids = [clip.id for clip in clips]
        votes = session.exec(select(ListeningVote).where(col(ListeningVote.clip_id).in_(ids))).all()
        return ListeningVotes(test, clips, votes)


def agree_to_tests(store: Store, user_id: int, guild_id: int, agreed: bool) -> None:
    """Note whether a member is to be heard in this guild's tests; a no takes out what is in them already."""
    with store.write() as session:
        session.merge(ListeningConsent(user_id=user_id, guild_id=guild_id, agreed=agreed))
        keys = set() if agreed else listening.withdraw(session, listening.heard(session, user_id, guild_id))
    remove_unreferenced(store, keys)


def agreed_to_tests(store: Store, user_id: int, guild_id: int) -> bool | None:
    """What the member has answered; None if they were never asked."""
    with store.read() as session:
        row = session.get(ListeningConsent, (user_id, guild_id))
        return row.agreed if row else None


def ask_once(store: Store, user_id: int, guild_id: int) -> bool:
    """Whether to ask the member now: never before, in a guild that has had a test and not turned tests off.

    Noted as a no until they answer.
    """
    with store.read() as session:
        known = session.get(ListeningConsent, (user_id, guild_id)) is not None
        known = known or not guilds.setting(session, guild_id).listening_tests
        tested = session.exec(select(ListeningTest.id).where(ListeningTest.guild_id == guild_id)).first() is not None
    if known or not tested:
        return False
    with store.write() as session:
        if session.get(ListeningConsent, (user_id, guild_id)) is not None:
            return False
        session.add(ListeningConsent(user_id=user_id, guild_id=guild_id, agreed=False))
        return True


def _check_free(session: Session, guild_id: int) -> None:
    if not guilds.setting(session, guild_id).listening_tests:
        raise ListeningOff
    if listening.active(session, guild_id) is not None:
        raise AlreadyListening


def _check_different(files: Sequence[SavedFile]) -> None:
    """What is rated twice would count twice, and a reference among the clips would be no hidden one."""
    seen: dict[str, SavedFile] = {}
    for file in files:
        first = seen.setdefault(file.content, file)
        if first is not file:
            raise SameClip(name=first.name, other=file.name)


def _uploaded(request: ListeningRequest, moderator_id: int) -> list[ListeningClip]:
    """The moderator's clips; each reference twice, the second becomes the anchor."""
    roles = [(ClipRole.UPLOAD, file) for file in request.uploads]
    for role in (ClipRole.REFERENCE, ClipRole.ANCHOR):
        roles += [(role, file) for file in request.references]
    return [_clip(role, moderator_id, file.key) for role, file in roles]


def _drawn(
    session: Session, guild_id: int, role: ClipRole, count: int, chance: random.Random, given: Collection[str]
) -> list[ListeningClip]:
    """So many works of members who agreed: of every owner one before any owner's second, no sound twice.

    `given`: the contents of what the moderator has given.
    """
    kind, part = MADE_BY[role]
    agreed = select(ListeningConsent.user_id).where(
        ListeningConsent.guild_id == guild_id, col(ListeningConsent.agreed).is_(True)
    )
    wanted = select(Job, Outbox).where(
        col(Outbox.job_id) == Job.id, Job.kind == kind, Job.guild_id == guild_id, col(Job.user_id).in_(agreed)
    )
    different: dict[str, ListeningClip] = {}
    for job, mail in session.exec(wanted.order_by(col(Job.id))).all():
        if len(mail.files) >= len(DELIVERED[kind]):
            key = mail.files[DELIVERED[kind].index(part)]["key"]
            different.setdefault(hash_of(key), _clip(role, job.user_id, key, job))
    made = [clip for content, clip in different.items() if content not in given]
    chance.shuffle(made)
    turns: dict[int | None, int] = {}
    ordered = []
    for clip in made:
        turns[clip.owner_id] = turns.get(clip.owner_id, 0) + 1
        ordered.append((turns[clip.owner_id], clip))
    return [clip for _, clip in sorted(ordered, key=lambda one: one[0])[:count]]


def _clip(role: ClipRole, owner_id: int, key: str, job: Job | None = None) -> ListeningClip:
    """A clip that has no place in a test yet."""
    result = result_of(job) if job else None
    return ListeningClip(
        test_id=0,
        position=0,
        role=role,
        owner_id=owner_id,
        model=result.models.get("voice", "") if result else "",
        job_id=job.id if job else None,
        source_key=key,
    )
