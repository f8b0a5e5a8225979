"""The figures of one converted sound: speaker, quality, intelligibility, melody and content."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lab.evaluate.judges import Judges
from lab.evaluate.mcd import active_frames
from lab.evaluate.spectrum import Doubles, average_spectrum, spectral_distance
from lab.evaluate.transcript import character_error_rate
from models.content.encoder import ContentEncoder
from models.content.student import HOP
from models.signal import SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from models.voice_network import VoiceNetwork
from pipeline.covers.cover_figures import compare_pitch
from pipeline.listening.features import extract
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.convert import convert
from pipeline.sound.resample import resample
from pipeline.voices.retrieval import Retrieval

NAN = float("nan")
TIMED_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class PerformanceFigures:
    """One sound against its source, whoever sings. NaN where there is too little to measure, or no judge."""

    mos: float
    dnsmos: float
    """A second judge of quality."""
    cer: float
    """Against the source's words; 1 at most, or one recogniser that repeats itself would drown all else."""
    f0_correlation: float
    f0_cents: float
    """Root mean square, after the key shift."""
    f0_cents_median: float
    voicing_f1: float
    content_cosine: float
    """Mean of the content features' cosine with the source's, frame by frame, active frames."""


@dataclass(frozen=True, kw_only=True)
class ConversionFigures(PerformanceFigures):
    """The same, and how near it is to the target."""

    cosine: float
    """Of speaker embeddings, with the target."""
    campplus_cosine: float
    """The same by a second judge."""
    spectral_distance: float
    """dB between long-term average spectra, below the target's bandwidth."""


@dataclass(frozen=True)
class Reference:
    """The source, mono at 16 kHz, and its words in its language."""

    wav: Floats32
    text: str
    language: str


@dataclass(frozen=True)
class Likeness:
    """What a sound must be like: unit embeddings (256,) and (192,), and the average spectrum, of held-out clips."""

    embedding: Floats32
    campplus: Floats32 | None
    spectrum: Doubles
    rate: int
    """Of the spectrum."""
    bandwidth: float
    """Hz; above it the target's recordings hold nothing."""


def measure_performance(
    converted: Floats32, reference: Reference, key_shift: int, models: ModelPool, judges: Judges
) -> PerformanceFigures:
    """Figures of `converted` (samples,) at 16 kHz against its source."""
    n = min(len(converted), len(reference.wav))
    converted, source = np.ascontiguousarray(converted[:n]), np.ascontiguousarray(reference.wav[:n])
    pitch = compare_pitch(source, converted, key_shift, models)
    recognised = judges.text(converted, reference.language)
    return PerformanceFigures(
        mos=mean_opinion(converted, models),
        dnsmos=judges.mos.predict(converted) if judges.mos else NAN,
        cer=NAN if recognised is None else capped_error_rate(reference.text, recognised),
        f0_correlation=pitch.correlation,
        f0_cents=pitch.cents,
        f0_cents_median=pitch.median_cents,
        voicing_f1=pitch.voicing_f1,
        content_cosine=content_cosine(source, converted, models),
    )


def compare_with(
    target: Likeness, wav: Floats32, rate: int, performance: PerformanceFigures, models: ModelPool, judges: Judges
) -> ConversionFigures:
    """A sound's figures with those of its likeness to the target; mono (samples,) at `rate`."""
    low = resample(wav, rate, SPEECH_RATE)
    second = judges.speaker.embed(low) if judges.speaker else None
    spectrum = average_spectrum([resample(wav, rate, target.rate)], target.rate)
    return ConversionFigures(
        **vars(performance),
        cosine=speaker_cosine(low, target.embedding, models),
        campplus_cosine=NAN if second is None or target.campplus is None else float(second @ target.campplus),
        spectral_distance=spectral_distance(spectrum, target.spectrum, target.rate, target.bandwidth),
    )


def likeness_of(wavs: Sequence[Floats32], rate: int, bandwidth: float, models: ModelPool, judges: Judges) -> Likeness:
    """What is to be reached: recordings of the target, mono (samples,) at `rate`."""
    low = [resample(wav, rate, SPEECH_RATE) for wav in wavs]
    second = unit_mean([judges.speaker.embed(wav) for wav in low]) if judges.speaker else None
    return Likeness(speaker_of(low, models), second, average_spectrum(wavs, rate), rate, bandwidth)


def speaker_cosine(wav: Floats32, target: Floats32, models: ModelPool) -> float:
    """Cosine of a sound's embedding, at one level, with a unit vector (256,); NaN under one second of voice."""
    vector = models.speaker.embed(wav)
    return NAN if vector is None else float(vector @ target)


def speaker_of(wavs: Sequence[Floats32], models: ModelPool) -> Floats32:
    """The unit mean (256,) of the speaker embeddings, each at one level, of recordings at 16 kHz."""
    mean = unit_mean([models.speaker.embed(wav) for wav in wavs])
    return np.zeros(resemblyzer.WIDTH, np.float32) if mean is None else mean


def unit_mean(vectors: Sequence[Floats32 | None]) -> Floats32 | None:
    """The direction of the mean of those that there are; None if there is none."""
    known = [vector for vector in vectors if vector is not None]
    if not known:
        return None
    mean = np.mean(known, axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def capped_error_rate(reference: str, recognised: str) -> float:
    """The character error rate, 1 at most; NaN without a reference."""
    return float(np.minimum(1.0, character_error_rate(reference, recognised)))


def mean_opinion(wav: Floats32, models: ModelPool) -> float:
    """The chosen neural MOS, the mean over windows of 7.68 s."""
    return float(models.mos.windows(wav).mean())


def content_cosine(source: Floats32, converted: Floats32, models: ModelPool) -> float:
    """Of two sounds (samples,) at 16 kHz of equal length."""
    a, b = (models.content.encode(torch.from_numpy(wav).to(models.device)).float().cpu() for wav in (source, converted))
    similar = torch.nn.functional.cosine_similarity(a, b, dim=1).numpy()
    return float(similar[active_frames(source, HOP, len(similar))].mean())


def real_time_factor(
    wav: Floats32,
    voice: VoiceNetwork,
    retrieval: Retrieval,
    encoder: ContentEncoder,
    models: ModelPool,
    threads: int,
    runs: int = TIMED_RUNS,
) -> float:
    """Seconds of content encoder, retrieval and generator per second of `wav` (samples,) at 16 kHz.

    On `threads` threads, the best of some runs after a warm one. Pitch and separation are not in it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        features = extract(wav, encoder, models.pitch)
        spent = []
        for _ in range(runs + 1):
            start = time.perf_counter()
            encoder.encode(torch.from_numpy(wav).to(models.device))
            for _block in convert(features, voice, retrieval):
                pass
            spent.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return min(spent[1:]) / (len(wav) / SPEECH_RATE)
