"""Files out of a .deb, a wheel or an npm package, by pattern, in memory: no name of an archive becomes a path."""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from lab.errors import BuildError

MAX_FILE = 64 * 2**20  # bytes of one file inside
MAX_WHOLE = 2 * 2**30  # bytes of everything inside, unpacked
AR_MAGIC, AR_HEADER = b"!<arch>\n", 60


def files(archive: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each regular file whose path matches `pattern` (fnmatch; "*" crosses "/").

    The kind of archive is given by its suffix: .deb, .whl, .zip, .tgz, .tar.gz, .tar.xz. Raises BuildError for a broken
    archive, or one that holds more than MAX_FILE in a file or MAX_WHOLE in all.
    """
    try:
        if archive.suffix in (".whl", ".zip"):
            yield from _zipped(archive, pattern)
        elif archive.suffix == ".deb":
            with _deb_data(archive) as data:
                yield from _tarred(data, pattern, archive.name)
        else:
            with archive.open("rb") as data:
                yield from _tarred(data, pattern, archive.name)
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, ValueError, OSError) as error:
        raise BuildError(f"{archive.name} is damaged: {str(error).rstrip('.') or type(error).__name__}.") from error


def _zipped(archive: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as box:
        entries = [entry for entry in box.infolist() if not entry.is_dir()]
        _bound(archive.name, sum(entry.file_size for entry in entries), MAX_WHOLE)
        for entry in entries:
            if fnmatchcase(entry.filename, pattern):
                with box.open(entry) as file:
                    yield entry.filename, _read(file, archive.name)


def _tarred(data: IO[bytes], pattern: str, name: str) -> Iterator[tuple[str, bytes]]:
    total = 0
    with tarfile.open(fileobj=data, mode="r|*") as box:
        for entry in box:
            total += entry.size
            _bound(name, total, MAX_WHOLE)
            inside = entry.name.removeprefix("./")
            if entry.isfile() and fnmatchcase(inside, pattern):
                file = box.extractfile(entry)
                assert file is not None
                yield inside, _read(file, name)


def _read(file: IO[bytes], name: str) -> bytes:
    content = file.read(MAX_FILE + 1)
    _bound(name, len(content), MAX_FILE)
    return content


def _bound(name: str, size: int, limit: int) -> None:
    if size > limit:
        raise BuildError(f"{name} holds more than {limit / 2**20:.0f} MiB where that is not expected.")


@contextmanager
def _deb_data(archive: Path) -> Iterator[IO[bytes]]:
    """The data.tar of a Debian package: an `ar` file of 60-byte headers, each member at an even place."""
    with archive.open("rb") as file:
        if file.read(len(AR_MAGIC)) != AR_MAGIC:
            raise ValueError("it is no Debian package")
        while len(header := file.read(AR_HEADER)) == AR_HEADER and header[58:] == b"`\n":
            name, size = header[:16].decode("ascii").rstrip(" /"), int(header[48:58])
            if name.startswith("data.tar"):
                if name.endswith(".zst"):
                    raise ValueError("its data is packed with zstd, which is not read here")
                yield io.BufferedReader(_Part(file, size))
                return
            file.seek(size + size % 2, 1)
    raise ValueError("it holds no data.tar")


class _Part(io.RawIOBase):
    """The next `size` bytes of a file."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)
