"""The embedded models, loaded when first needed and kept warm."""

from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models import content, mos, pitch, speaker, spleeter, voice
from models.checkpoint import SINGER_WEIGHTS
from models.rvc import Synthesizer
from models.speaker import SpeakerEncoder

from .retrieval import load_index

if TYPE_CHECKING:
    from models.ast import SingerEncoder


class LoadedModels:
    """One process's models on one device. Each property loads on first use and stays."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.voice = lru_cache(maxsize=4)(self._voice)

    @cached_property
    def separator(self) -> tuple[spleeter.UNet, spleeter.UNet]:
        """Vocals and accompaniment networks."""
        return spleeter.load(self.device)

    @cached_property
    def content(self) -> content.ContentEncoder:
        """The content encoder."""
        return content.load(self.device)

    @cached_property
    def pitch(self) -> pitch.PitchTrackers:
        """FCPE and SwiftF0."""
        return pitch.load(self.device)

    @cached_property
    def speaker(self) -> speaker.SpeakerEncoder:
        """The speaker encoder."""
        return speaker.load(self.device)

    @cached_property
    def singer(self) -> "SingerEncoder | SpeakerEncoder":
        """What `/match` compares by: the trained AST if one ships, else the speaker encoder."""
        if not SINGER_WEIGHTS.is_file():
            return self.speaker
        from models import ast  # transformers takes two seconds to import

        return ast.load(SINGER_WEIGHTS, self.device)

    @cached_property
    def mos(self) -> mos.MosPredictor:
        """The neural MOS predictor."""
        return mos.load(self.device)

    def _voice(self, model: Path, index: Path) -> tuple[Synthesizer, voice.VoiceInfo, Tensor, Tensor]:
        """A trained voice: network, card, retrieval rows (N, C), speaker embedding (256,)."""
        synthesizer, info = voice.load_voice(model, self.device)
        rows, embedding = load_index(index)
        return synthesizer, info, rows.to(self.device), embedding


def names() -> dict[str, str]:
    """The name of the model in each embedded role."""
    return {
        "separator": spleeter.NAME,
        "content": content.NAME,
        "f0": pitch.FCPE_NAME,
        "voicing": pitch.SWIFT_NAME,
        "speaker": speaker.NAME,
        "MOS": mos.NAME,
    }
