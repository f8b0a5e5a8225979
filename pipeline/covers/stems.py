"""A song's vocals and instrumental as files, separated once and cached by song and model.

Stems are 24-bit FLAC at half level: a loud mix can leave full scale when it is split, and half leaves room, so that
the stems still sum to the mix.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from files.atomic import atomic_write
from models.content.encoder import ContentEncoder
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.listening import features as feature_store
from pipeline.listening.features import BLOCK_SECONDS, Features, extract_stream
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.sound.decode import SONG, STEM, decode_blocks, probe
from pipeline.sound.encode import Encoder
from pipeline.sound.loudness import LoudnessMeter

LEVEL = 0.5


@dataclass(frozen=True)
class Stems:
    """Where the stems lie (no instrumental: none is mixed in), and what their sum measured."""

    vocals: Path
    instrumental: Path | None
    seconds: float
    lufs: float


@dataclass(frozen=True)
class SeparatedStems(Stems):
    """Both parts of a song."""

    instrumental: Path


def stems_of(song: Path, name: str, models: ModelPool, cache_dir: Path, report: Report = ignore) -> SeparatedStems:
    """Separate a song, or read what was separated before; `cache_dir` is the song's own.

    Raises what `decode_blocks` raises. Memory does not grow with the song.
    """
    folder = cache_dir / models.separator.model_id
    card = folder / "stems.json"
    stems = folder / "vocals.flac", folder / "instrumental.flac"
    if not card.exists():
        report("reading", 0.0)
        declared = probe(song, SONG, name).seconds
        folder.mkdir(parents=True, exist_ok=True)
        seconds, lufs = _separate(song, name, models, *stems, declared, report)
        with atomic_write(card) as file:
            file.write(json.dumps({"seconds": seconds, "lufs": lufs}).encode())
    return SeparatedStems(*stems, **json.loads(card.read_text()))


def features_of(
    stems: Stems, models: ModelPool, report: Report = ignore, encoder: ContentEncoder | None = None
) -> Features:
    """Features of the vocals, by the shipped content encoder or another, extracted once and cached beside the stems."""
    encoder = encoder or models.text
    cached = stems.vocals.with_name(f"{encoder.cache_id}+{models.pitch.model_id}.npz")
    if not cached.exists():
        blocks = decode_blocks(
            stems.vocals, SPEECH_RATE, channels=1, block_seconds=BLOCK_SECONDS, limits=STEM, name="vocals"
        )
        full = (block[0] / np.float32(LEVEL) for block in blocks)
        feature_store.save(cached, extract_stream(full, encoder, models.pitch, stems.seconds, report))
    return feature_store.load(cached)


def export_stem(stem: Path, out: Path) -> Path:
    """Write a stem at the mix's own level."""
    with Encoder(out, MUSIC_RATE, 2) as encoder:
        for block in decode_blocks(stem, MUSIC_RATE, channels=2, block_seconds=10, limits=STEM, name=stem.name):
            encoder.write(block / np.float32(LEVEL))
    return out


def _separate(
    song: Path,
    name: str,
    models: ModelPool,
    vocals: Path,
    instrumental: Path,
    declared: float | None,
    report: Report,
) -> tuple[float, float]:
    """Write both stems; return the mix's seconds and LUFS."""
    rate = MUSIC_RATE
    report("separating", 0.0)
    meter = LoudnessMeter(rate, 2)
    waiting: list[Floats32] = []
    done = 0
    mix = decode_blocks(song, rate, channels=2, block_seconds=1.0, limits=SONG, name=name)

    def metered() -> Iterator[Floats32]:
        for block in mix:
            meter.add(block)
            waiting.append(block)
            yield block

    with Encoder(vocals, rate, 2) as vocals_file, Encoder(instrumental, rate, 2) as instrumental_file:
        for block in models.separator.vocals(metered()):
            buffered = np.concatenate(waiting, axis=1)
            n = block.shape[1]
            vocals_file.write(block * np.float32(LEVEL))
            instrumental_file.write((buffered[:, :n] - block) * np.float32(LEVEL))
            waiting[:] = [buffered[:, n:]]
            done += n
            report("separating", min(0.99, done / rate / declared) if declared else 0.5)
    report("separating", 1.0)
    return done / rate, meter.integrated()
