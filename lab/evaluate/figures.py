"""The figures of one converted sound: speaker, quality, intelligibility, melody and content."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lab.evaluate.mcd import active_frames
from lab.evaluate.transcript import Recogniser, character_error_rate
from models.content.encoder import ContentEncoder
from models.content.student import HOP
from models.quality import distillmos
from models.signal import SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from models.voice_network import VoiceNetwork
from pipeline.covers.cover_figures import compare_pitch
from pipeline.listening.features import extract
from pipeline.pool.model_pool import ModelPool
from pipeline.singing.convert import convert

NAN = float("nan")
TIMED_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class ConversionFigures:
    """One sound against its source. NaN where there is too little to measure."""

    cosine: float
    """Of speaker embeddings, with the target."""
    mos: float
    cer: float
    """Against the source's words; 1 at most, or one recogniser that repeats itself would drown all else."""
    f0_correlation: float
    f0_cents: float
    """Root mean square, after the key shift."""
    voicing_f1: float
    content_cosine: float
    """Mean of the content features' cosine with the source's, frame by frame, active frames."""


@dataclass(frozen=True)
class Reference:
    """The source, mono at 16 kHz, and its words in its language."""

    wav: Floats32
    text: str
    language: str


def measure_sound(
    converted: Floats32,
    reference: Reference,
    target: Floats32,
    key_shift: int,
    models: ModelPool,
    recogniser: Recogniser,
) -> ConversionFigures:
    """Figures of `converted` (samples,) at 16 kHz; `target` is a unit speaker embedding (256,)."""
    n = min(len(converted), len(reference.wav))
    converted, source = np.ascontiguousarray(converted[:n]), np.ascontiguousarray(reference.wav[:n])
    correlation, cents, f1 = compare_pitch(source, converted, key_shift, models)
    recognised = recogniser.text(converted, reference.language)
    return ConversionFigures(
        cosine=speaker_cosine(converted, target, models),
        mos=mean_opinion(converted, models),
        cer=min(1.0, character_error_rate(reference.text, recognised)),
        f0_correlation=correlation,
        f0_cents=cents,
        voicing_f1=f1,
        content_cosine=content_cosine(source, converted, models),
    )


def speaker_cosine(wav: Floats32, target: Floats32, models: ModelPool) -> float:
    """Cosine of a sound's speaker embedding with a unit vector (256,); NaN under one second of voice."""
    vector = models.speaker.embed(wav)
    return NAN if vector is None else float(vector @ target)


def speaker_of(wavs: list[Floats32], models: ModelPool) -> Floats32:
    """The unit mean (256,) of the speaker embeddings of recordings at 16 kHz."""
    vectors = [vector for wav in wavs if (vector := models.speaker.embed(wav)) is not None]
    mean = np.mean(vectors, axis=0) if vectors else np.zeros(resemblyzer.WIDTH)
    return (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)


def mean_opinion(wav: Floats32, models: ModelPool) -> float:
    """DistillMOS, the mean over windows of 7.68 s; a last window that is filled by less than half is left out."""
    rest = len(wav) % distillmos.WINDOW
    whole = wav[: len(wav) - rest] if len(wav) > distillmos.WINDOW and rest < distillmos.WINDOW // 2 else wav
    return float(models.mos.windows(whole).mean())


def content_cosine(source: Floats32, converted: Floats32, models: ModelPool) -> float:
    """Of two sounds (samples,) at 16 kHz of equal length."""
    a, b = (models.content.encode(torch.from_numpy(wav).to(models.device)).float().cpu() for wav in (source, converted))
    similar = torch.nn.functional.cosine_similarity(a, b, dim=1).numpy()
    return float(similar[active_frames(source, HOP, len(similar))].mean())


def real_time_factor(
    wav: Floats32,
    voice: VoiceNetwork,
    rows: Tensor,
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
            for _block in convert(features, voice, rows):
                pass
            spent.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return min(spent[1:]) / (len(wav) / SPEECH_RATE)
