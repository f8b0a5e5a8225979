"""The message that ends a job: a pure function of the job's row."""

from typing import Any

from bot.figures import cover_figures, models_line, number, voice_figures
from bot.names import safe, shorten
from bot.texts import Texts
from store import Job, JobKind, JobState

CANDIDATES = 5
MESSAGE_LENGTH = 1900
ENDS = ("steps", "time", "no progress")


def compose(job: Job, say: Texts) -> str:
    """The text of the result, or one sentence on why there is none; mentions the member."""
    member, kind = f"<@{job.user_id}>", say(f"kind.{job.kind.value}")
    if job.state == JobState.FAILED:
        lines = [say("result.failed", member=member, kind=kind, sentence=reason(job, say))]
    elif job.state == JobState.CANCELLED:
        lines = [say("result.cancelled", member=member, kind=kind)]
    elif job.state == JobState.EXPIRED:
        key = "result.expired" if job.queued_at is not None else "result.unanswered"
        lines = [say(key, member=member, kind=kind)]
    else:
        lines = RESULTS[job.kind](job.result, member, say)
    body = shorten("\n".join(line for line in lines if line), MESSAGE_LENGTH)
    return f"{body}\n-# {say('result.job', job=mark(job))}"


def mark(job: Job) -> str:
    """The sign by which a delivered message is known again, and by which members can name a job."""
    return job.id[:12]


def reason(job: Job, say: Texts) -> str:
    """Why the job failed, in the member's language."""
    english = job.error_sentence or say("result.failed_unknown")
    return say.error(job.error_code or "", job.error_params, english)


def match_lines(result: dict[str, Any], member: str, say: Texts) -> list[str]:
    """Candidates with calibrated probabilities, and the probability that none of them fits."""
    found = [
        (str(one.get("name")), share)
        for one in result.get("candidates") or []
        if isinstance(one, dict) and (share := number(one, "share")) is not None
    ][:CANDIDATES]
    none = number(result, "none")
    if not found:
        title = "empty"
    else:
        title = "unsure" if none is not None and none > max(share for _, share in found) else "title"
    lines = [say(f"result.match.{title}", member=member)]
    for place, (name, share) in enumerate(found, start=1):
        lines.append(say("result.match.line", number=place, singer=safe(name), share=share))
    if none is not None:
        lines.append(say("result.match.none", share=none))
    lines += match_notes(result, say)
    lines += [f"-# {line}" for line in match_meaning(result, say)]
    return lines


def match_meaning(result: dict[str, Any], say: Texts) -> list[str]:
    """What the figures are, and the models that made them."""
    lines, fit = [], result.get("calibration")
    if isinstance(fit, dict):
        clips, error = number(fit, "clips"), number(fit, "error")
        if clips is not None and error is not None:
            lines.append(say("result.match.calibrated", clips=clips, error=error))
    elif fit:
        lines.append(say("result.match.meaning", calibration=safe(fit)))
    if result.get("model"):
        lines.append(say("result.match.model", model=safe(result["model"])))
    models = models_line(result, say)
    return [*lines, models] if models else lines


def match_notes(result: dict[str, Any], say: Texts) -> list[str]:
    """The range that was sung, and how much was heard."""
    lines = []
    span = result.get("range")
    if isinstance(span, dict) and span.get("low") and span.get("high"):
        lines.append(say("result.match.range", low=safe(span["low"]), high=safe(span["high"])))
    seconds, notes = number(result, "seconds"), number(result, "notes")
    if seconds is not None and notes is not None:
        key = "heard_one" if notes == 1 else "heard"
        lines.append(say(f"result.match.{key}", seconds=seconds, notes=int(notes)))
    return lines


def train_lines(result: dict[str, Any], member: str, say: Texts) -> list[str]:
    """The voice's name and quality."""
    title = say("result.train.title", member=member, voice=safe(result.get("voice") or "–"))
    models = models_line(result, say)
    lines = [title, " · ".join(voice_figures(result, say)), held_out_line(result, say)]
    return [*lines, say("result.train.sample"), f"-# {models}" if models else ""]


def held_out_line(result: dict[str, Any], say: Texts) -> str:
    """How much better the voice became on seconds that it did not learn from, and why training ended."""
    before, after = number(result, "first_mel_loss"), number(result, "mel_loss")
    if before is None or after is None:
        return ""
    ended = str(result.get("stopped") or "")
    why = say(f"result.train.ended.{ended.replace(' ', '_')}") if ended in ENDS else ""
    return " ".join(part for part in (say("result.train.held_out", before=before, after=after), why) if part)


def cover_lines(result: dict[str, Any], member: str, say: Texts) -> list[str]:
    """The label that this is AI-generated, and the figures."""
    names = {key: safe(result.get(key) or "–") for key in ("song", "voice")}
    models = models_line(result, say)
    return [
        say("result.cover.title", member=member, **names),
        " · ".join(cover_figures(result, say)),
        f"-# {models}" if models else "",
    ]


RESULTS = {JobKind.MATCH: match_lines, JobKind.TRAIN: train_lines, JobKind.COVER: cover_lines}
