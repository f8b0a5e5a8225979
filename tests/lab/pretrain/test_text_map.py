"""The map: what its clips hold, that it learns, resumes to the same weights, and that its file is an encoder's."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lab.corpus.clips import read_corpus
from lab.errors import CorpusError
from lab.networks.hibari import Hibari
from lab.pretrain import loop, text_map
from lab.pretrain.config import Schedule
from lab.pretrain.text_map import FRAMES, TextClip, TextMapConfig, TextMapTask, export, read_text_clips
from models.content import whisper, whisper_text
from models.harmonic.voice import LEVEL
from models.weights.integrity import WeightsError, digest
from tests.lab.conftest import SPOKEN

CONFIG = TextMapConfig(batch=2, warm_steps=2, steps=40, filters_every=3)


@pytest.fixture(scope="module")
def clips(labelled_corpus: Path, tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> list[TextClip]:
    return read_text_clips(read_corpus(labelled_corpus), whisper.load(), tmp_path_factory.mktemp("material"))


def test_a_clip_has_the_features_of_its_phones_where_they_sound(clips: list[TextClip]) -> None:
    assert len(clips) == len(SPOKEN) - 1  # the last is held out
    rows = Hibari().text([0, 50, 51, 83, 0]).astype(np.float16)
    for clip in clips:
        frames = len(clip.text)
        assert frames > FRAMES and clip.layers.shape == (frames, 1024) and clip.text.shape == (frames, 128)
        assert clip.f0.shape == clip.energy.shape == (2 * frames,)
        for second, phone in ((0.2, 0), (1.0, 1), (1.9, 2), (2.4, 3), (2.6, 4)):
            np.testing.assert_array_equal(clip.text[round(50 * second)], rows[phone])
        assert clip.f0[60] == clip.f0[240] == 180 and not clip.f0[:45].any()
        assert float(np.median(clip.energy[clip.f0 > 0])) == pytest.approx(LEVEL, abs=1e-4)


def test_what_was_measured_is_not_measured_again(
    labelled_corpus: Path, clips: list[TextClip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = read_corpus(labelled_corpus)
    first = read_text_clips(corpus, whisper.load(), tmp_path)
    monkeypatch.setattr(text_map, "_measure", None)
    again = read_text_clips(corpus, whisper.load(), tmp_path)
    for one, two, three in zip(first, again, clips, strict=True):
        assert all(np.array_equal(vars(one)[name], vars(two)[name]) for name in vars(one))
        np.testing.assert_array_equal(one.text, three.text)


def test_clips_without_labels_are_no_material(corpus: Path, tmp_path: Path) -> None:
    assert read_text_clips(read_corpus(corpus), whisper.load(), tmp_path) == []
    with pytest.raises(CorpusError, match="synthetic clips of two seconds"):
        TextMapTask([], CONFIG)


def test_it_learns_and_its_file_is_an_encoders(clips: list[TextClip], tmp_path: Path) -> None:
    task = TextMapTask(clips, CONFIG)
    before = task.validate()
    loop.run(task, tmp_path, Schedule(steps=20, log_every=5, validate_every=20))
    lines = loop.read_log(tmp_path)
    assert lines[-1]["features"] < 0.6 * lines[0]["features"]
    assert lines[-1]["held_out_features"] < 0.8 * before["features"]
    assert lines[-1]["held_out_filters"] < before["filters"]
    assert all(line["filters"] > 0 for line in lines)

    path = tmp_path / "h24_content.safetensors"
    export(task, path)
    assert path.stat().st_size == pytest.approx(whisper_text.FILE.stat().st_size, rel=0.001)
    encoder = whisper_text.load(path=path, sha256=digest(path))
    layers = torch.from_numpy(clips[0].layers[:50].astype(np.float32))[None]
    with torch.no_grad():
        torch.testing.assert_close(encoder.map(layers), task.map(layers), atol=0.02, rtol=0.02)
    with pytest.raises(WeightsError, match="not the pinned file"):
        whisper_text.load(path=path)


def test_what_was_killed_ends_with_the_same_weights(clips: list[TextClip], tmp_path: Path) -> None:
    whole, killed = TextMapTask(clips, CONFIG), TextMapTask(clips, CONFIG)
    loop.run(whole, tmp_path / "whole", Schedule(steps=4))
    loop.run(killed, tmp_path / "killed", Schedule(steps=2))
    again = TextMapTask(clips, CONFIG)
    loop.run(again, tmp_path / "killed", Schedule(steps=4))
    assert all(torch.equal(a, b) for a, b in zip(whole.map.parameters(), again.map.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(whole.map.parameters(), killed.map.parameters(), strict=True))


def test_the_decoder_that_listens_does_not_learn(clips: list[TextClip]) -> None:
    task = TextMapTask(clips, CONFIG)
    task.step(0, torch.Generator().manual_seed(0))
    assert not any(parameter.requires_grad for parameter in task.decoder.parameters())
    assert torch.equal(task.decoder.head.weight, Hibari().decoder().head.weight)
