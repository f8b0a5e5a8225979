"""The content encoder of h24 voices: Whisper base, then a map to what hibari-tts's text encoder gives its decoder.

Whisper's layers keep the words but know the speaker; the map was trained to give the same 128 features for the same
phones whoever says them (docs/weights.md), so that the decoder hears what is said and hardly who says it.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from models.content import whisper
from models.convolution import Conv1d
from models.harmonic.config import HarmonicConfig
from models.harmonic.network import ConvNeXtBlock
from models.precision import adaptive_precision, precision
from models.signal import SPEECH_RATE
from models.weights.integrity import WEIGHTS, load_tensors

NAME = "Whisper base, layers 4 and 6, mapped to text features"
FILE = WEIGHTS / "h24_content.safetensors"
SHA256 = "6fa00b0be347c6c3e576f12a676b9ae6acf869d91f21519887bd546a919edfeb"
MODEL_ID = f"whisper-text-{SHA256[:8]}"
LAYERS = (4, 6)
WIDTH = 128
BLOCKS = 5
CONTEXT = 2 * SPEECH_RATE
"""Samples before and after a piece that are encoded with it."""
PIECE = whisper.MOST_SAMPLES - 2 * CONTEXT


class TextMap(nn.Module):
    """Whisper's layers → text features, at 50 frames/s both."""

    def __init__(self, width: int = 256) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(whisper.WIDTH * len(LAYERS))
        self.inp = Conv1d(whisper.WIDTH * len(LAYERS), width, 3, padding=1)
        config = HarmonicConfig(width=width, hidden=2 * width, speaker_width=0)
        self.b = nn.ModuleList([ConvNeXtBlock(config) for _ in range(BLOCKS)])
        self.on, self.out = nn.LayerNorm(width), nn.Linear(width, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, 1024) → (B, T, 128)."""
        y = self.inp(self.norm(x).mT)
        for block in self.b:
            y = block(y)
        return self.out(self.on(y.mT))  # type: ignore[no-any-return]


class HeardLayers:
    """Whisper's layers as they are; it implements `ContentEncoder`, for training the map and what follows it."""

    centred = False
    width = whisper.WIDTH * len(LAYERS)
    model_id = cache_id = f"whisper-{'-'.join(map(str, LAYERS))}"
    name = f"{whisper.NAME}, layers {' and '.join(map(str, LAYERS))}"

    def __init__(self, encoder: whisper.WhisperEncoder) -> None:
        self.whisper = encoder

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.whisper.window.device

    def encode(self, wav: Tensor) -> Tensor:
        """(samples,) at 16 kHz → (ceil(samples // 160 / 2), 1024)."""
        return self.layers(wav)

    @torch.inference_mode()
    def layers(self, wav: Tensor) -> Tensor:
        """What `encode` of this class gives, in subclasses too; what is longer than 30 s goes in pieces."""
        frames = -(-(len(wav) // 160) // 2)
        padded = nn.functional.pad(wav, (0, frames * whisper.HOP + 2 * whisper.HOP - len(wav)))
        pieces = []
        for start in range(0, frames * whisper.HOP, PIECE):
            low = max(0, start - CONTEXT)
            heard = self.whisper.encode(padded[low : start + PIECE + CONTEXT], *LAYERS)
            pieces.append(heard[(start - low) // whisper.HOP :][: PIECE // whisper.HOP])
        return torch.cat(pieces)[:frames]


class WhisperText(HeardLayers):
    """Whisper's layers and the map."""

    width = WIDTH
    model_id, cache_id, name = MODEL_ID, MODEL_ID, NAME

    def __init__(self, encoder: whisper.WhisperEncoder, text_map: TextMap, bf16: bool | None = False) -> None:
        """`bf16` is as in `adaptive_precision`."""
        super().__init__(encoder)
        self.map = text_map
        self._features = adaptive_precision(self.name, self._run, self.device, bf16)

    @torch.inference_mode()
    def encode(self, wav: Tensor) -> Tensor:
        """(samples,) at 16 kHz → (ceil(samples // 160 / 2), 128)."""
        return self._features(wav)

    def _run(self, wav: Tensor, half: bool) -> Tensor:
        with precision(self.device, half):
            features: Tensor = self.map(self.layers(wav)[None])[0]
        return features.float()


def load(
    device: torch.device | str = "cpu", path: Path = FILE, sha256: str = SHA256, *, bf16: bool | None = False
) -> WhisperText:
    """The encoder, in evaluation mode. Raises WeightsError."""
    with torch.device("meta"):
        text_map = TextMap()
    text_map.load_state_dict(load_tensors(path, sha256), assign=True)
    return WhisperText(whisper.load().to(device), text_map.eval().to(device), bf16)
