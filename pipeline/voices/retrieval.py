"""The retrieval index of a voice: content features are drawn towards those that it was trained on.

An exact search as one matrix product: ten minutes of voice are 30 000 rows; a minute of singing takes 0.9 s of a core.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from files.atomic import atomic_write
from models.weights.integrity import WeightsError

NEIGHBOURS = 8
BATCH = 128  # frames searched at once: memory stays flat however long a voice was recorded
MIN_DISTANCE = 1e-6  # an exact match takes all the weight instead of dividing by zero


def save_index(path: Path, rows: Tensor, speaker: Tensor) -> None:
    """Write the voice's content features (N, C) in half precision, and its speaker embedding (256,), atomically."""
    with atomic_write(path) as file:
        file.write(save({"rows": rows.half().contiguous(), "speaker": speaker.float().contiguous()}))


def load_index(path: Path) -> tuple[Tensor, Tensor]:
    """Rows (N, C) and speaker embedding (256,), float32. Raises WeightsError."""
    try:
        stored = load_file(path)
        rows, speaker = stored["rows"].float(), stored["speaker"].float()
    except (SafetensorError, KeyError, OSError) as error:
        raise WeightsError(f"{path.name} cannot be read as a voice's index: {error}") from error
    if rows.ndim != 2 or speaker.ndim != 1 or not (rows.isfinite().all() and speaker.isfinite().all()):
        raise WeightsError(f"{path.name} cannot be read as a voice's index: its numbers are damaged.")
    return rows, speaker


def retrieve(content: Tensor, rows: Tensor) -> Tensor:
    """For content (T, C) the mean of the 8 nearest rows each, weighted by 1 / distance⁴ as RVC does."""
    norms = (rows**2).sum(1)
    return torch.cat([_nearest(part, rows, norms) for part in torch.split(content, BATCH)])


def _nearest(content: Tensor, rows: Tensor, norms: Tensor) -> Tensor:
    beyond = torch.addmm(norms, content, rows.T, alpha=-2)  # the squared distance, less what a frame's all share
    nearest = beyond.topk(min(NEIGHBOURS, len(rows)), dim=1, largest=False)
    squared = nearest.values + (content**2).sum(1, keepdim=True)
    weight = squared.clamp_min(MIN_DISTANCE) ** -2
    weight = weight / weight.sum(1, keepdim=True)
    return torch.einsum("tk,tkc->tc", weight, rows[nearest.indices])


def blend(content: Tensor, rows: Tensor, voiced: Tensor, index_rate: float, protect: float) -> Tensor:
    """Content (T, C) blended with what was retrieved by `index_rate`; unvoiced frames (T,) are protected.

    Below 0.5, unvoiced frames keep `protect` · blended + (1 − `protect`) · own content, so that breaths and
    consonants stay the singer's.
    """
    if index_rate <= 0 or not len(rows):  # a voice that came without an index has no rows
        return content
    drawn = index_rate * retrieve(content, rows) + (1 - index_rate) * content
    if protect >= 0.5:
        return drawn
    shielded = protect * drawn + (1 - protect) * content
    return torch.where(voiced[:, None], drawn, shielded)
