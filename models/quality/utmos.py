"""Neural MOS by UTMOS: Saeki et al., "UTMOS: UTokyo-SaruLab System for VoiceMOS Challenge 2022", Interspeech 2022.

The strong learner alone, as `utmos-pytorch` rebuilds it without fairseq. Its weights come from a file here, never from
a hub. Beside DistillMOS (models/quality/distillmos.py), with the same interface; a scale of its own: never compare
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
from models.weights.integrity import WeightsError, verify

NAME = "UTMOS strong (utmos-pytorch 0.1.0)"
WINDOW = 122880  # 7.68 s, as DistillMOS hears
SHORTEST = SPEECH_RATE // 2
"""A last window is padded up to this, no further: the network hears padding as bad sound."""
DOMAIN, JUDGE = 0, 288
"""With which the authors score."""
LEFT_OVER = tuple(
    f"feature_extractors.0.ssl_model.{part}" for part in ("mask_emb", "quantizer.", "project_q.", "final_proj.")
)
"""wav2vec 2.0's own training left these in its checkpoints; nothing here uses them."""


@dataclass(frozen=True)
class UtmosPredictor:
    """A warm predictor; `load` makes it."""

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
        """One sound (samples,) alone: padding in a batch would shift the scores."""
        domain, judge = (torch.full((1,), number, dtype=torch.int, device=wav.device) for number in (DOMAIN, JUDGE))
        frames = self.network(wav=wav[None, None], domains=domain, judge_id=judge)
        return float(frames.mean()) * 2 + 3


def load(path: Path, device: torch.device | str = "cpu", sha256: str | None = None) -> UtmosPredictor:
    """The predictor with the weights of `utmos_state_dict.pt`.

    Raises WeightsError: no such file, not the pinned one, unreadable, or a tensor missing, left over or misshapen.
    """
    state = _read(path, sha256)
    network = _bare()
    state = {key: tensor.float() for key, tensor in state.items() if not key.startswith(LEFT_OVER)}
    try:
        network.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise WeightsError(f"{path.name} is not a whole UTMOS: {error}") from error
    torch.nn.utils.remove_weight_norm(network.get_submodule("feature_extractors.0.ssl_model.encoder.pos_conv.0"))
    return UtmosPredictor(network.eval().requires_grad_(False).to(device))


def _bare() -> Any:
    """The network without weights, and without memory for them."""
    from utmos_pytorch.utmos_torch import UTMOSModel

    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it uses torch's older weight norm
        return UTMOSModel()


def _read(path: Path, sha256: str | None) -> dict[str, Tensor]:
    if sha256 is not None:
        verify(path, sha256)
    return state_dict.read(path)
