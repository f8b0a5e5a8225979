"""A voice from a note or a few, untrained: the embedded base sings with the embedding of whoever speaks in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from models.harmonic import voice_base
from models.pitch.trackers import Voicing
from models.signal import Floats32
from models.voice_file import VoiceInfo, save_voice
from pipeline.errors import NotEnoughSpeech
from pipeline.listening.features import extract
from pipeline.listening.notes import Note, has_narrowband, normalize_level, read_notes, seconds_of_voice
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.training.intake import sounding
from pipeline.voices.owner import owner_heard
from pipeline.voices.retrieval import save_index

LEAST_SECONDS = 10.0
"""Of voice; the embedding of less is another one at every second note."""


@dataclass(frozen=True)
class InstantVoice:
    """The files of a voice that was not trained."""

    model: Path
    index: Path
    seconds: float
    """Of voice that it was made from."""
    median_f0: float
    """In Hz; 0 where too little of it has a pitch."""
    narrowband: bool
    """A note is of telephone quality."""


def instant_voice(notes: Sequence[Note], models: ModelPool, out_dir: Path, report: Report = ignore) -> InstantVoice:
    """Write `voice.safetensors` and `voice.index.safetensors` into `out_dir`, in seconds.

    Raises what `read_notes` and `owner_heard` raise, NotEnoughSpeech (under 10 s of voice), WeightsError, DiskFull.
    """
    read = read_notes(notes, report)
    report("listening", 0.0)
    sounds = [sound for sound, _ in read]
    voicings = [models.pitch.voicing(sound) for sound in sounds]
    seconds = sum(seconds_of_voice(sure, levels) for (_, sure), (_, levels) in zip(voicings, read, strict=True))
    if seconds < LEAST_SECONDS:
        raise NotEnoughSpeech(seconds=seconds, limit=LEAST_SECONDS)
    owner = owner_heard(sounds, voicings, [note.name for note in notes], models.speaker)
    report("listening", 0.3)
    rows = [_rows(sound, voicing, models) for sound, voicing in zip(sounds, voicings, strict=True)]
    info = VoiceInfo(
        content_model=models.text.model_id,
        base=voice_base.UNTRAINED,
        median_f0=owner.median_f0,
        steps=0,
        seconds=seconds,
    )
    model, index = out_dir / "voice.safetensors", out_dir / "voice.index.safetensors"
    save_voice(model, voice_base.load_base(owner.embedding, models.text.model_id).voice, info)
    save_index(index, torch.from_numpy(np.concatenate(rows)), owner.embedding)
    report("listening", 1.0)
    return InstantVoice(model, index, seconds, owner.median_f0, has_narrowband(sounds))


def _rows(sound: Floats32, voicing: Voicing, models: ModelPool) -> Floats32:
    """Content features (n, C) of what sounds in a note, (samples,) at 16 kHz."""
    features = extract(normalize_level(sound), models.text, models.pitch, voicing)
    return features.content[sounding(features)[::2][: len(features.content)]]
