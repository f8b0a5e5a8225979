"""Neural MOS by UTMOS: Saeki et al., "UTMOS: UTokyo-SaruLab System for VoiceMOS Challenge 2022", Interspeech 2022.

The strong learner alone, as `utmos-pytorch` reimplements it without fairseq. Its weights are read from a local file,
never from a hub. The interface is that of DistillMOS (models/quality/distillmos.py), the scale is not: never compare
the two.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.signal import SPEECH_RATE
from models.weights import state_dict
from models.weights.integrity import verify

NAME = "UTMOS strong (utmos-pytorch 0.1.0)"
WINDOW = 122880  # 7.68 s, as for DistillMOS
SHORTEST = SPEECH_RATE // 2
"""Samples. The last window is padded up to this, no further: padding lowers the predicted quality."""
DOMAIN, JUDGE = 0, 288
"""The conditioning that the authors use for inference."""
PRETRAINING_ONLY = tuple(
    f"feature_extractors.0.ssl_model.{part}" for part in ("mask_emb", "quantizer.", "project_q.", "final_proj.")
)
"""Tensors of wav2vec 2.0's pretraining in the checkpoint; unused in inference."""


@dataclass(frozen=True)
class UtmosPredictor:
    """A loaded predictor; see `load`."""

    network: torch.nn.Module
    name: str = NAME

    @torch.inference_mode()
    def windows(self, wav: NDArray[np.float32]) -> NDArray[np.float32]:
        """(samples,) at 16 kHz → a score, mostly 1…5, for each window of 7.68 s; the last one may be shorter."""
        device = next(self.network.parameters()).device
        pieces = torch.split(torch.from_numpy(np.ascontiguousarray(wav, np.float32)), WINDOW)
        padded = (torch.nn.functional.pad(piece, (0, max(0, SHORTEST - len(piece)))) for piece in pieces)
        return np.array([self._score(piece.to(device)) for piece in padded], np.float32)

    def _score(self, wav: Tensor) -> float:
        """The score of one window (samples,), unbatched: padding in a batch would shift the scores."""
        domain, judge = (torch.full((1,), number, dtype=torch.int, device=wav.device) for number in (DOMAIN, JUDGE))
        frames = self.network(wav=wav[None, None], domains=domain, judge_id=judge)
        return float(frames.mean()) * 2 + 3


def load(path: Path, device: torch.device | str = "cpu", sha256: str | None = None) -> UtmosPredictor:
    """The predictor with the weights of `utmos_state_dict.pt`.

    Raises WeightsError: no such file, not the pinned one, corrupt, or a tensor missing, unexpected or of another shape.
    """
    state = _read(path, sha256)
    network = _meta_network()
    state = {key: tensor.float() for key, tensor in state.items() if not key.startswith(PRETRAINING_ONLY)}
    state_dict.check_fit(path.name, state, network.state_dict())
    network.load_state_dict(state, assign=True)
    torch.nn.utils.remove_weight_norm(network.get_submodule("feature_extractors.0.ssl_model.encoder.pos_conv.0"))
    return UtmosPredictor(network.eval().requires_grad_(False).to(device))


def _meta_network() -> Any:
    """The network on the meta device."""
    from utmos_pytorch.utmos_torch import UTMOSModel

    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it uses torch's older weight norm
        return UTMOSModel()


def _read(path: Path, sha256: str | None) -> dict[str, Tensor]:
    if sha256 is not None:
        verify(path, sha256)
    return state_dict.read(path)
