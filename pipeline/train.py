"""Training a voice on a member's notes, from nothing, in minutes on two cores.

There is no trained base yet, and a few hundred steps are too few for RVC's own way (a posterior, a KL term and an
adversary: tens of thousands). So the way that conversion goes is trained directly: content and pitch → prior mean →
flow → decoder → wave, against log-mels and spectra of the notes. The weights stay RVC's, under RVC's names.

It stops at a number of steps or seconds, saves as it goes and resumes where it was after a crash.
"""

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models import content as content_model
from models.rvc import MEL_WEIGHT, S24, RVCConfig, Synthesizer, slice_segments
from models.rvc.initial import initialise
from models.voice import VoiceInfo, save_voice

from .convert import coarse_pitch
from .encode import replacing
from .features import FRAME_RATE
from .loaded import LoadedModels
from .match import embed
from .notes import Note, Recording, prepare, sounding, to_rate
from .progress import Report, ignore
from .retrieval import save_index
from .spectrum import Spectrum, spectral_distance

FROM_NOTHING = "from nothing (no trained base ships yet)"
SAVE_SECONDS = 20.0
HELD_OUT_SECONDS = 8.0
SPECTRAL_WEIGHT = 10.0


@dataclass(frozen=True)
class TrainOptions:
    """How long and how fast a voice is trained."""

    seconds: float = 600.0
    """Time budget of the training loop."""
    steps: int = 20_000
    batch: int = 4
    learning_rate: float = 1e-3
    seed: int = 0
    config: RVCConfig = S24


@dataclass(frozen=True)
class TrainReport:
    """What a training made."""

    model: Path
    index: Path
    minutes: float
    """Of sounding voice that was learnt from."""
    steps: int
    base: str
    mel_loss: float
    """Mean absolute log-mel error on the seconds that were held out."""
    first_mel_loss: float
    """The same before the first step."""


@dataclass
class _Batch:
    phone: Tensor
    pitch: Tensor
    f0: Tensor
    wav: Tensor


def train_voice(
    notes: Sequence[Note],
    models: LoadedModels,
    work_dir: Path,
    options: TrainOptions = TrainOptions(),
    report: Report = ignore,
) -> TrainReport:
    """Train a voice on notes; files lie in `work_dir` when it returns.

    Raises what `prepare` raises (see pipeline.errors).
    """
    config = options.config
    recordings = prepare(notes, config.sampling_rate, models, work_dir, report)
    data = _Data(recordings, config, options.batch)
    torch.manual_seed(options.seed)
    loop = _Loop(config, models.device, options)
    loop.resume(work_dir / "training.pt")
    loop.run(data, work_dir / "training.pt", report)

    f0 = np.concatenate([r.features.f0[r.features.voiced] for r in recordings])
    info = VoiceInfo(
        content_model=content_model.MODEL_ID,
        base=FROM_NOTHING,
        median_f0=float(np.median(f0)) if len(f0) else 0.0,
        steps=loop.step,
        seconds=data.seconds,
    )
    model, index = work_dir / "voice.safetensors", work_dir / "voice.index.safetensors"
    save_voice(model, loop.network, info)
    low = [to_rate(r.wav, config.sampling_rate, 16000) for r in recordings]
    vectors = embed(low, models.speaker)
    speaker = torch.from_numpy(vectors.mean(0)) if len(vectors) else torch.zeros(256)
    save_index(index, data.rows(), F.normalize(speaker, dim=0))
    return TrainReport(
        model, index, data.seconds / 60, loop.step, FROM_NOTHING, loop.held_out(data), loop.first_mel_loss
    )


class _Data:
    """Draws batches from the recordings; the last seconds of the longest one are held out."""

    def __init__(self, recordings: Sequence[Recording], config: RVCConfig, batch: int) -> None:
        self.recordings, self.config, self.batch = recordings, config, batch
        self.frames = config.latent_frames or config.segment_frames
        longest = max(range(len(recordings)), key=lambda i: len(recordings[i].features))
        self._held = longest
        held = int(min(HELD_OUT_SECONDS * FRAME_RATE, 0.2 * len(recordings[longest].features)))
        self._held_start = len(recordings[longest].features) - max(held, self.frames + 1)
        self.starts: list[tuple[int, int]] = []
        count = 0
        for number, recording in enumerate(recordings):
            loud = sounding(recording.features)
            end = self._held_start if number == longest else len(loud)
            count += int(loud[:end].sum())
            middles = loud[self.frames // 2 : max(0, end - self.frames // 2)]
            self.starts += [(number, int(s)) for s in np.flatnonzero(middles)]
        self.seconds = count / FRAME_RATE

    def draw(self, generator: torch.Generator) -> _Batch:
        """A batch of random windows that sound."""
        picks = torch.randint(len(self.starts), (self.batch,), generator=generator).tolist()
        return self._stack([self.starts[i] for i in picks])

    def held_out(self) -> _Batch:
        """The held-out windows, side by side."""
        last = len(self.recordings[self._held].features) - self.frames
        starts = range(self._held_start, max(self._held_start + 1, last), self.frames)
        return self._stack([(self._held, start) for start in starts])

    def rows(self) -> Tensor:
        """Every sounding content frame (N, C), for the retrieval index."""
        rows = [r.features.content[sounding(r.features)[::2][: len(r.features.content)]] for r in self.recordings]
        return torch.from_numpy(np.concatenate(rows))

    def _stack(self, windows: Sequence[tuple[int, int]]) -> _Batch:
        phones, f0s, wavs = [], [], []
        for number, start in windows:
            recording, stop = self.recordings[number], start + self.frames
            twice = np.arange(start, stop) // 2
            phones.append(recording.features.content[np.minimum(twice, len(recording.features.content) - 1)])
            f0s.append(recording.features.f0[start:stop])
            wavs.append(recording.wav[start * self.config.hop : stop * self.config.hop])
        f0 = torch.from_numpy(np.stack(f0s))
        return _Batch(torch.from_numpy(np.stack(phones)), coarse_pitch(f0), f0, torch.from_numpy(np.stack(wavs)))


class _Loop:
    """Network, optimizer and where they are."""

    def __init__(self, config: RVCConfig, device: torch.device, options: TrainOptions) -> None:
        self.options, self.device, self.config = options, device, config
        self.network = Synthesizer(config)
        self.network.remove_posterior()
        initialise(self.network, torch.Generator().manual_seed(options.seed))
        self.network.to(device)
        self.spectrum = Spectrum(config).to(device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), options.learning_rate, betas=(0.8, 0.99), eps=1e-9
        )
        self.step, self.spent, self.first_mel_loss = 0, 0.0, float("nan")

    def run(self, data: _Data, checkpoint: Path, report: Report) -> None:
        """Train until the steps or the seconds are used up."""
        report("training", 0.0)
        if self.step == 0:
            self.first_mel_loss = self.held_out(data)
        saved = before = time.monotonic()
        while (done := self._done()) < 1.0:
            generator = torch.Generator().manual_seed(self.options.seed * 1_000_003 + self.step)
            self._step(data.draw(generator), generator, done)
            self.step += 1
            now = time.monotonic()
            self.spent, before = self.spent + now - before, now
            if now - saved > SAVE_SECONDS:
                self._save(checkpoint)
                saved = now
            report("training", self._done())
        self._save(checkpoint)

    def resume(self, checkpoint: Path) -> None:
        """Take up a checkpoint if there is one."""
        if not checkpoint.exists():
            return
        stored = torch.load(checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(stored["network"])
        self.optimizer.load_state_dict(stored["optimizer"])
        self.step, self.spent, self.first_mel_loss = stored["step"], stored["spent"], stored["first_mel_loss"]

    @torch.no_grad()
    def held_out(self, data: _Data) -> float:
        """Mean absolute log-mel error on held-out windows."""
        batch = data.held_out()
        self.network.eval()
        real, made = self._sing(batch, torch.Generator().manual_seed(0))
        self.network.train()
        return float(F.l1_loss(self._log_mel(made), self._log_mel(real)))

    def _done(self) -> float:
        return min(1.0, max(self.step / self.options.steps, self.spent / self.options.seconds))

    def _step(self, batch: _Batch, generator: torch.Generator, done: float) -> None:
        warm = min(1.0, (self.step + 1) / 20)
        for group in self.optimizer.param_groups:
            group["lr"] = self.options.learning_rate * warm * (1 - 0.9 * done)
        real, made = self._sing(batch, generator)
        loss = MEL_WEIGHT * F.l1_loss(self._log_mel(made), self._log_mel(real))
        loss = loss + SPECTRAL_WEIGHT * spectral_distance(made, real)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()

    def _sing(self, batch: _Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A random piece of each window, as recorded and as the network sings it, both (B, segment size)."""
        network, size, hop = self.network, self.config.segment_frames, self.config.hop
        count, frames = batch.f0.shape
        lengths = torch.full((count,), frames, device=self.device)
        g = network.speaker_vector(torch.zeros(count, dtype=torch.long, device=self.device))
        mean, _, mask = network.enc_p(batch.phone.to(self.device), batch.pitch.to(self.device), lengths)
        z = network.flow(mean, mask, g, reverse=True)
        starts = torch.randint(0, frames - size + 1, (count,), generator=generator)
        f0 = slice_segments(batch.f0.to(self.device), starts.to(self.device), size)
        made = network.dec(slice_segments(z, starts.to(self.device), size), f0, g, generator=generator)[:, 0]
        real = torch.stack([wav[s * hop : (s + size) * hop] for wav, s in zip(batch.wav, starts.tolist(), strict=True)])
        return real.to(self.device), made

    def _log_mel(self, wav: Tensor) -> Tensor:
        return self.spectrum.log_mel(self.spectrum(wav))

    def _save(self, checkpoint: Path) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent": self.spent,
            "first_mel_loss": self.first_mel_loss,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with replacing(checkpoint) as file:
            file.write(buffer.getbuffer())
