"""The speaker encoder against its package, whose weights it has and whose spectrogram it computes itself.

What that gives is in `tests/data/resemblyzer`.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from resemblyzer import preprocess_wav, voice_encoder

from models.signal import SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from pipeline.sound.decode import NOTE, decode
from tests.conftest import LIBRARY, NOTES
from tests.forked import FORKS

GOLDEN = Path(__file__).parents[2] / "data" / "resemblyzer" / "mel.npz"
CLIPS = [NOTES / "carlo_01.ogg", LIBRARY / "bf_emma", LIBRARY / "maxim"]


@pytest.fixture(scope="module", params=CLIPS, ids=lambda path: path.stem)
def clip(request: pytest.FixtureRequest) -> Path:
    """A note, or a voice of the library."""
    path: Path = request.param
    return path


@pytest.fixture(scope="module")
def wav(clip: Path) -> Floats32:
    """Speech, and two shorter clips."""
    file = min(clip.glob("*.ogg")) if clip.is_dir() else clip
    return decode(file, SPEECH_RATE, channels=1, limits=NOTE, name=file.name)


def test_the_spectrogram_is_the_packages(clip: Path, wav: Floats32) -> None:
    with np.load(GOLDEN) as golden:
        reference = golden[clip.stem]
    ours = resemblyzer.mel(wav)[::10].numpy()
    assert len(reference) > 30
    assert ours == pytest.approx(reference, rel=1e-4, abs=1e-5 * float(reference.max()))


@pytest.mark.parametrize("seconds", [1.7, 4.0, 60.0])
def test_the_embedding_is_the_packages(wav: Floats32, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package cuts, embeds and averages what it reads; its spectrogram, which is ours, is compared above."""
    monkeypatch.setattr(voice_encoder.audio, "wav_to_mel_spectrogram", lambda wav: resemblyzer.mel(wav).numpy())
    encoder = resemblyzer.load()
    cut = wav[: int(seconds * SPEECH_RATE)]
    vector = encoder.embed(cut)
    assert vector is not None and vector.dtype == np.float32
    speech = resemblyzer.levelled(preprocess_wav(resemblyzer.levelled(cut, -30)), -30)
    reference = encoder.network.embed_utterance(speech)  # type: ignore[operator]
    assert vector == pytest.approx(reference, abs=2e-6)


@pytest.mark.parametrize("level_db", [resemblyzer.VOICES_DB, resemblyzer.SINGERS_DB])
def test_it_does_not_hear_how_loud_a_recording_is(wav: Floats32, level_db: float) -> None:
    encoder = resemblyzer.load(level_db=level_db)
    cut = wav[: 4 * SPEECH_RATE] / np.abs(wav).max()
    first, *others = (encoder.embed(cut * np.float32(10 ** (gain / 20))) for gain in (0, -12, -40, 14))
    assert first is not None and all(other == pytest.approx(first, abs=1e-4) for other in others)


def test_recordings_that_are_embedded_side_by_side_have_the_embeddings_they_have_alone(wav: Floats32) -> None:
    encoder = resemblyzer.load()
    silence = np.zeros(2 * SPEECH_RATE, np.float32)
    each = encoder.embed_each([wav[: 4 * SPEECH_RATE], silence, wav[: SPEECH_RATE // 2], wav])
    assert each[1] is None and each[2] is None
    for vector, cut in ((each[0], wav[: 4 * SPEECH_RATE]), (each[3], wav)):
        alone = encoder.embed(cut)
        assert vector is not None and alone is not None and vector == pytest.approx(alone, abs=2e-6)
    assert encoder.embed_each([silence]) == [None] and encoder.embed_each([silence, silence]) == [None, None]


def test_embeddings_at_two_levels_have_two_ids() -> None:
    assert resemblyzer.model_id(-30) == "resemblyzer-39373b86-30dB" != resemblyzer.model_id(-22)


def embed_noise() -> None:
    """In a process that has embedded nothing: end with 1 if that loads what librosa compiles with."""
    noise = np.random.default_rng(0).standard_normal(2 * SPEECH_RATE).astype(np.float32)
    encoder = resemblyzer.load()
    assert encoder._embedded(encoder._windows(noise)).shape[1] == resemblyzer.WIDTH
    sys.exit("numba" in sys.modules)


def test_it_embeds_without_what_librosa_compiles_with() -> None:
    process = FORKS.Process(target=embed_noise)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_what_a_codec_leaves_of_silence_stays_silent() -> None:
    silence = np.full(SPEECH_RATE, 1e-40, np.float32)
    assert not np.any(resemblyzer.levelled(silence, resemblyzer.VOICES_DB) > 1e-30)
