"""A corpus of small packages: clips and lists, once made and then kept."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from lab.corpus import build as building
from lab.corpus import catalogue, recorded
from lab.corpus.build import build
from lab.corpus.catalogue import CorpusSource, Package, sources
from lab.corpus.recorded import read_sound
from lab.errors import BuildError
from pipeline.progress import ignore
from tests.lab.corpus import packages

PACKAGE = Package("apt", "x", "1", "x.deb", "")


def g722(seconds: float) -> bytes:
    """A G.722 prompt with a tone."""
    out = io.BytesIO()
    with av.open(out, "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        wav = (3000 * np.sin(np.arange(round(seconds * 16000)) / 9)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wav[None], "s16", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


@pytest.fixture
def prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CorpusSource:
    """Carlo, of four prompts and a beep; clips are joined from 2 s on."""
    inside = {
        f"./usr/share/asterisk/sounds/it_IT_m_Carlo/{n}.g722": g722(1.2) for n in ("a", "b", "digits/c", "d", "beep")
    }
    package = packages.deb(tmp_path / "x.deb", inside)
    monkeypatch.setattr(building, "fetch", lambda p, folder: package)
    monkeypatch.setattr(recorded, "PROMPT_SECONDS", 2.0)
    return sources()["carlo"]


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three sung notes, which are the whole list."""
    folder = tmp_path / "own" / "deep"
    folder.mkdir(parents=True)
    for name, hertz in (("A#3.wav", 233.0), ("B3.wav", 247.0), ("C3-2.wav", 131.0)):
        (folder / name).write_bytes(packages.tone(1.1, 44100, hertz))
    listed = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    monkeypatch.setattr(catalogue.CorpusSource, "listed", lambda source: listed)
    return tmp_path / "own"


def rows(folder: Path) -> list[dict[str, object]]:
    rows = json.loads((folder / "real.json").read_text())
    assert isinstance(rows, list)
    return rows


def test_prompts_are_joined_and_listed(prompts: CorpusSource, tmp_path: Path) -> None:
    (outcome,) = build(tmp_path / "corpus", ignore, only=["carlo"])
    assert (outcome.clips, outcome.written, outcome.speakers) == (2, 2, 1)
    first, second = rows(tmp_path / "corpus")
    assert first == {
        "file": "carlo/carlo_000.ogg",
        "rate": 16000,
        "seconds": pytest.approx(2.65, abs=0.02),
        "speaker": "carlo",
        "language": "it",
        "licence": "CC-BY-3.0",
        "split": "heldout",
        "bandwidth_hz": 7000,
    }
    assert second["file"] == "carlo/carlo_001.ogg"
    with av.open(str(tmp_path / "corpus" / "carlo" / "carlo_000.ogg")) as file:
        assert file.streams.audio[0].codec_context.name == "opus"


def test_what_is_there_is_not_made_again(prompts: CorpusSource, tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    build(folder, ignore, only=["carlo"])
    clip = folder / "carlo" / "carlo_000.ogg"
    before = clip.stat().st_mtime_ns
    (folder / "carlo" / "carlo_001.ogg").unlink()
    (outcome,) = build(folder, ignore, only=["carlo"])
    assert (outcome.clips, outcome.written) == (2, 1) and clip.stat().st_mtime_ns == before


def test_a_list_that_is_broken_is_not_thrown_away(prompts: CorpusSource, tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text('[{"no": 1}]')
    with pytest.raises(BuildError, match="is not the list of a corpus"):
        build(tmp_path, ignore, only=["carlo"])
    assert (tmp_path / "real.json").read_text() == '[{"no": 1}]'


def test_clips_of_ones_own_folder_are_found_and_checked(notes: Path, tmp_path: Path) -> None:
    reported: list[float] = []
    own = {"vocobox-sung-notes": notes}
    (outcome,) = build(tmp_path / "c", lambda _, f: reported.append(f), only=list(own), own=own)
    assert outcome.clips == 3 and reported[0] == 0.0 and reported[-1] == 1.0 and reported == sorted(reported)
    first = rows(tmp_path / "c")[0]
    assert first["file"] == "vocobox-sung-notes/As3.ogg" and first["kind"] == "sung note"
    assert (first["rate"], first["seconds"], first["speaker"]) == (24000, 1.1, "martin")
    next(notes.rglob("B3.wav")).write_bytes(packages.tone(1.1, 44100, 100.0))
    with pytest.raises(BuildError, match=r"^vocobox-sung-notes: 1 of 3 clips are missing, first B3\.wav\.$"):
        build(tmp_path / "d", ignore, only=list(own), own=own)
    assert len(rows(tmp_path / "d")) == 2


def test_what_lies_in_no_package_is_said_and_not_made_up(
    prompts: CorpusSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "chosen", lambda only: [sources()["librispeech"], prompts])
    missing, recorded = build(tmp_path / "c", ignore)
    assert "it is in no package" in missing.missing and "--from librispeech=FOLDER" in missing.missing
    assert missing.clips == 0 and recorded.clips == 2
    with pytest.raises(BuildError, match=r"^librispeech: it is in no package"):
        build(tmp_path / "c", ignore, only=["librispeech"])


@pytest.mark.parametrize("name", ["carlo", "elvis"])
def test_a_folder_is_taken_only_for_what_lies_in_no_package(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildError, match="cannot be given"):
        build(tmp_path / "c", ignore, own={name: tmp_path})


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="There is no folder"):
        build(tmp_path / "c", ignore, only=["picovoice"], own={"picovoice": tmp_path / "nowhere"})


@pytest.mark.parametrize("name", ["..wav", "a b.wav", "é.wav", ".hidden.wav"])
def test_odd_names_are_refused(name: str) -> None:
    with pytest.raises(BuildError, match="is not taken"):
        recorded.clip_file(sources()["picovoice"], name)


def test_long_clips_are_cut_and_others_resampled() -> None:
    source = replace(sources()["librispeech"], max_seconds=0.5)
    clip = recorded.SourceRecording("x/x.ogg", "x", "wav", (packages.tone(0.8, 16000),))
    assert len(clip.sound(source)) == 8000
    wav = read_sound(packages.tone(1.0, 44100, 440.0), "wav", 24000, "x")
    assert abs(len(wav) - 24000) <= 1 and np.argmax(np.abs(np.fft.rfft(wav[:24000]))) == 440


def test_two_equal_channels_are_as_loud_as_one() -> None:
    one, two = (read_sound(packages.tone(0.5, channels=channels), "wav", 16000, "x") for channels in (1, 2))
    np.testing.assert_allclose(two, one, atol=1e-6)


@pytest.mark.parametrize("data", [b"", b"RIFF", packages.tone(0.0)])
def test_what_is_no_sound_is_said(data: bytes) -> None:
    with pytest.raises(BuildError, match=r"^x\.wav (is not WAV sound that can be read|holds no sound)\.$"):
        read_sound(data, "wav", 16000, "x.wav")
