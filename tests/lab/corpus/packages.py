"""Small packages of every kind, written by the tests themselves."""

import io
import tarfile
import wave
import zipfile
from pathlib import Path

import numpy as np

Files = dict[str, bytes]


def tone(seconds: float, rate: int = 16000, hertz: float = 220.0, channels: int = 1) -> bytes:
    """A 16-bit WAV file with one tone of peak 0.3, the same in each channel."""
    wav = 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((wav * 32767).astype("<i2").repeat(channels).tobytes())
    return data.getvalue()


def tar(files: Files, mode: str) -> bytes:
    """A tar with these files, packed as `mode` says ("w:xz", "w:gz")."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as box:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            box.addfile(entry, io.BytesIO(content))
    return data.getvalue()


def deb(path: Path, files: Files, packed: str = "xz") -> Path:
    """A Debian package, its control.tar of odd length."""
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", f"data.tar.{packed}": tar(files, f"w:{packed}")}
    body = b"!<arch>\n"
    for name, data in members.items():
        body += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    path.write_bytes(body)
    return path


def npm(path: Path, files: Files) -> Path:
    """An npm package."""
    path.write_bytes(tar({f"package/{name}": data for name, data in files.items()}, "w:gz"))
    return path


def wheel(path: Path, files: Files) -> Path:
    """A wheel, as far as a zip is one."""
    with zipfile.ZipFile(path, "w") as box:
        for name, data in files.items():
            box.writestr(name, data)
    return path
