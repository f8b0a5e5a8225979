"""A member's voice notes prepared for training: decoded and checked, their features extracted once."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_opening, median_filter

from files.disk import disk_full
from models.content.encoder import ContentEncoder
from models.pitch.trackers import Voicing
from models.signal import SPEECH_RATE, Floats32
from pipeline.errors import NotEnoughSpeech
from pipeline.listening.features import Features, extract
from pipeline.listening.frames import FRAME_RATE
from pipeline.listening.music import check_music
from pipeline.listening.notes import Note, normalize_level, read_notes_at, seconds_of_voice
from pipeline.listening.same_speaker import check_one_speaker, embed_windows
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore, uninterrupted
from pipeline.sound.levels import Levels
from pipeline.sound.noise import check_noise
from pipeline.training.recording import Recording, keep_recording, kept_recording

MIN_VOICE_SECONDS = 30.0
KEPT_AROUND = FRAME_RATE // 2  # frames before and after voice: breaths, and the ends of words


def prepare(
    notes: Sequence[Note],
    rate: int,
    models: ModelPool,
    work_dir: Path,
    report: Report = ignore,
    encoder: ContentEncoder | None = None,
) -> list[Recording]:
    """Everything that training needs from the notes; it is kept in `work_dir` for a retry.

    Content features are `encoder`'s, or the embedded one's.

    A note is brought to level before features are extracted: SwiftF0 misses a quarter of the voiced frames at
    -54 dBFS. So a quiet note is as good as a loud one, unless it is noisy.

    Until all notes are checked their sound lies in files: memory does not grow with their number.

    Raises DiskFull, what `read_notes` raises, NotEnoughSpeech, MusicBehind, Noisy, SeveralSpeakers and OtherSpeaker.
    """
    encoder = encoder or models.text
    form = f"{encoder.cache_id}+{models.pitch.model_id}+{rate}"
    kept = [work_dir / f"note-{number}-{form}.npz" for number in range(len(notes))]
    if all(path.exists() for path in kept):
        report("listening", 1.0)
        return [kept_recording(path) for path in kept]
    recordings = []
    with disk_full(), _scratch(work_dir / "sound") as scratch:
        heard = _checked(notes, rate, models, scratch, uninterrupted(report))
        for number, (path, one) in enumerate(zip(kept, heard, strict=True)):
            if not path.exists():
                features = extract(normalize_level(_sound(one.low)), encoder, models.pitch, one.voicing)
                wav = _fit(_sound(one.wav), len(features) * rate // 100)
                keep_recording(path, Recording(normalize_level(wav), features, one.levels, one.windows, one.seconds))
            recordings.append(kept_recording(path))
            report("listening", 0.5 + (number + 1) / len(notes) / 2)
    return recordings


@dataclass(frozen=True)
class _Heard:
    """A note at 16 kHz and at the voice's rate, each (samples,) in a file, and what was heard of it."""

    low: Path
    wav: Path
    levels: Levels
    voicing: Voicing
    windows: Floats32
    """(n, 256), the embeddings of its windows."""

    @property
    def seconds(self) -> float:
        """Of voice."""
        return seconds_of_voice(self.voicing[1], self.levels)


def _checked(notes: Sequence[Note], rate: int, models: ModelPool, scratch: Path, report: Report) -> list[_Heard]:
    """The notes, if a voice can be trained on them."""
    names = [note.name for note in notes]
    lows, wavs = ([scratch / f"{number}-{kind}.f32" for number in range(len(notes))] for kind in ("low", "wav"))
    levels = []
    for low, wav, read in zip(lows, wavs, read_notes_at(notes, rate, report), strict=True):
        low.write_bytes(read[0].tobytes())
        wav.write_bytes(read[1].tobytes())
        levels.append(read[2])
    report("listening", 0.0)
    voicings = [models.pitch.voicing(_sound(low)) for low in lows]
    seconds = sum(seconds_of_voice(sure, of_note) for (_, sure), of_note in zip(voicings, levels, strict=True))
    if seconds < MIN_VOICE_SECONDS:
        raise NotEnoughSpeech(seconds=seconds, limit=MIN_VOICE_SECONDS)
    for low, voicing, name in zip(lows, voicings, names, strict=True):
        sound = _sound(low)
        check_music(sound, *voicing, name)
        check_noise(sound, SPEECH_RATE, name)
    windows = []
    for low in lows:
        windows.append(embed_windows(_sound(low), models.speaker))
        report("listening", len(windows) / len(notes) / 2)
    check_one_speaker(windows, names)
    return [_Heard(*one) for one in zip(lows, wavs, levels, voicings, windows, strict=True)]


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A new folder in the place of one that a killed process left; it goes in the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sound(path: Path) -> Floats32:
    return np.fromfile(path, np.float32)


def sounding(features: Features) -> NDArray[np.bool_]:
    """(T,) frames within half a second of voice, however quiet: breaths stay, silence goes, also if it hisses.

    Voice is what stands 10 dB out of the noise and is within 30 dB of the loudest half second, or is voiced and within
    40 dB of it; what is shorter than 50 ms, like a click, is none.
    """
    level_db = 20 * np.log10(np.maximum(median_filter(features.rms, 5), 1e-6))
    loud = np.sort(level_db)[-min(len(level_db), FRAME_RATE // 2)]
    stands_out = level_db > min(max(np.percentile(level_db, 10) + 10, loud - 30), loud - 6)
    voice = binary_opening(stands_out | (features.voiced & (level_db > loud - 40)), np.ones(5))
    return np.asarray(binary_dilation(voice, np.ones(2 * KEPT_AROUND + 1)))


def _fit(wav: Floats32, length: int) -> Floats32:
    return np.pad(wav[:length], (0, max(0, length - len(wav))))
