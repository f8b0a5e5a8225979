"""Speech and song: the rewired graph, phones, melodies, clips with labels; by a small model and a feigned voice."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from lab.corpus import graph, kokoro, phones, synthetic
from lab.corpus.catalogue import sources
from lab.corpus.manifest import read_labels
from lab.corpus.melody import Prosody, sing, stretched, voiced
from lab.errors import BuildError
from tests.lab.corpus import packages

VOCABULARY = {" ": 16, ".": 4, "l": 54, "a": 43, "t": 62, "ˈ": 156, "m": 55, "i": 51}
VOICES = {name: np.zeros((510, 256), np.float32) for name in ("af_a", "am_b", "bf_emma", "ef_d")}


def node(kind: str, inputs: Sequence[str], output: str) -> bytes:
    """A NodeProto."""
    field = graph._field
    return b"".join([*(field(1, i.encode()) for i in inputs), field(2, output.encode()), field(4, kind.encode())])


def squares() -> bytes:
    """An ONNX model of y = x·x + x; the product is `inner`."""
    field, value = graph._field, graph._value_info
    nodes = field(1, node("Mul", ["x", "x"], "inner")) + field(1, node("Add", ["inner", "x"], "y"))
    whole = nodes + field(2, b"g") + field(11, value("x")) + field(12, value("y"))
    return b"\x08\x08" + field(7, whole) + field(8, b"\x10\x0d")


def answers(model: bytes, **inputs: float) -> dict[str, float]:
    """What a model makes of these numbers, by output."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    given = {name: np.array([value], np.float32) for name, value in inputs.items()}
    return {
        out.name: float(value[0]) for out, value in zip(session.get_outputs(), session.run(None, given), strict=True)
    }


def test_an_inner_tensor_becomes_an_output_or_an_input() -> None:
    assert answers(squares(), x=3.0) == {"y": 12.0}
    assert answers(graph.rewired(squares(), [], ["inner"]), x=3.0) == {"inner": 9.0}
    assert answers(graph.rewired(squares(), ["inner"], []), x=3.0, inner=100.0) == {"y": 103.0}


def test_a_tensor_that_is_not_there_or_half_a_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="no tensor other"):
        graph.rewired(squares(), ["other"], [])
    for broken in (squares()[:-9], b"\xff" * 12, b"\x0b"):
        with pytest.raises(ValueError, match="no ONNX model"):
            graph.rewired(broken, ["inner"], [])


def test_the_parts_of_the_model_are_checked(tmp_path: Path) -> None:
    wheels = [packages.wheel(tmp_path / f"{i}.whl", {f"m{i}/part.bin": bytes([i])}) for i in (1, 2)]
    with pytest.raises(BuildError, match="sha256 differs"):
        kokoro.read(sources()["kokoro"], wheels)


@pytest.mark.parametrize(
    ("ipa", "language", "expected"),
    [
        ("ðɪ ˈo^ʊld klˈɑːk stɹˈa^ɪks", "en-us", "ðɪ ˈOld klˈɑk stɹˈIks."),
        ("θˈɜːd ˈə^ʊk", "en-gb", "θˈɜd ˈQk."),
        ("lˈɪɾə^l t^ʃ d^ʒ", "en-us", "lˈɪɾᵊl ʧ ʤ."),
        ("kˈeɾo xˈunto", "es", "kˈeɾo xˈunto."),
    ],
)
def test_espeaks_phones_become_kokoros(monkeypatch: pytest.MonkeyPatch, ipa: str, language: str, expected: str) -> None:
    monkeypatch.setattr(phones, "_espeak", lambda text, lang: ipa)
    assert phones.phonemes("words", language) == expected


def test_pauses_are_kept_and_unknown_symbols_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phones, "_espeak", lambda text, lang: "la")
    assert phones.phonemes("One, two... three?", "en-us") == "la, la. la?"
    assert phones.tokens("la, lö.", VOCABULARY) == [0, 54, 43, 16, 54, 4, 0]


def test_a_missing_espeak_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"^The program espeak-ng is needed"):
        phones.phonemes("a line that nobody has said before", "en-us")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_espeak_itself() -> None:
    assert phones.phonemes("The old clock strikes nine.", "en-us") == "ðɪ ˈOld klˈɑk stɹˈIks nˈIn."
    with pytest.raises(BuildError, match="cannot read the language xx"):
        phones.phonemes("hm", "xx")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("speaking", [85.0, 230.0])
def test_a_melody_stays_in_reach_and_its_vowels_fill_the_notes(seed: int, speaking: float) -> None:
    symbols = ["", "l", "a", " ", "t", "ˈ", "a", "l", "a", ".", ""]
    spoken = np.array([18, 2, 3, 2, 3, 2, 4, 2, 3, 10, 2])
    energy = np.repeat(np.arange(11, dtype=np.float32), 2 * spoken)
    tune = sing(symbols, Prosody(spoken, energy, energy), speaking, np.random.default_rng(seed))
    assert (
        tune.energy.shape == tune.f0.shape
        and np.abs(tune.energy - np.repeat(np.arange(11), 2 * tune.durations)).max() < 1
    )
    assert len(tune.f0) == 2 * tune.durations.sum() and (tune.durations[1:] >= spoken[1:]).all()
    assert tune.durations[[2, 6, 8]].sum() > spoken[[2, 6, 8]].sum()
    voiced = tune.f0[tune.f0 > 0]
    assert voiced.min() > max(60.0, speaking * 2 ** (-3 / 12)) and voiced.max() < speaking * 2 ** (19 / 12)
    assert np.abs(np.diff(np.log2(voiced))).max() < 0.5


def test_what_has_no_voice_has_no_pitch() -> None:
    flags = voiced(["", "l", "a", " ", "m", "ˈ", "t", "a", " ", "t", "i", ".", ""])
    assert flags.tolist() == [False, True, True, True, True, False, False, True, False, False, True, False, False]
    with pytest.raises(ValueError, match="no vowel"):
        sing(["", "t", ""], hummed(3), 100.0, np.random.default_rng(0))


def test_a_phones_energy_is_drawn_out_with_it() -> None:
    values = np.array([0, 0, 1, 3, 0, 0], np.float32)
    same = np.array([1, 1, 1])
    assert stretched(values, same, same).tolist() == values.tolist()
    longer = stretched(values, same, np.array([1, 4, 1]))
    assert longer.shape == (12,) and np.argmax(longer) == 8 and longer[[0, 1, 10, 11]].max() == 0.0


def hummed(count: int) -> Prosody:
    """Three frames for each phone, at 150 Hz."""
    return Prosody(np.full(count, 3), np.full(6 * count, 150.0, np.float32), np.ones(6 * count, np.float32))


class Feigned:
    """A voice that says every phone for three frames, and hums."""

    vocabulary, voices = VOCABULARY, VOICES

    def __init__(self) -> None:
        self.rendered = 0

    def plan(self, tokens: Sequence[int], voice: str, speed: float) -> Prosody:
        return hummed(len(tokens))

    def render(self, tokens: Sequence[int], voice: str, plan: Prosody) -> NDArray[np.float32]:
        self.rendered += 1
        assert len(plan.f0) == len(plan.energy) == 2 * plan.durations.sum()
        return np.asarray(0.1 * np.sin(np.arange(600 * plan.durations.sum()) / 20), np.float32)

    def phones(self, tokens: Sequence[int]) -> list[str]:
        return [{token: symbol for symbol, token in VOCABULARY.items()}.get(token, "") for token in tokens]

    def speaking_hz(self, f0: NDArray[np.float32]) -> float:
        return 150.0


def make(folder: Path, minutes: float, voice: Feigned, seed: int = 0) -> int:
    return synthetic.synthesise(
        folder, sources()["kokoro"], voice, minutes=minutes, seed=seed, report=lambda fraction: None
    )


@pytest.fixture(autouse=True)
def words(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "tmp_path" in request.fixturenames:
        monkeypatch.setattr(synthetic, "phonemes", lambda text, lang: "lˈa lˈa tˈi.")


def test_clips_come_with_their_labels_and_a_voice_is_held_out(tmp_path: Path) -> None:
    written = make(tmp_path, 0.25, Feigned())
    labels = [json.loads(line) for line in (tmp_path / "kokoro" / "labels.jsonl").read_text().splitlines()]
    assert written == len(labels) >= 8
    assert list(labels[0]) == ["file", "voice", "mode", "text", "lang", "tokens", "durations_25ms", "f0_80hz", "split"]
    assert {row["mode"] for row in labels} == {"speech", "song"} and {row["voice"] for row in labels} == set(VOICES)
    assert all((row["split"] == "heldout") == (row["voice"] == "bf_emma") for row in labels)
    assert all(len(row["tokens"]) == len(row["durations_25ms"]) for row in labels)
    assert all(len(row["f0_80hz"]) == 2 * sum(row["durations_25ms"]) for row in labels)
    assert {file.name for file in (tmp_path / "kokoro").glob("*.ogg")} == {row["file"] for row in labels}
    assert sum(sum(row["durations_25ms"]) for row in labels) * 0.025 >= 15.0


def test_a_killed_build_goes_on_where_it_was(tmp_path: Path) -> None:
    make(tmp_path, 0.1, Feigned())
    path = tmp_path / "kokoro" / "labels.jsonl"
    before = list(read_labels(tmp_path))
    path.write_text(path.read_text()[:-40])  # a kill while it wrote
    voice = Feigned()
    assert make(tmp_path, 0.1, voice) == voice.rendered == 1
    assert list(read_labels(tmp_path)) == before
    assert make(tmp_path, 0.1, Feigned()) == 0
    (tmp_path / "kokoro" / before[0]["file"]).unlink()
    assert make(tmp_path, 0.1, Feigned()) == 1


def test_another_seed_needs_another_folder(tmp_path: Path) -> None:
    make(tmp_path, 0.3, Feigned())
    rows = list(read_labels(tmp_path))
    (tmp_path / "kokoro" / "labels.jsonl").write_text(
        "".join(json.dumps({**row, "text": "something else"}) + "\n" for row in rows)
    )
    with pytest.raises(BuildError, match="another seed"):
        make(tmp_path, 0.3, Feigned())


def test_the_same_seed_asks_for_the_same_lines() -> None:
    names = sorted(VOICES)
    first = [synthetic.line(index, names, 7) for index in range(40)]
    assert first == [synthetic.line(index, names, 7) for index in range(40)]
    assert first != [synthetic.line(index, names, 8) for index in range(40)]
    assert {what.voice for what in first[:4]} == set(names)
    assert {(what.voice, what.mode) for what in first} == {(v, m) for v in names for m in ("speech", "song")}
    assert {what.lang for what in first if what.voice == "ef_d"} == {"es", "en-us"}
