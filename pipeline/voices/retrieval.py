"""The retrieval index of a voice: content features are drawn towards those that it was trained on.

A search as one matrix product: ten minutes of voice are 30 000 rows.
"""

from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from files.atomic import atomic_write
from models.precision import adaptive_precision
from models.weights.integrity import WeightsError

NEIGHBOURS = 8
CANDIDATES = 16
"""In bfloat16: of real voices the 8 nearest are among 12."""
BATCH = 256  # frames searched at once: memory stays flat however long a voice was recorded
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


class Retrieval:
    """Content is drawn towards the `rows` (N, C) of a voice, float32 on its device.

    In bfloat16, where that agrees with float32, only candidates are searched; their distances are float32's.
    """

    def __init__(self, rows: Tensor, bf16: bool | None = False) -> None:
        """`bf16` as in `adaptive_precision`."""
        self.rows = rows
        self._centre = rows.mean(0)
        self._norms = ((rows - self._centre) ** 2).sum(1)
        self._retrieved = adaptive_precision("Retrieval", self._retrieve, rows.device, bf16, quiet=0.0)

    def __call__(self, content: Tensor) -> Tensor:
        """For content (T, C) the mean of the 8 nearest rows each, weighted by 1 / distance⁴ as RVC does."""
        return self._retrieved(content)

    def _retrieve(self, content: Tensor, bf16: bool) -> Tensor:
        nearest = self._nearest_candidates if bf16 else self._nearest
        return torch.cat([_weighted(*nearest(part)) for part in torch.split(content, BATCH)])

    def _nearest(self, content: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest rows (T, 8, C) of frames (T, C), and their squared distances (T, 8)."""
        centred = content - self._centre  # the products of what is far from zero would be rounded coarsely
        beyond = torch.addmm(self._norms, centred, self.rows.T, alpha=-2)  # less what a frame's distances share
        nearest = beyond.topk(min(NEIGHBOURS, len(self.rows)), dim=1, largest=False)
        shared = (centred * (centred + 2 * self._centre)).sum(1, keepdim=True)
        return self.rows[nearest.indices], nearest.values + shared

    def _nearest_candidates(self, content: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of rows that are near in bfloat16."""
        centred = content - self._centre
        ones = torch.ones_like(centred[:, :1])
        near = torch.cat([centred, ones, ones, _half_square(centred)], 1).bfloat16() @ self._in_bf16.T
        rows = self.rows[near.topk(min(CANDIDATES, len(self.rows)), dim=1).indices]
        squared = ((rows - content[:, None]) ** 2).sum(2)
        nearest = squared.topk(min(NEIGHBOURS, len(self.rows)), dim=1, largest=False)
        return rows.gather(1, nearest.indices[:, :, None].expand(-1, -1, rows.shape[2])), nearest.values

    @cached_property
    def _in_bf16(self) -> Tensor:
        """What gives, times a frame with its square, minus half of each row's squared distance.

        (N, C + 3): the product of near ones is small, and rounded finely; a row's own square is two numbers.
        """
        rows = self.rows - self._centre
        square = _half_square(rows)
        rounded = square.bfloat16().float()
        return torch.cat([rows, rounded, square - rounded, torch.ones_like(square)], 1).bfloat16()


def _half_square(frames: Tensor) -> Tensor:
    """(T, C) → (T, 1): minus half of each one's square."""
    return -(frames**2).sum(1, keepdim=True) / 2


def _weighted(rows: Tensor, squared: Tensor) -> Tensor:
    """The mean (T, C) of rows (T, K, C) at squared distances (T, K)."""
    weight = squared.clamp_min(MIN_DISTANCE) ** -2
    weight = weight / weight.sum(1, keepdim=True)
    return torch.einsum("tk,tkc->tc", weight, rows)


def blend(content: Tensor, retrieval: Retrieval, voiced: Tensor, index_rate: float, protect: float) -> Tensor:
    """Content (T, C) blended with what was retrieved by `index_rate`; unvoiced frames (T,) are protected.

    Below 0.5, unvoiced frames keep `protect` · blended + (1 − `protect`) · own content, so that breaths and
    consonants stay the singer's.
    """
    if index_rate <= 0 or not len(retrieval.rows):  # a voice that came without an index has no rows
        return content
    drawn = index_rate * retrieval(content) + (1 - index_rate) * content
    if protect >= 0.5:
        return drawn
    shielded = protect * drawn + (1 - protect) * content
    return torch.where(voiced[:, None], drawn, shielded)
