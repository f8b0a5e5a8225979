"""Commands in this process: as an operator types them, without the start of an interpreter."""

from pathlib import Path

import pytest

from cli.commands import app
from cli.main import guarded
from store import Store, StoreSettings, open_store


class Desk:
    """`discovervoice` over a data folder: the output of a command, or its one sentence on stderr."""

    def __init__(self, data: Path, capture: pytest.CaptureFixture[str], *prefix: str) -> None:
        self.data, self.capture, self.prefix = data, capture, prefix

    def __call__(self, *words: str | Path) -> str:
        return self._run(words, 0)[0]

    def refused(self, *words: str | Path) -> str:
        lines = self._run(words, 2)[1].strip().splitlines()
        assert len(lines) == 1, lines
        return lines[0]

    def told(self, *words: str | Path, code: int = 2) -> str:
        """All that is printed by a command that ends with this code."""
        return "".join(self._run(words, code))

    def store(self) -> Store:
        return open_store(StoreSettings(data_dir=self.data))

    def _run(self, words: tuple[str | Path, ...], code: int) -> tuple[str, str]:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setenv("DATA_DIR", str(self.data))
            guarded(lambda: app([*self.prefix, *(str(word) for word in words)]))
        out, err = self.capture.readouterr()
        assert (end.value.code or 0) == code, out + err
        return out, err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """The commands over a data folder that does not exist yet."""
    return Desk(tmp_path / "data", capsys)
