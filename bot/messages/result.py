"""The message that ends a job: a pure function of the job's row."""

from bot.messages.card import left_out
from bot.messages.figures import cover_figures, key_figure, made_from, models_line, voice_figures
from bot.messages.post import mark
from bot.texts.names import MESSAGE_LENGTH, numbered_list, safe, shorten
from bot.texts.sentences import Texts
from store import Job, JobKind, JobState
from store.jobs import WITH_RESULT
from store.params import aim_of, cover_params
from store.results import (
    CoverResult,
    LibraryResult,
    MatchCalibration,
    MatchResult,
    SongSuggestion,
    TrainResult,
    result_of,
)
from store.taste import Liking

ABOUT_SOUND = frozenset(
    {
        "not_audio",
        "empty_file",
        "cut_off",
        "encrypted",
        "invalid_samples",
        "too_short",
        "too_long",
        "too_large",
        "too_many_channels",
        "low_rate",
        "silent",
        "silent_file",
        "no_voice",
        "voice_missing",
        "only_noise",
        "lengths_apart",
        "clipped",
        "noisy",
        "music_behind",
        "several_speakers",
        "other_speaker",
        "not_enough_speech",
    }
)
"""The codes of errors that say what is wrong with a file that a member sent."""
CANDIDATES, NEAREST = 5, 3
"""How many are shown, and how many where probably none of them fits."""
LEAST_SHARE = 0.01
LIKINGS = frozenset(Liking)
ENDS = ("steps", "time", "no progress")


def compose(job: Job, say: Texts, missing: str = "") -> str:
    """The text of the result, or one sentence on why there is none; for the member's eyes.

    `missing` names the sentence on why its file is not there.
    """
    kind, trains = say(f"kind.{aim_of(job)}"), job.kind is JobKind.TRAIN
    if job.state == JobState.FAILED:
        lines = [say("result.failed", kind=kind, sentence=reason(job, say)), check_line(job, say)]
    elif job.state == JobState.CANCELLED:
        cancelled = "result.cancelled_train" if trains else "result.cancelled"
        ended = "result.ended_train" if trains else "result.ended"
        key = ended if job.error_code else cancelled
        lines = [say(key, kind=kind, sentence=reason(job, say))]
    elif job.state == JobState.EXPIRED:
        over = "result.expired_train" if trains else "result.expired"
        key = over if job.queued_at is not None else "result.unanswered"
        lines = [say(key, kind=kind)]
    else:
        lines = result_lines(job, say)
    below = [f"-# {say('result.job', job=mark(job.id))}", *([say(f"result.{missing}")] if missing else [])]
    body = shorten("\n".join(line for line in lines if line), MESSAGE_LENGTH - sum(map(len, below[1:])))
    return "\n".join([body, *below])


def details(job: Job, say: Texts) -> str:
    """Every figure of a job that has a result, what it means, and the models that measured it."""
    body = shorten("\n".join(line for line in _figures(job, say) if line) or say("details.none"), MESSAGE_LENGTH)
    return f"{body}\n-# {say('result.job', job=mark(job.id))}"


def _figures(job: Job, say: Texts) -> list[str]:
    result = result_of(job)
    if isinstance(result, CoverResult):
        figures = [*cover_figures(result, say), unmeasured(job, result, say), models_line(result.models, say)]
        return figures if cover_params(job).free_voice else [*figures, say("details.own_voice")]
    if isinstance(result, TrainResult):
        return [*voice_figures(result, say), held_out_line(result, say), models_line(result.models, say)]
    if isinstance(result, MatchResult):
        return match_meaning(result, say)
    return [models_line(result.models, say)]


def unmeasured(job: Job, result: CoverResult, say: Texts) -> str:
    """Why a cover has no figures of its voice: they are being measured, or will be, or that failed; else nothing."""
    if result.measured:
        return ""
    if job.to_add_since is not None:
        return say("details.put_off")
    return say("details.measuring" if job.being_measured else "details.unmeasured")


def has_details(job: Job) -> bool:
    """Whether `details` has figures that the result itself leaves out."""
    return job.state in WITH_RESULT


def notice(job: Job, say: Texts) -> str:
    """That the job has ended, for a channel: it names the member, and nothing of theirs."""
    outcome = "done" if job.state in WITH_RESULT else "over"
    text = say(f"notice.{outcome}", member=f"<@{job.user_id}>", kind=say(f"kind.{aim_of(job)}"))
    return f"{text}\n-# {say('result.job', job=mark(job.id))}"


def check_line(job: Job, say: Texts) -> str:
    """How to look at what was sent, where that is why a job failed; else nothing."""
    if job.error_code not in ABOUT_SOUND or job.kind is JobKind.LIBRARY:
        return ""
    return say("result.check_song" if job.kind is JobKind.COVER else "result.check_notes")


def reason(job: Job, say: Texts) -> str:
    """Why the job failed, in the member's language."""
    english = job.error_sentence or say("result.failed_unknown")
    return say.error(job.error_code or "", job.error_params, english)


def result_lines(job: Job, say: Texts) -> list[str]:
    """The lines of a job's result, by its kind."""
    result = result_of(job)
    if isinstance(result, MatchResult):
        return match_lines(result, say)
    if isinstance(result, TrainResult):
        return [*train_lines(result, say), *left_out(job, say)]
    if isinstance(result, LibraryResult):
        return library_lines(result, aim_of(job), say)
    free = [say("result.cover.free_voice")] if cover_params(job).free_voice else []
    return [*cover_lines(result, say), *free]


def match_lines(result: MatchResult, say: Texts) -> list[str]:
    """Candidates with calibrated probabilities, and the probability that none of them fits."""
    candidates = result.candidates[:CANDIDATES]
    if not candidates:
        title = "empty"
    else:
        unsure = result.none is not None and result.none > max(one.share for one in candidates)
        title = "unsure" if unsure else "title"
        candidates = candidates[:NEAREST] if unsure else candidates
    nearest = [
        say("result.match.line", number=place, singer=safe(one.name), share=part(one.share, say))
        for place, one in enumerate(candidates, start=1)
    ]
    lines = [say(f"result.match.{title}"), numbered_list(nearest)]
    if result.none is not None:
        lines.append(say("result.match.none", share=part(result.none, say)))
        lines += [say("result.match.none_means")] if title == "unsure" else []
    lines += match_notes(result, say)
    return lines + suggested_songs(result, say)


def part(share: float, say: Texts) -> str:
    """A probability in percent; what is named is never said to be impossible, nor what is not to be certain."""
    if share < LEAST_SHARE:
        return say("result.match.hardly")
    return say("result.match.nearly") if share > 1 - LEAST_SHARE else f"{share:.0%}"


def suggested_songs(result: MatchResult, say: Texts) -> list[str]:
    """The songs that suit the member, each with its key and what speaks for it."""
    nearest = max((song.timbre or 0.0 for song in result.songs), default=0.0)
    lines = [say("result.match.songs")] if result.songs else []
    for song in result.songs:
        by = say("result.match.by", singer=safe(song.singer)) if song.singer else ""
        shift = song.key_shift
        key = say("result.match.moved", shift=shift) if shift else say("result.match.own_key")
        key += say("result.match.named_key", key=moved_key(song)) if song.key else ""
        line = "song_only" if song.inside is None else "song"
        shown = say(f"result.match.{line}", title=safe(song.title), by=by, key=key, inside=song.inside or 0.0)
        whys = [song.liked] if song.liked in LIKINGS else []
        whys += ["timbre"] if len(result.songs) > 1 and song.timbre == nearest else []
        lines.append(" · ".join([shown, *(say(f"result.match.why.{why}") for why in whys)]))
    return lines


def moved_key(song: SongSuggestion) -> str:
    """`Am → Gm`, from the song's own key to the one that it is sung in; only that if it stays."""
    return f"{song.key} → {song.sung_key}" if song.sung_key not in ("", song.key) else song.key


def match_meaning(result: MatchResult, say: Texts) -> list[str]:
    """What the figures mean, and the models that estimated them."""
    lines, fit = [], result.calibration
    if isinstance(fit, MatchCalibration):
        if fit.clips is not None and fit.error is not None:
            lines.append(say("result.match.calibrated", clips=fit.clips, error=fit.error))
    elif fit:
        lines.append(say("result.match.meaning", calibration=safe(fit)))
    if result.model and result.model not in result.models.values():
        lines.append(say("result.match.model", model=safe(result.model)))
    models = models_line(result.models, say)
    return [*lines, models] if models else lines


def match_notes(result: MatchResult, say: Texts) -> list[str]:
    """The vocal range of the notes, how many seconds of voice they have, and what makes the match less sure."""
    lines = []
    if result.range is not None:
        lines.append(say("result.match.range", low=safe(result.range.low), high=safe(result.range.high)))
    elif result.seconds is not None:
        lines.append(say("result.match.no_range"))
    if result.seconds is not None and result.notes is not None:
        key = "heard_one" if result.notes == 1 else "heard"
        lines.append(say(f"result.match.{key}", seconds=result.seconds, notes=result.notes))
    lines += [say("result.match.narrowband")] if result.narrowband else []
    return lines


def train_lines(result: TrainResult, say: Texts) -> list[str]:
    """The voice's name, how much voice it was made from, and what to do next."""
    kind = "instant" if result.untrained else "train"
    lines = [say(f"result.{kind}.title", voice=safe(result.voice or "–")), " · ".join(made_from(result, say))]
    lines += [say("result.train.no_octave")] if result.no_octave else []
    lines += [say("result.train.narrowband")] if result.narrowband else []
    return [*lines, say(f"result.{kind}.next")]


def held_out_line(result: TrainResult, say: Texts) -> str:
    """How much better the voice became on held-out seconds, and why training ended."""
    before, after = result.first_mel_loss, result.mel_loss
    if before is None or after is None:
        return ""
    known = result.stopped in ENDS
    why = say(f"result.train.ended.{result.stopped.replace(' ', '_')}") if known else ""
    return " ".join(part for part in (say("result.train.held_out", before=before, after=after), why) if part)


def library_lines(result: LibraryResult, entry: str, say: Texts) -> list[str]:
    """What is in the server's library now, and what was heard of it."""
    found = [say("result.library.heard", seconds=result.seconds)] if result.seconds is not None else []
    if result.range is not None:
        found.append(say("result.library.range", low=safe(result.range.low), high=safe(result.range.high)))
    found += [say("result.library.key", key=safe(result.key))] if result.key else []
    found += [say("result.library.tempo", tempo=result.tempo)] if result.tempo is not None else []
    title = say(f"result.library.{entry}", name=safe(result.name or "–"), songs=result.songs or 0)
    return [title, " · ".join(found)]


def given_line(result: CoverResult, say: Texts) -> str:
    """What the member gave ready-made, or nothing."""
    vocals = say("result.cover.vocals_only") if result.vocals_only else ""
    if result.instrumental:
        music = say("result.cover.instrumental", name=safe(result.instrumental))
    else:
        music = say("result.cover.alone") if result.vocals_only else ""
    return " ".join(part for part in (vocals, music) if part)


def cover_lines(result: CoverResult, say: Texts) -> list[str]:
    """The label that this is AI-generated, what was moved, and what the member should know."""
    song, voice = safe(result.song or "–"), safe(result.voice or "–")
    return [
        say("result.cover.title", song=song, voice=voice),
        given_line(result, say),
        say("result.cover.no_octave") if result.no_octave else "",
        say("result.cover.scaled", decibels=result.scaled_db) if result.scaled_db else "",
        key_figure(result.key_shift, result.instrumental_shift, say) if result.key_shift else "",
        say("result.cover.vocal_level", level=result.vocal_level) if result.vocal_level else "",
    ]
