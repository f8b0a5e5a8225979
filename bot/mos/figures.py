"""What a listening test says: opinions by group and clip, screened raters, agreement. Pure functions of its rows."""

import csv
import io
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from bot.mos.agreement import alpha
from bot.mos.opinion import Opinion, Rating, opinion
from bot.mos.screening import Failing, failing
from store import ClipRole, ListeningClip
from store.use_cases import ListeningVotes

ORDER = tuple(ClipRole)
COLUMNS = ("test", "clip", "role", "model", "rater", "value", "counted")


@dataclass(frozen=True)
class GroupOpinion:
    """Clips of one role and model, and the opinion of them; None without a counted vote."""

    role: ClipRole
    model: str
    opinion: Opinion | None


@dataclass(frozen=True)
class ListeningFigures:
    """A test's figures. Raters are numbered in a random order that tells nothing of who they are."""

    ratings: Sequence[Rating]
    screened: Mapping[int, Failing]
    groups: Sequence[GroupOpinion]
    by_clip: Mapping[int, Opinion | None]
    interval_alpha: float | None
    ordinal_alpha: float | None

    @property
    def raters(self) -> int:
        """How many have voted."""
        return len({one.rater for one in self.ratings})


def figures_of(votes: ListeningVotes) -> ListeningFigures:
    """Everything that a test's votes say; those of screened raters do not count."""
    clips = {clip.id or 0: clip for clip in votes.clips}
    numbers = _numbers({vote.rater_id for vote in votes.votes}, votes.test.seed)
    ratings = sorted(
        (Rating(numbers[vote.rater_id], vote.clip_id, vote.value) for vote in votes.votes),
        key=lambda one: (one.rater, one.clip),
    )
    screened = failing(ratings, {number: clip.role for number, clip in clips.items()})
    counted = [one for one in ratings if one.rater not in screened]
    return ListeningFigures(
        ratings=ratings,
        screened=screened,
        groups=_groups(counted, clips),
        by_clip={number: opinion([one for one in counted if one.clip == number]) for number in clips},
        interval_alpha=alpha(counted, "interval"),
        ordinal_alpha=alpha(counted, "ordinal"),
    )


def as_csv(votes: ListeningVotes, figures: ListeningFigures) -> bytes:
    """One line a vote, UTF-8."""
    clips = {clip.id: clip for clip in votes.clips}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in figures.ratings:
        clip = clips[one.clip]
        counted = int(one.rater not in figures.screened)
        writer.writerow((votes.test.id, clip.name, clip.role.value, clip.model, one.rater, int(one.value), counted))
    return out.getvalue().encode()


def as_json(votes: ListeningVotes, figures: ListeningFigures) -> bytes:
    """Everything, UTF-8."""
    test = votes.test
    table = {
        "test": test.id,
        "question": test.question.value,
        "state": test.state.value,
        "seed": test.seed,
        "created_at": test.created_at,
        "ended_at": test.ended_at,
        "groups": [
            {"role": group.role.value, "model": group.model, "opinion": _opinion(group.opinion)}
            for group in figures.groups
        ],
        "clips": [
            {
                "clip": clip.name,
                "role": clip.role.value,
                "model": clip.model,
                "opinion": _opinion(figures.by_clip[clip.id or 0]),
            }
            for clip in votes.clips
        ],
        "screened": {str(rater): reason.value for rater, reason in figures.screened.items()},
        "krippendorff_alpha": {"interval": figures.interval_alpha, "ordinal": figures.ordinal_alpha},
        "votes": [
            {"clip": clip.name, "rater": one.rater, "value": int(one.value)}
            for one in figures.ratings
            for clip in votes.clips
            if clip.id == one.clip
        ],
    }
    return json.dumps(table, indent=1, ensure_ascii=False).encode()


def _opinion(found: Opinion | None) -> dict[str, float | int | None] | None:
    return asdict(found) if found else None


def _numbers(raters: set[int], seed: int) -> dict[int, int]:
    order = sorted(raters)
    random.Random(seed).shuffle(order)
    return {rater: number for number, rater in enumerate(order, start=1)}


def _groups(counted: Sequence[Rating], clips: Mapping[int, ListeningClip]) -> list[GroupOpinion]:
    members: dict[tuple[ClipRole, str], set[int]] = defaultdict(set)
    for number, clip in clips.items():
        members[clip.role, clip.model].add(number)
    return [
        GroupOpinion(role, model, opinion([one for one in counted if one.clip in inside]))
        for (role, model), inside in sorted(members.items(), key=lambda one: (ORDER.index(one[0][0]), one[0][1]))
    ]
