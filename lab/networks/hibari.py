"""hibari-tts 0.2.1 (Apache-2.0): its decoder's weights, and what its text encoder gives for phones.

A package carries the network as ONNX with 8-bit weights; the decoder is dequantised into our own network. Its voice was
distilled from Kokoro-82M's af_heart (Apache-2.0).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from files.private import no_telemetry
from lab.corpus.graph import initializers, rewired
from models.harmonic.config import HarmonicConfig
from models.harmonic.network import HarmonicDecoder
from models.signal import Floats32
from models.weights.integrity import packaged, verify

PACKAGE, FILE = "hibari", "assets/hibari.onnx"
SHA256 = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8"
TEXT = "/norm/LayerNormalization_output_0"
"""The tensor between text encoder and decoder, (1, phones, 128)."""


class Hibari:
    """The package's file, read once."""

    @cached_property
    def file(self) -> bytes:
        """Raises WeightsError."""
        return verify(packaged(PACKAGE, FILE), SHA256).read_bytes()

    @cached_property
    def weights(self) -> Mapping[str, NDArray[np.generic]]:
        """Every constant of the graph by its name."""
        return initializers(self.file)

    def decoder(self, config: HarmonicConfig = HarmonicConfig()) -> HarmonicDecoder:
        """Our decoder with its weights; what conditions on a speaker begins at nothing."""
        decoder = HarmonicDecoder(config)
        state = decoder.state_dict()
        decoder.load_state_dict({name: self._tensor(name, value) for name, value in state.items()})
        return decoder.eval()

    @cached_property
    def _text(self) -> "object":
        no_telemetry()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        return onnxruntime.InferenceSession(rewired(self.file, [], [TEXT]), options, ["CPUExecutionProvider"])

    def text(self, tokens: Sequence[int]) -> Floats32:
        """Phone tokens of Kokoro's vocabulary → (phones, 128)."""
        feed = {"ids": np.array([tokens], np.int64), "speed": np.ones(1, np.float32)}
        features: Floats32 = self._text.run(None, feed)[0][0]  # type: ignore[attr-defined]
        return features

    def _tensor(self, name: str, ours: Tensor) -> Tensor:
        if ".speaker." in name:
            return ours
        if f"m.{name}" in self.weights:
            return torch.from_numpy(self.weights[f"m.{name}"].copy())
        layer = "/" + name.removesuffix(".weight").replace(".pw", "/pw") + "/Transpose_output_0"
        values, zero, scale = (
            self.weights[f"{layer}_{part}"].astype(np.float32) for part in ("quantized", "zero_point", "scale")
        )
        return torch.from_numpy(((values - zero) * scale).T.copy())
