"""Entries are fetched once, repaired if wrong, and taken without a pin only if that is accepted."""

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.weights import catalog, integrity, pins
from models.weights.catalog import Entry, File, State
from models.weights.download import MARGIN
from models.weights.integrity import WeightsError
from models.weights.pull import pull
from tests.models.weights.shelf import BODY, OTHER, Handler, Server, serving, whole

SHA256 = hashlib.sha256(BODY).hexdigest()
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def weights(*urls: str, sha256: str | None = SHA256, size: int | None = len(BODY)) -> File:
    return File("weights", "weights.bin", urls, sha256, size)


def entry(file: File) -> Entry:
    words = {"title": "A model", "role": "content", "architecture": "", "licence": "MIT", "source": ""}
    return Entry(name="model", **words, device="cpu", memory_gb=1.0, files=(file,))


def test_room_for_all_files_is_looked_for_before_the_first(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=MARGIN + len(BODY) - 1))
    with pytest.raises(WeightsError, match="The disk has no room for model: 67 MB are needed"):
        pull([entry(weights(server.put(whole())))], tmp_path)
    assert server.requests == [] and list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_created_is_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match=r"cannot be written: .*\. Name another folder \(MODELS_DIR\)\."):
        pull([entry(weights(server.put(whole())))], tmp_path / "file" / "models")


def test_what_is_here_and_right_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    model = entry(weights(server.put(whole())))
    assert [done.how for _ in range(2) for done in pull([model], tmp_path)] == ["fetched", "here"]
    assert len(server.requests) == 1


def test_what_is_here_and_wrong_is_fetched_again(server: Server, tmp_path: Path) -> None:
    model = entry(weights(server.put(whole())))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(OTHER)
    assert [done.how for done in pull([model], tmp_path)] == ["fetched"]
    assert (tmp_path / "model" / "weights.bin").read_bytes() == BODY


def test_a_wrong_file_stays_until_another_is_here(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "model" / "weights.bin"
    path.parent.mkdir()
    path.write_bytes(OTHER)
    with pytest.raises(WeightsError, match="could not be downloaded"):
        pull([entry(weights(server.put(whole(BODY[:-1]))))], tmp_path)
    assert path.read_bytes() == OTHER


def test_room_is_looked_for_where_a_file_is_wrong(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(OTHER)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=MARGIN + len(BODY) - 1))
    with pytest.raises(WeightsError, match="The disk has no room for model: 67 MB are needed"):
        pull([entry(weights(server.put(whole())))], tmp_path)
    assert server.requests == []


def test_a_part_that_is_too_long_makes_no_room_for_another_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = entry(weights(server.put(whole())))
    second = File("second", "second.bin", first.files[0].urls, SHA256, len(BODY))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin.part").write_bytes(BODY * 2)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=MARGIN + len(BODY) - 1))
    with pytest.raises(WeightsError, match="no room for model"):
        pull([replace(first, files=(*first.files, second))], tmp_path)
    assert server.requests == []


def test_an_unpinned_file_is_taken_only_if_that_is_accepted(server: Server, tmp_path: Path) -> None:
    url = server.put(whole())
    model = entry(weights(url, sha256=None, size=None))
    with pytest.raises(WeightsError, match=r"Nobody has pinned weights.bin of model.*model --accept-unverified"):
        pull([model], tmp_path)
    assert server.requests == [] and list(tmp_path.iterdir()) == []
    assert [done.how for done in pull([model], tmp_path, accept_unverified=True)] == ["fetched"]
    row = json.loads((tmp_path / "pins.json").read_text())["model/weights.bin"]
    assert (row["sha256"], row["size"], row["url"], row["accepted"]) == (SHA256, 300_000, url, True)
    assert datetime.now(UTC) - datetime.fromisoformat(row["date"]) < timedelta(minutes=1)


def test_what_was_accepted_is_the_pin_from_then_on(server: Server, tmp_path: Path) -> None:
    file = weights(server.put(whole()), sha256=None, size=None)
    path = tmp_path / "model" / "weights.bin"
    pull([entry(file)], tmp_path, accept_unverified=True)
    assert [done.how for done in pull([entry(file)], tmp_path)] == ["here"]
    path.write_bytes(OTHER)
    assert catalog.state(entry(file), file, tmp_path) == State.WRONG
    server.put(whole(OTHER))
    with pytest.raises(WeightsError, match="another file than the pinned one"):
        pull([entry(file)], tmp_path, accept_unverified=True)
    assert path.read_bytes() == OTHER and catalog.state(entry(file), file, tmp_path) == State.WRONG


def test_an_unpinned_file_that_was_put_there_by_hand_is_recorded_if_accepted(tmp_path: Path) -> None:
    file = weights(sha256=None, size=None)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights.bin").write_bytes(BODY)
    assert catalog.state(entry(file), file, tmp_path) == State.UNVERIFIED
    assert [done.how for done in pull([entry(file)], tmp_path, accept_unverified=True)] == ["accepted"]
    assert pins.read(tmp_path)["model/weights.bin"].sha256 == SHA256
    assert catalog.state(entry(file), file, tmp_path) == State.OK


def test_a_file_that_changes_while_it_is_read_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = weights(sha256=None, size=None)
    path = tmp_path / "model" / "weights.bin"
    path.parent.mkdir()
    path.write_bytes(BODY)
    monkeypatch.setattr(integrity, "digest", then(lambda: path.write_bytes(OTHER * 2)))
    with pytest.raises(WeightsError, match=r"weights\.bin of model changed while it was read"):
        pull([entry(file)], tmp_path, accept_unverified=True)
    assert pins.read(tmp_path) == {}


def then(change: Callable[[], object]) -> Callable[[Path], str]:
    """`integrity.digest`, and a change by somebody else right after it."""
    digest = integrity.digest

    def changed(path: Path) -> str:
        sha256 = digest(path)
        change()
        return sha256

    return changed


SECOND = """
import sys
from pathlib import Path
from models.weights.catalog import Entry, File
from models.weights.pull import pull

url, sha256, folder = sys.argv[1:]
file = File("weights", "weights.bin", (url,), sha256)
model = Entry("model", "", "content", "", "", "", "cpu", 1.0, (file,))
done = pull([model], Path(folder), waiting=lambda entry: print("waiting", flush=True))
print(done[0].how)
"""


def test_two_pulls_at_once_fetch_a_file_once(server: Server, tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow(request: Handler) -> None:
        request.start(200, {"Content-Length": str(len(BODY))})
        request.wfile.write(BODY[:1000])
        request.wfile.flush()
        go_on.wait(60)
        request.wfile.write(BODY[1000:])

    url = server.put(slow)
    first: list[str] = []
    thread = threading.Thread(target=lambda: first.extend(d.how for d in pull([entry(weights(url))], tmp_path)))
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    command = [sys.executable, "-c", SECOND, url, SHA256, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout is not None and second.stdout.readline() == "waiting\n"
        assert not (tmp_path / "model" / "weights.bin").exists()
        go_on.set()
        assert second.stdout.read() == "here\n"
    thread.join()
    assert first == ["fetched"] and second.returncode == 0 and len(server.requests) == 1
    assert (tmp_path / "model" / "weights.bin").read_bytes() == BODY
