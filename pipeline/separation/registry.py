"""Which separator runs, by name: one interface over Spleeter, the chunked networks and their ensembles."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import tee
from pathlib import Path
from typing import Literal, cast

import torch

from models.separation import spleeter
from models.separation.chunks import ChunkSeparator
from models.separation.separator_file import SUFFIX, config_of, read_info
from models.signal import Floats32
from models.weights.integrity import WeightsError, digest
from pipeline.separation.chunked import chunked_vocals
from pipeline.separation.ensemble import Rule, avg_wave, combine_spectra
from pipeline.separation.spleeter_stream import separate

Locate = Callable[[str], Mapping[str, Path]]
"""A catalogue entry's checked files by their part: "weights", and "config" where there is one."""
TITLES = {
    "htdemucs": "HTDemucs",
    "htdemucs-ft": "HTDemucs fine-tuned for vocals",
    "mdx23c": "MDX23C",
    "melband": "Mel-Band RoFormer",
    "bsroformer": "BS-RoFormer",
}
COST = {"spleeter": 0.1, "htdemucs": 0.7, "htdemucs-ft": 0.7, "mdx23c": 16.0, "melband": 11.0, "bsroformer": 26.0}
"""Seconds of work per second of sound on two cores (benchmarks/README.md); Spleeter's with its streaming."""


@dataclass(frozen=True)
class Separator:
    """What can take the vocals out of a mix. Its networks are loaded when first needed and stay warm."""

    name: str
    """For printing: the architecture and the first digits of the weights' sha256."""
    model_id: str
    """What caches are named after: other weights, another id."""
    vocals: Callable[[Iterable[Floats32]], Iterator[Floats32]]
    """Blocks (2, n) of a mix at 44.1 kHz → blocks of its vocals, of the same length altogether."""
    cost: float = COST["spleeter"]
    """Seconds of work to expect per second of sound."""


@dataclass(frozen=True)
class Ensemble:
    """Which separators are joined, and how."""

    weights: Mapping[str, float]
    rule: Rule | Literal["avg_wave"] = "avg_wave"


CLASSIC = {"htdemucs": 15.0, "mdx23c": 85.0}
ENSEMBLES = {
    "classic": Ensemble(CLASSIC),
    "classic-min": Ensemble(CLASSIC, "min"),
    "classic-max": Ensemble(CLASSIC, "max"),
}
NAMES = ("spleeter", *TITLES, *ENSEMBLES)
WITH_CONFIG = ("mdx23c", "melband", "bsroformer")
"""Whose weights need a YAML file; HTDemucs' hold their own."""
MEMBERS = ("spleeter", *TITLES)
"""What an ensemble may be made of."""
HOW_TO_JOIN = "htdemucs:15+mdx23c:85 is a weighted mean, htdemucs+mdx23c@median one bin at a time (or @min, @max)"


def open_separator(
    name: str, locate: Locate, device: torch.device | str = "cpu", *, bf16: bool | None = False
) -> Separator:
    """The separator of a name, one of NAMES, an ensemble as in `recipe`, or a file that was pruned or trained here.

    `bf16` is as in `adaptive_precision`. Raises WeightsError: no such name, or what `locate`
    raises. A file that does not fit its network raises WeightsError when vocals are first estimated.
    """
    if name.endswith(SUFFIX):
        return open_file(Path(name).expanduser(), device, bf16=bf16)
    if name == "spleeter":
        networks = cache(partial(spleeter.load, device, bf16=bf16))
        return Separator(spleeter.NAME, spleeter.MODEL_ID, lambda mix: separate(mix, networks()))
    chosen = ENSEMBLES.get(name) or recipe(name)
    if chosen is not None:
        members = [open_separator(member, locate, device, bf16=bf16) for member in chosen.weights]
        return join(name, members, list(chosen.weights.values()), chosen.rule)
    if name not in TITLES:
        raise WeightsError(f"There is no separator {name}. There are: {', '.join(NAMES)}; {HOW_TO_JOIN}.")
    files = _files(name, locate)
    network = cache(partial(_load, name, files, torch.device(device), bf16))
    digests = [digest(path)[:8] for path in files.values()]
    cost = COST[name] if torch.device(device).type == "cpu" else COST["spleeter"]  # a guess: no GPU was measured
    return Separator(
        f"{TITLES[name]} ({digests[0]})", "-".join([name, *digests]), lambda mix: chunked_vocals(mix, network()), cost
    )


def open_file(path: Path, device: torch.device | str = "cpu", *, bf16: bool | None = None) -> Separator:
    """The separator of a file that `prune` or `separators train` wrote.

    Raises WeightsError: not such a file; what is wrong with its tensors only when vocals are first estimated.
    """
    info = read_info(path)
    if info is None or info.separator not in MEMBERS:
        raise WeightsError(f"{path.name} is no separator that `discovervoice prune` or `separators train` wrote.")
    files = {"weights": path, "config": config_of(path)}
    if info.separator in WITH_CONFIG and not files["config"].is_file():
        raise WeightsError(f"{path.name} needs its config {files['config'].name} beside it.")
    start = digest(path)[:8]
    title = f"{TITLES.get(info.separator, spleeter.NAME)}, {path.stem} ({start})"
    model_id, cost = f"{info.separator}-{start}", COST[info.separator]
    if info.separator == "spleeter":
        networks = cache(partial(spleeter.load_file, path, device, bf16=bf16))
        return Separator(title, model_id, lambda mix: separate(mix, networks()), cost)
    network = cache(partial(_load, info.separator, files, torch.device(device), bf16))
    return Separator(title, model_id, lambda mix: chunked_vocals(mix, network()), cost)


def recipe(text: str) -> Ensemble | None:
    """The ensemble that a text such as "htdemucs:15+mdx23c:85" or "htdemucs+mdx23c@median" describes.

    None if it is a single name. Raises WeightsError: no such separator, rule or weight, or one named twice.
    """
    parts, _, rule = text.partition("@")
    if "+" not in parts and ":" not in parts and not rule:
        return None
    weights: dict[str, float] = {}
    for part in parts.split("+"):
        name, _, weight = part.partition(":")
        if name not in MEMBERS or name in weights or not re.fullmatch(r"(\d{1,6}(\.\d{1,6})?)?", weight):
            raise WeightsError(f"{text} is no ensemble of separators: {HOW_TO_JOIN}.")
        weights[name] = float(weight or 1)
    if rule not in ("", "min", "max", "median") or (rule and ":" in parts) or not sum(weights.values()):
        raise WeightsError(f"{text} is no ensemble of separators: {HOW_TO_JOIN}.")
    return Ensemble(weights, cast(Rule, rule) if rule else "avg_wave")


def join(
    name: str,
    members: Sequence[Separator],
    weights: Sequence[float],
    rule: Rule | Literal["avg_wave"] = "avg_wave",
) -> Separator:
    """An ensemble: the weighted mean of the members' waves, or one bin at a time (then without the weights)."""
    shares = " : ".join(f"{weight:g}" for weight in weights)
    how = f"mean at {shares}" if rule == "avg_wave" else f"{rule} of the spectrum"

    def vocals(mix: Iterable[Floats32]) -> Iterator[Floats32]:
        # the members read at different paces: the copies hold what lies between, about a chunk
        estimates = [member.vocals(copy) for member, copy in zip(members, tee(mix, len(members)), strict=True)]
        return avg_wave(estimates, weights) if rule == "avg_wave" else combine_spectra(estimates, rule)

    parts = "|".join([how, *(member.model_id for member in members)])
    model_id = f"{name if name in ENSEMBLES else 'ensemble'}-{hashlib.sha256(parts.encode()).hexdigest()[:8]}"
    title = f"{' + '.join(member.name for member in members)}, {how}"
    return Separator(title, model_id, vocals, sum(member.cost for member in members))


def _load(name: str, files: Mapping[str, Path], device: torch.device, bf16: bool | None) -> ChunkSeparator:
    """The network of a name from its files. Raises WeightsError."""
    from models.separation import htdemucs, mdx23c, roformer

    if name in ("htdemucs", "htdemucs-ft"):
        return htdemucs.load(files["weights"], device, bf16=bf16)
    if name == "mdx23c":
        return mdx23c.load(files["weights"], files["config"], device, bf16=bf16)
    return roformer.load(files["weights"], files["config"], device, mel=name == "melband", bf16=bf16)


def _files(name: str, locate: Locate) -> dict[str, Path]:
    """The weights, and the config of all but HTDemucs, whose weights hold it."""
    located = locate(name)
    parts = ("weights", "config") if name in WITH_CONFIG else ("weights",)
    if missing := [part for part in parts if part not in located]:
        raise WeightsError(f"The catalogue's entry {name} has no file for the {missing[0]}.")
    return {part: located[part] for part in parts}
