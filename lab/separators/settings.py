"""Settings of a separator's training: the shipped ones, or a TOML file's."""

from pathlib import Path

from lab.pretrain.config import Schedule, read_config
from lab.separators.task import SeparatorConfig

SHIPPED = Path(__file__).with_name("separators.toml")


def read_settings(path: Path | None) -> tuple[SeparatorConfig, Schedule]:
    """Tables `[task]` and `[schedule]`; the shipped ones without a file. Raises RecipeError."""
    return read_config(path or SHIPPED, SeparatorConfig)
