"""What a worker may use."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.pool.selection import Selection


class WorkerSettings(BaseSettings):
    """Read from the environment or `.env`.

    DEVICE, TRAIN_MINUTES, TORCH_THREADS, MODELS_DIR, SEPARATOR, F0, MOS, SINGERS, VOICE_BASE.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    device: str = "auto"
    train_minutes: float = Field(default=10.0, gt=0)
    torch_threads: int = Field(default=0, ge=0)
    """0: half of what the system calls cores. They share their arithmetic in pairs, and the others have to live."""
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

    def choice(self, data_dir: Path) -> Selection:
        """Which models run."""
        singers = Path(self.singers).expanduser().absolute() if self.singers else None
        return Selection(self.separator, self.f0, self.mos, self.weights_folder(data_dir), singers, self.voice_base)
