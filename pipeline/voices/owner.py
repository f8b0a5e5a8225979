"""The owner of a voice: median f0 and speaker embedding, estimated from a few recordings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.pitch.trackers import HIGHEST, LOWEST, SWIFT_HOP, VOICED_CONFIDENCE, PitchTrackers, Voicing
from models.signal import SPEECH_RATE, Floats32
from models.speaker.resemblyzer import WIDTH, SpeakerEncoder
from pipeline.errors import NotEnoughSpeech
from pipeline.listening.notes import Note, read_notes
from pipeline.listening.same_speaker import check_one_speaker, embed_windows

VOICING_SECONDS = SWIFT_HOP / SPEECH_RATE
LEAST_SECONDS = 3.0


@dataclass(frozen=True)
class Owner:
    """What a voice's card holds of its owner, to choose an octave and to be measured."""

    median_f0: float
    """Hz."""
    embedding: Tensor
    """(256,) by models.speaker.resemblyzer, of length 1."""


def analyze_owner(recordings: Sequence[Note], speaker: SpeakerEncoder, pitch: PitchTrackers) -> Owner:
    """A person's pitch and speaker embedding, from recordings of about ten seconds or more.

    Raises what `read_notes` and `owner_heard` raise.
    """
    wavs = [wav for wav, _ in read_notes(recordings)]
    names = [recording.name for recording in recordings]
    return owner_heard(wavs, [pitch.voicing(wav) for wav in wavs], names, speaker)


def owner_heard(
    wavs: Sequence[Floats32], voicings: Sequence[Voicing], names: Sequence[str], speaker: SpeakerEncoder
) -> Owner:
    """The same from recordings that were read, each (samples,) at 16 kHz, and what SwiftF0 heard in each.

    Raises SeveralSpeakers, OtherSpeaker, and NotEnoughSpeech (less than 3 s with a pitch, or nothing that the speaker
    encoder takes for speech).
    """
    windows = [embed_windows(wav, speaker) for wav in wavs]
    check_one_speaker(windows, names)
    f0 = np.concatenate([_voiced_f0(*voicing) for voicing in voicings])
    seconds = len(f0) * VOICING_SECONDS
    if seconds < LEAST_SECONDS or not any(map(len, windows)):
        spoken = seconds if any(map(len, windows)) else 0.0
        raise NotEnoughSpeech(seconds=spoken, limit=LEAST_SECONDS)
    return Owner(median_pitch(f0, VOICING_SECONDS), speaker_embedding(windows))


def median_pitch(voiced: Floats32, frame_seconds: float) -> float:
    """Median f0 in Hz of voiced frames (n,); 0 if they last less than 3 s: so few may be slips of the tracker."""
    return float(np.median(voiced)) if len(voiced) * frame_seconds >= LEAST_SECONDS else 0.0


def speaker_embedding(windows: Sequence[Floats32]) -> Tensor:
    """The mean direction (256,) of all recordings' windows (n, 256); zero if there is no window."""
    vectors = np.concatenate(list(windows))
    return F.normalize(torch.from_numpy(vectors.mean(0)), dim=0) if len(vectors) else torch.zeros(WIDTH)


def _voiced_f0(f0: Floats32, confidence: Floats32) -> Floats32:
    return f0[(confidence >= VOICED_CONFIDENCE) & (f0 >= LOWEST) & (f0 <= HIGHEST)]
