"""Packages come by the user's own programs; another file, a refusal or a missing program is one sentence."""

import hashlib
from pathlib import Path

import pytest

from lab.corpus.catalogue import Package
from lab.corpus.fetch import command, fetch
from lab.errors import BuildError

SOUND = Package("apt", "sounds", "1.0-1", "sounds_1.0-1_all.deb", hashlib.sha256(b"sound\n").hexdigest())


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of our own in front; what is put there is what `fetch` finds."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_package_is_downloaded_once(programs: Path, tmp_path: Path) -> None:
    program(programs / "apt-get", '[ "$1 $2" = "download sounds=1.0-1" ] && echo sound > any-name.deb')
    path = fetch(SOUND, tmp_path / "cache")
    assert path.read_bytes() == b"sound\n" and path.name == SOUND.file
    program(programs / "apt-get", "exit 1")
    assert fetch(SOUND, tmp_path / "cache") == path
    assert [file.name for file in (tmp_path / "cache").iterdir()] == [SOUND.file]


def test_a_damaged_copy_is_downloaded_again(programs: Path, tmp_path: Path) -> None:
    (tmp_path / SOUND.file).write_bytes(b"half")
    program(programs / "apt-get", "echo sound > x.deb")
    assert fetch(SOUND, tmp_path).read_bytes() == b"sound\n"


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo other > x.deb", "sounds 1.0-1 is not the file that is pinned"),
        ("true", "apt gave 0 files for sounds 1.0-1, not one."),
        (
            "echo 'W: hm' >&2; echo 'E: Version not found.' >&2; exit 100",
            "download sounds 1.0-1: E: Version not found.$",
        ),
        ("exit 3", "no reason given"),
    ],
)
def test_what_goes_wrong_is_one_sentence(programs: Path, tmp_path: Path, script: str, sentence: str) -> None:
    program(programs / "apt-get", script)
    with pytest.raises(BuildError, match=sentence):
        fetch(SOUND, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(("manager", "missing"), [("apt", "apt-get"), ("npm", "npm")])
def test_a_missing_program_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: str, missing: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=f"^The program {missing} is needed to download x, and it is not installed.$"):
        command(Package(manager, "x", "1", "x", ""), tmp_path)  # type: ignore[arg-type]


def test_pip_and_npm_are_asked_for_one_version_and_run_nothing(programs: Path, tmp_path: Path) -> None:
    program(programs / "npm", "true")
    pip = command(Package("pip", "x", "1", "x", ""), tmp_path)
    npm = command(Package("npm", "x", "1", "x", ""), tmp_path)
    assert "--no-deps" in pip and "--only-binary" in pip and pip[-1] == "x==1"
    assert "--ignore-scripts" in npm and "x@1" in npm
    assert not any("://" in word for word in [*pip, *npm])
