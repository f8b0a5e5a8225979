"""A second neural MOS: DNSMOS P.808, which the package speechmos carries.

Reddy et al., "DNSMOS: A Non-Intrusive Perceptual Objective Speech Quality Metric to Evaluate Noise Suppressors", 2021.
A small network on log-mels, MIT. It was taught on speech through noise suppressors, as ours was not.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from files.private import no_telemetry
from lab.evaluate.packages import carried
from models.signal import SPEECH_RATE, Floats32

NAME = "DNSMOS P.808 (speechmos 0.0.1.1)"
PACKAGE, VERSION = "speechmos", "0.0.1.1"
FILE = "dnsmos_models/model_v8.onnx", "9246480c58567bc6affd4200938e77eef49468c8bc7ed3776d109c07456f6e91"
WINDOW, HOP = 144160, SPEECH_RATE
"""Samples: 9.01 s, each a second after the one before."""
FFT, STEP, BINS = 321, 160, 120


@dataclass(frozen=True)
class DnsMos:
    """A loaded predictor; see `load`."""

    session: Any
    basis: Tensor

    def predict(self, wav: Floats32) -> float:
        """The mean over windows of mono (samples,) at 16 kHz; shorter sound is repeated. NaN without sound."""
        if not wav.any():
            return float("nan")
        while len(wav) < WINDOW:
            wav = np.concatenate([wav, wav])
        starts = range(0, len(wav) - WINDOW + 1, HOP)
        return float(np.mean([self._window(wav[start : start + WINDOW]) for start in starts]))

    def _window(self, wav: Floats32) -> float:
        given = log_mel(wav[:-STEP], self.basis)
        return float(self.session.run(None, {"input_1": given[None]})[0][0][0])


def load() -> DnsMos:
    """The predictor on CPU, on as many threads as torch. Raises WeightsError."""
    no_telemetry()
    import onnxruntime

    path = carried(PACKAGE, VERSION, *FILE)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return DnsMos(session, mel_basis())


def mel_basis() -> Tensor:
    """(161, 120) by librosa: torchaudio's puts the last bin of an odd transform elsewhere."""
    from librosa.filters import mel

    return torch.from_numpy(mel(sr=SPEECH_RATE, n_fft=FFT, n_mels=BINS).T)


def log_mel(wav: Floats32, basis: Tensor) -> Floats32:
    """(samples,) → (frames, 120): decibels below the loudest, 80 at most, as the package takes them with librosa."""
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(wav, np.float32)),
        FFT,
        STEP,
        window=torch.hann_window(FFT),
        pad_mode="constant",
        return_complex=True,
    )
    power = ((spectrum.abs() ** 2).T @ basis).clamp_min(1e-10)
    decibels = 10 * power.log10()
    decibels = (decibels - 10 * power.max().log10()).clamp_min(-80.0)
    return np.asarray((decibels + 40) / 40, np.float32)
