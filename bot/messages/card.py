"""The text of a live card: a pure function of the job's row and its place in line."""

import math

from bot.texts.names import safe
from bot.texts.sentences import Texts
from store import Job, JobKind
from store.jobs import WORKING
from store.params import CoverParams, LibraryParams, TrainParams, aim_of, params_of
from store.use_cases import CardState

CELLS = 12


def render(
    job: Job, place: int, say: Texts, wait: float = 0.0, *, preview: bool = False, stranded: bool = False
) -> str:
    """The card of a job that runs, or waits at `place` in line for about `wait` seconds; a preview may be on it.

    `stranded`: it waits for a worker that can do it.
    """
    heard = [say("card.preview")] if preview else []
    lines = [heading(job, say), status(job, place, say, wait, stranded=stranded), *left_out(job, say), *heard]
    return "\n".join(lines)


def farewell(job: Job, say: Texts) -> str:
    """The last state of a card whose token is about to die: where the job goes on."""
    return f"{heading(job, say)}\n{say('card.later')}"


def heading(job: Job, say: Texts) -> str:
    """What the job is about."""
    params = params_of(job)
    song = params.song_name if isinstance(params, CoverParams) else ""
    voice = params.voice_name if isinstance(params, CoverParams | TrainParams) else ""
    name = params.name if isinstance(params, LibraryParams) else ""
    names = {key: safe(text or "–") for key, text in (("voice", voice), ("song", song), ("name", name))}
    return f"{say(f'card.{aim_of(job)}', **names)}{key_of(job, say)}"


def key_of(job: Job, say: Texts) -> str:
    """`, key +1, vocals −3 dB` of a cover that was asked for so, by which a member tells covers of one song apart."""
    params = params_of(job)
    if not isinstance(params, CoverParams):
        return ""
    key = f", {say('result.cover.key_shift', key_shift=params.key_shift)}" if params.key_shift else ""
    level = f", {say('result.cover.vocal_level', level=params.vocal_level)}" if params.vocal_level else ""
    return key + level


def left_out(job: Job, say: Texts) -> list[str]:
    """Which notes a training does without, since somebody else speaks in them than who read its sentence."""
    params = params_of(job)
    names = params.left_out if isinstance(params, TrainParams) else ()
    return [say("card.left_out", names=", ".join(safe(name, 40) for name in names[:10]))] if names else []


def status(job: Job | CardState, place: int, say: Texts, wait: float = 0.0, *, stranded: bool = False) -> str:
    """The part of the card that changes."""
    if job.cancel_requested:
        return say("card.stopping")
    if job.state not in WORKING and stranded:
        return say("card.stranded")
    if job.state not in WORKING:
        return f"{_waiting(job, max(place, 1), say)} · {time_until(wait, say)}"
    if job.stage is None:
        return say("card.starting")
    stage = say.known(f"stage.{job.kind}.{job.stage}", "") or say.known(f"stage.{job.stage}", job.stage)
    percent = _percent(job)
    shown = say("card.running", bar=bar(percent / 100), percent=percent, stage=stage)
    left = time_left(job.seconds_left, say)
    return f"{shown} · {left}" if left else shown


def _waiting(job: Job | CardState, place: int, say: Texts) -> str:
    """A training that was begun goes on where it was; whatever else was given back begins anew."""
    if job.kind is JobKind.TRAIN and job.progress > 0:
        percent = _percent(job)
        return say("card.paused", bar=bar(percent / 100), percent=percent, place=place)
    return say("card.queued", place=place)


def _percent(job: Job | CardState) -> int:
    return max(0, min(100, int(job.progress * 100)))


def bar(part: float) -> str:
    """A bar of cells for a part from 0 to 1."""
    full = int(part * CELLS)
    return "▰" * full + "▱" * (CELLS - full)


def time_left(seconds: float | None, say: Texts) -> str:
    """The time left in coarse steps, so that a card is edited seldom; nothing if it is unknown."""
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return ""
    if seconds <= 90:
        return say("time.seconds", number=math.ceil(seconds / 10) * 10)
    if seconds <= 90 * 60:
        return say("time.minutes", number=math.ceil(seconds / 60))
    return say("time.hours", number=seconds / 3600)


def time_until(seconds: float, say: Texts) -> str:
    """When a job that waits begins, in steps of minutes, so that a card is edited seldom."""
    minutes = minutes_until(seconds)
    if minutes == 0:
        return say("wait.soon")
    return say("wait.minutes", number=minutes) if minutes <= 90 else say("wait.hours", number=minutes / 60)


def minutes_until(seconds: float) -> int:
    """The minutes that are shown; after one and a half hours only every sixth."""
    if seconds < 60:
        return 0
    return math.ceil(seconds / 60) if seconds <= 90 * 60 else 6 * round(seconds / 360)
