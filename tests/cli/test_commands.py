"""The command line as an operator types it: what works, and one sentence for what does not."""

import asyncio
import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest

from cli import offline
from pipeline.sound.decode import SONG, decode
from pipeline.sound.encode import encode
from tests.cli.conftest import Desk
from tests.conftest import BuiltOnce
from tests.forked import fork
from tests.pipeline import sounds
from tests.warm_child import WarmChildren
from worker.valkey import EmbeddedValkey

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def discovervoice(data: Path, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `discovervoice` in a process of its own."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DISCORD_TOKEN", "DATABASE_URL", "REDIS_URL")}
    own = {**clean, "DATA_DIR": str(data), "COLUMNS": "200", **environment}
    words = [str(word) for word in arguments]
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "out", Path(folder) / "errors"
        process = fork(words, own, out, errors)
        try:
            code = process.wait(280)
        finally:
            process.kill()
        return subprocess.CompletedProcess(words, code, out.read_text(), errors.read_text())


def refused(done: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence on stderr of a command that failed; no trace, no second line."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def left_behind(data: Path) -> list[str]:
    """Files of jobs that should be gone; what was computed of the operator's own songs is kept."""
    kept = [data / "media", data / "work"]
    return [str(p) for folder in kept for p in folder.rglob("*") if p.is_file()]


@pytest.fixture(scope="module")
def data(
    tmp_path_factory: pytest.TempPathFactory,
    built_once: BuiltOnce,
    seeded: Path,
    notes: list[Path],
    warm_children: WarmChildren,
) -> Path:
    """A data folder with a voice, trained for a second."""

    def build(folder: Path) -> None:
        shutil.copytree(seeded, folder)
        out = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
            patch.setenv("DATA_DIR", str(folder))
            patch.setattr(offline, "Child", warm_children)
            asyncio.run(offline.train_notes("carlo", notes[:2], 1 / 60, folder.parent))
        assert "h24 base" in out.getvalue() and "log-mel error" in out.getvalue() and "likeness" in out.getvalue()
        assert (folder.parent / "sample.mp3").stat().st_size > 10_000

    return shutil.copytree(built_once("trained", build), tmp_path_factory.mktemp("cli") / "data")


def test_match_prints_none_of_them_and_draws(desk: Desk, notes: list[Path], tmp_path: Path) -> None:
    output = desk("match", notes[0], "--out", tmp_path)
    assert "none of them" in output and "Resemblyzer" in output
    assert (tmp_path / "match.png").read_bytes().startswith(b"\x89PNG")


def told(output: str) -> list[str]:
    """The files that the desk says it left."""
    return sorted(re.split(": |, ", re.search("^Files in .*$", output, re.MULTILINE)[0])[1:])  # type: ignore[index]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_cover_writes_the_song_the_stems_and_every_models_name(data: Path, song: Path, tmp_path: Path) -> None:
    done = discovervoice(data, "cover", song, "--voice", "Carlo", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    for model in ("Spleeter", "Whisper base", "SwiftF0", "Resemblyzer", "DistillMOS", "h24, 24 kHz"):
        assert model in done.stdout
    assert told(done.stdout) == left(tmp_path)
    for name in ("cover.mp3", "vocals.flac", "instrumental.flac"):
        with av.open(str(tmp_path / name)) as file:
            seconds = sum(f.samples for f in file.decode(audio=0)) / 44100
        assert seconds == pytest.approx(10.88, abs=0.1)


def test_vocals_over_an_instrumental_name_no_separator_and_overwrite_nothing(
    desk: Desk, notes: list[Path], tmp_path: Path
) -> None:
    sung = decode(notes[0], 44100, channels=1, limits=SONG, name="note")[: 6 * 44100]
    music = sounds.noise(8, 44100, peak=0.3)
    vocals = wav(tmp_path / "vocals.flac", sung)
    band = wav(tmp_path / "karaoke.flac", music)
    before, kept = vocals.read_bytes(), left_behind(desk.data)
    output = desk(
        "cover",
        vocals,
        "--vocals-only",
        "--instrumental",
        band,
        "--voice",
        "carlo",
        "--key-shift",
        "0",
        "--vocal-level",
        "-6",
        "--out",
        tmp_path,
    )
    assert "as given" in output and "karaoke.flac" in output
    assert "Spleeter" not in output and "separator" not in output and "SwiftF0" in output and "−6 dB" in output
    assert vocals.read_bytes() == before and told(output) == sorted({*left(tmp_path)} - {vocals.name, band.name})
    made = decode(tmp_path / "cover.mp3", 44100, channels=2, limits=SONG, name="cover")
    assert made.shape[1] == pytest.approx(8 * 44100, abs=1500)
    tail = slice(round(6.2 * 44100), round(7.9 * 44100))  # after the vocals
    assert np.corrcoef(made[0, tail], music[0, tail])[0, 1] > 0.95
    assert left_behind(desk.data) == kept


def test_an_instrumental_that_does_not_fit_is_one_sentence_and_leaves_nothing(
    desk: Desk, song: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.mp3").write_text("no sound " * 50)
    cases = {
        "is not audio": tmp_path / "text.mp3",
        "Nothing is to be heard": wav(tmp_path / "quiet.wav", np.zeros(44100 * 11)),
        "long.wav lasts 20.0 seconds": wav(tmp_path / "long.wav", sounds.noise(20, 44100)),
        "There is no file": tmp_path / "gone.wav",
    }
    kept = left_behind(desk.data)
    for words, path in cases.items():
        assert words in desk.refused("cover", song, "--voice", "carlo", "--instrumental", path, "--out", tmp_path)
        assert left_behind(desk.data) == kept
    assert "leave out --separator" in desk.refused(
        "cover", song, "--voice", "carlo", "--vocals-only", "--separator", "spleeter"
    )
    assert "leave out --vocal-level" in desk.refused(
        "cover", song, "--voice", "carlo", "--vocals-only", "--vocal-level", "3"
    )
    assert not list(tmp_path.glob("cover.*"))


def test_a_song_of_the_library_is_found_by_its_title(desk: Desk, song: Path, tmp_path: Path) -> None:
    desk("songs", "add", song, "--title", "Example Song")
    assert "Example Song" in desk("songs", "list")
    desk("cover", "example", "--voice", "carlo", "--out", tmp_path)
    assert (tmp_path / "cover.mp3").exists()


def test_a_singer_can_be_added(desk: Desk, notes: list[Path]) -> None:
    desk("singers", "add", "Carlo", *notes[:3], "--licence", "CC-BY-3.0")
    listed = desk("singers", "list")
    assert "Carlo" in listed and "Maxim" in listed


@pytest.fixture
def desk(
    data: Path, warm_children: WarmChildren, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    """Commands in this process, with a warm child."""
    monkeypatch.setattr(offline, "Child", warm_children)
    return Desk(data, capsys)


def wav(path: Path, samples: np.ndarray, rate: int = 44100) -> Path:
    encode(path, np.atleast_2d(samples.astype(np.float32)), rate)
    return path


def test_bad_notes_get_one_sentence_and_leave_nothing(desk: Desk, tmp_path: Path) -> None:
    """What each kind of bad sound gets is tested in the pipeline; this is the way of the sentence to the operator."""
    (tmp_path / "text.ogg").write_text("no sound " * 50)
    cases = {
        "is not audio": tmp_path / "text.ogg",
        "is silent": wav(tmp_path / "quiet.wav", np.zeros(44100 * 3)),
        "There is no file": tmp_path / "gone.wav",
    }
    for words, path in cases.items():
        desk.data = tmp_path / f"data {path.name}"
        sentence = desk.refused("train", "me", path, "--yes")
        assert words in sentence, (path.name, sentence)
        assert left_behind(desk.data) == []


def test_a_voice_that_is_not_there_is_said(desk: Desk, song: Path) -> None:
    assert "no voice nobody" in desk.refused("cover", song, "--voice", "nobody")
    assert "neither a file nor a song" in desk.refused("cover", "Gone.mp3", "--voice", "carlo")


def test_without_consent_nothing_is_trained(tmp_path: Path, notes: list[Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "train", "me", str(notes[0])],
        env={**os.environ, "DATA_DIR": str(tmp_path / "data")},
        input="n\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2 and "owner's consent" in done.stderr
    assert not (tmp_path / "data").exists()


def test_no_token_wrong_settings_and_a_second_service_are_said(tmp_path: Path) -> None:
    assert "DISCORD_TOKEN is not set" in refused(discovervoice(tmp_path, "up"))
    assert "DISCORD_TOKEN is not set" in refused(discovervoice(tmp_path, "bot"))
    wrong = {"LOG_FORMAT": "xml", "MAX_NOTES": "many", "REDIS_URL": "nowhere"}
    told = discovervoice(tmp_path, "bot", **wrong)
    named = [line.removeprefix("The setting ").split()[0] for line in told.stderr.splitlines()]
    assert told.returncode == 2 and sorted(named) == ["DISCORD_TOKEN", *wrong], told.stderr
    assert "TRAIN_MINUTES" in refused(discovervoice(tmp_path, "worker", TRAIN_MINUTES="-1"))
    (tmp_path / "file").write_text("x")
    assert "DATA_DIR" in refused(discovervoice(tmp_path / "file", "songs", "list"))
    with EmbeddedValkey(tmp_path / "data" / "valkey"):
        assert "is in use" in refused(discovervoice(tmp_path / "data", "up", DISCORD_TOKEN="x.y.z"))
