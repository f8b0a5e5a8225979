"""Whether a recording is fit to train its sender's voice, and how much voice is in it."""

from dataclasses import dataclass

import numpy as np

from models.pitch.trackers import PitchTrackers
from models.signal import SPEECH_RATE, Floats32
from models.speaker.resemblyzer import SpeakerEncoder
from pipeline import errors
from pipeline.listening.music import check_music
from pipeline.listening.notes import Note, check_voice, read_notes, seconds_of_voice
from pipeline.listening.same_speaker import check_one_speaker, embed_windows
from pipeline.progress import Report, ignore
from pipeline.sound.file_name import display_name
from pipeline.sound.levels import Levels
from pipeline.sound.noise import check_noise
from pipeline.voices.owner import speaker_embedding

LEAST_SECONDS = 2.0
"""Of voice; the embedding of less is nobody's."""
SAME_PERSON = 0.68
"""Median cosine with the other notes. Beside clips of the same person 1.3 % of 159 are refused (15 people, most clips
13 s long; the two are single sung tones), beside somebody else's 5.3 % of 7752 pass. At 0.62 none and 18 %, at 0.72
3.8 % and 1.7 %. Training compares again, window by window."""


@dataclass(frozen=True)
class OwnNote:
    """A note that can be trained on."""

    seconds: float
    """Of voice."""
    embedding: Floats32
    """(256,) by models.speaker.resemblyzer, of length 1."""


def hear_note(
    note: Note, others: Floats32, speaker: SpeakerEncoder, pitch: PitchTrackers, report: Report = ignore
) -> OwnNote:
    """Hear one note; `others` (n, 256) are the embeddings of its sender's other notes.

    Raises what `read_notes` raises, VoiceMissing (under 2 s of voice), OnlyNoise, MusicBehind, Noisy, SeveralSpeakers,
    and OtherSpeaker (it is of somebody else than most of the others).
    """
    [(wav, levels)] = read_notes([note], report)
    return note_heard(wav, levels, note.name, others, speaker, pitch, report)


def note_heard(
    wav: Floats32,
    levels: Levels,
    name: str,
    others: Floats32,
    speaker: SpeakerEncoder,
    pitch: PitchTrackers,
    report: Report = ignore,
) -> OwnNote:
    """The same of a note that was read, (samples,) at 16 kHz, with its levels. Raises what it does, but of reading."""
    report("listening", 0.0)
    f0, confidence = pitch.voicing(wav)
    seconds = seconds_of_voice(confidence, levels)
    check_voice(wav, seconds, LEAST_SECONDS, name)
    windows = embed_windows(wav, speaker)
    if not len(windows):
        raise errors.VoiceMissing(name=display_name(name), seconds=0.0, limit=LEAST_SECONDS)
    check_music(wav, f0, confidence, name)
    check_noise(wav, SPEECH_RATE, name)
    check_one_speaker([windows], [name])
    embedding = np.asarray(speaker_embedding([windows]), np.float32)
    if len(others) and float(np.median(others @ embedding)) < SAME_PERSON:
        raise errors.OtherSpeaker(names=display_name(name))
    report("listening", 1.0)
    return OwnNote(seconds, embedding)
