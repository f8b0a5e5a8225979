"""A file as a library sees it that cannot bear a full disk."""

from typing import BinaryIO


class Sink:
    """Keeps the disk's first refusal for us: torch and FFmpeg cannot end a file after one, and hide it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, or after a refusal do as if."""
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error
        return len(data)

    def flush(self) -> None:
        """The file is flushed when it is closed."""
