"""What separators are worth on songs whose vocals are known, and the weights with which their mean is best.

A row a track; rows are kept as they come, so that what is killed goes on. Several processes share the tracks. The
median over whole seconds is museval's (Stöter et al. 2018, "The 2018 Signal Separation Evaluation Campaign"), which
leaves out every second in which vocals or instrumental, true or estimated, are silent.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from files.atomic import atomic_write
from lab.errors import TracksError
from lab.evaluate.ensemble_weights import MOST_MEMBERS, fit_weights
from lab.evaluate.processes import in_processes
from lab.evaluate.track_scores import TrackLeftOut, TrackScores, decibels, file_marks, score_track
from lab.evaluate.tracks import Track
from pipeline.progress import Report, ignore
from pipeline.separation.registry import Separator

FILE = "separation.json"
Opening = Callable[[], Sequence[Separator]]
"""Opens the separators, in whichever process; it can be pickled where several processes work."""
CEILING_NOTABLE = 40.0
"""dB; above it the stems sum up to the mix as well as 16 bits let them."""


@dataclass(frozen=True, kw_only=True)
class SeparationScores:
    """All tracks that were asked for, in their order."""

    names: list[str]
    """(S,) of the separators, as they print."""
    tracks: list[TrackScores]
    left_out: list[TrackLeftOut]


@dataclass(frozen=True)
class EnsembleFit:
    """The weighted mean of all separators."""

    weights: list[float]
    """(S,), fitted on all tracks."""
    held_out_sdr: float
    """dB, mean over tracks, each with the weights of the others; NaN for a single track."""


def evaluate_separation(
    tracks: Sequence[Track], open_separators: Opening, out: Path, report: Report = ignore, workers: int = 1
) -> SeparationScores:
    """Score every track; rows are stored in `out`, and a second run with the same separators resumes there.

    With several workers each is a process that opens the separators itself. Raises TracksError: no track can be used;
    too many separators; `out` holds figures of others, or a file that is none of ours. Raises what separators raise.
    """
    separators = open_separators()
    if len(separators) > MOST_MEMBERS:
        raise TracksError(f"At most {MOST_MEMBERS} separators are compared at once.")
    out.mkdir(parents=True, exist_ok=True)
    ids, names = [separator.model_id for separator in separators], [separator.name for separator in separators]
    stored = _read(out / FILE, ids)
    done = {row.name: row for row in stored}
    missing = [track for track in tracks if track.name not in done or done[track.name].files != file_marks(track)]
    for number, row in enumerate(_rows(missing, separators, open_separators, workers)):
        done[row.name] = row
        _write(out / FILE, ids, names, done)
        report(row.name, 1 - (len(missing) - number - 1) / len(tracks))
    rows = [done[track.name] for track in tracks]
    scores = [row for row in rows if isinstance(row, TrackScores)]
    left_out = [row for row in rows if isinstance(row, TrackLeftOut)]
    if not scores:
        raise TracksError(f"No track can be used. {left_out[0].why}")
    return SeparationScores(names=names, tracks=scores, left_out=left_out)


def read_scores(path: Path) -> SeparationScores:
    """All rows of a file that `evaluate_separation` wrote. Raises TracksError."""
    rows = _read(path)
    return SeparationScores(
        names=json.loads(path.read_text("utf-8"))["names"],
        tracks=[row for row in rows if isinstance(row, TrackScores)],
        left_out=[row for row in rows if isinstance(row, TrackLeftOut)],
    )


def fit(scores: Sequence[TrackScores]) -> EnsembleFit:
    """The best weights on these tracks, and what weights of the other tracks are worth on each."""
    forms = [np.array(score.form) for score in scores]
    held_out = []
    for number, form in enumerate(forms):
        if others := forms[:number] + forms[number + 1 :]:
            weights = np.array(fit_weights(others))
            held_out.append(decibels(1.0, float(weights @ form @ weights)))
    return EnsembleFit(fit_weights(forms), float(np.mean(held_out)) if held_out else float("nan"))


def recipe_of(names: Sequence[str], weights: Sequence[float]) -> str:
    """What the setting SEPARATOR calls the mean of these separators, without those that weigh nothing."""
    weighted = [(name, round(100 * weight)) for name, weight in zip(names, weights, strict=True) if round(100 * weight)]
    return "+".join(f"{name}:{weight}" for name, weight in weighted) if len(weighted) > 1 else weighted[0][0]


def ceiling_sentence(scores: Sequence[TrackScores]) -> str:
    """What the stems' own coding costs, for tracks whose mix is not the sum of its stems; empty if there are none."""
    known = [score.ceiling for score in scores if score.ceiling is not None and score.ceiling < CEILING_NOTABLE]
    if not known:
        return ""
    return (
        f"In {len(known)} of {len(scores)} tracks the mix is not the sum of its stems (MUSDB18's .stem.mp4 codes each "
        f"with losses): a perfect accompaniment, the sum of the other stems, scores {np.mean(known):.1f} dB against "
        "mix − vocals. Nothing can pass that ceiling in figures that take the stems for the truth: compare them with "
        "MUSDB18's own, never with MUSDB18-HQ's."
    )


def _rows(
    tracks: Sequence[Track], separators: Sequence[Separator], reopen: Opening, workers: int
) -> Iterator[TrackScores | TrackLeftOut]:
    """A row a track, in the order in which they are ready."""
    if workers == 1 or len(tracks) < 2:
        yield from (score_track(track, separators) for track in tracks)
    else:
        yield from in_processes(min(workers, len(tracks)), reopen, score_track, tracks)


def _write(path: Path, ids: list[str], names: list[str], done: dict[str, TrackScores | TrackLeftOut]) -> None:
    kept: dict[str, Any] = {"separators": ids, "names": names, "tracks": [], "left_out": []}
    for row in done.values():
        kept["tracks" if isinstance(row, TrackScores) else "left_out"].append(asdict(row))
    with atomic_write(path) as file:
        file.write(json.dumps(kept, indent=1, ensure_ascii=False).encode())


def _read(path: Path, ids: list[str] | None = None) -> list[TrackScores | TrackLeftOut]:
    """What was scored before, with the same separators. Raises TracksError."""
    if ids is not None and not path.exists():
        return []
    try:
        stored = json.loads(path.read_text("utf-8"))
        ours = ids is None or stored["separators"] == ids
        rows: list[TrackScores | TrackLeftOut] = [TrackScores(**row) for row in stored["tracks"]]
        rows += [TrackLeftOut(**row) for row in stored["left_out"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TracksError(f"{path} is not what this command writes. Remove it, or choose another --out.") from error
    if not ours:
        raise TracksError(f"{path} holds figures of other separators. Choose another --out, or remove it.")
    return rows
