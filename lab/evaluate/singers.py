"""Speaker encoders compared on held-out voices, clean and after separation, as `/match` uses them.

Protocol. Voices: the held-out ones of the corpus, at most ten clips each spoken and ten sung, the loudest six
seconds of each. Conditions: the clip itself; the clip laid over a synthetic accompaniment and over the instrumental of
a real song, 3 dB above either, and separated by the embedded separator. A query is one clip; a voice is the mean of
its other clips. Three cases: everything clean; everything separated; a clean query (a voice note) among separated
voices (a library of songs), once for each accompaniment. Figures: EER over all pairs of clip and voice, top-1,
and cross entropy in nats after `match`'s calibration, which is fitted on the enrolled clips.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from files.atomic import atomic_write
from lab.corpus.clips import CorpusClip, read_corpus
from lab.evaluate.loudest import loudest
from lab.evaluate.trials import Trials, advantage, calibrated_cross_entropy, make_trials
from lab.pretrain.separation_artifacts import remix
from lab.pretrain.synthetic_music import synthesize_music
from models.separation import spleeter
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.progress import Report, ignore
from pipeline.separation.spleeter_stream import separate
from pipeline.sound.decode import SONG, decode

CLEAN, SYNTHETIC, REAL = "clean", "synthetic music", "real music"
CASES = (
    ("clean", CLEAN, CLEAN),
    ("separated, synthetic music", SYNTHETIC, SYNTHETIC),
    ("separated, real music", REAL, REAL),
    ("clean query, synthetic music", CLEAN, SYNTHETIC),
    ("clean query, real music", CLEAN, REAL),
)
"""Name, condition of the queries, condition of the enrolment."""
CLIPS, MIN_SECONDS = 10, 2.0
DECIBELS = 3.0
PIECE_SECONDS, PIECE_SEED = 60.0, 1_000_000


class ComparedEncoder(Protocol):
    """Embeds a recording: mono at 16 kHz (samples,) → unit vector, or None."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    def embed(self, wav: Floats32) -> Floats32 | None:
        """One recording."""
        ...


@dataclass(frozen=True, kw_only=True)
class EncoderScores:
    """Figures of an encoder in one case."""

    encoder: str
    case: str
    voices: int
    clips: int
    eer: float
    top1: float
    cross_entropy: float


@dataclass(frozen=True)
class EncoderComparison:
    """The second encoder against the first: 95 % intervals of its gain, above zero where it is better."""

    case: str
    eer: tuple[float, float]
    top1: tuple[float, float]

    @property
    def better(self) -> bool:
        """By more than the noise, in both."""
        return self.eer[0] > 0 and self.top1[0] > 0


@dataclass(frozen=True)
class Recordings:
    """Held-out clips by voice, in every condition: [condition][voice][clip] (samples,) at 16 kHz."""

    voices: tuple[str, ...]
    conditions: dict[str, list[list[Floats32]]]


def held_out_clips(clips: Sequence[CorpusClip]) -> dict[str, list[CorpusClip]]:
    """At most ten spoken and ten sung clips of each held-out voice that are long enough."""
    chosen: dict[tuple[str, bool], list[CorpusClip]] = {}
    for clip in sorted(clips, key=lambda clip: clip.path):
        if clip.held_out and clip.seconds >= MIN_SECONDS:
            same = chosen.setdefault((clip.speaker, clip.sung), [])
            if len(same) < CLIPS:
                same.append(clip)
    voices: dict[str, list[CorpusClip]] = {}
    for (speaker, _), same in sorted(chosen.items()):
        voices.setdefault(speaker, []).extend(same)
    return {speaker: same for speaker, same in voices.items() if len(same) > 1}


def instrumental(song: Path, networks: spleeter.Stems) -> Floats32:
    """The accompaniment (2, samples) at 44.1 kHz of a real song. Raises what `decode` raises."""
    mix = decode(song, MUSIC_RATE, channels=2, limits=SONG, name=song.name)
    return np.asarray(mix - np.concatenate(list(separate([mix], networks)), axis=1), np.float32)


def record(data: Path, song: Path, networks: spleeter.Stems, cache: Path, report: Report = ignore) -> Recordings:
    """The held-out voices in every condition; separated clips are cached in `cache`, a file a voice.

    Raises CorpusError, and what `decode` raises.
    """
    voices = held_out_clips(read_corpus(data))
    clean = {name: [loudest(clip.read(SPEECH_RATE)) for clip in same] for name, same in voices.items()}
    conditions = {CLEAN: list(clean.values())}
    report("separating", 0.0)
    for number, (condition, file) in enumerate(((REAL, "real"), (SYNTHETIC, "synthetic"))):
        folder = cache / f"{spleeter.MODEL_ID}-{file}"
        folder.mkdir(parents=True, exist_ok=True)
        music: Floats32 | None = None
        conditions[condition] = []
        for done, (name, wavs) in enumerate(clean.items()):
            cached = folder / f"{name}.npz"
            if not cached.exists():
                if music is None:
                    synthetic = condition == SYNTHETIC
                    music = synthesize_music(PIECE_SECONDS, PIECE_SEED) if synthetic else instrumental(song, networks)
                shifted = np.roll(music, -done * MUSIC_RATE, axis=1)
                apart = remix(wavs, shifted, [DECIBELS] * len(wavs), networks)
                with atomic_write(cached) as out:
                    np.savez(out, *[np.float16(wav) for wav in apart])
            with np.load(cached, allow_pickle=False) as stored:
                conditions[condition].append([stored[f"arr_{i}"].astype(np.float32) for i in range(len(stored.files))])
            report("separating", (number + (done + 1) / len(clean)) / 2)
    return Recordings(tuple(clean), conditions)


def evaluate(
    encoders: Sequence[ComparedEncoder], recordings: Recordings, report: Report = ignore
) -> tuple[list[EncoderScores], list[EncoderComparison]]:
    """Every encoder in every case, and the last encoder compared with the first.

    Clips in which an encoder detects no voice, in any condition, are left out for all.
    """
    embedded = _embed(encoders, recordings, report)
    scores, comparisons = [], []
    for case, query, enrolment in CASES:
        trials: list[Trials] = []
        for encoder, vectors in zip(encoders, embedded, strict=True):
            trials.append(make_trials(vectors[query], vectors[enrolment]))
            scores.append(
                EncoderScores(
                    encoder=encoder.name,
                    case=case,
                    voices=trials[-1].scores.shape[1],
                    clips=len(trials[-1].truth),
                    eer=trials[-1].eer(),
                    top1=trials[-1].top1(),
                    cross_entropy=calibrated_cross_entropy(vectors[query], vectors[enrolment]),
                )
            )
        if len(trials) > 1:
            gain = advantage(trials[-1], trials[0])
            comparisons.append(EncoderComparison(case, gain.eer, gain.top1))
    return scores, comparisons


def write(path: Path, scores: Sequence[EncoderScores], comparisons: Sequence[EncoderComparison]) -> None:
    """Every figure as JSON."""
    record = {
        "scores": [asdict(score) for score in scores],
        "comparisons": [asdict(comparison) | {"better": comparison.better} for comparison in comparisons],
    }
    with atomic_write(path) as file:
        file.write(json.dumps(record, indent=1).encode())


def _embed(
    encoders: Sequence[ComparedEncoder], recordings: Recordings, report: Report
) -> list[dict[str, list[Floats32]]]:
    """[encoder][condition][voice] (n, C), of the clips in which every encoder detects a voice."""
    total = len(encoders) * len(recordings.conditions)
    raw: list[dict[str, list[list[Floats32 | None]]]] = []
    for encoder in encoders:
        raw.append({})
        for condition, voices in recordings.conditions.items():
            raw[-1][condition] = [[encoder.embed(wav) for wav in wavs] for wavs in voices]
            report("embedding", sum(len(done) for done in raw) / total)
    usable = [
        [i for i in range(len(wavs)) if all(v[voice][i] is not None for done in raw for v in done.values())]
        for voice, wavs in enumerate(recordings.conditions[CLEAN])
    ]
    return [
        {
            condition: [
                np.array([vectors[voice][i] for i in clips], np.float32)
                for voice, clips in enumerate(usable)
                if clips[1:]
            ]
            for condition, vectors in done.items()
        }
        for done in raw
    ]
