"""Downloads from a real HTTP server on the loopback: cut, refused, wrong, too large."""

import hashlib
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from models.weights.catalog import File
from models.weights.download import MARGIN, RetryPolicy, fetch
from models.weights.integrity import WeightsError
from tests.models.weights.shelf import BODY, OTHER, Answer, Server, serving, status, unmeasured, whole

SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def retry(slept: list[float]) -> RetryPolicy:
    return RetryPolicy(sleep=slept.append, timeout=5.0)


def weights(*urls: str, sha256: str | None = SHA256, size: int | None = len(BODY)) -> File:
    return File("weights", "weights.bin", urls, sha256, size)


def ranges(server: Server) -> list[str | None]:
    return [headers.get("Range") for _, headers in server.requests]


def left(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def get(folder: Path, file: File, retry: RetryPolicy) -> bytes:
    """Download into the folder; what lies under the name then."""
    fetch(file, folder / file.name, file.sha256, retry=retry)
    return (folder / file.name).read_bytes()


def refusal(folder: Path, file: File, retry: RetryPolicy) -> str:
    """The one sentence of a download that must fail; nothing may lie under the name."""
    with pytest.raises(WeightsError) as error:
        get(folder, file, retry)
    assert not (folder / file.name).exists() and "\n" not in str(error.value)
    return str(error.value)


def test_a_cut_download_goes_on_where_it_broke(
    server: Server, tmp_path: Path, retry: RetryPolicy, slept: list[float]
) -> None:
    url = server.put(whole(cut=70_000), whole(cut=50_000), whole())
    assert get(tmp_path, weights(url), retry) == BODY
    assert ranges(server) == [None, "bytes=70000-", "bytes=120000-"]
    assert [headers.get("If-Range") for _, headers in server.requests] == [None, '"a"', '"a"']
    assert slept == [1.0, 2.0] and left(tmp_path) == ["weights.bin"]


def test_what_was_cut_is_kept_for_the_next_pull(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    url = server.put(whole(cut=100_000), status(404))
    assert "404" in refusal(tmp_path, weights(url), retry)
    assert left(tmp_path) == ["weights.bin.part", "weights.bin.part.etag"]
    server.put(whole())
    assert get(tmp_path, weights(url), retry) == BODY
    assert ranges(server)[-1] == "bytes=100000-" and left(tmp_path) == ["weights.bin"]


def test_a_server_without_ranges_begins_anew(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    seen: list[tuple[int, int | None]] = []
    file = weights(server.put(whole(cut=70_000), whole(ranges=False)))
    fetch(file, tmp_path / "weights.bin", SHA256, lambda done, total: seen.append((done, total)), retry)
    assert (tmp_path / "weights.bin").read_bytes() == BODY and ranges(server) == [None, "bytes=70000-"]
    assert (70_000, 300_000) in seen and seen.count((0, 300_000)) == 2 and seen[-1] == (300_000, 300_000)


def test_another_version_on_the_server_is_not_mixed_with_the_old(
    server: Server, tmp_path: Path, retry: RetryPolicy
) -> None:
    file = weights(server.put(whole(OTHER, '"old"', cut=70_000), whole(BODY, '"new"')))
    assert get(tmp_path, file, retry) == BODY
    assert ranges(server) == [None, "bytes=70000-"]


def test_without_a_strong_etag_a_cut_download_begins_anew(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    file = weights(server.put(whole(etag='W/"a"', cut=70_000), whole(etag='W/"a"')))
    assert get(tmp_path, file, retry) == BODY and ranges(server) == [None, None]


def test_all_bytes_of_a_killed_pull_need_no_second_download(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    (tmp_path / "weights.bin.part").write_bytes(BODY)
    assert get(tmp_path, weights(server.put(status(500))), retry) == BODY
    assert server.requests == []


def test_a_range_that_is_refused_begins_anew(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    (tmp_path / "weights.bin.part").write_bytes(BODY[:9])
    (tmp_path / "weights.bin.part.etag").write_text('"a"')
    file = weights(server.put(status(416, Content_Range="bytes */5"), whole()))
    assert get(tmp_path, file, retry) == BODY and ranges(server) == ["bytes=9-", None]


def test_a_part_that_was_not_requested_is_not_appended(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    shifted = status(206, Content_Range="bytes 5-299999/300000", Content_Length="299995")
    assert get(tmp_path, weights(server.put(whole(cut=70_000), shifted, whole())), retry) == BODY
    assert ranges(server) == [None, "bytes=70000-", None]


def test_a_wrong_file_is_deleted(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    message = refusal(tmp_path, weights(server.put(whole(OTHER))), retry)
    assert "sends another file than the pinned one" in message and hashlib.sha256(OTHER).hexdigest()[:12] in message
    assert left(tmp_path) == [] and len(server.requests) == 1


def test_a_missing_file_is_requested_once(
    server: Server, tmp_path: Path, retry: RetryPolicy, slept: list[float]
) -> None:
    assert "127.0.0.1: 404" in refusal(tmp_path, weights(server.put(status(404))), retry)
    assert len(server.requests) == 1 and slept == [] and left(tmp_path) == []


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_respected(
    server: Server, tmp_path: Path, retry: RetryPolicy, slept: list[float], code: int
) -> None:
    assert get(tmp_path, weights(server.put(status(code, Retry_After="7"), whole())), retry) == BODY
    assert slept == [7.0] and len(server.requests) == 2


def test_the_time_to_wait_may_be_a_date(server: Server, tmp_path: Path, retry: RetryPolicy, slept: list[float]) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert get(tmp_path, weights(server.put(status(503, Retry_After=date), whole())), retry) == BODY
    assert len(slept) == 1 and 25 < slept[0] <= 30


def test_a_server_that_stays_broken_is_given_up(
    server: Server, tmp_path: Path, retry: RetryPolicy, slept: list[float]
) -> None:
    assert "500 Internal Server Error, 5 times" in refusal(tmp_path, weights(server.put(status(500))), retry)
    assert slept == [1.0, 2.0, 4.0, 8.0] and len(server.requests) == 5


def test_a_retry_after_of_an_hour_is_not_awaited(
    server: Server, tmp_path: Path, retry: RetryPolicy, slept: list[float]
) -> None:
    message = refusal(tmp_path, weights(server.put(status(503, Retry_After="3600"))), retry)
    assert "asks to wait 3600 s" in message and slept == []


def test_a_closed_port_is_abandoned_after_all_attempts(tmp_path: Path, retry: RetryPolicy) -> None:
    with Server() as closed:
        url = closed.put(whole())
    assert "no connection" in refusal(tmp_path, weights(url), retry)


@pytest.mark.parametrize("first", [status(404), whole(OTHER), status(503, Retry_After="3600")])
def test_the_next_address_is_tried(server: Server, tmp_path: Path, retry: RetryPolicy, first: Answer) -> None:
    bad, good = server.put(first, path="/bad"), server.put(whole(), path="/good")
    file = weights(bad, good)
    assert fetch(file, tmp_path / "weights.bin", SHA256, retry=retry) == (SHA256, good)
    assert (tmp_path / "weights.bin").read_bytes() == BODY


def test_every_failed_address_is_in_the_error(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    file = weights(server.put(status(404), path="/a"), server.put(whole(OTHER), path="/b"))
    message = refusal(tmp_path, file, retry)
    assert "404" in message and "another file" in message


def test_more_bytes_than_pinned_are_refused(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    file = weights(server.put(unmeasured(BODY + b"x")))
    assert "sends more than 300000 bytes" in refusal(tmp_path, file, retry) and left(tmp_path) == []


def test_a_length_other_than_the_pinned_is_refused_before_a_byte(
    server: Server, tmp_path: Path, retry: RetryPolicy
) -> None:
    message = refusal(tmp_path, weights(server.put(whole(BODY[:-1]))), retry)
    assert "announces 299999 bytes, not the pinned 300000" in message and left(tmp_path) == []


def test_an_unpinned_file_must_say_how_long_it_is(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    file = weights(server.put(unmeasured(BODY)), sha256=None, size=None)
    assert "does not say how long" in refusal(tmp_path, file, retry)


def test_a_packed_answer_is_refused(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    file = weights(server.put(whole(headers={"Content-Encoding": "gzip"})))
    assert "packed" in refusal(tmp_path, file, retry)


@pytest.mark.parametrize("url", ["http://example.org/w", "ftp://example.org/w", "file:///etc/hostname"])
def test_only_https_is_requested(tmp_path: Path, retry: RetryPolicy, url: str) -> None:
    assert "is not an HTTPS address" in refusal(tmp_path, weights(url), retry)


@pytest.mark.parametrize("to", ["http://example.org/w?key=secret", "ftp://example.org/w"])
def test_a_redirect_away_from_https_is_refused(server: Server, tmp_path: Path, retry: RetryPolicy, to: str) -> None:
    message = refusal(tmp_path, weights(server.put(status(302, Location=to))), retry)
    assert "leads to" in message and "not HTTPS" in message and "secret" not in message


def test_a_redirect_is_followed_with_its_range(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    there = server.put(whole(cut=70_000), whole(), path="/there")
    assert get(tmp_path, weights(server.put(status(302, Location=there))), retry) == BODY
    assert ranges(server) == [None, None, "bytes=70000-", "bytes=70000-"]


def test_a_disk_without_space_is_detected_before_a_byte(
    server: Server, tmp_path: Path, retry: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=MARGIN + len(BODY) - 1))
    assert "The disk has no room for weights.bin: 67 MB" in refusal(tmp_path, weights(server.put(whole())), retry)
    assert left(tmp_path) == []
    assert len(server.requests) == 1


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write more into a file, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_leaves_nothing_half_written(server: Server, tmp_path: Path, retry: RetryPolicy) -> None:
    file = weights(server.put(whole()))
    with files_of_at_most(100_000):
        assert "The disk is full, and nothing of weights.bin was kept" in refusal(tmp_path, file, retry)
    assert left(tmp_path) == []
    assert get(tmp_path, file, retry) == BODY
