"""A cover: a song's vocals sung in a member's voice and put back over its instrumental."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soxr

from models.content import contentvec, student
from models.pitch import trackers
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from models.weights.integrity import NotFetched
from pipeline.covers.cover_figures import CoverFigures, compare
from pipeline.covers.mix import MixReport, mix_files
from pipeline.covers.picture import plot_cover
from pipeline.covers.stems import LEVEL, Stems, features_of, stems_of
from pipeline.errors import EncoderMissing, VoiceOutdated
from pipeline.listening.features import Features
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report, ignore
from pipeline.singing.convert import ConvertOptions, convert, octave_shift
from pipeline.sound.decode import STEM, decode_blocks
from pipeline.sound.encode import Encoder
from pipeline.voices.rvc_files import kind

LABEL = "AI-generated: a machine sings this in a trained voice. Made with DiscoverVoice."


@dataclass(frozen=True)
class CoverOptions:
    """What the member asked for."""

    key_shift: int | None = None
    """Semitones for the vocals; None takes the octave that suits the voice."""
    max_bytes: int | None = None
    """The largest file that can be delivered."""
    convert: ConvertOptions = field(default_factory=ConvertOptions)


@dataclass(frozen=True)
class CoverReport:
    """What was made, and its figures."""

    cover: Path
    converted: Path
    picture: Path
    stems: Stems
    mix: MixReport
    comparison: CoverFigures
    key_shift: int
    base: str
    """What the voice's training started from."""
    content: str
    """The name of the content encoder that heard the song."""
    voice: str
    """What kind of network sang."""


def make_cover(
    song: Path,
    song_name: str,
    voice: Path,
    index: Path,
    voice_name: str,
    models: ModelPool,
    cache_dir: Path,
    out_dir: Path,
    options: CoverOptions = CoverOptions(),
    report: Report = ignore,
) -> CoverReport:
    """Make `cover.*`, `converted.flac` and `cover.png` in `out_dir`.

    Stems and features of the song are taken from `cache_dir` if they are there. Raises what `stems_of` raises,
    TooLong (nothing fits into `max_bytes`), VoiceOutdated, EncoderMissing,
    WeightsError (the voice's file is not readable).
    """
    synthesizer, info, rows, target = models.voice(voice, index)
    if info.content_model not in (student.MODEL_ID, *contentvec.BY_WIDTH.values()):
        raise VoiceOutdated(name=voice_name)
    try:
        models.check_encoder(info.content_model)
    except NotFetched as error:
        raise EncoderMissing(name=voice_name, model=info.content_model) from error
    models.only(Role.SEPARATOR, Role.VOICE)
    stems = stems_of(song, song_name, models, cache_dir, report)
    models.only(Role.CONTENT, Role.F0, Role.VOICING, Role.VOICE)
    encoder = models.encoder(info.content_model)
    features, heard_by = features_of(stems, models, report, encoder), encoder.name
    report("converting", 0.0)
    key_shift = octave_shift(features.f0, info.median_f0) if options.key_shift is None else options.key_shift
    chosen = replace(options.convert, key_shift=key_shift)

    converted = out_dir / "converted.flac"
    wav = convert(features, synthesizer, rows, chosen, report)
    _write_vocals(wav, synthesizer.config.sampling_rate, stems, converted)
    sung_by = kind(synthesizer.config)
    del encoder, synthesizer, rows, wav  # so that `only` frees them
    mix = mix_files(
        converted,
        stems.instrumental,
        out_dir / "cover.mp3",
        reference_lufs=stems.lufs,
        max_bytes=options.max_bytes,
        tags={"title": f"{song_name} ({voice_name}, AI cover)", "comment": LABEL},
        progress=lambda done: report("mixing", done),
    )
    report("measuring", 0.0)
    models.only(Role.SPEAKER, Role.MOS, Role.VOICING)
    comparison = compare(stems.vocals, converted, target, key_shift, models)
    report("measuring", 0.8)
    picture = out_dir / "cover.png"
    _plot(picture, mix.path, converted, features, models, f"{song_name} — {voice_name} (AI-generated)")
    report("measuring", 1.0)
    return CoverReport(
        mix.path,
        converted,
        picture,
        stems,
        mix,
        comparison,
        key_shift,
        info.base,
        heard_by,
        sung_by,
    )


def _write_vocals(wav: Iterator[Floats32], rate: int, stems: Stems, path: Path) -> None:
    """Write converted blocks as stereo at the stems' rate, level and length."""
    stream = soxr.ResampleStream(rate, MUSIC_RATE, 1, dtype="float32")
    left = round(stems.seconds * MUSIC_RATE)
    with Encoder(path, MUSIC_RATE, 2) as encoder:
        for block in wav:
            left -= _write(encoder, stream.resample_chunk(block), left)
        left -= _write(encoder, stream.resample_chunk(np.zeros(0, np.float32), last=True), left)
        _write(encoder, np.zeros(left, np.float32), left)


def _write(encoder: Encoder, mono: Floats32, most: int) -> int:
    mono = mono[:most]
    if len(mono):
        encoder.write(np.repeat(mono[None] * np.float32(LEVEL), 2, axis=0))
    return len(mono)


def _plot(path: Path, cover: Path, converted: Path, features: Features, models: ModelPool, title: str) -> None:
    """Draw the cover, with the f0 that SwiftF0 hears in the converted vocals."""
    heard = [
        models.pitch.voicing(block[0])
        for block in decode_blocks(
            converted, SPEECH_RATE, channels=1, block_seconds=16, limits=STEM, name=converted.name
        )
    ]
    f0 = np.concatenate([np.where(sure >= trackers.VOICED_CONFIDENCE, hz, 0) for hz, sure in heard])
    plot_cover(path, cover, features.f0, f0, 256 / SPEECH_RATE, title)
