"""One track and its separators: what is known of it before it is separated, and every ratio after.

Ratios are over a whole track, both channels together: SDR is 10·log10(Σs² / Σ(s − ŝ)²); SI-SDR (Le Roux et al. 2019,
"SDR – half-baked or well done?") is the same of α·s, α = Σsŝ / Σs², so that a wrong level costs nothing. Instrumental =
mix − vocals, so its error is the vocals' error. Sums grow as sound streams, memory does not.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import tee
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lab.errors import TracksError
from lab.evaluate.ensemble_weights import error_products
from lab.evaluate.tracks import Layout, Track
from models.signal import MUSIC_RATE, Floats32
from pipeline.errors import UnreadableSound, UnsuitableSound
from pipeline.separation.ensemble import UnequalStreams, aligned
from pipeline.separation.registry import Separator

Numbers = NDArray[np.float64]
FileMarks = list[list[str | int]]
"""Path, sound, bytes and time of the mix and of the vocals."""
SILENCE = 10 ** (-90 / 20)
"""RMS; a stem that is quieter holds not one step of 16 bits."""


@dataclass(frozen=True, kw_only=True)
class TrackScores:
    """One track; S separators."""

    name: str
    files: FileMarks
    """Others are scored anew."""
    layout: Layout
    seconds: float
    ceiling: float | None
    """dB, of the sum of the other stems against mix − vocals; None where those stems are not there."""
    vocals_sdr: list[float]
    """(S,) dB, over the whole track."""
    vocals_si_sdr: list[float]
    museval_median: list[float | None]
    """(S,) dB, of the vocals, as museval 0.4.1 has it; None where it has none."""
    instrumental_sdr: list[float]
    instrumental_si_sdr: list[float]
    instrumental_median: list[float | None]
    form: list[list[float]]
    """(S, S) products of the errors over the vocals' energy, from which the SDR of any weighted mean follows."""


@dataclass(frozen=True, kw_only=True)
class TrackLeftOut:
    """A track that says nothing about separators."""

    name: str
    files: FileMarks
    why: str
    """One sentence."""


@dataclass
class _Sums:
    """What the ratios are made of, of one stem of S estimates."""

    signal: float
    estimate: Numbers
    dot: Numbers
    windows: list[list[float | None]] = field(default_factory=list)

    def add(self, signal: Numbers, estimates: Numbers) -> None:
        """Signal (2, n), estimates (S, 2, n)."""
        self.signal += float((signal**2).sum())
        self.estimate += (estimates**2).sum((1, 2))
        self.dot += (estimates * signal).sum((1, 2))

    def si_sdr(self) -> list[float]:
        """(S,) dB."""
        scaled = self.dot**2 / self.signal
        return [decibels(own, rest) for own, rest in zip(scaled, self.estimate - scaled, strict=True)]

    def medians(self) -> list[float | None]:
        """(S,) dB over the seconds that have a figure."""
        return [_median([window[i] for window in self.windows]) for i in range(len(self.dot))]


def score_track(track: Track, separators: Sequence[Separator]) -> TrackScores | TrackLeftOut:
    """Separate a track and measure it; a track that cannot be used is left out, which its row says.

    Raises what separators raise, OutOfMemory among it.
    """
    try:
        return _score(track, separators, survey(track))
    except (TracksError, UnreadableSound, UnsuitableSound) as error:
        return TrackLeftOut(name=track.name, files=file_marks(track), why=str(error))


def survey(track: Track) -> float | None:
    """Read a track once, and return its ceiling in dB if its other stems are there.

    Raises TracksError: a missing or a silent stem, rates or lengths that differ; SoundError.
    """
    track.check()
    parts = [track.mix, track.vocals, *track.others]
    samples, vocals, instrumental, residual = 0, 0.0, 0.0, 0.0
    for block in _together(track, [track.blocks(part) for part in parts]):
        stems = block.astype(np.float64)
        rest = stems[0] - stems[1]
        samples += block.shape[2]
        vocals += float((stems[1] ** 2).sum())
        instrumental += float((rest**2).sum())
        residual += float(((rest - stems[2:].sum(0)) ** 2).sum())
    least = 2 * samples * SILENCE**2
    if vocals < least:
        raise TracksError(f"{track.name} has no vocals, so it says nothing about separators.")
    if instrumental < least:
        raise TracksError(f"{track.name} is vocals alone, so it says nothing about separators.")
    return decibels(instrumental, residual) if track.others else None


def decibels(signal: float, error: float) -> float:
    """The ratio of two energies in dB."""
    return float(10 * np.log10(max(signal, 1e-20) / max(error, 1e-20)))


def file_marks(track: Track) -> FileMarks:
    """What tells whether the files of a track are still the same."""
    marks: FileMarks = []
    for path, stream in (track.mix, track.vocals):
        size, time = (now.st_size, now.st_mtime_ns) if (now := _stat(path)) else (0, 0)
        marks.append([str(path.resolve()), stream, size, time])
    return marks


def _stat(path: Path) -> os.stat_result | None:
    """None where there is no file."""
    return path.stat() if path.exists() else None


def _score(track: Track, separators: Sequence[Separator], ceiling: float | None) -> TrackScores:
    mixes = tee(track.blocks(track.mix), len(separators) + 1)
    estimates = [separator.vocals(mix) for separator, mix in zip(separators, mixes[1:], strict=True)]
    count = len(separators)
    products = np.zeros((count, count))
    vocals, instrumental = (_Sums(0.0, np.zeros(count), np.zeros(count)) for _ in range(2))
    samples = 0
    for second in _seconds(_together(track, [track.blocks(track.vocals), mixes[0], *estimates])):
        samples += second.shape[2]
        truth, mix, estimated = second[0], second[1], second[2:]
        products += error_products(estimated, truth)
        vocals.add(truth, estimated)
        instrumental.add(mix - truth, mix - estimated)
        if second.shape[2] == MUSIC_RATE:
            windows = [_museval_second(mix, truth, estimate) for estimate in estimated]
            vocals.windows.append([window[0] for window in windows])
            instrumental.windows.append([window[1] for window in windows])
    errors = np.diag(products)
    return TrackScores(
        name=track.name,
        files=file_marks(track),
        layout=track.layout,
        seconds=samples / MUSIC_RATE,
        ceiling=ceiling,
        vocals_sdr=[decibels(vocals.signal, error) for error in errors],
        vocals_si_sdr=vocals.si_sdr(),
        museval_median=vocals.medians(),
        instrumental_sdr=[decibels(instrumental.signal, error) for error in errors],
        instrumental_si_sdr=instrumental.si_sdr(),
        instrumental_median=instrumental.medians(),
        form=(products / vocals.signal).tolist(),
    )


def _museval_second(mix: Numbers, vocals: Numbers, estimate: Numbers) -> tuple[float | None, float | None]:
    """The SDR of vocals and instrumental in dB of one second (2, n); None where museval leaves it out.

    It calls silent what sums to no mono.
    """
    if not all((stem[0] + stem[1]).any() for stem in (vocals, mix - vocals, estimate, mix - estimate)):
        return None, None
    error = float(((vocals - estimate) ** 2).sum())
    return decibels(float((vocals**2).sum()), error), decibels(float(((mix - vocals) ** 2).sum()), error)


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _together(track: Track, streams: Sequence[Iterator[Floats32]]) -> Iterator[Floats32]:
    """Blocks (streams, 2, n) of streams of one length. Raises TracksError."""
    try:
        yield from aligned(streams)
    except UnequalStreams as error:
        raise TracksError(f"{track.name}: the mix and its stems differ in length.") from error


def _seconds(blocks: Iterator[Floats32]) -> Iterator[Numbers]:
    """Blocks (streams, 2, n) cut into seconds, only the last shorter."""
    buffered: Floats32 | None = None
    for block in blocks:
        buffered = block if buffered is None else np.concatenate([buffered, block], axis=2)
        while buffered.shape[2] >= MUSIC_RATE:
            yield buffered[:, :, :MUSIC_RATE].astype(np.float64)
            buffered = buffered[:, :, MUSIC_RATE:]
    if buffered is not None and buffered.shape[2]:
        yield buffered.astype(np.float64)
