"""Which model has which role; no import here loads torch, so that settings can name it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Selection:
    """By the names of the catalogue. The default runs on what the program brings."""

    separator: str = "spleeter"
    """One of `pipeline.separation.registry.NAMES`."""
    f0: str = "fcpe"
    """`fcpe` or `rmvpe`."""
    mos: str = "distillmos"
    """`distillmos` or `utmos`."""
    weights: Path = Path("data/models")
    """Where fetched weights lie."""
    singers: Path | None = None
    """A classifier that `singers train` wrote, for `/match`; None: the embedded speaker encoder."""
    voice_base: str = "s24"
    """What `/train` starts from: `s24`, `rvc-32k`, `rvc-40k` or `rvc-48k`."""
