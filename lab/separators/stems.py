"""Songs in stems, in the layout of MUSDB18-HQ, and random mixes of them.

Stems of different songs are mixed anew for every crop (Uhlich et al. 2017, "Improving music source separation based on
deep neural networks through data augmentation and network blending"): other places, other gains, channels swapped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from lab.errors import StemsError
from models.signal import MUSIC_RATE, Floats32

VOCALS, REST, MIXTURE = "vocals", "rest", "mixture"
"""The rest is what the mix holds beside the vocals."""
PARTS = ("drums", "bass", "other")
ACCOMPANIMENT = "accompaniment"
LOUDER, QUIETER = 1.25, 0.25
"""Limits of the random gains, as demucs draws them."""
EVERY = 7
"""One in so many songs of a folder without sides is held out, as of MUSDB18's 100 songs 14 are."""


@dataclass(frozen=True)
class StemSong:
    """A song; its files have one length, and lie at 44.1 kHz."""

    name: str
    files: dict[str, Path]
    """By stem; with `mixture` or all others of it."""
    samples: int

    def read(self, stem: str, start: int = 0, samples: int | None = None) -> Floats32:
        """A part of a stem (2, samples), or of the rest or the mix, computed where they have no file."""
        if stem in self.files:
            return _read(self.files[stem], start, samples)
        if stem == REST and ACCOMPANIMENT in self.files:
            return self.read(ACCOMPANIMENT, start, samples)
        if stem == REST and MIXTURE in self.files:
            return self.read(MIXTURE, start, samples) - self.read(VOCALS, start, samples)
        others = [name for name in self.files if name not in (VOCALS, MIXTURE)]
        wanted = others if stem == REST else [VOCALS, *others]
        return np.asarray(sum(self.read(name, start, samples) for name in wanted), np.float32)


@dataclass(frozen=True)
class StemSides:
    """What is learnt from, and what is measured on; no song is in both."""

    train: list[StemSong]
    held_out: list[StemSong]


@dataclass(frozen=True)
class StemMaterial:
    """Songs to draw crops from."""

    songs: Sequence[StemSong]
    stems: tuple[str, ...]
    """What a crop consists of; the mix is their sum."""
    remixed: float = 0.8
    """The share of crops whose stems come from different songs."""

    def draw(self, count: int, length: int, generator: torch.Generator) -> Tensor:
        """Random crops (count, stems, 2, length)."""
        return torch.stack([self._crop(length, generator) for _ in range(count)])

    def _crop(self, length: int, generator: torch.Generator) -> Tensor:
        remixed = float(torch.rand(1, generator=generator)) < self.remixed
        song, start = self._place(length, generator)
        waves = []
        for stem in self.stems:
            if remixed:
                song, start = self._place(length, generator)
            wave = torch.from_numpy(song.read(stem, start, length))
            wave = torch.nn.functional.pad(wave, (0, length - wave.shape[1]))
            if remixed:
                gain, swap, invert = torch.rand(3, generator=generator).tolist()
                wave = wave.flip(0) if swap < 0.5 else wave
                wave = wave * (QUIETER + (LOUDER - QUIETER) * gain) * (-1 if invert < 0.5 else 1)
            waves.append(wave)
        return torch.stack(waves)

    def _place(self, length: int, generator: torch.Generator) -> tuple[StemSong, int]:
        song = self.songs[int(torch.randint(len(self.songs), (1,), generator=generator))]
        return song, int(torch.randint(max(1, song.samples - length + 1), (1,), generator=generator))


def read_sides(folder: Path, stems: Sequence[str]) -> StemSides:
    """Songs to learn from and to measure on: the parts `train` and `test`, else one song in seven is held out.

    Raises StemsError: no such layout, a song without a stem, of other rates or lengths, without vocals, or only one.
    """
    if not folder.is_dir():
        raise StemsError(f"There is no folder {folder}.")
    train, test = folder / "train", folder / "test"
    if train.is_dir() and test.is_dir():
        return StemSides(_songs(train, stems), _songs(test, stems))
    songs = _songs(train if train.is_dir() else folder, stems)
    if len(songs) < 2:
        raise StemsError(
            f"{folder} holds one song. One to learn from and another to measure on are needed; add a second."
        )
    held_out = songs[::EVERY]
    return StemSides([song for song in songs if song not in held_out], held_out)


def _songs(folder: Path, stems: Sequence[str]) -> list[StemSong]:
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    songs = [_song(path, stems) for path in folders if any(path.glob("*.wav"))]
    if songs:
        return songs
    if any(folder.glob("*.stem.mp4")):
        raise StemsError(
            f"{folder} holds MUSDB18's *.stem.mp4, whose stems do not sum to their mix. MUSDB18-HQ is needed."
        )
    raise StemsError(
        f"{folder} holds no songs in stems. They are folders with vocals.wav and either mixture.wav or "
        f"{', '.join(f'{part}.wav' for part in PARTS)} (MUSDB18-HQ)."
    )


def _song(folder: Path, stems: Sequence[str]) -> StemSong:
    known = (MIXTURE, VOCALS, ACCOMPANIMENT, *PARTS)
    files = {stem: path for stem in known if (path := folder / f"{stem}.wav").is_file()}
    needed = [VOCALS, *(stem for stem in stems if stem not in (VOCALS, REST))]
    if missing := [stem for stem in needed if stem not in files]:
        raise StemsError(f"{folder.name} has no {missing[0]}.wav. Add it, or take the folder out.")
    if not {MIXTURE, ACCOMPANIMENT} & files.keys() and not all(part in files for part in PARTS):
        raise StemsError(f"{folder.name} has vocals alone: mixture.wav is missing. Add it, or take the folder out.")
    lengths = {stem: _length(folder.name, path) for stem, path in files.items()}
    if len(set(lengths.values())) > 1:
        (first, a), (second, b) = sorted(lengths.items(), key=lambda item: item[1])[:: len(lengths) - 1]
        raise StemsError(
            f"{folder.name}: {first}.wav has {a} samples and {second}.wav has {b}. Stems of a song must be of one "
            "length; take the folder out."
        )
    song = StemSong(folder.name, files, lengths[VOCALS])
    if _silent(files[VOCALS]):
        raise StemsError(f"{folder.name}: vocals.wav is silent from end to end. Take the folder out.")
    return song


def _length(song: str, path: Path) -> int:
    try:
        info = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise StemsError(f"{song}: {path.name} cannot be read as WAV: it is damaged or something else.") from error
    if info.samplerate != MUSIC_RATE:
        raise StemsError(f"{song}: {path.name} has {info.samplerate} Hz, not {MUSIC_RATE}. Resample it.")
    if info.channels > 2:
        raise StemsError(f"{song}: {path.name} has {info.channels} channels; stereo is needed.")
    if not info.frames:
        raise StemsError(f"{song}: {path.name} is empty. Take the folder out.")
    return int(info.frames)


def _silent(path: Path) -> bool:
    return not any(block.any() for block in soundfile.blocks(path, blocksize=1 << 20, dtype="float32"))


def _read(path: Path, start: int, samples: int | None) -> Floats32:
    with soundfile.SoundFile(path) as file:
        file.seek(min(start, file.frames))
        sound = file.read(-1 if samples is None else samples, dtype="float32", always_2d=True)
    return np.ascontiguousarray(np.broadcast_to(sound.T, (2, len(sound))) if sound.shape[1] == 1 else sound.T)
