"""Reading uncompressed sound with libsndfile: WAV of every width, AIFF, CAF, W64, RF64, AU and its rarer formats.

It is asked only about files that begin as one of these: of all else it would search for an MP3, and print. Formats
without a sign of their own at the start (HTK, MAT4, MPC 2000, MIDI sample dumps) are left out.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

import soundfile
from soundfile import SoundFile

from models.signal import Floats32
from pipeline.sound.opened import OpenedSound
from pipeline.sound.promise import peek
from pipeline.sound.surround import in_stereo, stereo_count, usual_names

SIGNS = {
    *b"RIFF RIFX RF64 riff FORM caff .snd dns. NIST Crea PVF1 2BIT MATL Exte ALaw".split(),
    *(b" paf", b"fap "),
    *(bytes([0x64, 0xA3, machine, 0]) for machine in (1, 2, 3)),  # IRCAM, of either end
    *(bytes([0, machine, 0xA3, 0x64]) for machine in (1, 2, 3)),
}
BLOCK = 1 << 14  # samples


@contextmanager
def open_with_libsndfile(file: BinaryIO) -> Iterator[OpenedSound | None]:
    """The sound of `file`, None if FFmpeg is the one to ask.

    It is given a descriptor, no name: it would believe the suffix.
    """
    if peek(file, 0, 4) not in SIGNS:
        yield None
        return
    handle = os.dup(file.fileno())
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        sound = SoundFile(handle, closefd=False)
    except (soundfile.LibsndfileError, ValueError, TypeError):
        os.close(handle)
        yield None
        return
    try:
        with sound:
            yield None if sound.frames == 0 or sound.subtype.startswith("MPEG") else _opened(sound)
    finally:
        os.close(handle)


def _opened(sound: SoundFile) -> OpenedSound:
    seconds = sound.frames / sound.samplerate if sound.samplerate > 0 else None
    channels = stereo_count(usual_names(sound.channels))
    return OpenedSound(sound.subtype.lower(), sound.samplerate, channels, seconds, True, _frames(sound))


def _frames(sound: SoundFile) -> Iterator[tuple[int, Floats32]]:
    with suppress(soundfile.LibsndfileError):  # a file that breaks ends here
        while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
            yield sound.samplerate, in_stereo(block.T, usual_names(sound.channels))
