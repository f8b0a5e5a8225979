"""Streamed separation compared with the oracle ratio mask, its upper bound; what length and rests cost."""

import resource
import time
from statistics import median

import av
import numpy as np
import torch

from models.signal import MUSIC_RATE, Floats32
from models.weights.integrity import packaged
from pipeline.covers.cover_figures import sdr
from pipeline.pool.model_pool import ModelPool
from pipeline.separation.spleeter_stream import separate

CLEAN = 264600  # a click follows


def stem(number: int) -> Floats32:
    """One stream of The Easton Ellises – Falcon 69."""
    path = packaged("stempeg", "data/The Easton Ellises - Falcon 69.stem.mp4")
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(container.streams.audio[number])]
    return np.concatenate(frames, axis=1)[:, :CLEAN].astype(np.float32)


def oracle(vocals: Floats32, instrumental: Floats32) -> Floats32:
    """Vocals by the ideal ratio mask, computed from the true stems: the upper bound of every ratio mask."""
    window = torch.hann_window(4096)
    v, i = (
        torch.stft(torch.from_numpy(x), 4096, 1024, window=window, return_complex=True) for x in (vocals, instrumental)
    )
    mask = v.abs() ** 2 / (v.abs() ** 2 + i.abs() ** 2 + 1e-10)
    return torch.istft((v + i) * mask, 4096, 1024, window=window, length=vocals.shape[1]).numpy()


def resting(mix: Floats32, models: ModelPool) -> list[float]:
    """CPU seconds of a mix of which half is silent, by those of one as long that sounds, five times in turn."""
    silence = np.zeros_like(mix)

    def seconds(blocks: list[Floats32]) -> float:
        start = time.process_time()
        for _ in separate(blocks, models.spleeter):
            pass
        return time.process_time() - start

    return [seconds([mix] * 6 + [silence] * 6) / seconds([mix] * 12) for _ in range(5)]


def main() -> None:
    """Print the SDR beside the bound's, time and memory of a short and a ten times longer mix, and time with rests."""
    mix, vocals = stem(0), stem(4)
    instrumental = stem(1) + stem(2) + stem(3)
    models = ModelPool()
    estimate = np.concatenate(list(separate([mix], models.spleeter)), axis=1)
    limit = oracle(vocals, instrumental)
    for name, voice in (("ours", estimate), ("oracle mask", limit)):
        print(f"{name}: SDR vocals {sdr(vocals, voice):.2f} dB, instrumental {sdr(instrumental, mix - voice):.2f} dB")
    seconds = mix.shape[1] / MUSIC_RATE
    for times in (4, 40):
        start = time.perf_counter()
        for _ in separate((mix for _ in range(times)), models.spleeter):
            pass
        factor = (time.perf_counter() - start) / (times * seconds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{times * seconds:.0f} s of mix: real-time factor {factor:.3f}, peak memory {peak:.0f} MB")
    ratios = resting(mix, models)
    print(f"half of the mix silent: {median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f}) of the time")


if __name__ == "__main__":
    main()
