"""One file over HTTPS: resumed, checked, and under its name only when it is whole and right.

While it comes it is `NAME.part`, with the server's ETag in `NAME.part.etag`; a later call goes on with `Range` and
`If-Range` (RFC 9110, sections 13.1.5 and 14.2). What is cut stays to be resumed, what is wrong is deleted.
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
"""Bytes that are taken if neither the catalogue nor the server says how many to expect."""
MARGIN = 64 << 20
"""Bytes that stay free on the disk."""
PROGRESS = 8 << 20
"""Bytes after which a broken connection counts as the first failure again."""

Report = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes in all, where that is known."""


@dataclass(frozen=True)
class Patience:
    """How long to go on with one address."""

    tries: int = 5
    wait: float = 1.0
    """Seconds after the first failure; doubled after each."""
    longest: float = 120.0
    """Seconds; a server that asks for more (Retry-After) is given up."""
    timeout: float = 30.0
    """Seconds without a byte."""
    sleep: Callable[[float], None] = time.sleep


class _GiveUp(Exception):
    """The address will not do; the next one may."""


class _Again(Exception):
    """The address may do in `seconds`, or after the usual wait."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


@dataclass(frozen=True)
class _Job:
    """One file on its way to `target`."""

    file: File
    target: Path
    sha256: str | None
    report: Report
    patience: Patience

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def etag(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part.etag")

    @property
    def here(self) -> int:
        """Bytes so far."""
        return self.part.stat().st_size if self.part.exists() else 0

    def drop(self) -> None:
        """Forget what has come."""
        self.part.unlink(missing_ok=True)
        self.etag.unlink(missing_ok=True)


def fetch(
    file: File,
    target: Path,
    sha256: str | None,
    report: Report = lambda done, total: None,
    patience: Patience | None = None,
) -> tuple[str, str]:
    """Download `file` to `target`, whose folder exists and is locked by the caller.

    The addresses are tried in order. Returns the file's sha256 and the address that gave it. Raises WeightsError with
    one sentence: why each address would not do, or that the disk is full (then nothing of the file is kept).
    """
    job = _Job(file, target, sha256, report, patience or Patience())
    reasons = []
    try:
        for url in file.urls:
            try:
                return _from(url, job), url
            except _GiveUp as reason:
                reasons.append(f"{urlsplit(url).hostname}: {reason}")
    except OSError as error:
        with suppress(OSError):
            job.drop()
        if error.errno in NO_SPACE:
            raise WeightsError(f"The disk is full, and nothing of {file.name} was kept; make room first.") from error
        raise WeightsError(f"{file.name} cannot be written to {target.parent}: {error.strerror}.") from error
    raise WeightsError(f"{file.name} could not be downloaded ({'; '.join(reasons) or 'it has no address'}).")


def need_room(folder: Path, needed: int, what: str) -> None:
    """Raise WeightsError if `needed` bytes have no room on the folder's disk."""
    free = shutil.disk_usage(folder).free
    if needed and free < needed + MARGIN:
        raise WeightsError(
            f"The disk has no room for {what}: {(needed + MARGIN) / 1e6:.0f} MB are needed in {folder}, "
            f"{free / 1e6:.0f} MB are free."
        )


def _from(url: str, job: _Job) -> str:
    """Fetch from one address until the file is under its name; returns its sha256. Raises _GiveUp, OSError."""
    failures, furthest = 0, job.here
    while True:
        try:
            if not job.here or job.here != job.file.size:
                _receive(url, job)
            return _finish(job)
        except _Again as error:
            if job.here >= furthest + PROGRESS:
                failures, furthest = 0, job.here
            wait = job.patience.wait * 2**failures if error.seconds is None else error.seconds
            failures += 1
            if failures >= job.patience.tries:
                raise _GiveUp(f"{error}, {failures} times") from error
            if wait > job.patience.longest:
                raise _GiveUp(f"{error}, and asks to wait {wait:.0f} s") from error
            job.patience.sleep(wait)


def _receive(url: str, job: _Job) -> None:
    """Ask for what is missing and append it. Raises _Again, _GiveUp, OSError, WeightsError (no room)."""
    try:
        with https.get(url, _headers(job), job.patience.timeout) as response:
            if response.status >= 400:
                _refused(response, job)
                return
            total = _begin(response, job)
            _append(response, job, total)
    except https.Forbidden as error:
        raise _GiveUp(str(error)) from error
    except https.Broken as error:
        raise _Again(str(error)) from error


def _headers(job: _Job) -> dict[str, str]:
    """What asks for the rest of a version that is known, or for everything."""
    if job.here and job.etag.exists():
        return {"Range": f"bytes={job.here}-", "If-Range": job.etag.read_text()}
    job.drop()
    return {}


def _begin(response: BaseHTTPResponse, job: _Job) -> int | None:
    """Prepare `.part` for what the answer holds; returns the bytes of the whole file, if they are known."""
    total, length = job.file.size, response.headers.get("Content-Length", "")
    announced = int(length) if length.isdigit() else None
    if response.status == 206:
        start, announced = https.content_range(response.headers.get("Content-Range", ""))
        if start != job.here:
            job.drop()
            raise _Again("sent another part than asked for")
    elif response.status == 200:  # all of it: the server knows no ranges, or has another version now
        job.drop()
    else:
        raise _GiveUp(f"{response.status} {response.reason}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise _GiveUp("sends the file packed")
    if total is not None and announced not in (None, total):
        job.drop()
        raise _GiveUp(f"announces {announced} bytes, not the pinned {total}")
    if total is None and announced is None and job.sha256 is None and not response.chunked:
        raise _GiveUp("does not say how long the file is")  # a cut one would look whole
    total = announced if total is None else total
    need_room(job.target.parent, (total or 0) - job.here, job.file.name)
    etag = response.headers.get("ETag", "")
    if response.status == 200 and etag.startswith('"'):  # a weak one does not name exact bytes
        job.etag.write_text(etag)
    return total


def _append(response: BaseHTTPResponse, job: _Job, total: int | None) -> None:
    """Write the body behind what is here. Raises _Again if it is cut, _GiveUp if it goes on after its end."""
    done, limit = job.here, LARGEST if total is None else total
    job.report(done, total)
    with job.part.open("ab") as file:
        while chunk := https.read_some(response, min(CHUNK, limit - done + 1)):
            done += len(chunk)
            if done > limit:
                job.drop()
                raise _GiveUp(f"sends more than {limit} bytes")
            file.write(chunk)
            job.report(done, total)
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise _Again(f"the connection broke after {done} of {total} bytes")


def _refused(response: BaseHTTPResponse, job: _Job) -> None:
    """What follows from an error status. Raises _Again or _GiveUp, or returns: all bytes were here already."""
    status = f"{response.status} {response.reason}"
    if response.status == 416:
        _, total = https.content_range(response.headers.get("Content-Range", ""))
        if job.here and job.here == total:
            return
        job.drop()
        raise _Again(status)
    if response.status in (408, 429) or response.status >= 500:
        raise _Again(status, https.retry_after(response.headers.get("Retry-After", "")))
    raise _GiveUp(status)


def _finish(job: _Job) -> str:
    """Check the whole file and give it its name. Raises _GiveUp and deletes it if it is wrong."""
    found, size = integrity.digest(job.part), job.here
    if not size or size != (job.file.size or size) or job.sha256 not in (None, found):
        job.drop()
        raise _GiveUp(f"sends another file than the pinned one, sha256 {found[:12]}…")
    job.part.replace(job.target)
    job.etag.unlink(missing_ok=True)
    return found
