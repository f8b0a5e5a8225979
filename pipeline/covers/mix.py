"""Vocals and instrumental become one song again: loud as the original, not clipped, not larger than allowed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from files.disk import disk_full
from models.signal import MUSIC_RATE, Floats32
from pipeline.covers.stem_file import BLOCK, coded_blocks, peak_of, stem_blocks
from pipeline.covers.waveform import Waveform, WaveformMeter
from pipeline.progress import Progress
from pipeline.sound.ahead import ahead
from pipeline.sound.decode import STEM, probe
from pipeline.sound.encode import LADDER, Encoder, bitrate_to_fit, usual_bitrate
from pipeline.sound.limiter import Limiter
from pipeline.sound.loudness import LoudnessMeter, TruePeakMeter

MOST_GAIN = 30.0  # dB: near-silence is not blown up beyond
TRIES = 6


@dataclass(frozen=True, kw_only=True)
class MixReport:
    """What the finished file measures, decoded again: LUFS, dBTP, seconds; and how it was mixed.

    `gain_db` is what the mix was raised by, after the vocals in it by `vocal_gain_db`; `limited_db` the most that the
    limiter took from a peak: from some 6 dB on it works hard, and `lufs` may fall short of the reference. `bitrate` in
    bit/s, None for FLAC and WAV. `vocals_peak` and `instrumental_peak` are those of the files that were mixed.
    """

    lufs: float
    true_peak_db: float
    seconds: float
    gain_db: float
    vocal_gain_db: float
    limited_db: float
    vocals_peak: float
    instrumental_peak: float
    path: Path
    bitrate: int | None
    waveform: Waveform


def mix_files(
    vocals: Path,
    instrumental: Path | None,
    out: Path,
    *,
    reference_lufs: float,
    gated: bool = True,
    vocal_gain_db: float = 0.0,
    ceiling_db: float = -1.0,
    max_bytes: int | None = None,
    rate: int = MUSIC_RATE,
    tags: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> MixReport:
    """Sum two files at 44.1 kHz stereo and write them to `out` at `rate` Hz and `reference_lufs` (BS.1770-4).

    Without an instrumental the vocals are written alone. What is summed is measured with LUFS' gates if the reference
    was (`gated`); the report's loudness always is.

    The suffix of `out` gives the format; with `max_bytes` it becomes .mp3 or .ogg, whichever fits best, and
    the report has the path. The shorter file is followed by silence. Two passes stream through a float32
    scratch file beside `out`; then the result is decoded and measured, and encoded again if the codec overshot
    full scale or `max_bytes`.

    Raises what `decode_blocks` raises, TooLong (nothing fits into `max_bytes`), DiskFull. Leaves nothing
    behind then.
    """
    report = progress or (lambda share: None)
    with disk_full(), TemporaryDirectory(prefix=".mix-", dir=out.parent) as folder:
        scratch = Path(folder) / "sum.f32"
        loudness, *peaks = _sum(vocals, instrumental, scratch, 10 ** (vocal_gain_db / 20), gated, report)
        seconds = scratch.stat().st_size / (8 * MUSIC_RATE)
        gain_db = min(reference_lufs - loudness, MOST_GAIN) if np.isfinite(loudness) else 0.0
        suffix, bitrate = out.suffix.lower(), usual_bitrate(out.suffix.lower())
        if max_bytes is not None:
            suffix, bitrate = bitrate_to_fit(seconds, max_bytes, 2)
        ceiling = ceiling_db
        for attempt in range(TRIES):
            encoded = Path(folder) / f"mix{suffix}"
            with Encoder(encoded, MUSIC_RATE, 2, bitrate=bitrate, out_rate=rate, tags=tags) as encoder:
                limited_db = _render(scratch, encoder, gain_db, ceiling, seconds, report)
            lufs, peak, waveform = _measure(encoded)
            if max_bytes is not None and bitrate is not None and encoded.stat().st_size >= max_bytes:
                suffix, bitrate = LADDER[min(LADDER.index((suffix, bitrate)) + 1, len(LADDER) - 1)]
            elif peak > 0 and attempt < TRIES - 1:
                ceiling -= peak + 0.1
            else:
                break
        path = out.with_suffix(suffix)
        encoded.replace(path)
    report(1.0)
    return MixReport(
        lufs=lufs,
        true_peak_db=peak,
        seconds=seconds,
        gain_db=gain_db,
        vocal_gain_db=vocal_gain_db,
        limited_db=limited_db,
        vocals_peak=peaks[0],
        instrumental_peak=peaks[1],
        path=path,
        bitrate=bitrate,
        waveform=waveform,
    )


def _sum(
    vocals: Path, instrumental: Path | None, scratch: Path, vocal_gain: float, gated: bool, report: Progress
) -> tuple[float, float, float]:
    """Write vocals and instrumental summed to `scratch`, float32 interleaved; its loudness in LUFS, and both peaks."""
    expected = max(probe(path, STEM, path.name).seconds or 0.0 for path in (vocals, instrumental) if path)
    meter = LoudnessMeter(MUSIC_RATE, 2)
    done, peaks = 0.0, [0.0, 0.0]
    with scratch.open("wb") as file:
        sung, played = (ahead(stem_blocks(path)) if path else () for path in (vocals, instrumental))
        for voice, rest in zip_longest(sung, played):
            peaks = [
                peak if sound is None else max(peak, peak_of(sound))
                for peak, sound in zip(peaks, (voice, rest), strict=True)
            ]
            block = add(None if voice is None else voice * np.float32(vocal_gain), rest)
            meter.add(block)
            file.write(np.ascontiguousarray(block.T).tobytes())
            done += block.shape[1] / MUSIC_RATE
            report(0.4 * min(1.0, done / expected) if expected else 0.0)
    return meter.integrated(gated=gated), peaks[0], peaks[1]


def add(one: Floats32 | None, other: Floats32 | None) -> Floats32:
    """The sum of two blocks, the shorter followed by silence."""
    if one is None or other is None:
        return np.asarray(other if one is None else one, np.float32)
    long, short = (one, other) if one.shape[1] >= other.shape[1] else (other, one)
    total = long.copy()
    total[:, : short.shape[1]] += short
    return total


def _render(
    scratch: Path, encoder: Encoder, gain_db: float, ceiling_db: float, seconds: float, report: Progress
) -> float:
    """Gain, limiter, encoder; the most that the limiter took, in dB."""
    limiter = Limiter(MUSIC_RATE, 2, ceiling_db)
    done = 0.0
    for block in ahead(_limited(scratch, 10 ** (gain_db / 20), limiter)):
        encoder.write(block)
        done += block.shape[1] / MUSIC_RATE
        report(0.4 + 0.5 * min(1.0, done / seconds))
    return limiter.reduction_db


def _limited(scratch: Path, gain: float, limiter: Limiter) -> Iterator[Floats32]:
    """What lies in a scratch file, (2, n) times the gain, through the limiter."""
    with scratch.open("rb") as file:
        while data := file.read(round(BLOCK * MUSIC_RATE) * 8):
            yield limiter.process(np.frombuffer(data, np.float32).reshape(-1, 2).T * np.float32(gain))
    yield limiter.flush()


def _measure(path: Path) -> tuple[float, float, Waveform]:
    """Loudness (LUFS), true peak (dBTP) and waveform of a file as a listener's player decodes it."""
    loudness, peak, waveform = LoudnessMeter(MUSIC_RATE, 2), TruePeakMeter(2), WaveformMeter(MUSIC_RATE)
    for block in ahead(coded_blocks(path)):
        loudness.add(block)
        peak.add(block)
        waveform.add(block)
    return loudness.integrated(), peak.value(), waveform.value()
