"""Speaker figures: on numbers that are known, and on two real voices of the demo's library."""

import json
from pathlib import Path

import numpy as np
import pytest

from lab.corpus.clips import read_corpus
from lab.evaluate.loudest import loudest
from lab.evaluate.singers import CASES, CLEAN, Recordings, evaluate, held_out_clips, record
from lab.evaluate.trials import Advantage, Trials, advantage, calibrated_cross_entropy, equal_error, make_trials
from models.signal import SPEECH_RATE
from pipeline.pool.model_pool import ModelPool
from tests.conftest import LIBRARY


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One held-out voice of two clips, one of a single clip, and one to learn from."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for speaker_name, split, count in (("libri-533", "heldout", 2), ("libri-2033", "heldout", 1), ("nsh", "train", 2)):
        for clip in sorted((LIBRARY / speaker_name).glob("*.ogg"))[:count]:
            row = {"file": str(clip), "rate": 16000, "seconds": 4.5, "speaker": speaker_name}
            rows.append(row | {"language": "en", "licence": "CC-BY-4.0", "split": split})
    (folder / "real.json").write_text(json.dumps(rows))
    (folder / "kokoro").mkdir()
    (folder / "kokoro" / "labels.jsonl").touch()
    return folder


def clouds(spread: float, voices: int = 6, clips: int = 8) -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    own = [centre + spread * draw.normal(size=(clips, 16)) for centre in draw.normal(size=(voices, 16))]
    return [(x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in own]


def test_equal_error_of_scores_that_part_and_of_scores_that_mean_nothing() -> None:
    truth = np.arange(200) % 4
    scores = np.random.default_rng(0).normal(size=(200, 4))
    assert equal_error(scores, truth) == pytest.approx(0.5, abs=0.05)
    scores[np.arange(200), truth] += 100
    assert equal_error(scores, truth) == 0


def test_a_clip_is_not_compared_with_itself() -> None:
    alone = np.eye(4, dtype=np.float32)
    trials = make_trials([alone[:2], alone[2:]], [alone[:2], alone[2:]])
    assert trials.scores.max() == pytest.approx(0)  # each clip is like itself only


def test_nearer_clouds_are_harder() -> None:
    near, far = clouds(1.5), clouds(0.2)
    figures = [(make_trials(x, x), calibrated_cross_entropy(x, x)) for x in (near, far)]
    assert figures[0][0].eer() > figures[1][0].eer()
    assert figures[0][0].top1() < figures[1][0].top1() == 1
    assert figures[0][1] > figures[1][1] > 0


def test_the_bootstrap_sees_a_gain_and_sees_none() -> None:
    near, far = clouds(1.5), clouds(0.2)
    near_trials, far_trials = make_trials(near, near), make_trials(far, far)
    gain = advantage(far_trials, near_trials)
    assert gain.eer[0] > 0 and gain.top1[0] > 0
    assert advantage(near_trials, near_trials) == Advantage((0, 0), (0, 0))


def test_two_real_voices_are_told_apart(models: ModelPool) -> None:
    from pipeline.sound.decode import NOTE, decode

    voices = [
        [decode(clip, SPEECH_RATE, channels=1, limits=NOTE, name=clip.name) for clip in sorted(folder.glob("*.ogg"))]
        for folder in (LIBRARY / "libri-1688", LIBRARY / "libri-533")
    ]
    voices = [clips[:4] for clips in voices]
    recordings = Recordings(("a", "b"), dict.fromkeys({case[1] for case in CASES}, voices))
    scores, comparisons = evaluate([models.speaker, models.speaker], recordings)
    assert {score.case for score in scores} == {case[0] for case in CASES}
    assert all(score.top1 == 1 and score.eer == 0 and score.clips == 8 for score in scores)
    assert not any(comparison.better for comparison in comparisons)


def test_only_held_out_voices_are_heard_and_separation_is_kept(
    corpus: Path, song: Path, models: ModelPool, tmp_path: Path
) -> None:
    assert set(held_out_clips(read_corpus(corpus))) == {"libri-533"}  # a voice of one clip cannot be tried
    first = record(corpus, song, models.spleeter, tmp_path)
    files = sorted(tmp_path.glob("*/*.npz"))
    written = [file.stat().st_mtime_ns for file in files]
    again = record(corpus, song, models.spleeter, tmp_path)
    assert len(files) == 2 and [file.stat().st_mtime_ns for file in files] == written
    assert all(
        len(x) == len(y) for x, y in zip(*(first.conditions[c][0] for c in list(first.conditions)[:2]), strict=True)
    )
    assert np.array_equal(first.conditions["real music"][0][0], again.conditions["real music"][0][0])
    assert np.corrcoef(first.conditions[CLEAN][0][0], first.conditions["real music"][0][0])[0, 1] > 0.5


def test_the_loudest_six_seconds() -> None:
    wav = np.full(20 * SPEECH_RATE, 0.01, np.float32)
    wav[10 * SPEECH_RATE : 16 * SPEECH_RATE] = 0.5
    assert len(loudest(wav)) == 6 * SPEECH_RATE and loudest(wav).min() == 0.5


def test_trials_say_which_voice_came_first() -> None:
    assert Trials(np.array([[0.9, 0.1], [0.8, 0.2]]), np.array([0, 1])).top1() == 0.5
