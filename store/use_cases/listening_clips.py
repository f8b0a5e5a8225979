"""A worker makes the clips of a listening test, and the bot shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from store import listening
from store.database import Store
from store.errors import NotFound
from store.listening_tables import ClipRole, ListeningClip, ListeningState, ListeningTest, Question
from store.retention import files_or_nothing, remove_unreferenced
from store.shards import ALL, Shards
from store.tables import now

MOST_TRIES = 3
UNPREPARED = "The program stopped three times while it prepared the clips. Choose other clips, or tell the operator."


@dataclass(frozen=True)
class ClipToShow:
    """A clip without a message, and the test in which it is to be sent."""

    clip: ListeningClip
    test: ListeningTest


@dataclass(frozen=True)
class ClipFiles:
    """What is sent of a clip. `beside` is the reference that a similarity test shows with it."""

    sound: Path
    beside: Path | None


def next_unprepared(store: Store) -> tuple[ListeningTest, Sequence[ListeningClip]] | None:
    """The oldest test whose clips have to be made, and these."""
    with store.read() as session:
        waiting = select(ListeningTest).where(ListeningTest.state == ListeningState.PREPARING)
        test = session.exec(waiting.order_by(col(ListeningTest.id)).limit(1)).first()
        return (test, listening.clips_of(session, test.id or 0)) if test else None


def keep_prepared(store: Store, test_id: int, made: Mapping[int, Path]) -> None:
    """Keep the clips (by id) and let the test run, in one transaction; nothing if it was stopped meanwhile."""
    with files_or_nothing(store) as saved:
        keys = {}
        for clip_id, path in made.items():
            saved.add(key := store.media.put_file(path))
            keys[clip_id] = key
        with store.write() as session:
            test = session.get_one(ListeningTest, test_id)
            stopped = test.state is not ListeningState.PREPARING
            for clip in [] if stopped else listening.clips_of(session, test_id):
                clip.media_key = keys.get(clip.id or 0)
                session.add(clip)
            test.state = test.state if stopped else ListeningState.RUNNING
            session.add(test)
    remove_unreferenced(store, saved)  # of clips that were withdrawn meanwhile


def refuse_prepared(store: Store, test_id: int, code: str, params: dict[str, Any], sentence: str) -> None:
    """A clip cannot be made: the test fails with one sentence."""
    with store.write() as session:
        test = session.get_one(ListeningTest, test_id)
        if test.state is ListeningState.PREPARING:
            test.error_code, test.error_params, test.error_sentence = code, params, sentence
            test.state, test.ended_at = ListeningState.FAILED, now()
            session.add(test)


def failures_to_tell(store: Store, shards: Shards = ALL) -> Sequence[ListeningTest]:
    """The tests that failed and whose channels do not know it yet."""
    failed = ListeningTest.state == ListeningState.FAILED, col(ListeningTest.told).is_(False)
    with store.read() as session:
        return session.exec(select(ListeningTest).where(*failed, shards.condition(ListeningTest.guild_id))).all()


def failure_told(store: Store, test_id: int) -> None:
    """The channel knows, or cannot be told."""
    with store.write() as session:
        test = session.get_one(ListeningTest, test_id)
        test.told = True
        session.add(test)


def prepare_again(store: Store, test_id: int) -> None:
    """The child died while it prepared the clips: again, and the third time never again."""
    with store.write() as session:
        test = session.get_one(ListeningTest, test_id)
        test.tries += 1
        session.add(test)
        tries = test.tries
    if tries >= MOST_TRIES:
        refuse_prepared(store, test_id, "unprepared", {}, UNPREPARED)


def clips_to_show(store: Store, shards: Shards = ALL) -> list[ClipToShow]:
    """The clips of tests that run and have no message yet, in their order."""
    with store.read() as session:
        runs = ListeningTest.state == ListeningState.RUNNING
        running = select(ListeningTest).where(runs, shards.condition(ListeningTest.guild_id))
        return [
            ClipToShow(clip, test)
            for test in session.exec(running).all()
            for clip in listening.clips_of(session, test.id or 0)
            if clip.message_id is None and clip.media_key is not None
        ]


def clip_files(store: Store, one: ClipToShow) -> ClipFiles:
    """The files of a clip. Raises NotFound (one is gone), MediaAway, DiskFull."""
    sound, *beside = (store.media.path(key) for key in _keys(store, one))
    return ClipFiles(sound, beside[0] if beside else None)


def lost_clips(store: Store, shown: Sequence[ClipToShow]) -> list[ClipToShow]:
    """Those whose files are gone: they cannot be shown. Raises MediaAway."""
    lost = []
    for one in shown:
        try:
            for key in _keys(store, one):
                store.media.require(key)
        except NotFound:
            lost.append(one)
    return lost


def begin_clip(store: Store, clip_id: int) -> bool:
    """Note that a clip's message is about to be sent; False if it was withdrawn, or its test ended, meanwhile."""
    with store.write() as session:
        clip = _running(session, clip_id)
        if clip is not None:
            clip.tried_at = clip.tried_at or now()
            session.add(clip)
        return clip is not None


def keep_clip(store: Store, clip_id: int, message_id: int) -> bool:
    """Note a clip's message; False if the clip was withdrawn, or its test ended, meanwhile."""
    with store.write() as session:
        clip = _running(session, clip_id)
        if clip is not None:
            clip.message_id = message_id
            session.add(clip)
        return clip is not None


def shown_clips(store: Store, shards: Shards = ALL) -> list[tuple[ListeningTest, ListeningClip]]:
    """The clips that have a message in a test that runs by reactions."""
    with store.read() as session:
        wanted = select(ListeningTest, ListeningClip).where(
            ListeningClip.test_id == ListeningTest.id,
            ListeningTest.state == ListeningState.RUNNING,
            col(ListeningTest.reactions).is_(True),
            col(ListeningClip.message_id).is_not(None),
            shards.condition(ListeningTest.guild_id),
        )
        return list(session.exec(wanted.order_by(col(ListeningClip.id))).all())


def is_test_there(store: Store, channel_id: int) -> bool:
    """Whether a listening test runs in this channel."""
    running = ListeningTest.state == ListeningState.RUNNING, ListeningTest.channel_id == channel_id
    with store.read() as session:
        return session.exec(select(ListeningTest.id).where(*running)).first() is not None


def end_due_tests(store: Store) -> None:
    """End the tests whose time is over."""
    due = (ListeningTest.state == ListeningState.RUNNING, ListeningTest.ends_at <= now())
    with store.read() as session:
        if session.exec(select(ListeningTest.id).where(*due)).first() is None:
            return
    with store.write() as session:
        for test in session.exec(select(ListeningTest).where(*due)).all():
            listening.end(session, test)


def _running(session: Session, clip_id: int) -> ListeningClip | None:
    clip = session.get(ListeningClip, clip_id)
    test = session.get(ListeningTest, clip.test_id) if clip is not None else None
    return clip if test is not None and test.state is ListeningState.RUNNING else None


def _keys(store: Store, one: ClipToShow) -> list[str]:
    """Of the clip, and of the reference that is shown beside it."""
    keys = [one.clip.media_key or ""]
    if one.test.question is Question.SIMILARITY:
        with store.read() as session:
            clips = listening.clips_of(session, one.test.id or 0)
        keys += [clip.media_key for clip in clips if clip.role is ClipRole.REFERENCE and clip.media_key][:1]
    return keys
