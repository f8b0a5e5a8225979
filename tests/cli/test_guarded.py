"""What an operator can mend is one sentence and exit code 2, whichever command it happens in."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from cli.refusals import sentence_of
from tests.cli.conftest import Desk


def test_a_file_where_a_folder_must_be_is_named(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    assert desk.refused("demo", "--out", tmp_path / "file") == (
        f"{tmp_path}/file/data cannot be read or written: Not a directory. Name another place."
    )
    assert (tmp_path / "file").read_text() == "precious"


def test_a_place_where_nothing_can_be_written_is_named_as_it_was_typed(desk: Desk, tmp_path: Path) -> None:
    with desk.store().read():
        pass
    (tmp_path / "file").write_text("precious")
    said = desk.refused("backup", tmp_path / "file" / "of today")
    assert said == f"{tmp_path}/file/of today cannot be read or written: Not a directory. Name another place."
    closed = PermissionError(errno.EACCES, "Permission denied", "/srv/.me.pth.0123456789ab.part")
    step = "Give this user the right to it, or name another place."
    assert sentence_of(closed) == f"/srv/me.pth cannot be read or written: Permission denied. {step}"


@pytest.mark.parametrize("address", ["nonsense", "redis://host:port", "http://127.0.0.1:6379"])
@pytest.mark.parametrize("command", ["worker", "bot"])
def test_an_address_that_is_none_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, address: str, command: str
) -> None:
    monkeypatch.setenv("REDIS_URL", address)
    monkeypatch.setenv("DISCORD_TOKEN", "x.y.z")
    sentence = (
        "The setting REDIS_URL is wrong: it is no address such as redis://127.0.0.1:6379. Correct it in .env or the "
        "environment."
    )
    assert desk.refused(command) == sentence


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"DEVICE=\xff\xfe\n", ".env is no text in UTF-8. Save it as UTF-8, or copy .env.example anew."),
        (b'# one\nTRAIN_MINUTES="5\nDEVICE=cpu\n', ".env, line 2 is no NAME=value"),
        (b"DEVICE=cpu\nDATA_DIR=a\0b\n", ".env, line 2 is no NAME=value"),
        (
            b"MAX_NOTES=many\n",
            "The setting MAX_NOTES is wrong: it is “many”, and can be a whole number from 1 to 100. ",
        ),
        (b"POLL_SECONDS=nan\n", "The setting POLL_SECONDS is wrong"),
        (
            b"NOTE_MEGABYTES=-1\n",
            "The setting NOTE_MEGABYTES is wrong: it is “-1”, and can be a number above 0 and at most",
        ),
        (b"POLL_SECONDS=\n", "The setting POLL_SECONDS is wrong: it is empty, and can be a number from 0.01 to 3600. "),
        (b"READ_ALOUD=maybe\n", "The setting READ_ALOUD is wrong: it is “maybe”, and can be true or false. Correct"),
        (b"CARD_SECONDS=inf\n", "The setting CARD_SECONDS is wrong"),
    ],
)
def test_a_damaged_settings_file_is_one_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCORD_TOKEN", "x.y.z")
    (tmp_path / ".env").write_bytes(content)
    assert desk.refused("bot").startswith(sentence)


def test_a_settings_file_may_have_comments_quotes_and_empty_lines(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("# 설정\n\nexport DISCORD_TOKEN=\nDEVICE='cpu' # here\n#X\nEMPTY\n")
    assert "DISCORD_TOKEN is not set" in desk.refused("bot")


@pytest.mark.parametrize("setting", ["TRAIN_MINUTES=inf", "TRAIN_MINUTES=1e9", "TORCH_THREADS=99999999999999999999"])
def test_numbers_of_the_worker_have_bounds(desk: Desk, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    name, _, value = setting.partition("=")
    monkeypatch.setenv(name, value)
    assert desk.refused("worker").startswith(f"The setting {name} is wrong")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", " ", "{note}", "--yes"), "A voice needs a name that can be seen. Choose another name."),
        (("singers", "add", "", "{note}"), "A singer needs a name that can be seen. Choose another name."),
    ],
)
def test_nothing_is_kept_without_a_name(
    desk: Desk, notes: list[Path], tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    assert desk.refused(*(word.format(note=notes[0]) for word in words)) == sentence
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_learnt_from_leaves_none_behind(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "is not a folder" in desk.refused("singers", "train", tmp_path / "file", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "make one with `discovervoice corpus build`" in desk.refused(
        "evaluate", "content", "--data", tmp_path / "none", "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


def test_ctrl_c_while_it_loads_leaves_no_trace() -> None:
    code = "from cli import main\ndef begin(): raise KeyboardInterrupt\nmain._begin = begin\nmain.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
