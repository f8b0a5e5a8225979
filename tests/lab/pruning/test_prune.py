"""A separator pruned from end to end, on tiny networks: the curve, the files, a kill in the middle, and bad input."""

import csv
import json
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from lab.errors import PruningError
from lab.pruning import rules
from lab.pruning.curve import Curve, CurvePoint, read_curve, sentences, table
from lab.pruning.prune import PruneOptions, checked_rules, prune_separator
from lab.separators.stems import StemSides, read_sides
from lab.separators.task import SeparatorConfig
from models.separation.separator_file import read_info
from pipeline.progress import Interrupted
from pipeline.separation.registry import open_separator
from tests.lab.separators.stem_songs import small, write_songs

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = SeparatorConfig(batch=1, warm_steps=1, checked=1)
OPTIONS = PruneOptions(shares=(0.3, 0.1), steps=1)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_songs(tmp_path_factory.mktemp("songs"))


def nowhere(name: str) -> dict[str, Path]:
    raise AssertionError(name)


def test_every_rule_gives_files_and_one_curve_also_after_a_kill(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "ROUNDS", 5)
    trainable, out = small("mdx23c", tmp_path), tmp_path / "out"
    sides = read_sides(songs, trainable.stems)
    sides = StemSides(sides.train, sides.held_out[:1])

    def kill(stage: str, done: float) -> None:
        if stage == "band 10%":
            raise Interrupted

    with pytest.raises(Interrupted):
        prune_separator(trainable, sides, OPTIONS, CONFIG, out, kill)
    before = read_curve(out)
    assert before is not None and [p.rule for p in before.points] == ["unpruned", *["none"] * 2, *["magnitude"] * 2]
    curve = prune_separator(trainable, sides, OPTIONS, CONFIG, out)
    assert curve.points[:5] == before.points and read_curve(out) == curve
    points = {(point.rule, point.share): point for point in curve.points}
    assert points["magnitude", 0.3].zeros == pytest.approx(0.3, abs=0.01)
    assert points["band", 0.3].zeros > points["band", 0.1].zeros > 0.02
    full = curve.start.parameters
    assert points["structured", 0.3].parameters < points["structured", 0.1].parameters < full
    assert points["structured", 0.3].megabytes < curve.start.megabytes
    assert {point.parameters for point in curve.points if point.rule != "structured"} == {full}
    assert points["structured", 0.3].steps == 2 and len(curve.start.sdr) == 1
    rows = list(csv.DictReader((out / "curve.csv").read_text().splitlines()))
    assert len(rows) == 9 and rows[0]["change"] == "0.000" and rows[0]["SDR low"] == ""
    assert Image.open(out / "curve.png").size[0] > 800
    assert not (out / "training" / "structured-30").exists() and not list(out.glob(".*"))
    for point in curve.points:
        assert open_separator(str(out / point.file), nowhere).model_id.startswith("mdx23c-")


def test_htdemucs_loses_heads_and_hidden_units_in_half_precision(songs: Path, tmp_path: Path) -> None:
    trainable = small("htdemucs", tmp_path)
    sides = read_sides(songs, trainable.stems)
    options = PruneOptions(("structured",), (0.5,), steps=0)
    curve = prune_separator(trainable, StemSides(sides.train, sides.held_out[:1]), options, CONFIG, tmp_path / "out")
    first, last = curve.points
    assert last.parameters < first.parameters and last.megabytes < first.megabytes < 0.25
    info = read_info(tmp_path / "out" / last.file)
    assert info is not None and info.widths["crosstransformer.layers.0.self_attn.in_proj"] == 1
    assert info.widths["crosstransformer.layers_t.1.linear1"] == 32


def test_the_sentences_say_what_zeros_save() -> None:
    def point(rule: str, zeros: float, parameters: int, seconds: float, sdr: float) -> CurvePoint:
        return CurvePoint(
            rule=rule,
            share=0.3,
            zeros=zeros,
            parameters=parameters,
            megabytes=parameters / 10,
            seconds=seconds,
            unpruned_seconds=2.0,
            sdr=[sdr] * 5,
            untuned_sdr=[sdr - 1] * 5,
            steps=9,
            file=rule,
            sha256="",
        )

    points = [
        point("unpruned", 0, 100, 2, 5),
        point("magnitude", 0.5, 100, 1.98, 4.9),
        point("structured", 0, 50, 1, 4),
    ]
    curve = Curve("small", list("abcde"), points)
    assert sentences(curve) == [
        "Zeroed weights alone save no time: with 50% zeros the network takes 0.99 of the unpruned one's time and 1.00 "
        "of its file.",
        "Units taken out do: with 50% of the parameters it takes 0.50 of the time and 0.50 of the file; its SDR is "
        "−1.00 dB.",
    ]
    assert table(curve)[2]["change low"] == "-1.000"


def test_what_cannot_be_pruned_is_one_sentence_and_leaves_nothing(songs: Path, tmp_path: Path) -> None:
    trainable, out = small("mdx23c", tmp_path), tmp_path / "out"
    sides = read_sides(songs, trainable.stems)
    with pytest.raises(PruningError, match="There is no rule luck"):
        checked_rules(["luck"])
    with pytest.raises(PruningError, match="classic cannot be pruned or trained"):
        small_named("classic")
    song = sides.held_out[0]
    without = {stem: path for stem, path in song.files.items() if stem != "mixture"}
    with pytest.raises(PruningError, match=r"is held out and has no mixture\.wav"):
        prune_separator(trainable, StemSides(sides.train, [type(song)(song.name, without, 1)]), OPTIONS, CONFIG, out)
    assert not out.exists()
    out.mkdir()
    (out / "curve.json").write_text(json.dumps({"separator": "x"}))
    with pytest.raises(PruningError, match="holds a pruning with other"):
        prune_separator(trainable, sides, OPTIONS, CONFIG, out)


def small_named(name: str) -> None:
    import torch

    from lab.separators.trainable import open_trainable

    open_trainable(name, nowhere, torch.device("cpu"))


def test_a_silent_held_out_song_is_named(songs: Path, tmp_path: Path) -> None:
    copy = write_songs(tmp_path / "songs", test=1)
    trainable = small("mdx23c", tmp_path)
    sides = read_sides(copy, trainable.stems)
    mixture = sides.held_out[0].files["mixture"]
    vocals, rate = soundfile.read(sides.held_out[0].files["vocals"], dtype="float32")
    soundfile.write(mixture, vocals, rate, subtype="FLOAT")
    with pytest.raises(PruningError, match="is vocals alone, so it says nothing about separators"):
        prune_separator(trainable, sides, OPTIONS, CONFIG, tmp_path / "out")
    assert not (tmp_path / "out" / "curve.json").exists()
