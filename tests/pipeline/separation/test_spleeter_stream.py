"""Separation on the one clip with known stems that a package carries."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from torch import Tensor

from models.separation.spleeter import Stem
from models.signal import Floats32
from pipeline.covers.cover_figures import sdr
from pipeline.pool.model_pool import ModelPool
from pipeline.separation.spleeter_stream import separate
from tests.pipeline.separation import stereo


@pytest.fixture(scope="module")
def falcon() -> dict[str, Floats32]:
    """The Easton Ellises – Falcon 69 (stempeg): five streams of one MP4."""
    return {name: stereo.falcon(name) for name in stereo.STEMS}


def vocals_of(blocks: list[Floats32], models: ModelPool) -> Floats32:
    return np.concatenate(list(separate(blocks, models.spleeter)), axis=1)


def test_falcon_reaches_the_published_weights_quality(falcon: dict[str, Floats32], models: ModelPool) -> None:
    vocals = vocals_of([falcon["mix"]], models)
    instrumental = falcon["mix"] - vocals
    figures = (
        sdr(falcon["vocals"], vocals),
        sdr(falcon["drums"] + falcon["bass"] + falcon["other"], instrumental),
    )
    print(f"SDR vocals {figures[0]:.2f} dB, instrumental {figures[1]:.2f} dB")
    assert figures[0] >= 5.3
    assert figures[1] >= 12.0


def test_how_the_mix_is_cut_changes_nothing(falcon: dict[str, Floats32], models: ModelPool) -> None:
    mix = np.tile(falcon["mix"], (1, 3))[:, :700_001]
    whole = vocals_of([mix], models)
    pieces = vocals_of([mix[:, i : i + 77_777] for i in range(0, mix.shape[1], 77_777)], models)
    np.testing.assert_array_equal(whole, pieces)


def test_no_network_works_for_a_rest(
    falcon: dict[str, Floats32], models: ModelPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence between two verses: they are separated as if it had been heard, too."""
    verse, silence = falcon["mix"][:, :220_500], np.zeros((2, 24 * 44100), np.float32)
    mix = np.concatenate([verse, silence, verse], axis=1)
    heard: list[float] = []

    class Listening(Stem):
        def __call__(self, magnitude: Tensor) -> Tensor:
            heard.append(float(magnitude.max()))
            return super().__call__(magnitude)

    stems = (Listening(models.spleeter[0].network), Listening(models.spleeter[1].network))
    vocals = np.concatenate(list(separate([mix], stems)), axis=1)
    assert min(heard) > 0
    assert not vocals[:, 230_000:1_270_000].any()
    monkeypatch.setattr("pipeline.separation.spleeter_stream.REST", 0)
    as_if_heard = np.concatenate(list(separate([mix], stems)), axis=1)
    assert sdr(as_if_heard, vocals) > 60


@pytest.mark.parametrize("samples", [1000, 5000, 519_168, 523_264, 523_265])
def test_every_length_comes_out_as_it_went_in(falcon: dict[str, Floats32], models: ModelPool, samples: int) -> None:
    mix = np.tile(falcon["mix"], (1, 2))[:, :samples]
    assert vocals_of([mix], models).shape == mix.shape


def test_memory_does_not_grow_with_the_song(falcon: dict[str, Floats32], models: ModelPool) -> None:
    def peak(seconds: int) -> int:
        def mix() -> Iterator[Floats32]:
            for start in range(seconds):
                yield falcon["mix"][:, (start % 5) * 44100 : (start % 5 + 1) * 44100]

        tracemalloc.start()
        for _ in separate(mix(), models.spleeter):
            pass
        largest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return largest

    assert peak(48) < 1.2 * peak(24)  # arrays; torch's own memory is one segment's
