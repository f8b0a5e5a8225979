"""Whether a sentence was read aloud in a recording, and in which notes its reader speaks.

Whisper's decoder says how probable the sentence's last words are in their order, and in others: a recording of other
words prefers none. So nothing is transcribed, and no word list is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.content import whisper_words
from models.pitch.trackers import PitchTrackers
from models.signal import Floats32
from models.speaker.resemblyzer import SpeakerEncoder
from pipeline import errors
from pipeline.listening.notes import Note, read_notes
from pipeline.progress import Report, ignore
from pipeline.sound.file_name import display_name
from pipeline.voices.own_note import OwnNote, note_heard

SAME_READER = 0.72
"""Cosine of a note with the seven seconds in which a sentence is read aloud. 1.9 % of 532 notes of the reader are below
(15 people; all ten have a single sung tone), 2.5 % of 8210 of somebody else above. At 0.68 0.8 % and 6.5 %, at 0.76
4.1 % and 0.6 %. A person's clips are of one microphone each; with another one more are refused."""
WORDS = 5
"""The last words of a sentence, which are compared with their other orders."""
LEAST_MARGIN = 6.0
"""30 readings by four synthetic voices (18 English, six in noise at 10 dB; 12 Korean) have 14 to 36, 60 of other
words -13 to 2.3. No person's reading was there to measure."""


@dataclass(frozen=True)
class Reading:
    """A sentence that was read aloud."""

    heard: OwnNote
    likeness: Floats32
    """(n,) cosine of its reader with who speaks in each of the notes; below SAME_READER it is somebody else."""


def hear_reading(
    note: Note, sentence: str, others: Floats32, speaker: SpeakerEncoder, pitch: PitchTrackers, report: Report = ignore
) -> Reading:
    """Hear a sentence that is read aloud; `others` (n, 256) are the embeddings of the notes of a training.

    Raises what `hear_note` raises, SentenceNotRead and WeightsError.
    """
    [(wav, levels)] = read_notes([note], report)
    heard = note_heard(wav, levels, note.name, np.zeros((0, 256), np.float32), speaker, pitch, report)
    if reading_margin(wav, sentence) < LEAST_MARGIN:
        raise errors.SentenceNotRead(name=display_name(note.name))
    return Reading(heard, np.asarray(others @ heard.embedding, np.float32))


def reading_margin(wav: Floats32, sentence: str) -> float:
    """By how many nats the sentence's last words fit mono (samples,) at 16 kHz better in their order than in others.

    The sentence ends with a list of words, parted by commas. Raises WeightsError.
    """
    parts = sentence.rstrip(". ").split(", ")
    before, words = ", ".join(parts[:-WORDS]), parts[-WORDS:]
    language = "ko" if any("가" <= letter <= "힣" for letter in sentence) else "en"
    texts = [f" {', '.join(order)}." for order in [words, *other_orders(words)]]
    own, *others = whisper_words.load().compare(wav, language, f" {before},", texts)
    return own - max(others)


def other_orders(words: Sequence[str]) -> list[list[str]]:
    """Orders in which (almost) no word is where it was: the list turned round, and both begun elsewhere."""
    backwards = list(reversed(words))
    turned = [[*line[start:], *line[:start]] for line in (list(words), backwards) for start in range(len(words))]
    return turned[1:]
