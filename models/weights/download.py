"""Download of one file over HTTPS: resumable, with retries, checked by sha256, and atomic.

An incomplete download is `NAME.part`, with the server's ETag in `NAME.part.etag`; a later call resumes it with `Range`
and `If-Range` (RFC 9110, sections 13.1.5 and 14.2). It is renamed to `NAME` once its size and checksum are right, and
deleted if they are wrong.
"""

import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse

from files.disk import NO_SPACE
from models.weights import https, integrity
from models.weights.catalog import File
from models.weights.integrity import WeightsError

CHUNK = 1 << 20
LARGEST = 1 << 33
"""The limit in bytes where neither the catalogue nor the server gives a size."""
MARGIN = 64 << 20
"""Bytes to leave free on the disk."""
PROGRESS = 8 << 20
"""Bytes received after which the count of failed attempts is reset."""

Report = Callable[[int, int | None], None]
"""Called with the bytes received and the total, where that is known."""


@dataclass(frozen=True)
class RetryPolicy:
    """Attempts, exponential backoff and timeout for one address."""

    attempts: int = 5
    backoff: float = 1.0
    """Seconds to wait after the first failed attempt; doubled after each."""
    max_wait: float = 120.0
    """Seconds; an address whose Retry-After exceeds it is abandoned."""
    timeout: float = 30.0
    """Seconds, for connecting and for each read."""
    sleep: Callable[[float], None] = time.sleep


class _AddressFailed(Exception):
    """An address cannot provide the file; the next one is tried."""


class _Retryable(Exception):
    """An attempt failed; the next follows after `seconds`, or after the backoff."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True)
class _Download:
    """One file that is downloaded to `target`."""

    file: File
    target: Path
    sha256: str | None
    report: Report
    retry: RetryPolicy

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def etag(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part.etag")

    @property
    def received(self) -> int:
        """Bytes in `part`."""
        return self.part.stat().st_size if self.part.exists() else 0

    def discard(self) -> None:
        """Delete the incomplete download."""
        self.part.unlink(missing_ok=True)
        self.etag.unlink(missing_ok=True)


def fetch(
    file: File,
    target: Path,
    sha256: str | None,
    report: Report = lambda done, total: None,
    retry: RetryPolicy | None = None,
) -> tuple[str, str]:
    """Download `file` to `target`, whose folder exists and is locked by the caller.

    The addresses are tried in order. Returns the file's sha256 and the address that provided it. Raises WeightsError
    with one sentence: why each address failed, or that the disk is full (then the incomplete file is deleted).
    """
    download = _Download(file, target, sha256, report, retry or RetryPolicy())
    reasons = []
    try:
        for url in file.urls:
            try:
                return _from(url, download), url
            except _AddressFailed as reason:
                reasons.append(f"{urlsplit(url).hostname}: {reason}")
    except OSError as error:
        with suppress(OSError):
            download.discard()
        if error.errno in NO_SPACE:
            raise WeightsError(f"The disk is full, and nothing of {file.name} was kept; make room first.") from error
        raise WeightsError(
            f"{file.name} cannot be written to {target.parent}: {error.strerror}. Name another folder (MODELS_DIR)."
        ) from error
    raise WeightsError(f"{file.name} could not be downloaded ({'; '.join(reasons) or 'it has no address'}).")


def need_room(folder: Path, needed: int, what: str) -> None:
    """Raise WeightsError unless the folder's disk has `needed` bytes free, and MARGIN."""
    free = shutil.disk_usage(folder).free
    if needed and free < needed + MARGIN:
        raise WeightsError(
            f"The disk has no room for {what}: {(needed + MARGIN) / 1e6:.0f} MB are needed in {folder}, "
            f"{free / 1e6:.0f} MB are free."
        )


def _from(url: str, download: _Download) -> str:
    """Download from one address with retries; returns the sha256. Raises _AddressFailed, OSError."""
    failures, furthest = 0, download.received
    while True:
        try:
            if not download.received or download.received != download.file.size:
                _receive(url, download)
            return _finish(download)
        except _Retryable as error:
            if download.received >= furthest + PROGRESS:
                failures, furthest = 0, download.received
            wait = download.retry.backoff * 2**failures if error.seconds is None else error.seconds
            failures += 1
            if failures >= download.retry.attempts:
                raise _AddressFailed(f"{error}, {failures} times") from error
            if wait > download.retry.max_wait:
                raise _AddressFailed(f"{error}, and asks to wait {wait:.0f} s") from error
            download.retry.sleep(wait)


def _receive(url: str, download: _Download) -> None:
    """Request the remaining bytes and append them.

    Raises _Retryable, _AddressFailed, OSError, WeightsError (no room).
    """
    try:
        with https.get(url, _headers(download), download.retry.timeout) as response:
            if response.status >= 400:
                _handle_error_status(response, download)
                return
            total = _begin(response, download)
            _append(response, download, total)
    except https.AddressRejected as error:
        raise _AddressFailed(str(error)) from error
    except https.ConnectionBroken as error:
        raise _Retryable(str(error)) from error


def _headers(download: _Download) -> dict[str, str]:
    """The range headers that resume a download of a known version; none, for the whole file, otherwise."""
    if download.received and download.etag.exists():
        return {"Range": f"bytes={download.received}-", "If-Range": download.etag.read_text()}
    download.discard()
    return {}


def _begin(response: BaseHTTPResponse, download: _Download) -> int | None:
    """Check the response's headers and prepare `.part` for its body; returns the file's total size, if it is known."""
    total, length = download.file.size, response.headers.get("Content-Length", "")
    announced = int(length) if length.isdigit() else None
    if response.status == 206:
        start, announced = https.content_range(response.headers.get("Content-Range", ""))
        if start != download.received:
            download.discard()
            raise _Retryable("sent another part than asked for")
    elif response.status == 200:  # the whole file: no support for ranges, or a newer version
        download.discard()
    else:
        raise _AddressFailed(f"{response.status} {response.reason}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _AddressFailed("sends the file packed")
    if total is not None and announced not in (None, total):
        download.discard()
        raise _AddressFailed(f"announces {announced} bytes, not the pinned {total}")
    if total is None and announced is None and download.sha256 is None and not response.chunked:
        raise _AddressFailed("does not say how long the file is")  # a truncated file would pass as complete
    total = announced if total is None else total
    need_room(download.target.parent, (total or 0) - download.received, download.file.name)
    etag = response.headers.get("ETag", "")
    if response.status == 200 and etag.startswith('"'):  # a weak validator does not guarantee identical bytes
        download.etag.write_text(etag)
    return total


def _append(response: BaseHTTPResponse, download: _Download, total: int | None) -> None:
    """Append the body to `.part`. Raises _Retryable if it is truncated, _AddressFailed if it is too long."""
    done, limit = download.received, LARGEST if total is None else total
    download.report(done, total)
    with download.part.open("ab") as file:
        while chunk := https.read_some(response, min(CHUNK, limit - done + 1)):
            done += len(chunk)
            if done > limit:
                download.discard()
                raise _AddressFailed(f"sends more than {limit} bytes")
            file.write(chunk)
            download.report(done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise _Retryable(f"the connection broke after {done} of {total} bytes")


def _handle_error_status(response: BaseHTTPResponse, download: _Download) -> None:
    """Raise _Retryable or _AddressFailed for an error status; return if all bytes had been received already (416)."""
    status = f"{response.status} {response.reason}"
    if response.status == 416:
        _, total = https.content_range(response.headers.get("Content-Range", ""))
        if download.received and download.received == total:
            return
        download.discard()
        raise _Retryable(status)
    if response.status in (408, 429) or response.status >= 500:
        raise _Retryable(status, https.retry_after(response.headers.get("Retry-After", "")))
    raise _AddressFailed(status)


def _finish(download: _Download) -> str:
    """Check size and sha256, then rename `.part` to the target. Deletes it and raises _AddressFailed if wrong."""
    actual, size = integrity.digest(download.part), download.received
    if not size or size != (download.file.size or size) or download.sha256 not in (None, actual):
        download.discard()
        raise _AddressFailed(f"sends another file than the pinned one, sha256 {actual[:12]}…")
    download.part.replace(download.target)
    download.etag.unlink(missing_ok=True)
    return actual
