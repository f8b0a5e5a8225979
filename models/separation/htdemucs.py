"""HTDemucs through the `demucs` package, from a safetensors file in the package's own format.

Source: Rouard et al. 2023, "Hybrid Transformers for Music Source Separation", arXiv 2211.08553. The file names a class
and its arguments, and the package would call any class: before the package loads it, the file is checked to be an
HTDemucs of bounded size with exactly the tensors of that network.
"""

import inspect
import json
import warnings
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from models.attention import replace_attention
from models.precision import adaptive_precision, precision
from models.separation.channels import narrow, widths
from models.separation.chunks import Chunks, ChunkSeparator
from models.separation.separator_file import widths_of
from models.signal import MUSIC_RATE
from models.weights.integrity import WeightsError
from models.weights.state_dict import check_fit, fit, read

if TYPE_CHECKING:
    from demucs.htdemucs import HTDemucs

NAME = "HTDemucs"
CLASS = "demucs.htdemucs.HTDemucs"
OVERLAP = 0.25
MAX_ARGUMENTS = {"depth": 8, "t_layers": 64, "dconv_depth": 16, "t_max_positions": 100_000}
"""Upper bounds of arguments that cost time or memory but do not appear in the tensors' shapes."""
OTHERS_MAX = 100_000
SHORTEST_SEGMENT, LONGEST_SEGMENT = 0.1, 60.0


def load(path: Path, device: torch.device | str = "cpu", *, bf16: bool | None = False) -> ChunkSeparator:
    """A separator from a local file; `bf16` is as in `adaptive_precision`. Raises WeightsError."""
    network = load_network(path, device)
    keep_vocals(network)
    return separator(network, bf16=bf16)


def load_network(path: Path, device: torch.device | str = "cpu") -> "HTDemucs":
    """The network of a local file, which may be pruned, for inference; with our attention. Raises WeightsError."""
    arguments = _check(path)
    if narrower := widths_of(path):
        network = _on_meta(*arguments)
        narrow(network, narrower, path.name)
        fit(network, read(path), path.name, device)
    else:
        from demucs.hf import load_safetensors_model

        network = load_safetensors_model(path)
    replace_attention(network)
    return network.to(device).requires_grad_(False).eval()


def separator(network: "HTDemucs", *, bf16: bool | None = False) -> ChunkSeparator:
    """A separator of a network, where that lies. No random shift, a quarter of overlap."""
    place = next(network.parameters()).device
    vocals_index = network.sources.index("vocals")
    length = int(network.segment * MUSIC_RATE)

    @torch.inference_mode()
    def vocals(mix: Tensor, half: bool) -> Tensor:
        with precision(place, half):
            stems = estimate(network, mix.to(place))
        return stems[:, vocals_index].float().cpu()

    chunks = Chunks(length, int((1 - OVERLAP) * length), length // 2)
    return ChunkSeparator(NAME, chunks, adaptive_precision(NAME, vocals, place, bf16))


def estimate(network: "HTDemucs", mix: Tensor) -> Tensor:
    """Chunks (B, 2, n) of a mix → their stems (B, S, 2, n).

    Each chunk is normalised to mean 0 and deviation 1, and the estimate denormalised. The package does so with the
    whole song; the network normalises its input itself, so the results are equal.
    """
    mono, difference = mix.mean(1, keepdim=True), (mix[:, :1] - mix[:, 1:]) / 2
    spread, beside = mono.std(-1, keepdim=True), difference.std(-1, keepdim=True)
    spread = torch.where(spread < beside / 10, beside, spread)  # R = −L has no mean
    mean, deviation = mono.mean(-1, keepdim=True), spread + 1e-8
    stems: Tensor = network((mix - mean) / deviation)
    return stems.float() * deviation[:, None] + mean[:, None]


def keep_vocals(network: "HTDemucs") -> None:
    """Take the other stems out of the last layers, which nothing mixes after them."""
    stems, vocals = len(network.sources), network.sources.index("vocals")
    last = [network.decoder[-1], network.tdecoder[-1]]
    if all(isinstance(layer.norm2, nn.Identity) for layer in last):
        for layer in last:
            conv = layer.conv_tr
            conv.weight = nn.Parameter(conv.weight.chunk(stems, dim=1)[vocals].clone(), requires_grad=False)
            conv.bias = nn.Parameter(conv.bias.chunk(stems)[vocals].clone(), requires_grad=False)
        network.sources = ["vocals"]


def published_widths(path: Path) -> dict[str, int]:
    """The widths of the network that a file's arguments describe, whatever was pruned. Raises WeightsError."""
    return widths(_on_meta(*_check(path)))


def metadata(path: Path) -> dict[str, str]:
    """What the package reads from a file: class and arguments."""
    with safe_open(path, framework="pt") as file:
        return {name: text for name, text in file.metadata().items() if name in ("klass", "args", "kwargs")}


def _check(path: Path) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a file. Raises WeightsError unless it is a complete stereo HTDemucs with vocals."""
    if not path.is_file():
        raise WeightsError(f"{path.name} is missing.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            shapes = {name: torch.empty(file.get_slice(name).get_shape(), device="meta") for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path.name} is no readable weights file: {str(error).splitlines()[0]}") from error
    if metadata.get("klass") != CLASS or "structure" in metadata:
        raise WeightsError(f"{path.name} holds {str(metadata.get('klass'))[:60]}, not a plain {CLASS}.")
    try:
        args, kwargs = _decoded(json.loads(metadata["args"])), _decoded(json.loads(metadata["kwargs"]))
        _check_arguments(path.name, args, kwargs)
        network = _on_meta(args, kwargs)
    except (KeyError, TypeError, ValueError, AssertionError, ArithmeticError, RuntimeError) as error:
        raise WeightsError(f"{path.name} describes no HTDemucs that can be built: {error}") from error
    narrow(network, widths_of(path), path.name)
    check_fit(path.name, shapes, network.state_dict())
    return args, kwargs


def _check_arguments(file: str, args: Any, kwargs: dict[str, Any]) -> None:
    sources = kwargs.get("sources", args[0] if args else [])
    if len(args) > 1 or "vocals" not in sources or len(sources) > 16:
        raise WeightsError(f"{file}: its stems hold no vocals.")
    if kwargs.get("samplerate", MUSIC_RATE) != MUSIC_RATE or kwargs.get("audio_channels", 2) != 2:
        raise WeightsError(f"{file} is not for stereo at 44.1 kHz.")
    if (
        not SHORTEST_SEGMENT <= float(kwargs.get("segment", 10)) <= LONGEST_SEGMENT
        or kwargs.get("use_train_segment") is False
    ):
        raise WeightsError(f"{file} asks for chunks of {kwargs.get('segment')} s, which is not from 0.1 to 60.")
    for name, value in kwargs.items():
        if isinstance(value, int | float) and not abs(value) <= MAX_ARGUMENTS.get(name, OTHERS_MAX):
            raise WeightsError(f"{file}: {name} is {value}, more than any HTDemucs has.")


def _on_meta(args: list[Any], kwargs: dict[str, Any]) -> "HTDemucs":
    """The network that the file describes, on the meta device."""
    from demucs.htdemucs import HTDemucs

    known = inspect.signature(HTDemucs).parameters
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # demucs rescales weights, which have no values on the meta device
        return HTDemucs(*args, **{name: value for name, value in kwargs.items() if name in known})


def _decoded(value: Any) -> Any:
    """JSON values with the package's encoding of fractions decoded."""
    if isinstance(value, dict):
        if value.get("_type") == "fraction":
            return Fraction(value["numerator"], value["denominator"])
        return {key: _decoded(item) for key, item in value.items()}
    return [_decoded(item) for item in value] if isinstance(value, list) else value
