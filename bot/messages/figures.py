"""Figures of a result as text: what is known is shown, with the model's name; what is missing is left out."""

from collections.abc import Mapping

from bot.texts.names import safe
from bot.texts.sentences import Texts
from store.results import CoverResult, TrainResult

MODELS = 8


def voice_figures(voice: TrainResult, say: Texts) -> list[str]:
    """The figures of a voice: minutes, steps, likeness, base; an instant one says that it was not trained."""
    figures = made_from(voice, say)
    if voice.untrained:
        return figures
    if voice.steps is not None:
        figures.append(say("result.train.steps", steps=voice.steps))
    if voice.cosine is not None:
        figures.append(say("result.train.cosine", cosine=voice.cosine))
    if voice.base:
        figures.append(say("result.train.base", base=safe(voice.base)))
    return figures


def made_from(voice: TrainResult, say: Texts) -> list[str]:
    """How much of its member's voice a voice was made from, and whether it was trained."""
    if voice.untrained:
        seconds = [] if voice.minutes is None else [say("result.instant.seconds", seconds=60 * voice.minutes)]
        return [say("result.instant.untrained"), *seconds]
    return [] if voice.minutes is None else [say("result.train.minutes", minutes=voice.minutes)]


def cover_figures(cover: CoverResult, say: Texts) -> list[str]:
    """The figures of a cover; before and after where both were measured."""
    figures = []
    cosine = pair(cover.cosine_source, cover.cosine_cover, say)
    if cosine:
        figures.append(say("result.cover.cosine", figures=cosine))
    mos = pair(cover.mos_source, cover.mos_cover, say)
    if mos and cover.mos_model:
        figures.append(say("result.cover.mos", model=safe(cover.mos_model), figures=mos))
    elif mos:
        figures.append(say("result.cover.mos_unnamed", figures=mos))
    if cover.f0_correlation is not None:
        figures.append(say("result.cover.f0", value=cover.f0_correlation))
    if cover.lufs is not None:
        figures.append(say("result.cover.loudness", lufs=cover.lufs))
    if cover.true_peak_db is not None:
        figures.append(say("result.cover.peak", peak=cover.true_peak_db))
    if cover.encoding:
        figures.append(say("result.cover.encoding", encoding=safe(cover.encoding)))
    return figures


def key_figure(vocals: int, instrumental: int | None, say: Texts) -> str:
    """What was moved by how many semitones; None: there is no instrumental, or an old row does not say."""
    if instrumental is None:
        return say("result.cover.key_shift", key_shift=vocals)
    if not instrumental:
        return say("result.cover.key_shift_voice", key_shift=vocals)
    return say("result.cover.key_shift_both", key_shift=vocals, instrumental=instrumental)


def pair(before: float | None, after: float | None, say: Texts) -> str:
    """`song 0.31, cover 0.82`, or the one that was measured, or nothing."""
    measured = (("result.cover.before", before), ("result.cover.after", after))
    return ", ".join(say(key, value=value) for key, value in measured if value is not None)


def models_line(models: Mapping[str, str], say: Texts) -> str:
    """`Models: separator htdemucs · voice …`, or nothing."""
    if not models:
        return ""
    named = " · ".join(
        f"{say.known(f'role.{role}', role)} {safe(name)}" for role, name in list(models.items())[:MODELS]
    )
    return say("result.models", models=named)
