"""Content encoder: 80 log-mels at 16 kHz → 50 frames/s of features (192-d) that keep the words and lose the speaker.

A student of Whisper base (layer 5, centred over time): Radford et al., "Robust Speech Recognition via Large-Scale
Weak Supervision", 2022. Its training: docs/weights.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.functional import melscale_fbanks

from models.convolution import Conv1d
from models.signal import SPEECH_RATE
from models.weights.integrity import WEIGHTS, load_tensors

NAME = "content student (1.8 M, of Whisper base)"
MODEL_ID = "content-student-74b995ba"
SHA256 = "74b995bace51d4cefaadcd16a23deaa1caec424331cc32cf86f362ae73995d7e"
HOP = 320  # samples per feature frame: 50 frames/s
WIDTH = 192
MELS = 80


class TransformerBlock(nn.Module):
    """Pre-norm transformer block with a depthwise convolution in front as positional encoding."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.n1, self.q, self.o = nn.LayerNorm(width), nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.n2, self.a, self.b = (
            nn.LayerNorm(width),
            nn.Linear(width, 3 * width),
            nn.Linear(3 * width, width),
        )
        self.c = Conv1d(width, width, 7, padding=3, groups=width)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) → (B, T, C)."""
        batch, time, _ = x.shape
        x = x + self.c(x.transpose(1, 2)).transpose(1, 2)
        q, k, v = (part.view(batch, time, self.heads, -1).transpose(1, 2) for part in self.q(self.n1(x)).chunk(3, -1))
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = x + self.o(attended)
        return x + self.b(F.gelu(self.a(self.n2(x))))  # type: ignore[no-any-return]


class ContentStudent(nn.Module):
    """Two convolutions (the second halves the rate), transformer blocks, and two linear heads.

    `o` predicts the teacher's features. `p` projects to the student's own: the principal components of that prediction,
    each divided by the square root of its deviation, so that rare phones count beside frequent ones.
    """

    mel_basis: Tensor
    window: Tensor
    rate = SPEECH_RATE
    centred = True
    """Its features are used minus their mean over time."""
    model_id, cache_id, name = MODEL_ID, MODEL_ID, NAME

    def __init__(self, width: int = WIDTH, layers: int = 4, teacher: int = 512) -> None:
        super().__init__()
        self.width = width
        self.c1, self.c2 = Conv1d(MELS, width, 3, padding=1), Conv1d(width, width, 3, 2, 1)
        self.b = nn.ModuleList([TransformerBlock(width) for _ in range(layers)])
        self.n, self.o = nn.LayerNorm(width), nn.Linear(width, teacher)
        self.p = nn.Linear(width, width, bias=False)
        basis = melscale_fbanks(201, 0.0, SPEECH_RATE / 2, MELS, SPEECH_RATE, norm="slaney", mel_scale="slaney")
        self.register_buffer("mel_basis", basis.T.contiguous(), persistent=False)
        self.register_buffer("window", torch.hann_window(400), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.mel_basis.device

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 80, T) log-mels at 100 frames/s → (B, ceil(T / 2), C) features at 50 frames/s."""
        features: Tensor = self.p(self.hidden(mel))
        return features

    def hidden(self, mel: Tensor) -> Tensor:
        """(B, 80, T) → (B, ceil(T / 2), C), the input of both heads."""
        x = F.gelu(self.c2(F.gelu(self.c1(mel)))).transpose(1, 2)
        for block in self.b:
            x = block(x)
        return self.n(x)  # type: ignore[no-any-return]

    def log_mel(self, wav: Tensor) -> Tensor:
        """(samples,) at 16 kHz → (80, samples // 160): each band centred, then scaled to unit deviation."""
        spectrum = torch.stft(wav, 400, 160, window=self.window, return_complex=True)[:, :-1].abs() ** 2
        mel = (self.mel_basis @ spectrum).clamp(min=1e-8).log10()
        return (mel - mel.mean(1, keepdim=True)) / (mel.std() + 1e-3)

    @staticmethod
    def warped(mel: Tensor, warp: float, generator: torch.Generator) -> Tensor:
        """Augmented log-mels (B, 80, T): vocal tract length perturbation by up to `warp`, random tilt, and noise."""
        count = len(mel)
        stretch = torch.empty(count, 1).uniform_(-warp, warp, generator=generator).exp()
        position = (torch.arange(MELS) * stretch).clamp(0, MELS - 1).to(mel.device)
        lower = position.floor().long()
        upper = (lower + 1).clamp(max=MELS - 1)
        fraction = (position - lower)[..., None]
        rows = torch.arange(count, device=mel.device)[:, None]
        warped = mel[rows, lower] * (1 - fraction) + mel[rows, upper] * fraction
        slope = torch.empty(count, 1, 1).uniform_(-0.4, 0.4, generator=generator)
        tilt = torch.linspace(-1, 1, MELS)[:, None] * slope + 0.1 * torch.randn(count, MELS, 1, generator=generator)
        return warped + tilt.to(mel.device)

    @torch.inference_mode()
    def encode(self, wav: Tensor) -> Tensor:
        """(samples,) at 16 kHz → (frames, C) at 50 frames/s."""
        return self(self.log_mel(wav)[None])[0]  # type: ignore[no-any-return]


def centred(features: Tensor, dim: int = -2) -> Tensor:
    """Features (…, T, C) minus their mean over time, which holds the speaker and the room more than words."""
    return features - features.mean(dim, keepdim=True)


def load(device: torch.device | str = "cpu") -> ContentStudent:
    """The embedded encoder, in evaluation mode. Raises WeightsError."""
    encoder = ContentStudent()
    encoder.load_state_dict(load_tensors(WEIGHTS / "content_student.safetensors", SHA256))
    return encoder.eval().to(device)
