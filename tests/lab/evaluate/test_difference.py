"""The training-free baseline: another colour, the same melody."""

import numpy as np

from lab.evaluate import world
from lab.evaluate.difference import convert_by_difference, learn
from lab.evaluate.figures import speaker_cosine, speaker_of
from pipeline.covers.cover_figures import compare_pitch
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.resample import resample
from tests.lab.evaluate.conftest import LIBRARY, RATE, heard


def test_the_envelope_moves_towards_the_target_and_the_pitch_stays(models: ModelPool, speech: np.ndarray) -> None:
    clips = [heard(path, RATE)[: 6 * RATE] for path in sorted((LIBRARY / "libri-3080").glob("*.ogg"))]
    material = learn(clips[:2], RATE, models.content)
    made = convert_by_difference(speech, material, models.content)
    assert made.shape == speech.shape and made.dtype == np.float32
    assert abs(20 * np.log10(np.sqrt((made**2).mean() / (speech**2).mean()))) < 0.1

    correlation, cents, f1 = compare_pitch(resample(speech, RATE, 16000), resample(made, RATE, 16000), 0, models)
    assert correlation > 0.97 and cents < 40 and f1 > 0.9

    target = speaker_of([resample(clip, RATE, 16000) for clip in clips[2:]], models)
    before, after = (speaker_cosine(resample(wav, RATE, 16000), target, models) for wav in (speech, made))
    assert after > before + 0.02
    own, changed = (np.log(world.envelope(wav, RATE)).mean(0) for wav in (speech, made))
    assert np.abs((own - own.mean()) - (changed - changed.mean())).mean() > 0.2


def test_of_itself_it_changes_little(models: ModelPool, speech: np.ndarray) -> None:
    material = learn([speech], RATE, models.content)
    made = convert_by_difference(speech, material, models.content)
    error = ((made - speech) ** 2).sum() / (speech**2).sum()
    assert error < 0.3
