"""Which model has which role, as an operator selects it; no import here loads torch, so that settings can name it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

EMBEDDED_BASES = ("h24", "s24")
"""What `/train` can start from without fetching anything; the first is the default."""


class Role(StrEnum):
    """What a model is there for. The value is its name in a list of models."""

    SEPARATOR = "separator"
    CONTENT = "content"
    F0 = "f0"
    VOICING = "voicing"
    SPEAKER = "speaker"
    SINGER = "singer"
    """What `/match` compares by."""
    MOS = "MOS"
    VOICE = "voice"
    """Trained voices, and the base that `/train` starts from."""


SELECTABLE = (Role.SEPARATOR, Role.F0, Role.MOS, Role.SINGER, Role.VOICE)
"""The roles that a `Selection` fills."""


@dataclass(frozen=True)
class Selection:
    """By the names of the catalogue. The default runs on what the program brings."""

    separator: str = "spleeter"
    """One of `pipeline.separation.registry.NAMES`, an ensemble, or the path of a file that `prune` wrote."""
    f0: str = "swift"
    """`swift`, `fcpe` or `rmvpe`."""
    mos: str = "distillmos"
    """`distillmos` or `utmos`."""
    weights: Path = Path("data/models")
    """Where fetched weights lie."""
    singers: Path | None = None
    """A classifier that `singers train` wrote, for `/match`; None: the embedded speaker encoder."""
    voice_base: str = EMBEDDED_BASES[0]
    """What `/train` starts from: `h24`, `s24`, `rvc-32k`, `rvc-40k` or `rvc-48k`."""
    precision: str = "auto"
    """`auto` (bfloat16 where the device multiplies it and a network's output agrees), `float32` or `bfloat16`."""
