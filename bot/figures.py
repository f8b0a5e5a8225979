"""Figures of a result as text: what is there is shown, with the model's name; what is missing is left out."""

from collections.abc import Mapping
from typing import Any

from bot.names import safe
from bot.texts import Texts

MODELS = 8


def number(table: Mapping[str, Any], key: str) -> float | None:
    """A figure, or None if it is missing or no (finite) number."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > 1e12:
        return None
    return value


def voice_figures(table: Mapping[str, Any], say: Texts) -> list[str]:
    """The figures of a trained voice: `minutes`, `steps`, `base`, `cosine`."""
    found = []
    for key in ("minutes", "steps", "cosine"):
        value = number(table, key)
        if value is not None:
            found.append(say(f"result.train.{key}", **{key: value}))
    if table.get("base"):
        found.append(say("result.train.base", base=safe(table["base"])))
    return found


def cover_figures(table: Mapping[str, Any], say: Texts) -> list[str]:
    """The figures of a cover; before and after where both were measured."""
    found = []
    shift = number(table, "key_shift")
    if shift:
        found.append(say("result.cover.key_shift", key_shift=int(shift)))
    pairs = pair(table, "cosine", say)
    if pairs:
        found.append(say("result.cover.cosine", figures=pairs))
    pairs = pair(table, "mos", say)
    if pairs and table.get("mos_model"):
        found.append(say("result.cover.mos", model=safe(table["mos_model"]), figures=pairs))
    elif pairs:
        found.append(say("result.cover.mos_unnamed", figures=pairs))
    correlation = number(table, "f0_correlation")
    if correlation is not None:
        found.append(say("result.cover.f0", value=correlation))
    loudness, peak = number(table, "lufs"), number(table, "true_peak_db")
    if loudness is not None:
        found.append(say("result.cover.loudness", lufs=loudness))
    if peak is not None:
        found.append(say("result.cover.peak", peak=peak))
    if table.get("encoding"):
        found.append(say("result.cover.encoding", encoding=safe(table["encoding"])))
    return found


def pair(table: Mapping[str, Any], name: str, say: Texts) -> str:
    """`song 0.31, cover 0.82`, or the one that was measured, or nothing."""
    before, after = number(table, f"{name}_source"), number(table, f"{name}_cover")
    parts = [
        say(f"result.cover.{key}", value=value)
        for key, value in (("before", before), ("after", after))
        if value is not None
    ]
    return ", ".join(parts)


def models_line(table: Mapping[str, Any], say: Texts) -> str:
    """`Models: separator htdemucs, voice …`, or nothing."""
    models = table.get("models")
    if not isinstance(models, Mapping) or not models:
        return ""
    named = ", ".join(f"{safe(role)} {safe(name)}" for role, name in list(models.items())[:MODELS])
    return say("result.models", models=named)
