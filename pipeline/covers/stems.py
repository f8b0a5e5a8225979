"""A song's vocals and instrumental as files, separated once and cached by song and model.

Stems are 24-bit FLAC at half the song's level, whose peak is full scale: a mix can leave full scale when it is split,
and half leaves room, so that the stems still sum to it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from files.atomic import atomic_write, remove_abandoned
from models.content import whisper_text
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from pipeline.covers.song import SongLevel, decibels, levelled_song, measure_song
from pipeline.covers.song_cache import known
from pipeline.covers.stem_file import LEVEL, check_stem, peak_of
from pipeline.listening import features as feature_store
from pipeline.listening.features import BLOCK_SECONDS, Features, extract_stream
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.sound.decode import STEM, decode_blocks
from pipeline.sound.downmix import Downmix, DownmixChoice
from pipeline.sound.encode import Encoder

FORM = "levelled"
"""Stems of another form lie in another folder of the cache."""


@dataclass(frozen=True)
class Stems:
    """Where the stems lie (no instrumental: none is mixed in), and what there is to know of the song."""

    vocals: Path
    instrumental: Path | None
    seconds: float
    lufs: float
    """Of the song as it was given, and so of the cover; over a given instrumental, of the vocals and it."""
    gated: bool = True
    """Whether that leaves out what is far below the rest, as LUFS do."""
    peak: float = 1.0
    """Of the same; 1 is full scale."""
    gain: float = 1.0
    """By which the song was multiplied: its stems divided by it, and by LEVEL, are at its own level."""
    instrumental_gain: float = 1.0
    """The same of the instrumental."""
    alone_lufs: float | None = None
    """Of the song as it was given, where `lufs` is not."""
    downmix: Downmix = field(default_factory=Downmix)
    """How the vocals are heard in one channel."""
    peaks: Mapping[str, float] = field(default_factory=dict)
    """The highest sample of the vocals and of the instrumental, as they lie; of stems of an earlier version none."""

    @property
    def song_lufs(self) -> float:
        """Of the song at the stems' level, LEVEL left aside."""
        return (self.lufs if self.alone_lufs is None else self.alone_lufs) + decibels(self.gain)


@dataclass(frozen=True)
class SeparatedStems(Stems):
    """Both parts of a song."""

    instrumental: Path


Before = Callable[[SongLevel, Report], float]
"""Called before a song is separated; returns how many of its seconds were separated meanwhile."""


def at_once(level: SongLevel, report: Report) -> float:
    """Nothing comes before the song itself."""
    return 0.0


def stems_of(
    song: Path, name: str, models: ModelPool, cache_dir: Path, report: Report = ignore, before: Before = at_once
) -> SeparatedStems:
    """Separate a song, or read what was separated before; `cache_dir` is the song's own.

    `before` is called if it has to be separated.
    Raises what `decode_blocks` raises. Memory does not grow with the song.
    """
    folder = cache_dir / FORM / models.separator.model_id
    card = folder / "stems.json"
    stems = folder / "vocals.flac", folder / "instrumental.flac"
    told = known(card, partial(read_card, stems=stems))
    if told is None:
        level = measure_song(song, name, lambda done: report("reading", done))
        spent = before(level, report)
        folder.mkdir(parents=True, exist_ok=True)
        remove_abandoned(folder)
        downmix, peaks = _separate(levelled_song(song, name, level), level, models, *stems, report, spent)
        write_card(card, level, downmix, peaks)
        told = read_card(card, stems)
    return SeparatedStems(*stems, **told)


def write_card(path: Path, level: SongLevel, downmix: Downmix, peaks: Mapping[str, float] | None = None) -> None:
    """Write down what is known of a song beside its stems; this is written last. Raises DiskFull."""
    card = {"seconds": level.seconds, "lufs": level.lufs, "gain": level.gain, "downmix": asdict(downmix)}
    card["peaks"] = dict(peaks or {})
    with atomic_write(path) as file:
        file.write(json.dumps(card).encode())


def read_card(path: Path, stems: Iterable[Path]) -> dict[str, Any]:
    """What `write_card` wrote, as the fields of `Stems` that are not files.

    Raises FileNotFoundError, and ValueError or another of `song_cache.DAMAGE`: the card or a stem is not whole.
    """
    card: dict[str, Any] = json.loads(path.read_text())
    gain = float(card["gain"])
    for stem in stems:
        check_stem(stem)
    told = {"seconds": card["seconds"], "lufs": card["lufs"], "gain": gain}  # a later version's card has more
    told |= {"peak": 1 / gain, "instrumental_gain": gain, "peaks": card.get("peaks", {})}
    return told | {"downmix": Downmix(**card["downmix"])}


def features_of(
    stems: Stems, models: ModelPool, report: Report = ignore, encoder_id: str = whisper_text.MODEL_ID
) -> Features:
    """Features of the vocals, by the shipped content encoder or another, extracted once and cached beside the stems.

    An embedded encoder is loaded only if it has to listen.
    """
    cached = stems.vocals.with_name(f"{models.encoder_card(encoder_id).cache_id}+{models.pitch.model_id}.npz")
    features = known(cached, feature_store.load)
    if features is None:
        full = vocals_heard(stems, BLOCK_SECONDS)
        encoder = models.encoder(encoder_id)
        feature_store.save(cached, extract_stream(full, encoder, models.pitch, stems.seconds, report))
        features = feature_store.load(cached)  # in the precision in which every other cover has them
    return features


def vocals_heard(stems: Stems, block_seconds: float) -> Iterator[Floats32]:
    """The vocals in one channel, blocks (samples,) at 16 kHz at the level of the levelled song."""
    blocks = decode_blocks(
        stems.vocals,
        SPEECH_RATE,
        channels=1,
        block_seconds=block_seconds,
        limits=STEM,
        name="vocals",
        downmix=stems.downmix,
    )
    return (block[0] / np.float32(LEVEL) for block in blocks)


def _separate(
    mix: Iterator[Floats32],
    level: SongLevel,
    models: ModelPool,
    vocals: Path,
    instrumental: Path,
    report: Report,
    spent: float,
) -> tuple[Downmix, dict[str, float]]:
    """Write both stems of a levelled mix; return how the vocals are heard in one channel, and the stems' peaks.

    `spent` are the seconds of sound that were separated before, which its progress counts.
    """
    report("separating", separated(spent, 0.0, level))
    choice = DownmixChoice(MUSIC_RATE, recorded=False)
    peaks = {vocals.stem: 0.0, instrumental.stem: 0.0}
    waiting: list[Floats32] = []
    done = 0

    def write(file: Encoder, name: str, sound: Floats32) -> None:
        peaks[name] = max(peaks[name], peak_of(sound))
        file.write(sound)

    def kept() -> Iterator[Floats32]:
        for block in mix:
            waiting.append(block)
            yield block

    silence = (np.zeros_like(block) for block in kept())
    estimate = silence if level.silent else models.separator.vocals(kept())
    with Encoder(vocals, MUSIC_RATE, 2) as vocals_file, Encoder(instrumental, MUSIC_RATE, 2) as instrumental_file:
        for block in estimate:
            buffered = np.concatenate(waiting, axis=1)
            n = block.shape[1]
            choice.add(block)
            write(vocals_file, vocals.stem, block * np.float32(LEVEL))
            write(instrumental_file, instrumental.stem, (buffered[:, :n] - block) * np.float32(LEVEL))
            waiting[:] = [buffered[:, n:]]
            done += n
            report("separating", separated(spent, done / MUSIC_RATE, level))
    report("separating", 1.0)
    return choice.choose(), peaks


def separated(spent: float, seconds: float, level: SongLevel) -> float:
    """The share of separating that is done, after `spent` seconds of sound before the song and `seconds` of it."""
    return min(0.99, (spent + seconds) / (spent + level.seconds))
