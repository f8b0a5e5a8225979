"""A small folder of songs in stems for `discovervoice prune` and `separators train`, from packages and a corpus.

    .venv/bin/python -m benchmarks.pruning CORPUS FOLDER

To learn from: the corpus's voices, spoken and sung, over made-up music. To measure on: a clip of a real song with its
true stems (stempeg's "Falcon 69", the samples before a click), and held-out voices over its instrumental and over other
made-up music. It stands in for MUSDB18-HQ where that is not at hand: it shows that a way works, not how good a
separator is.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.separation import stem
from lab.corpus.clips import CorpusClip, read_corpus, trainable
from lab.pretrain.synthetic_music import synthesize_music
from models.signal import MUSIC_RATE, Floats32

SONGS, SECONDS = 32, 20
VOICES = 5
"""That are measured on."""
HELD_OUT_SEED = 1_000_000
"""Of music that is measured on."""


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="what `discovervoice corpus build` made")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    clips = read_corpus(arguments.corpus)
    draw = np.random.default_rng(0)
    learnt = trainable(clips)
    sung = [clip for clip in learnt if clip.sung]
    for number in range(SONGS):
        chosen = sung if number % 2 and sung else learnt
        vocals = line(chosen, draw, SECONDS)
        music = synthesize_music(SECONDS, number)[:, : vocals.shape[1]]
        write(arguments.folder / "train" / f"Made - {number:02}", vocals, music, draw.uniform(0, 8))
    vocals, instrumental = stem(4), stem(1) + stem(2) + stem(3)
    write(arguments.folder / "test" / "The Easton Ellises - Falcon 69", vocals, instrumental, None, stem(0))
    for number, voice in enumerate(held_out_voices(clips)):
        vocals = line(voice, draw, instrumental.shape[1] / MUSIC_RATE)
        music = instrumental if number % 2 else synthesize_music(10, HELD_OUT_SEED + number)[:, : vocals.shape[1]]
        write(arguments.folder / "test" / f"Held out - {number:02} {voice[0].speaker}", vocals, music, 3.0)


def held_out_voices(clips: Sequence[CorpusClip]) -> Iterator[list[CorpusClip]]:
    """The clips of some held-out voices."""
    speakers = sorted({clip.speaker for clip in clips if clip.held_out})
    for speaker in speakers[:: max(1, len(speakers) // VOICES)][:VOICES]:
        yield [clip for clip in clips if clip.held_out and clip.speaker == speaker]


def line(clips: Sequence[CorpusClip], draw: np.random.Generator, seconds: float) -> Floats32:
    """Random clips one after the other (2, samples), in the middle of the stereo picture."""
    samples, parts, length = round(seconds * MUSIC_RATE), list[Floats32](), 0
    while length < samples:
        wav = clips[int(draw.integers(len(clips)))].read(MUSIC_RATE)
        parts.append(wav * (0.1 / max(1e-4, float(np.sqrt((wav**2).mean())))))
        length += len(wav)
    mono = np.concatenate(parts)[:samples]
    return np.stack([mono, mono]).astype(np.float32)


def write(
    folder: Path, vocals: Floats32, music: Floats32, decibels: float | None, mixture: Floats32 | None = None
) -> None:
    """Stems of one length, the vocals so many dB over the music (None: as they are); the mix is given, or their sum."""
    folder.mkdir(parents=True, exist_ok=True)
    gain = 1.0
    if decibels is not None:
        gain = 10 ** (decibels / 20) * float(np.sqrt((music**2).mean() / max(1e-10, (vocals**2).mean())))
    voice = vocals * np.float32(gain)
    mix = voice + music if mixture is None else mixture
    loudest = max(1.0, float(np.abs(mix).max()) / 0.9)
    for name, sound in (("vocals", voice), ("accompaniment", music), ("mixture", mix)):
        soundfile.write(folder / f"{name}.wav", (sound / loudest).T, MUSIC_RATE, subtype="FLOAT")


if __name__ == "__main__":
    main()
