"""Files come out of every kind of package; a broken, huge or odd one is one sentence."""

import io
import tarfile
from pathlib import Path

import pytest

from lab.corpus import unpack
from lab.corpus.unpack import files
from lab.errors import BuildError
from tests.lab.corpus import packages

INSIDE = {"./a/one.wav": b"1", "./a/deep/two.wav": b"22", "./b/three.txt": b"333"}
WAVS = {"a/one.wav": b"1", "a/deep/two.wav": b"22"}


@pytest.mark.parametrize("packed", ["xz", "gz"])
def test_a_debian_package(tmp_path: Path, packed: str) -> None:
    assert dict(files(packages.deb(tmp_path / "x.deb", INSIDE, packed), "a/*.wav")) == WAVS


def test_an_npm_package_and_a_wheel(tmp_path: Path) -> None:
    plain = {name.removeprefix("./"): data for name, data in INSIDE.items()}
    inside = dict(files(packages.npm(tmp_path / "x.tgz", plain), "package/a/*"))
    assert inside == {f"package/{name}": data for name, data in WAVS.items()}
    assert dict(files(packages.wheel(tmp_path / "x.whl", plain), "*.txt")) == {"b/three.txt": b"333"}


def test_links_and_folders_are_no_files(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as box:
        link = tarfile.TarInfo("passwords")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        box.addfile(link)
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        box.addfile(folder)
        box.addfile(tarfile.TarInfo("../up.txt"), io.BytesIO())
    assert dict(files(tmp_path / "x.tgz", "*")) == {"../up.txt": b""}  # a name only: nothing is written by it
    assert [path.name for path in tmp_path.rglob("*")] == ["x.tgz"]


@pytest.mark.parametrize("name", ["x.deb", "x.whl", "x.tgz"])
@pytest.mark.parametrize("content", [b"", b"nonsense" * 99, b"!<arch>\n" + b"x" * 60])
def test_what_is_no_package_is_said(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BuildError, match=rf"^{name} is damaged: .+\.$"):
        list(files(tmp_path / name, "*"))


def test_a_package_that_breaks_off_is_said(tmp_path: Path) -> None:
    whole = packages.deb(tmp_path / "x.deb", {"a": bytes(range(256)) * 400}).read_bytes()
    (tmp_path / "x.deb").write_bytes(whole[:-60])
    with pytest.raises(BuildError, match="damaged"):
        list(files(tmp_path / "x.deb", "*"))


def test_a_zstd_package_is_refused(tmp_path: Path) -> None:
    path = packages.deb(tmp_path / "x.deb", {})
    path.write_bytes(path.read_bytes().replace(b"data.tar.xz ", b"data.tar.zst"))
    with pytest.raises(BuildError, match="zstd"):
        list(files(path, "*"))


@pytest.mark.parametrize("limit", ["MAX_FILE", "MAX_WHOLE"])
def test_more_than_expected_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(unpack, limit, 1000)
    for path in (
        packages.deb(tmp_path / "x.deb", {"a": b"x" * 1001}),
        packages.wheel(tmp_path / "x.whl", {"a": b"x" * 1001}),
    ):
        with pytest.raises(BuildError, match="holds more than"):
            list(files(path, "*"))
