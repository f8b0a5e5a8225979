"""From a folder of songs to training material: every song separated, cut, checked and assigned to a side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cli.song_folder import LabelledSong, list_songs
from files.atomic import atomic_write
from lab.classifiers import crops
from lab.classifiers.crops import SongMaterial
from lab.classifiers.split import By, Split, check, enough, make_split, without_duplicates
from lab.classifiers.vocals import alone, separated
from lab.errors import SingersError
from lab.pretrain.mel_augment import mel_frames
from lab.pretrain.synthetic_music import synthesize_music
from models.signal import MUSIC_RATE, SPEECH_RATE
from pipeline.errors import UnreadableSound, UnsuitableSound
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.sound.file_name import display_name
from pipeline.sound.resample import resample

Say = Callable[[str], None]
PIECES, PIECE_SECONDS = 12, 12.0
"""Of synthetic music, where songs bring none."""


@dataclass(frozen=True)
class PreparationOptions:
    """What of a folder is used, and how."""

    separated: bool = False
    """The files are vocals already."""
    min_songs: int = 5
    by: By = "album"
    seed: int = 0


@dataclass(frozen=True)
class Prepared:
    """Songs by side, and the material of each."""

    split: Split
    material: dict[LabelledSong, SongMaterial]
    music: tuple[NDArray[np.float16], ...]
    """Synthetic accompaniments; none where songs bring their own."""


def prepare(
    folder: Path, cache: Path, options: PreparationOptions, models: ModelPool, report: Report = ignore, say: Say = print
) -> Prepared:
    """Prepare a folder; `say` gets one sentence for everything that is left out.

    Raises SingersError where too little is left, and SoundError for what is not a song's fault (a full disk).
    """
    songs, complaints = list_songs(folder)
    songs, few = enough(songs, options.min_songs)
    for sentence in complaints + few:
        say(sentence)
    cache.mkdir(parents=True, exist_ok=True)
    material = _cut_all(songs, cache, options.separated, models, report, say)
    sounds = {song: cut.sound for song, cut in material.items()}
    unique, doubles = without_duplicates(list(material), sounds)
    for sentence in doubles:
        say(sentence)
    split = make_split(unique, options.min_songs, options.by, options.seed)
    for sentence in split.complaints:
        say(sentence)
    check(split, sounds, options.by)
    own = any(len(material[song].music) for song in split.sides["train"])
    return Prepared(split, material, () if own else _synthetic(cache, report))


def _cut_all(
    songs: Sequence[LabelledSong], cache: Path, voices: bool, models: ModelPool, report: Report, say: Say
) -> dict[LabelledSong, SongMaterial]:
    """Separate and cut every song; what cannot be used is left out with a sentence."""
    stage = "listening" if voices else "separating"
    material = {}
    for number, song in enumerate(songs):
        name = display_name(song.path.name)

        def within(_: str, fraction: float, number: int = number) -> None:
            report(stage, (number + 0.9 * fraction) / len(songs))

        within(stage, 0.0)
        try:
            parts = alone(song.path, cache) if voices else separated(song.path, song.path.name, models, cache, within)
            cut = crops.prepare(song.path, parts, models)
        except (UnreadableSound, UnsuitableSound) as error:
            say(f"{str(error).removesuffix('.')}; the song was left out.")
            continue
        except PermissionError:
            say(f"{name} may not be read; the song was left out.")
            continue
        if cut.crops:
            material[song] = cut
        else:
            say(f"In {name} too little voice was heard; the song was left out.")
    report(stage, 1.0)
    if not material:
        raise SingersError("No song of the folder can be used.")
    return material


def _synthetic(cache: Path, report: Report) -> tuple[NDArray[np.float16], ...]:
    """Frames (T, 128) of pieces by rule, cached."""
    folder = cache / "music"
    folder.mkdir(exist_ok=True)
    for seed in range(PIECES):
        cached = folder / f"{seed:02}.npy"
        if not cached.exists():
            piece = resample(synthesize_music(PIECE_SECONDS, seed).mean(0), MUSIC_RATE, SPEECH_RATE)
            with atomic_write(cached) as file:
                np.save(file, mel_frames(piece))
        report("playing music", (seed + 1) / PIECES)
    return tuple(np.load(folder / f"{seed:02}.npy", allow_pickle=False) for seed in range(PIECES))
