"""What singers do comes through a conversion: vibrato, glides, long notes, low and high ones, breath and whisper."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter, sosfiltfilt

from models.harmonic.voice import HarmonicVoice
from models.signal import SPEECH_RATE, Floats32, Floats64
from pipeline.listening.features import extract
from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.convert import ConvertOptions, convert
from pipeline.sound.decode import NOTE, decode
from pipeline.sound.resample import resample
from pipeline.training.instant import instant_voice
from tests.pipeline.voiced import FORMANTS, vowel


@pytest.fixture(scope="module")
def voice(models: ModelPool, notes: list[Path], tmp_path_factory: pytest.TempPathFactory) -> HarmonicVoice:
    """The demo's speaker, from one note."""
    made = instant_voice([Note(notes[0], notes[0].name)], models, tmp_path_factory.mktemp("instant"))
    network = models.voice(made.model, made.index).network
    assert isinstance(network, HarmonicVoice)
    return network


def sung(wav: Floats32, voice: HarmonicVoice, models: ModelPool) -> Floats32:
    """The sound in the voice, at 16 kHz."""
    features = extract(wav, models.text, models.pitch)
    return resample(np.concatenate(list(convert(features, voice, None))), voice.sampling_rate, SPEECH_RATE)


def heard(wav: Floats32, models: ModelPool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Seconds and cents over 1 Hz of what is voiced, without the sound's first and last 0.3 s."""
    f0, sure = models.pitch.voicing(wav)
    at = np.arange(len(f0)) * 0.016
    kept = (sure >= 0.5) & (at > 0.3) & (at < len(wav) / SPEECH_RATE - 0.3)
    return at[kept], np.asarray(1200 * np.log2(f0[kept]), np.float64)


def seconds(count: float) -> Floats64:
    return np.arange(round(count * SPEECH_RATE)) / SPEECH_RATE


@pytest.mark.parametrize("note", [82.41, 110.0, 220.0, 440.0, 659.26, 1046.5], ids=["E2", "A2", "A3", "A4", "E5", "C6"])
def test_notes_are_in_tune(voice: HarmonicVoice, models: ModelPool, note: float) -> None:
    _, cents = heard(sung(vowel(np.full(2 * SPEECH_RATE, note)), voice, models), models)
    assert len(cents) > 60
    assert abs(np.median(cents) - 1200 * np.log2(note)) < 20


def test_a_sopranos_notes_come_down_in_tune(voice: HarmonicVoice, models: ModelPool) -> None:
    """D6, E6, F6: above what the voice can sing, so an octave or two lower."""
    for note in (1174.66, 1318.51, 1396.91):
        features = extract(vowel(np.full(2 * SPEECH_RATE, note)), models.text, models.pitch)
        assert features.voiced.mean() > 0.8
        wav = np.concatenate(list(convert(features, voice, None, ConvertOptions(key_shift=-24))))
        _, cents = heard(resample(wav, voice.sampling_rate, SPEECH_RATE), models)
        assert len(cents) > 60 and abs(np.median(cents) - 1200 * np.log2(note / 4)) < 20


def test_vibrato_keeps_its_rate_and_depth(voice: HarmonicVoice, models: ModelPool) -> None:
    depth, rate = 80.0, 5.5
    f0 = 220 * 2 ** (depth * np.sin(2 * np.pi * rate * seconds(4)) / 1200)
    at, cents = heard(sung(vowel(f0), voice, models), models)
    rates = np.arange(3.0, 9.0, 0.05)
    strength = [np.abs(((cents - cents.mean()) * np.exp(-2j * np.pi * r * at)).mean()) * 2 for r in rates]
    assert rates[int(np.argmax(strength))] == pytest.approx(rate, rel=0.05)
    assert max(strength) == pytest.approx(depth, rel=0.15)


def test_a_glide_is_followed(voice: HarmonicVoice, models: ModelPool) -> None:
    f0 = 150 * 2 ** np.clip((seconds(3) - 1) * 1.0, 0, 1)  # an octave within a second
    at, cents = heard(sung(vowel(f0), voice, models), models)
    asked = 1200 * np.log2(f0[np.minimum((at * SPEECH_RATE).astype(int), len(f0) - 1)])
    assert np.percentile(np.abs(cents - asked), 90) < 40


def test_a_note_of_eight_seconds_does_not_wobble(voice: HarmonicVoice, models: ModelPool) -> None:
    out = sung(vowel(np.full(8 * SPEECH_RATE, 196.0)), voice, models)
    _, cents = heard(out, models)
    assert np.std(cents) < 10
    blocks = out[SPEECH_RATE : 7 * SPEECH_RATE].reshape(-1, SPEECH_RATE // 10)
    levels = 10 * np.log10((blocks**2).mean(1))
    assert np.std(levels) < 1.5


@pytest.mark.parametrize(("times", "depth"), [(2, 0.22), (3, 0.5)])
def test_a_growl_does_not_become_a_buzz(voice: HarmonicVoice, models: ModelPool, times: int, depth: float) -> None:
    """A note that growls for its middle second: every second or third period is louder."""
    note, at = 165.0, seconds(3)
    growl = depth * np.cos(2 * np.pi * note / times * at) * ((at > 1) & (at < 2))
    out = sung(np.asarray(0.7 * vowel(np.full(len(at), note)) * (1 + growl), np.float32), voice, models)
    _, cents = heard(out, models)
    assert len(cents) > 0.9 * 2.4 / 0.016
    assert (np.abs(cents - 1200 * np.log2(note)) < 50).mean() > 0.95


@pytest.mark.parametrize(("interval", "softer"), [(3 / 2, 0.5), (5 / 4, 0.4), (2 ** (8 / 1200), 0.7)])
def test_a_backing_voice_does_not_pull_the_lead_off_its_note(
    voice: HarmonicVoice, models: ModelPool, interval: float, softer: float
) -> None:
    """A fifth, a third, and a double a little out of tune, in the same stem."""
    note = np.full(3 * SPEECH_RATE, 220.0)
    both = vowel(note) + np.float32(softer) * vowel(note * interval)
    out = sung(np.asarray(both / np.abs(both).max() * 0.5, np.float32), voice, models)
    _, cents = heard(out, models)
    assert len(cents) > 0.9 * 2.4 / 0.016
    assert (np.abs(cents - 1200 * np.log2(220)) < 50).mean() > 0.9
    before, after = (level_deviation(wav) for wav in (both, out))
    print(f"level, standard deviation: {before:.2f} dB, then {after:.2f} dB")
    assert after < max(before + 0.3, 0.7)


def level_deviation(wav: Floats32) -> float:
    """Standard deviation in dB of 50 ms blocks, without the first and last 0.3 s."""
    blocks = wav[4800:-4800]
    blocks = blocks[: len(blocks) // 800 * 800].reshape(-1, 800)
    return float(np.std(10 * np.log10((blocks**2).mean(1) + 1e-9)))


def test_a_whisper_does_not_become_a_buzz(voice: HarmonicVoice, models: ModelPool, notes: list[Path]) -> None:
    """A whisper: noise through the same formants, with the loudness of speech."""
    speech = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 6 * SPEECH_RATE]
    loudness = np.sqrt(np.convolve(speech**2, np.ones(800) / 800, "same"))
    noise = np.random.default_rng(0).standard_normal(len(speech))
    for centre, width in FORMANTS:
        radius = np.exp(-np.pi * width / SPEECH_RATE)
        noise = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * centre / SPEECH_RATE), radius**2], noise)
    whisper = (noise / np.abs(noise).max() * loudness).astype(np.float32)
    out = sung(whisper, voice, models)
    before, after = ((models.pitch.voicing(wav)[1] >= 0.5).mean() for wav in (whisper, out))
    assert after < before + 0.03
    frame_rate = np.abs(np.fft.rfft(out**2))
    hertz = np.fft.rfftfreq(len(out), 1 / SPEECH_RATE)
    hum = frame_rate[np.abs(hertz - 80) < 0.5].max()
    assert hum < 4 * np.median(frame_rate[(hertz > 60) & (hertz < 100)])


def test_breaths_and_consonants_stay_where_they_were(
    voice: HarmonicVoice, models: ModelPool, notes: list[Path]
) -> None:
    wav = decode(notes[1], SPEECH_RATE, channels=1, limits=NOTE, name="note")[: 10 * SPEECH_RATE]
    out = sung(wav, voice, models)
    before, after = envelope(wav[: len(out)]), envelope(out)
    assert np.corrcoef(before, after[: len(before)])[0, 1] > 0.8


def envelope(wav: Floats32) -> Floats64:
    """DB every 20 ms of what lies above 3 kHz: consonants."""
    from scipy.signal import butter

    high = sosfiltfilt(butter(4, 3000, "highpass", fs=SPEECH_RATE, output="sos"), wav)
    frames = high[: len(high) // 320 * 320].reshape(-1, 320)
    return np.asarray(10 * np.log10((frames**2).mean(1) + 1e-7))
