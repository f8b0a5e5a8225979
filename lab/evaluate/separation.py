"""SDR of separators on songs whose vocals are known, and the weights with which their mean is best.

SDR is 10·log10(Σs² / Σ(s − ŝ)²). Over a whole song it is "global"; the median over whole seconds is the one of museval
(Stöter et al. 2018, "The 2018 Signal Separation Evaluation Campaign"), which leaves out every second in which vocals
or instrumental, true or estimated, are silent. Instrumental = mix − vocals, so its error is the vocals' error.
Everything is summed as it streams: memory does not grow with the song.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import tee
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from files.atomic import atomic_write
from lab.errors import TracksError
from lab.evaluate.ensemble_weights import MOST_MEMBERS, error_products, fit_weights
from lab.evaluate.tracks import Track
from models.signal import MUSIC_RATE
from pipeline.progress import Report, ignore
from pipeline.separation.ensemble import UnequalStreams, aligned
from pipeline.separation.registry import Separator

Numbers = NDArray[np.float64]
FILE = "separation.json"


@dataclass(frozen=True, kw_only=True)
class TrackScores:
    """One track; S separators."""

    name: str
    files: list[list[str | int]]
    """Path, bytes and time of the mix and of the vocals: others are scored anew."""
    seconds: float
    vocals_sdr: list[float]
    """(S,) dB, over the whole track."""
    museval_median: list[float | None]
    """(S,) dB, as museval 0.4.1 has it; None where it has none."""
    instrumental_sdr: list[float]
    form: list[list[float]]
    """(S, S) products of the errors over the vocals' energy, from which the SDR of any weighted mean follows."""


@dataclass(frozen=True)
class EnsembleFit:
    """The weighted mean of all separators."""

    weights: list[float]
    """(S,), fitted on all tracks."""
    held_out_sdr: float
    """dB, mean over tracks, each with the weights of the others; NaN for a single track."""


def evaluate_separation(
    tracks: Sequence[Track], separators: Sequence[Separator], out: Path, report: Report = ignore
) -> list[TrackScores]:
    """Score every track; results are stored in `out`, and a second run with the same separators resumes there.

    Raises SoundError (a track that cannot be read, a full disk), and TracksError: a track without vocals, or whose mix
    and vocals differ in length; too many separators; `out` holds figures of others, or a file that is none of ours.
    """
    if len(separators) > MOST_MEMBERS:
        raise TracksError(f"At most {MOST_MEMBERS} separators are compared at once.")
    out.mkdir(parents=True, exist_ok=True)
    ids = [separator.model_id for separator in separators]
    done = _read(out / FILE, ids)
    for number, track in enumerate(tracks):
        report(track.name, number / len(tracks))
        if track.name not in done or done[track.name].files != _files(track):
            done[track.name] = _score(track, separators)
            stored = {
                "separators": ids,
                "names": [s.name for s in separators],
                "tracks": [asdict(t) for t in done.values()],
            }
            with atomic_write(out / FILE) as file:
                file.write(json.dumps(stored, indent=1, ensure_ascii=False).encode())
    return [done[track.name] for track in tracks]


def fit(scores: Sequence[TrackScores]) -> EnsembleFit:
    """The best weights on these tracks, and what weights of the other tracks are worth on each."""
    forms = [np.array(score.form) for score in scores]
    held_out = []
    for number, form in enumerate(forms):
        if others := forms[:number] + forms[number + 1 :]:
            weights = np.array(fit_weights(others))
            held_out.append(_decibels(1.0, float(weights @ form @ weights)))
    return EnsembleFit(fit_weights(forms), float(np.mean(held_out)) if held_out else float("nan"))


def recipe_of(names: Sequence[str], weights: Sequence[float]) -> str:
    """What the setting SEPARATOR calls the mean of these separators, without those that weigh nothing."""
    weighted = [(name, round(100 * weight)) for name, weight in zip(names, weights, strict=True) if round(100 * weight)]
    return "+".join(f"{name}:{weight}" for name, weight in weighted) if len(weighted) > 1 else weighted[0][0]


def _score(track: Track, separators: Sequence[Separator]) -> TrackScores:
    mixes = tee(track.blocks(track.mix), len(separators) + 1)
    estimates = [separator.vocals(mix) for separator, mix in zip(separators, mixes[1:], strict=True)]
    count = len(separators)
    products, vocals_energy, instrumental_energy = np.zeros((count, count)), 0.0, 0.0
    windows: list[list[float | None]] = []
    samples = 0
    for second in _seconds(_together(track, [track.blocks(track.vocals), mixes[0], *estimates])):
        samples += second.shape[2]
        vocals, mix = second[0], second[1]
        second_products = error_products(second[2:], vocals)
        products += second_products
        energy = float((vocals**2).sum())
        vocals_energy += energy
        instrumental_energy += float(((mix - vocals) ** 2).sum())
        if second.shape[2] == MUSIC_RATE:
            windows.append([_median_ratio(mix, vocals, estimate) for estimate in second[2:]])
    if not vocals_energy:
        raise TracksError(f"{track.name} has no vocals, so it says nothing about separators. Leave it out.")
    own = np.diag(products)
    return TrackScores(
        name=track.name,
        files=_files(track),
        seconds=samples / MUSIC_RATE,
        vocals_sdr=[_decibels(vocals_energy, error) for error in own],
        museval_median=[_median([window[i] for window in windows]) for i in range(count)],
        instrumental_sdr=[_decibels(instrumental_energy, error) for error in own],
        form=(products / vocals_energy).tolist(),
    )


def _median_ratio(mix: Numbers, vocals: Numbers, estimate: Numbers) -> float | None:
    """The SDR in dB of one second (2, n), None where museval leaves it out: it calls silent what sums to no mono."""
    if not all((stem[0] + stem[1]).any() for stem in (vocals, mix - vocals, estimate, mix - estimate)):
        return None
    return _decibels(float((vocals**2).sum()), float(((vocals - estimate) ** 2).sum()))


def _median(decibels: list[float | None]) -> float | None:
    known = [value for value in decibels if value is not None]
    return float(np.median(known)) if known else None


def _together(track: Track, streams: Sequence[Iterator[NDArray[np.float32]]]) -> Iterator[NDArray[np.float32]]:
    """Blocks (streams, 2, n) of streams of one length. Raises TracksError."""
    try:
        yield from aligned(streams)
    except UnequalStreams as error:
        raise TracksError(f"{track.name}: the mix and the vocals differ in length. Leave it out.") from error


def _seconds(blocks: Iterator[NDArray[np.float32]]) -> Iterator[Numbers]:
    """Blocks (streams, 2, n) cut into seconds, only the last shorter."""
    buffered: NDArray[np.float32] | None = None
    for block in blocks:
        buffered = block if buffered is None else np.concatenate([buffered, block], axis=2)
        while buffered.shape[2] >= MUSIC_RATE:
            yield buffered[:, :, :MUSIC_RATE].astype(np.float64)
            buffered = buffered[:, :, MUSIC_RATE:]
    if buffered is not None and buffered.shape[2]:
        yield buffered.astype(np.float64)


def _decibels(signal: float, error: float) -> float:
    return float(10 * np.log10(max(signal, 1e-20) / max(error, 1e-20)))


def _files(track: Track) -> list[list[str | int]]:
    files: list[list[str | int]] = []
    for path, stream in (track.mix, track.vocals):
        now = path.stat()
        files.append([str(path.resolve()), stream, now.st_size, now.st_mtime_ns])
    return files


def _read(path: Path, ids: list[str]) -> dict[str, TrackScores]:
    """What was scored before with the same separators. Raises TracksError."""
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text("utf-8"))
        ours, before = stored["separators"] == ids, {row["name"]: TrackScores(**row) for row in stored["tracks"]}
    except (ValueError, KeyError, TypeError) as error:
        raise TracksError(f"{path} is not what this command writes. Remove it, or choose another --out.") from error
    if not ours:
        raise TracksError(f"{path} holds figures of other separators. Choose another --out, or remove it.")
    return before
