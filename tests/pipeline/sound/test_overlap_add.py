"""Pieces that overlap sum to the stream that they were cut from; resampling in blocks is resampling the whole."""

import numpy as np
import pytest
import torch

from pipeline.sound.overlap_add import HANN_GAIN, OverlapAdd, overlap_add_frames, with_context
from pipeline.sound.resample import Resampler, resample
from tests.pipeline import sounds


@pytest.mark.parametrize(("step", "overlap"), [(100, 0), (100, 40), (100, 100), (30, 90)])
@pytest.mark.parametrize("lead", [0, 40])
def test_pieces_sum_to_the_whole(step: int, overlap: int, lead: int) -> None:
    pieces = np.random.default_rng(0).uniform(-1, 1, (12, 2, step + overlap)).astype(np.float32)
    expected = np.zeros((2, 12 * step + overlap), np.float32)
    for number, piece in enumerate(pieces):
        expected[:, number * step : (number + 1) * step + overlap] += piece
    stream = OverlapAdd(2, overlap, lead)
    finished = np.concatenate([stream.add(piece.copy()) for piece in pieces], axis=1)
    np.testing.assert_allclose(finished, expected[:, lead : 12 * step], atol=1e-6)


def test_the_total_ends_the_stream() -> None:
    stream = OverlapAdd(1, 10, 10)
    first = stream.add(np.ones((1, 30), np.float32))
    second = stream.add(np.ones((1, 30), np.float32), total=25)
    third = stream.add(np.ones((1, 30), np.float32), total=25)
    assert [part.shape[1] for part in (first, second, third)] == [10, 15, 0]


def test_windowed_frames_give_the_signal_back() -> None:
    signal = torch.from_numpy(sounds.noise(0.1, 44_100))
    window = torch.hann_window(256)
    frames = signal.unfold(-1, 256, 64) * window**2 / HANN_GAIN
    out = overlap_add_frames(frames, 64)
    inside = slice(256, out.shape[1] - 256)
    torch.testing.assert_close(out[:, inside], signal[:, : out.shape[1]][:, inside], atol=1e-6, rtol=0)


@pytest.mark.parametrize("cut", [1, 77, 500, 5000])
def test_blocks_with_context_cover_the_stream_once(cut: int) -> None:
    wav = np.arange(2345, dtype=np.float32)
    blocks = list(with_context((wav[at : at + cut] for at in range(0, len(wav), cut)), 500, 100))
    own = [block.audio[block.left : block.left + block.length] for block in blocks]
    np.testing.assert_array_equal(np.concatenate(own), wav)
    for block in blocks:
        before, after = block.start - block.left, block.start + block.length + block.right
        np.testing.assert_array_equal(block.audio, wav[before:after])
    assert [(block.left, block.right) for block in blocks[1:3]] == [(100, 100), (100, 100)]


@pytest.mark.parametrize(("source", "target"), [(24_000, 44_100), (44_100, 16_000), (48_000, 44_100)])
def test_a_stream_is_resampled_as_the_whole_is(source: int, target: int) -> None:
    wav = sounds.voice(1, source)
    resampler = Resampler(source, target, 1)
    parts = [resampler.process(wav[None, at : at + 1000]) for at in range(0, len(wav), 1000)]
    stream = np.concatenate([*parts, resampler.flush()], axis=1)[0]
    whole = resample(wav, source, target)
    assert abs(len(stream) - len(whole)) <= 1
    count = min(len(stream), len(whole))
    np.testing.assert_allclose(stream[:count], whole[:count], atol=1e-4)
