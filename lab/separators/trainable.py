"""Separators as networks that can learn: what they hear, what they are to give, and how they are kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile

import torch
from torch import Tensor, nn

from files.atomic import atomic_path
from lab.errors import PruningError
from lab.separators.stems import PARTS, REST, VOCALS
from models.separation import htdemucs, mdx23c, roformer, spleeter
from models.separation.channels import widths
from models.separation.separator_file import SUFFIX, SeparatorInfo, config_of, read_info, save_separator
from models.weights.integrity import WeightsError, digest
from models.weights.state_dict import read
from pipeline.separation.chunked import chunked_vocals
from pipeline.separation.registry import MEMBERS, TITLES, WITH_CONFIG, Locate, Separator
from pipeline.separation.spleeter_stream import separate

SPLEETER_FRAMES = 128
"""Of a crop, 3.0 s; the network needs multiples of 64."""


@dataclass(frozen=True)
class TrainableSeparator:
    """A network with its weights, and what is to be known of it to train it further."""

    name: str
    """Of the separator whose form it has."""
    start: str
    """Name and first digits of the sha256 of its weights."""
    network: nn.Module
    stems: tuple[str, ...]
    """What the mix is the sum of; `vocals` is one of them."""
    length: int
    """Samples of a crop."""
    estimate: Callable[[nn.Module, Tensor], Tensor]
    """A network of this form, and mixes (B, 2, length) → what it estimates of each stem."""
    wanted: Callable[[Tensor], Tensor]
    """True stems (B, stems, 2, length) → what `estimate` should give."""
    vocals: Callable[[nn.Module], Separator]
    """A network of this form as a separator of whole songs."""
    full_widths: Mapping[str, int]
    """Of its groups, as published."""
    running: Callable[[nn.Module], Callable[[Tensor], object]] | None = None
    """A network as it runs in the service, if that is another form than the one that learns."""
    half: bool = False
    """Whether its weights are kept in half precision."""
    config: Path | None = None
    more: Mapping[str, str] = field(default_factory=dict)
    """Metadata that its loader needs."""

    def as_it_runs(self, network: nn.Module) -> Callable[[Tensor], object]:
        """What a network of this form does with a mix (B, 2, length) in the service."""
        if self.running is not None:
            return self.running(network)
        return lambda mix: self.estimate(network, mix)

    def save(self, network: nn.Module, path: Path, made: str) -> None:
        """Write a network of this form as one file, its config beside it. Raises DiskFull."""
        if self.config is not None and self.config.resolve() != config_of(path).resolve():
            with atomic_path(config_of(path)) as draft:
                copyfile(self.config, draft)
        now = widths(network)
        narrower = {name: now[name] for name, full in self.full_widths.items() if now[name] != full}
        save_separator(
            path, network.state_dict(), SeparatorInfo(self.name, narrower, made), more=self.more, half=self.half
        )


def open_trainable(name: str, locate: Locate, device: torch.device) -> TrainableSeparator:
    """A separator by its name in the catalogue, or a file that was pruned or trained here.

    Raises PruningError: an ensemble or nothing that is known; WeightsError: what its loader raises.
    """
    own = Path(name).expanduser() if name.endswith(SUFFIX) else None
    info = read_info(own) if own else None
    if own and info is None:
        raise WeightsError(f"{own.name} is no separator that `discovervoice prune` or `separators train` wrote.")
    form = info.separator if info else name
    if form not in MEMBERS:
        raise PruningError(f"{form} cannot be pruned or trained. There are: {', '.join(MEMBERS)}, and files of these.")
    if form == "spleeter":
        return _spleeter(own, device)
    files = {"weights": own, "config": config_of(own)} if own else dict(locate(form))
    missing = [part for part in ("weights", *(("config",) if form in WITH_CONFIG else ())) if part not in files]
    if missing:
        raise WeightsError(f"{form} has no file for the {missing[0]}.")
    return (_htdemucs if form.startswith("htdemucs") else _configured)(form, files, device)


def _spleeter(own: Path | None, device: torch.device) -> TrainableSeparator:
    pair = spleeter.load_own(own, device) if own else spleeter.load_published(device)
    window = torch.hann_window(spleeter.N_FFT, device=device)

    def magnitudes(waves: Tensor) -> Tensor:
        """(…, 2, n) → (…, 2, T, F)."""
        spectrum = torch.stft(
            waves.flatten(0, -2), spleeter.N_FFT, spleeter.HOP, window=window, center=False, return_complex=True
        )
        magnitude = spectrum.abs().mT[..., : spleeter.BINS]
        return magnitude.reshape(*waves.shape[:-1], *magnitude.shape[1:])

    def separator(network: nn.Module) -> Separator:
        assert isinstance(network, spleeter.StemPair)
        stems = network.in_phases()
        return Separator(spleeter.NAME, "", lambda mix: separate(mix, stems))

    def running(network: nn.Module) -> Callable[[Tensor], object]:
        assert isinstance(network, spleeter.StemPair)
        stems = network.in_phases()
        return lambda mix: [stem(magnitudes(mix)) for stem in stems]

    with torch.device("meta"):
        published = widths(spleeter.StemPair(spleeter.PublishedUNet(), spleeter.PublishedUNet()))
    return TrainableSeparator(
        name="spleeter",
        start=f"{own.stem} ({digest(own)[:8]})" if own else spleeter.MODEL_ID,
        network=pair,
        stems=(VOCALS, REST),
        length=(SPLEETER_FRAMES - 1) * spleeter.HOP + spleeter.N_FFT,
        estimate=lambda network, mix: network(magnitudes(mix)),
        wanted=magnitudes,
        vocals=separator,
        full_widths=published,
        running=running,
    )


def _htdemucs(form: str, files: Mapping[str, Path], device: torch.device) -> TrainableSeparator:
    path = files["weights"]
    network = htdemucs.load_network(path, device)
    stems = tuple(network.sources)
    if unknown := [stem for stem in stems if stem not in (VOCALS, *PARTS)]:
        raise PruningError(f"{path.name} gives {unknown[0]}, which songs in stems do not have.")

    def separator(network: nn.Module) -> Separator:
        chunked = htdemucs.separator(network, bf16=False)
        return Separator(TITLES[form], "", lambda mix: chunked_vocals(mix, chunked))

    return TrainableSeparator(
        name=form,
        start=f"{path.stem} ({digest(path)[:8]})",
        network=network,
        stems=stems,
        length=int(network.segment * 44100),
        estimate=htdemucs.estimate,
        wanted=_same,
        vocals=separator,
        full_widths=htdemucs.published_widths(path),
        half=any(tensor.dtype == torch.float16 for tensor in read(path).values()),
        more=htdemucs.metadata(path),
    )


def _configured(form: str, files: Mapping[str, Path], device: torch.device) -> TrainableSeparator:
    """An MDX23C or a RoFormer."""
    path, config = files["weights"], files["config"]
    network: nn.Module
    if form == "mdx23c":
        network, settings = mdx23c.load_network(path, config, device)
        with torch.device("meta"):
            published = widths(mdx23c.MDX23C(network.config))
    else:
        network, settings = roformer.load_network(path, config, device, mel=form == "melband")
        with torch.device("meta"):
            published = widths(roformer.Roformer(network.config))

    def separator(network: nn.Module) -> Separator:
        chunked = (mdx23c if form == "mdx23c" else roformer).separator(network, settings, bf16=False)
        return Separator(TITLES[form], "", lambda mix: chunked_vocals(mix, chunked))

    return TrainableSeparator(
        name=form,
        start=f"{path.stem} ({digest(path)[:8]})",
        network=network,
        stems=_parts_of_the_mix(path.name, settings.stems),
        length=settings.chunks.length,
        estimate=lambda network, mix: network(mix),
        wanted=lambda true: true[:, : len(settings.stems)],
        vocals=separator,
        full_widths=published,
        config=config,
    )


def _parts_of_the_mix(file: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """What sums to the mix, the network's own stems first. Raises PruningError."""
    if len(names) > 2:
        if unknown := [name for name in names if name not in (VOCALS, *PARTS)]:
            raise PruningError(f"{file} gives {unknown[0]}, which songs in stems do not have.")
        return names
    own = tuple(VOCALS if name == VOCALS else REST for name in names)
    return own if REST in own else (*own, REST)


def _same(stems: Tensor) -> Tensor:
    return stems
