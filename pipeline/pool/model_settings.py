"""Which models an operator selects, read from the environment; a child is told, and need not load what reads it."""

import re
from pathlib import Path
from typing import Literal

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.pool.selection import Selection

DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")


class ModelSettings(BaseSettings):
    """Read from the environment or `.env`: DEVICE, MODELS_DIR, SEPARATOR, F0, MOS, SINGERS, VOICE_BASE, PRECISION."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", allow_inf_nan=False)

    device: str = "auto"
    models_dir: str = ""
    """Empty: the folder `models` in DATA_DIR."""
    separator: str = "spleeter"
    f0: Literal["swift", "fcpe", "rmvpe"] = "swift"
    mos: Literal["distillmos", "utmos"] = "distillmos"
    singers: str = ""
    """A `singers.safetensors` for `/match`; empty: the embedded speaker encoder."""
    voice_base: Literal["h24", "s24", "rvc-32k", "rvc-40k", "rvc-48k"] = "h24"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    @field_validator("device")
    @classmethod
    def _check_device(cls, name: str) -> str:
        if not DEVICE.fullmatch(name):
            raise ValueError("the devices are auto, cpu, cuda, cuda:1 (the second) and mps")
        return name

    @field_validator("separator")
    @classmethod
    def _check_separator(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("it is empty. Name one, or leave it out: then it is spleeter")
        return name

    def weights_folder(self, data_dir: Path) -> Path:
        """Where fetched weights lie; absolute."""
        folder = Path(self.models_dir) if self.models_dir else data_dir / "models"
        return folder.expanduser().absolute()

    def selection(self, data_dir: Path) -> Selection:
        """Which models run."""
        return Selection(
            separator=self.separator,
            f0=self.f0,
            mos=self.mos,
            weights=self.weights_folder(data_dir),
            singers=Path(self.singers).expanduser().absolute() if self.singers else None,
            voice_base=self.voice_base,
            precision=self.precision,
        )
