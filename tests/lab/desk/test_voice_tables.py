"""The printed evaluation: a figure that nobody measured is a dash, and Whisper's are marked."""

import io
import math
from dataclasses import replace

from rich.console import Console

from lab.desk import tables, voice_tables
from lab.evaluate.record import target_verdicts, verdicts
from tests.lab.evaluate.test_gates import GOOD, PAIR, evaluation


def shown(*parts: object) -> str:
    console = Console(width=80, file=io.StringIO(), record=True)
    for part in parts:
        console.print(part)
    return console.export_text()


def test_the_tables_are_of_one_target_and_mark_whisper() -> None:
    italian = replace(
        PAIR,
        source="libri-1998 it",
        key_shift=-12,
        independent_cer=False,
        copy=replace(GOOD, f0_cents=123.0, f0_cents_median=45.0),
        instant=replace(GOOD, campplus_cosine=math.nan),
    )
    whole = evaluation(PAIR, italian, replace(PAIR, target="b"))
    text = shown(voice_tables.pair_table(whole, "a"))
    assert "Conversions to a" in text and text.count("converted") == 2 and "nan" not in text
    assert "0.05*" in text and "8/4" in text and "speech en (−12)" in text
    alone = shown(voice_tables.target_table(whole))
    assert "…" not in text + alone, "80 columns are too few"
    instant = " ".join(shown(voice_tables.instant_table(whole)).split())
    assert "b: 11 s of voice in one note" in instant and "–" in instant and "nan" not in instant


def test_a_gate_names_the_worst_target_and_what_was_not_measured() -> None:
    low = replace(PAIR, target="b", converted=replace(GOOD, cosine=0.81, cer=math.nan))
    both = evaluation(PAIR, low)
    text = shown(tables.gate_table("Gates: all targets", verdicts(both)))
    line = next(line for line in text.splitlines() if "of each target (b)" in line)
    assert "0.810" in line and "missed" in line
    alone = shown(tables.gate_table("Gates: b", target_verdicts(both, "b")))
    words = next(line for line in alone.splitlines() if "CER above" in line)
    assert "not measured" in words and "–" in words and "nan" not in words


def test_without_training_no_target_has_a_table_of_its_own() -> None:
    untrained = evaluation(replace(PAIR, converted=None, difference=None, key_shift=None), targets=())
    assert "converted" not in shown(voice_tables.pair_table(untrained, "a"))
    assert "speech en (0)" in shown(voice_tables.instant_table(untrained))
