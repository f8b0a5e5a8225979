"""Speaker embedding by Resemblyzer (GE2E): Wan et al., "Generalized End-to-End Loss for Speaker
Verification", 2018.

Its mel spectrogram has no logarithm and its package raises only what is below -30 dBFS, so by itself it hears how loud
a recording is. Here speech comes to one level, from above and from below: no gain and no silence changes an embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torchaudio.functional import melscale_fbanks

from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import packaged, verify

NAME = "Resemblyzer 0.1.4"
SHA256 = "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
WIDTH = 256
WINDOW, HOP, BINS = 400, 160, 40
FRAMES = 160
"""Of a window of the network."""
AT_ONCE = 32
"""Windows; more are no faster."""
SILENT = 1e-6
"""Root mean square: what a codec leaves of silence is not raised."""
VOICES_DB = -30.0
"""Root mean square of speech, dBFS, at which voices are embedded: their base was trained with such vectors."""
SINGERS_DB = -22.0
"""At which `/match` compares: an equal error rate of 2.2 % over the library's pairs of clips, at VOICES_DB 4.4 %."""


@dataclass(frozen=True)
class SpeakerEncoder:
    """A loaded encoder; see `load`."""

    network: torch.nn.Module
    level_db: float = VOICES_DB
    name: str = NAME
    labels: tuple[str, ...] = ()
    """Empty: it only embeds."""

    @property
    def model_id(self) -> str:
        """Embeddings of equal ids can be compared."""
        return model_id(self.level_db)

    def embed(self, wav: Floats32) -> Floats32 | None:
        """(samples,) at 16 kHz → unit vector (256,); None where voice activity detection leaves less than 1 s."""
        return self.embed_each([wav])[0]

    def embed_each(self, wavs: Sequence[Floats32]) -> list[Floats32 | None]:
        """The same of several recordings, whose windows go through the network side by side."""
        windows = [self._windows(wav) for wav in wavs]
        vectors = torch.split(self._embedded(torch.cat(windows)), [len(own) for own in windows])
        means = [own.numpy().mean(0) if len(own) else None for own in vectors]
        return [None if mean is None else np.asarray(mean / np.linalg.norm(mean), np.float32) for mean in means]

    def _windows(self, wav: Floats32) -> torch.Tensor:
        """(samples,) → (n, 160, 40), spectrograms of windows of 1.6 s, as the package's `embed_utterance` cuts them.

        Not by that function: its spectrogram loads librosa, which takes longer than a minute of speech.
        """
        from resemblyzer import preprocess_wav

        speech = preprocess_wav(levelled(wav, VOICES_DB)) if wav.any() else wav[:0]
        if len(speech) < SPEECH_RATE:
            return torch.zeros(0, FRAMES, BINS)
        network: Any = self.network
        samples, frames = network.compute_partial_slices(len(speech), rate=1.3, min_coverage=0.75)
        level = levelled(speech, self.level_db)
        spectrogram = mel(np.pad(level, (0, max(0, samples[-1].stop - len(level)))))
        return torch.stack([spectrogram[cut] for cut in frames])

    @torch.no_grad()
    def _embedded(self, windows: torch.Tensor) -> torch.Tensor:
        """(n, 160, 40) → (n, 256)."""
        network: Any = self.network
        return torch.cat([network(some.to(network.device)).cpu() for some in torch.split(windows, AT_ONCE)])


def model_id(level_db: float) -> str:
    """The id of embeddings of these weights at a level."""
    return f"resemblyzer-{SHA256[:8]}{level_db:+.0f}dB"


def levelled(wav: Floats32, level_db: float) -> Floats32:
    """Mono (samples,) with that root mean square, dBFS; silence stays silent."""
    rms = float(np.sqrt((wav.astype(np.float64) ** 2).mean())) if len(wav) else 0.0
    return wav * np.float32(10 ** (level_db / 20) / rms) if rms > SILENT else wav


def mel(wav: Floats32) -> torch.Tensor:
    """(samples,) at 16 kHz → (frames, 40), the power (no logarithm) in mel bands that the network was trained on."""
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(wav, np.float32)),
        WINDOW,
        HOP,
        window=torch.hann_window(WINDOW),
        pad_mode="constant",
        return_complex=True,
    )
    bands: torch.Tensor = melscale_fbanks(
        WINDOW // 2 + 1, 0.0, SPEECH_RATE / 2, BINS, SPEECH_RATE, norm="slaney", mel_scale="slaney"
    )
    return (spectrum.real.square() + spectrum.imag.square()).T @ bands


def load(device: torch.device | str = "cpu", level_db: float = VOICES_DB) -> SpeakerEncoder:
    """The encoder with the weights of its package. Raises WeightsError."""
    from resemblyzer import VoiceEncoder

    verify(packaged("resemblyzer", "pretrained.pt"), SHA256)
    return SpeakerEncoder(VoiceEncoder(device=str(device), verbose=False), level_db)
