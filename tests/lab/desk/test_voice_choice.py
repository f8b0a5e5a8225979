"""Which voice a command measures: the service's own, a member's, files, folders, and what is none."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.console import DeskError
from lab.desk.evaluate import evaluate
from lab.desk.voice_choice import open_voice, sounds_of
from pipeline.pool.model_pool import ModelPool
from store import Store
from store.use_cases import NewVoice, keep_voice
from tests.conftest import LIBRARY

MEMBER = 5


def test_a_member_s_voice_is_found_by_its_id_and_by_no_name(
    store: Store, voice_files: tuple[Path, Path], models: ModelPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(store.data_dir))
    model, index = voice_files
    kept = keep_voice(store, MEMBER, NewVoice("Mine", model, index, {}, ""), "agreed")
    opened = open_voice(f"#{kept.id}", models, tmp_path, [])
    assert opened.name == "Mine" and opened.model.read_bytes() == model.read_bytes() and opened.index.is_file()
    for unknown in ("Mine", "#99", "#x"):
        with pytest.raises(DeskError, match=f"There is no voice {unknown}.*a file \\(.pth"):
            open_voice(unknown, models, tmp_path, [])


def test_a_folder_is_made_a_voice_and_a_file_needs_its_index(
    voice_files: tuple[Path, Path], models: ModelPool, tmp_path: Path
) -> None:
    opened = open_voice(str(LIBRARY / "libri-533"), models, tmp_path, [])
    assert opened.name == "libri-533" and models.voice(opened.model, opened.index).speaker.any()
    copied = tmp_path / "given.safetensors"
    shutil.copyfile(voice_files[0], copied)
    with pytest.raises(DeskError, match=r"its index is missing: given\.index\.safetensors"):
        open_voice(str(copied), models, tmp_path, [])
    shutil.copyfile(voice_files[1], tmp_path / "given.index.safetensors")
    assert open_voice(str(copied), models, tmp_path, []).name == "given"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeskError, match="holds no recordings"):
        sounds_of(tmp_path / "empty")


def test_neither_a_voice_nor_data_and_no_such_song_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    def run(*words: str) -> None:
        CliRunner().invoke(evaluate, [*words, "--threads", "1"], catch_exceptions=False)

    with pytest.raises(DeskError, match="Name a voice, or give --data"):
        run("voice")
    with pytest.raises(DeskError, match="No tune is neither a file nor a song of the library"):
        run("cover", "No tune", "--voice", "x", "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
