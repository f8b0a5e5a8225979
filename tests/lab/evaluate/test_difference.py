"""The training-free baseline: another colour, the same melody."""

import numpy as np

from lab.evaluate import world
from lab.evaluate.difference import convert_by_difference, extract_material
from lab.evaluate.figures import speaker_cosine, speaker_of
from pipeline.covers.cover_figures import compare_pitch
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.resample import resample
from tests.conftest import LIBRARY
from tests.lab.evaluate.conftest import RATE, read_mono


def test_the_envelope_moves_towards_the_target_and_the_pitch_stays(models: ModelPool, speech: np.ndarray) -> None:
    clips = [read_mono(path, RATE)[: 4 * RATE] for path in sorted((LIBRARY / "libri-3080").glob("*.ogg"))]
    material = extract_material(clips[:2], RATE, models.content)
    converted = convert_by_difference(speech, material, models.content)
    assert converted.shape == speech.shape and converted.dtype == np.float32
    assert abs(20 * np.log10(np.sqrt((converted**2).mean() / (speech**2).mean()))) < 0.1

    pitch = compare_pitch(resample(speech, RATE, 16000), resample(converted, RATE, 16000), 0, models)
    assert pitch.correlation > 0.97 and pitch.cents < 40 and pitch.voicing_f1 > 0.9 and pitch.median_cents < pitch.cents

    target = speaker_of([resample(clip, RATE, 16000) for clip in clips[2:]], models)
    before, after = (speaker_cosine(resample(wav, RATE, 16000), target, models) for wav in (speech, converted))
    assert after > before + 0.02
    own, changed = (np.log(world.envelope(wav, RATE)).mean(0) for wav in (speech, converted))
    assert np.abs((own - own.mean()) - (changed - changed.mean())).mean() > 0.2


def test_of_itself_it_changes_little(models: ModelPool, speech: np.ndarray) -> None:
    material = extract_material([speech], RATE, models.content)
    converted = convert_by_difference(speech, material, models.content)
    error = ((converted - speech) ** 2).sum() / (speech**2).sum()
    assert error < 0.3
