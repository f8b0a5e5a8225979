"""The content protocol on sound and on features whose score is known."""

import json
from pathlib import Path

import numpy as np
import pytest

from lab.corpus.clips import CorpusClip
from lab.errors import CorpusError
from lab.evaluate.content import abx_clips, log_mel, of_encoder, phone_clips, phones_of
from lab.evaluate.discriminability import Segment, Triple, abx_error, distances, draw_triples, probe_accuracy
from lab.evaluate.mcd import active_frames
from pipeline.pool.model_pool import ModelPool


def slow_distance(a: np.ndarray, b: np.ndarray) -> float:
    """DTW by the definition, one cell at a time."""
    a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    total[0, 0] = 0
    for i in range(len(a)):
        for j in range(len(b)):
            d = 1 - a[i] @ b[j]
            total[i + 1, j + 1] = min(total[i, j + 1] + d, total[i + 1, j] + d, total[i, j] + 2 * d)
    return float(total[-1, -1] / (len(a) + len(b)))


def test_distances_are_those_of_dtw() -> None:
    random = np.random.default_rng(0)
    drawn = [(random.normal(size=(n, 8)), random.normal(size=(m, 8))) for n, m in [(5, 9), (12, 4), (7, 7), (1, 3)]]
    pairs = [(a.astype(np.float32), b.astype(np.float32)) for a, b in drawn]
    np.testing.assert_allclose(distances(pairs), np.array([slow_distance(a, b) for a, b in pairs]), rtol=1e-5)
    slow = np.repeat(pairs[0][0], 3, axis=0)
    assert distances([(pairs[0][0], slow)])[0] == pytest.approx(0, abs=1e-6)


def test_abx_is_zero_where_words_rule_and_half_by_chance() -> None:
    random = np.random.default_rng(0)
    words = {word: random.normal(size=(10, 16)).astype(np.float32) for word in "abcdef"}
    said = [(word, speaker) for speaker in ("s", "t", "u") for word in words for _ in range(3)]
    triples = draw_triples(said, 400)
    assert len(triples) == 400 and triples == draw_triples(said, 400)
    for t in triples:
        assert said[t.a][0] == said[t.x][0] != said[t.b][0]
        assert said[t.a][1] == said[t.b][1] != said[t.x][1]
    known = [Segment(w, s, words[w] + 0.1 * random.normal(size=(10, 16)).astype(np.float32)) for w, s in said]
    blind = [Segment(w, s, random.normal(size=(10, 16)).astype(np.float32)) for w, s in said]
    assert abx_error(known, triples) == 0
    assert 0.4 < abx_error(blind, triples) < 0.6
    assert abx_error([known[0], known[0], known[0]], [Triple(0, 1, 2)]) == 1  # a tie is an error
    assert draw_triples([("a", "s"), ("b", "s")], 10) == []


def test_a_probe_reads_what_is_there_and_nothing_else() -> None:
    random = np.random.default_rng(0)
    classes = random.integers(0, 4, 2000)
    frames = random.normal(size=(2000, 12)).astype(np.float32)
    frames[:, :4] += 6 * np.eye(4, dtype=np.float32)[classes]
    halves = (frames[:1000], classes[:1000]), (frames[1000:], classes[1000:])
    assert probe_accuracy(*halves) > 0.99
    halves = (frames[:1000, 4:], classes[:1000]), (frames[1000:, 4:], classes[1000:])
    assert probe_accuracy(*halves) < 0.32


def test_phones_lie_where_the_labels_say() -> None:
    # pad, ˈ, a, ː, space, b, pad; steps of 25 ms, frames of 20 ms, labels 50 ms late
    clip = CorpusClip(
        path=Path("x"),
        speaker="v",
        language="en",
        seconds=0.5,
        held_out=False,
        synthetic=True,
        bandwidth=12000.0,
        phones=(0, 156, 43, 158, 16, 44, 0),
        durations=(4, 2, 2, 2, 4, 4, 4),
    )
    phones = phones_of(clip, 30)
    assert list(phones[:2]) == [-1, -1] and set(phones[3:10]) == {43}
    assert set(phones[10:15]) == {-1} and set(phones[15:20]) == {44} and set(phones[20:]) == {-1}


def test_encoders_give_frames_of_20_ms(models: ModelPool, speech: np.ndarray) -> None:
    wav = np.ascontiguousarray(speech[: 2 * 16000])
    assert log_mel(wav).shape == (100, 80)
    assert of_encoder(models.content)(wav).shape[0] == 100
    loud = np.concatenate([wav, np.zeros(16000, np.float32)])
    active = active_frames(loud, 320, 150)
    assert active[:100].mean() > 0.4 and not active[101:].any()


def test_a_folder_without_a_corpus_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"real\.json"):
        abx_clips(tmp_path)
    (tmp_path / "kokoro").mkdir()
    (tmp_path / "kokoro" / "labels.jsonl").write_text(json.dumps({"file": "x.ogg"}) + "\n")
    with pytest.raises(CorpusError, match="labels"):
        phone_clips(tmp_path)


def test_the_clips_of_the_protocol_are_those_that_the_lists_say(corpus: Path) -> None:
    rows = json.loads((corpus / "real.json").read_text())
    split = {corpus / row["file"] for row in rows if row["split"] == "heldout" and row["speaker"].startswith("libri-")}
    assert {clip.path for clip in abx_clips(corpus)} == split and len(split) == 2
    assert [clip.path for clip in abx_clips(corpus)] == sorted(split)
    assert [(clip.speaker, clip.held_out) for clip in phone_clips(corpus)] == [("af_heart", False), ("bf_emma", True)]
