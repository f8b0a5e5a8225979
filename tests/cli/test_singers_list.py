"""The library as the desk lists it: who is compared at present, and who is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli import offline
from cli.console import DeskError
from models.speaker import resemblyzer
from store import Singer, StoreSettings, library, open_store


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What `singers list` says of two singers, embedded by two models."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    with opened.write() as session:
        for name, model in (("Mine", resemblyzer.model_id(resemblyzer.SINGERS_DB)), ("Theirs", "ast-00000000")):
            library.put_singer(session, Singer(name=name, embedding_model=model, embeddings_key="0" * 64, clips=4))
    opened.engine.dispose()

    def say() -> str:
        offline.show_singers()
        return capsys.readouterr().out

    return say


def test_a_singer_of_another_model_is_shown_as_not_compared(listed: Callable[[], str]) -> None:
    output = listed()
    rows = {line.split()[1]: line.split() for line in output.splitlines() if line.startswith("│")}
    assert "yes" in rows["Mine"] and "no" in rows["Theirs"]
    assert resemblyzer.model_id(resemblyzer.SINGERS_DB) in output and "add others again" in " ".join(output.split())


def test_a_classifier_that_is_not_there_is_one_sentence(
    listed: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SINGERS", str(tmp_path / "gone.safetensors"))
    with pytest.raises(DeskError, match=r"gone\.safetensors is missing"):
        listed()
