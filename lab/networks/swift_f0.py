"""SwiftF0's weights as our network has them, from the ONNX file that swift-f0 0.3.0 (MIT) carries.

`python -m lab.networks.swift_f0 models/weights/swift_f0.safetensors` writes them.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from files.atomic import atomic_write
from lab.corpus.graph import initializers
from models.pitch.swift_f0 import BANDS, SIZES, SwiftF0
from models.weights.integrity import packaged, verify

PACKAGE, FILE = "swift_f0", "model.onnx"
SHA256 = "6385e8c2ebc3872e82c9ff5946228de44cd3be77a750ea53698b7dbfe94b0a22"
SCATTERED = {1024: ("v123", "v124"), 2048: ("v241", "v242"), 512: ("v342", "v343")}
"""By the window's size: where in the bands' matrix there is something, and what; all else is 0."""
FIRST, LAST = "v353", "v435"
"""The layers lie between, weight and bias in turn, in the order in which our network has them."""


def converted() -> dict[str, Tensor]:
    """The state of our network with the package's weights. Raises WeightsError."""
    constants = initializers(verify(packaged(PACKAGE, FILE), SHA256).read_bytes())
    names = list(constants)
    layers = iter(names[names.index(FIRST) : names.index(LAST) + 1])
    bands = {f"spectrograms.{number}.bands": _bands(constants, size) for number, size in enumerate(SIZES)}
    return {
        name: bands[name] if name in bands else torch.from_numpy(constants[next(layers)].copy())
        for name in SwiftF0().state_dict()
    }


def _bands(constants: Mapping[str, NDArray[np.generic]], size: int) -> Tensor:
    """(bins, bands): how much of each bin of a window of this size goes into each band."""
    places, values = (constants[name] for name in SCATTERED[size])
    matrix = np.zeros((size // 2 + 1) * BANDS, np.float32)
    matrix[places.astype(np.int64)] = values
    return torch.from_numpy(matrix.reshape(-1, BANDS))


if __name__ == "__main__":
    with atomic_write(Path(sys.argv[1])) as file:
        file.write(save(converted()))
