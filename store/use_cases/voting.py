"""Votes on the clips of listening tests: one for each rater and clip, the newest; counted once, whatever is repeated.

A reaction is counted first and then removed. What is counted and not yet seen to be removed is kept in `lying`, so that
a bot that comes back does not take it for a new vote.
"""

from collections.abc import Set

from sqlmodel import Session, select

from store.database import Store
from store.listening_errors import ListeningOver, OwnClip
from store.listening_tables import ListeningClip, ListeningState, ListeningTest, ListeningVote
from store.missing import ClipGone
from store.tables import now

VALUES = range(1, 6)


def clip_of_message(store: Store, message_id: int) -> ListeningClip | None:
    """The clip that a message shows."""
    with store.read() as session:
        return session.exec(select(ListeningClip).where(ListeningClip.message_id == message_id)).first()


def cast_vote(store: Store, clip_id: int, rater_id: int, value: int, *, by_reaction: bool = False) -> bool:
    """Count a vote in place of an earlier one; whether it was counted.

    A reaction counts only where the test takes them. Raises NotFound, ListeningOver, OwnClip.
    """
    with store.write() as session:
        test, clip = _open(session, clip_id)
        if by_reaction and not test.reactions:
            return False
        if clip.owner_id == rater_id:
            raise OwnClip
        _count(session, clip_id, rater_id, value, {value} if by_reaction else set())
        return True


def count_lying(store: Store, clip_id: int, rater_id: int, values: Set[int], since: float) -> bool:
    """Count the reactions that lie on a clip; whether a vote was counted.

    Those that are counted already are no new vote, nor are any where the rater has voted `since` the bot is back. Of
    two new ones nobody knows which is the later: neither counts, and the rater has to vote again.
    Raises NotFound, ListeningOver, OwnClip.
    """
    with store.write() as session:
        _, clip = _open(session, clip_id)
        if clip.owner_id == rater_id:
            raise OwnClip
        vote = session.get(ListeningVote, (clip_id, rater_id))
        new = set(values) - set(vote.lying if vote else ())
        if len(new) != 1 or (vote is not None and vote.at >= since):
            return False
        _count(session, clip_id, rater_id, new.pop(), set(values))
        return True


def reaction_removed(store: Store, clip_id: int, rater_id: int, value: int) -> None:
    """A reaction that was counted lies there no more."""
    with store.write() as session:
        vote = session.get(ListeningVote, (clip_id, rater_id))
        if vote is not None and value in vote.lying:
            vote.lying = [one for one in vote.lying if one != value]
            session.add(vote)


def _open(session: Session, clip_id: int) -> tuple[ListeningTest, ListeningClip]:
    clip = session.get(ListeningClip, clip_id)
    if clip is None:
        raise ClipGone
    test = session.get_one(ListeningTest, clip.test_id)
    if test.state is not ListeningState.RUNNING:
        raise ListeningOver
    return test, clip


def _count(session: Session, clip_id: int, rater_id: int, value: int, lying: Set[int]) -> None:
    vote = session.get(ListeningVote, (clip_id, rater_id)) or ListeningVote(clip_id=clip_id, rater_id=rater_id, value=0)
    vote.value, vote.at, vote.lying = value, now(), sorted({*vote.lying, *lying})
    session.add(vote)
