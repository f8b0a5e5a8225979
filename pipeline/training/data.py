"""What a voice is trained on: windows of a member's recordings, and some seconds that are held out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.signal import sosfiltfilt
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.content.student import ContentStudent
from models.signal import Floats32
from models.voice_network import VoiceFrames
from pipeline.errors import NotEnoughSpeech
from pipeline.listening.features import BLOCK_SECONDS, HIGH_PASS, centred
from pipeline.listening.frames import FRAME_RATE
from pipeline.sound.bandwidth import bandwidth
from pipeline.sound.resample import resample
from pipeline.training.crew import Crew
from pipeline.training.intake import MIN_VOICE_SECONDS, sounding
from pipeline.training.recording import Recording

SAMPLE_SECONDS = 10.0
HELD_OUT_SECONDS, MIN_HELD_OUT_SECONDS = 8.0, 2.0
WARPED = 3
"""Variants of the content features with warped bands: singers' own features are never quite a member's."""
WARP = 0.12


@dataclass(frozen=True)
class Windows:
    """B windows of T frames."""

    content: Tensor
    """(B, T, C) at 100 frames/s."""
    f0: Tensor
    """(B, T) Hz, 0 where unvoiced."""
    energy: Tensor
    """(B, T)."""
    wav: Tensor
    """(B, T · hop)."""
    speaker: Tensor
    """(B, gin, 1)."""
    bandwidth: Tensor
    """(B,) Hz, of the recordings."""
    lengths: Tensor | None = None
    """(B,) frames that exist of each, the rest is padding; None: all T."""

    def dealt(self, crew: Crew) -> "Windows":
        """Of every column the rows of this process. Raises UnequalShares."""
        lengths = None if self.lengths is None else crew.share(self.lengths)
        columns = (self.content, self.f0, self.energy, self.wav, self.speaker, self.bandwidth)
        content, f0, energy, wav, speaker, bandwidth = map(crew.share, columns)
        return Windows(content, f0, energy, wav, speaker, bandwidth, lengths)


class TrainingData:
    """Draws windows from recordings; the last seconds that sound of the longest one are held out.

    Waves are at `rate` Hz. A window has `frames` of 10 ms; of a recording that is shorter, the whole is one if it has
    at least `least`. `even` windows begin with a whole frame of content. With an `encoder`, whose bands can be warped,
    there are variants of the content features (augmentation); without, only the recordings' own. Raises
    NotEnoughSpeech: there is no window.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        rate: int,
        frames: int,
        *,
        encoder: ContentStudent | None = None,
        least: int | None = None,
        even: bool = False,
    ) -> None:
        self.recordings, self.hop, self.frames = recordings, rate // FRAME_RATE, frames
        self.bandwidths = [bandwidth(recording.wav, rate) for recording in recordings]
        self.variants = 1 if encoder is None else 1 + WARPED
        self.content = [
            [r.features.content] if encoder is None else _variants(r, rate, encoder, number)
            for number, r in enumerate(recordings)
        ]
        longest = max(range(len(recordings)), key=lambda i: len(recordings[i].features))
        self._held, self._held_stop = longest, _last_voice(recordings[longest])
        self._held_start = max(0, self._held_stop - _held_frames(self._held_stop)) // 2 * 2
        self.starts: list[tuple[int, int]] = []
        self.ends: list[int] = []
        count = 0
        for number, recording in enumerate(recordings):
            loud = sounding(recording.features)
            end = self._held_start if number == longest else len(loud)
            count += int(loud[:end].sum())
            self.ends.append(end)
            if least is None:
                starts = np.flatnonzero(loud[self.frames // 2 : max(0, end - self.frames // 2)])
            else:  # every frame that sounds is as likely, also near the ends
                sounds = np.flatnonzero(loud[:end]) if end >= least else np.zeros(0, int)
                starts = np.clip(sounds - self.frames // 2, 0, max(0, end - self.frames))
            self.starts += [(number, int(start)) for start in starts if not (even and start % 2)]
        self.seconds = count / FRAME_RATE
        if not self.starts:
            raise NotEnoughSpeech(seconds=self.seconds, limit=MIN_VOICE_SECONDS)

    def draw(self, batch: int, speaker: Tensor, generator: torch.Generator) -> Windows:
        """So many random windows that sound, conditioned on `speaker` (1, gin, 1)."""
        picks = torch.randint(len(self.starts), (batch,), generator=generator).tolist()
        variants = torch.randint(self.variants, (batch,), generator=generator).tolist()
        picked = [(*self.starts[pick], variant) for pick, variant in zip(picks, variants, strict=True)]
        windows = [self._window(number, start, variant, self._length(number)) for number, start, variant in picked]
        columns = [pad_sequence(list(column), batch_first=True) for column in zip(*windows, strict=True)]
        content, f0, energy, wav = (column.to(speaker.device) for column in columns)
        lengths = torch.tensor([self._length(number) for number, _, _ in picked], device=speaker.device)
        bandwidths = torch.tensor([self.bandwidths[number] for number, _, _ in picked], device=speaker.device)
        return Windows(content, f0, energy, wav, speaker.expand(batch, -1, -1), bandwidths, lengths)

    def held_out(self, variant: int) -> tuple[VoiceFrames, Tensor]:
        """The held-out seconds: T frames, and their wave (T · hop,). Variant 0 is the sound as it was."""
        start, stop = self._held_start, self._held_stop
        wav = self.recordings[self._held].wav[start * self.hop : stop * self.hop]
        return self._frames(start, variant), torch.from_numpy(wav)

    def sample(self) -> VoiceFrames:
        """Up to 10 s of the longest recording; the held-out seconds end them."""
        return self._frames(max(0, self._held_stop - round(SAMPLE_SECONDS * FRAME_RATE)) // 2 * 2, 0)

    def _frames(self, start: int, variant: int) -> VoiceFrames:
        """The longest recording from an even frame to the end of what is held out."""
        features, stop = self.recordings[self._held].features, self._held_stop
        return VoiceFrames(
            torch.from_numpy(self.content[self._held][variant][start // 2 : -(-stop // 2)]),
            torch.from_numpy(features.f0[start:stop]),
            torch.from_numpy(features.energy[start:stop]),
            features.level,
        )

    def rows(self) -> Tensor:
        """Every sounding content frame (N, C), for the retrieval index."""
        rows = [r.features.content[sounding(r.features)[::2][: len(r.features.content)]] for r in self.recordings]
        return torch.from_numpy(np.concatenate(rows))

    def _length(self, number: int) -> int:
        """Frames of a window of this recording."""
        return min(self.frames, self.ends[number])

    def _window(self, number: int, start: int, variant: int, frames: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        recording, content, stop = self.recordings[number], self.content[number][variant], start + frames
        twice = np.minimum(np.arange(start, stop) // 2, len(content) - 1)
        return (
            torch.from_numpy(content[twice]),
            torch.from_numpy(recording.features.f0[start:stop]),
            torch.from_numpy(recording.features.energy[start:stop]),
            torch.from_numpy(recording.wav[start * self.hop : stop * self.hop]),
        )


def _last_voice(recording: Recording) -> int:
    """The frame after the last that sounds."""
    sounds = np.flatnonzero(sounding(recording.features))
    return int(sounds[-1]) + 1 if len(sounds) else len(recording.features)


def _held_frames(frames: int) -> int:
    """How many are held out: a fifth, at most 8 s, and 2 s at least, for likeness cannot be measured on less."""
    return int(max(MIN_HELD_OUT_SECONDS * FRAME_RATE, min(HELD_OUT_SECONDS * FRAME_RATE, 0.2 * frames)))


@torch.inference_mode()
def _variants(recording: Recording, rate: int, encoder: ContentStudent, seed: int) -> list[Floats32]:
    """The recording's content features, then those of its sound with warped bands, each (T / 2, C)."""
    own = recording.features.content
    low = sosfiltfilt(HIGH_PASS, resample(recording.wav, rate, encoder.rate)).astype(np.float32)
    blocks = np.array_split(low, max(1, round(len(low) / (BLOCK_SECONDS * encoder.rate))))
    generator = torch.Generator().manual_seed(seed)
    device = encoder.mel_basis.device
    mels = [encoder.log_mel(torch.from_numpy(block.copy()).to(device))[None] for block in blocks]
    variants = [own]
    for _ in range(WARPED):
        rows = [encoder(encoder.warped(mel, WARP, generator))[0].float().cpu().numpy() for mel in mels]
        warped = np.concatenate(rows)
        whole = np.pad(warped, ((0, max(0, len(own) - len(warped))), (0, 0)), mode="edge")[: len(own)]
        variants.append(centred(whole, recording.features.rms))
    return variants
