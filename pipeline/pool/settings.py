"""Which models an operator chose, from the environment."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.pool.selection import Selection


class ModelSettings(BaseSettings):
    """Read from the environment or `.env`: DEVICE, MODELS_DIR, SEPARATOR, F0, MOS, SINGERS, VOICE_BASE."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    device: str = "auto"
    models_dir: str = ""
    """Empty: the folder `models` in DATA_DIR."""
    separator: str = "spleeter"
    f0: str = "fcpe"
    mos: str = "distillmos"
    singers: str = ""
    """A `singers.safetensors` for `/match`; empty: the embedded speaker encoder."""
    voice_base: str = "s24"

    def weights_folder(self, data_dir: Path) -> Path:
        """Where fetched weights lie; absolute."""
        folder = Path(self.models_dir) if self.models_dir else data_dir / "models"
        return folder.expanduser().absolute()

    def selection(self, data_dir: Path) -> Selection:
        """Which models run."""
        singers = Path(self.singers).expanduser().absolute() if self.singers else None
        return Selection(self.separator, self.f0, self.mos, self.weights_folder(data_dir), singers, self.voice_base)
