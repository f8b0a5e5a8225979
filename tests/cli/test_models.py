"""`discovervoice models` as it is typed, against files on the loopback."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.console import DeskError
from cli.models import app, models_dir
from models.weights import catalog

RUN = CliRunner()
BODY = b"some weights" * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()
ENTRY = """
[models.{name}]
title = "The {name}"
role = "separator"
architecture = "none"
licence = "CC0-1.0"
source = "nowhere"
device = "gpu"
memory_gb = 2
files = [{{part = "weights", name = "{name}.bin", urls = ["http://127.0.0.1:{port}/weights"]{pin}}}]
"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for weights; the catalogue has a pinned entry, one that is pinned wrongly and one that is not."""
    monkeypatch.delenv("MODELS_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "weights").write_bytes(BODY)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        written = '[presets]\nboth = ["pinned", "open"]\n'
        for name, pin in (("pinned", SHA256), ("wrong", "0" * 64), ("open", "")):
            words = f', sha256 = "{pin}", size = {len(BODY)}' if pin else ""
            written += ENTRY.format(name=name, port=server.server_port, pin=words)
        (tmp_path / "catalog.toml").write_text(written)
        monkeypatch.setattr(catalog, "CATALOG", tmp_path / "catalog.toml")
        yield tmp_path / "models"
        server.shutdown()
        thread.join()


def run(home: Path, *words: str) -> tuple[int, str]:
    """Exit code and output, or the sentence that `main` prints."""
    done = RUN.invoke(app, [*words, "--dir", str(home)], env={"COLUMNS": "200"})
    if isinstance(done.exception, DeskError):
        assert "\n" not in str(done.exception)
        return 2, str(done.exception)
    return done.exit_code, done.output


def rows_of(table: str) -> dict[str, str]:
    """The lines of a printed table by their first column."""
    return {line.split("│")[1].strip(): line for line in table.splitlines() if line.startswith("│")}


def test_pull_without_a_name_lists_the_choices(home: Path) -> None:
    assert run(home, "pull") == (
        2,
        "Say what to pull, a name or a preset. The models are pinned, wrong, open; the presets are both.",
    )


def test_a_pulled_model_is_listed_verified_and_found(home: Path) -> None:
    code, output = run(home, "pull", "pinned")
    assert code == 0 and "pinned/pinned.bin: fetched" in output
    assert (home / "pinned" / "pinned.bin").read_bytes() == BODY
    assert "pinned/pinned.bin: here" in run(home, "pull", "pinned")[1]
    rows = rows_of(run(home, "list")[1])
    assert "yes" in rows["pinned"] and "yes" not in rows["open"]
    assert "unverified" in rows["open"] and "unverified" not in rows["pinned"]
    assert all(word in rows["pinned"] for word in ("separator", "CC0-1.0", "GPU, 2 GB"))
    code, output = run(home, "verify")
    assert code == 0 and "the program" in output and "ok" in output and "open" not in rows_of(output)
    assert run(home, "where", "pinned") == (0, f"{home}/pinned/pinned.bin\n")


def test_list_as_json_says_everything(home: Path) -> None:
    listed = json.loads(run(home, "list", "--json")[1])
    assert listed["folder"] == str(home) and listed["presets"] == {"both": ["pinned", "open"]}
    pinned, _, unpinned = listed["models"]
    assert (pinned["name"], pinned["unverified"], pinned["here"], pinned["size"]) == ("pinned", False, "", len(BODY))
    assert pinned["files"][0]["sha256"] == SHA256 and pinned["files"][0]["path"] == f"{home}/pinned/pinned.bin"
    assert unpinned["unverified"] and unpinned["files"][0]["sha256"] is None


def test_the_shipped_catalogue_is_listed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "CATALOG", Path(catalog.__file__).with_name("catalog.toml"))
    code, output = run(home, "list")
    assert code == 0 and all(name in output for name in catalog.read().entries)
    code, output = run(home, "pull", "embedded")
    assert code == 0 and "Nothing to fetch for spleeter" in output and not home.exists()


def test_a_preset_with_an_unpinned_file_asks_before_it_fetches_anything(home: Path) -> None:
    code, sentence = run(home, "pull", "both")
    assert code == 2 and "discovervoice models pull open --accept-unverified" in sentence
    assert not (home / "pinned").exists()
    code, output = run(home, "pull", "both", "--accept-unverified")
    assert code == 0 and "open/open.bin: fetched" in output
    assert json.loads((home / "pins.json").read_text())["open/open.bin"]["accepted"]
    code, output = run(home, "verify", "open")
    assert code == 0 and "the first pull" in output and "ok" in output


def test_a_file_that_is_not_the_pinned_one_is_one_sentence_and_gone(home: Path) -> None:
    code, sentence = run(home, "pull", "wrong")
    assert code == 2 and "wrong.bin could not be downloaded (127.0.0.1: sends another file" in sentence
    assert [path.name for path in home.rglob("*") if path.is_file()] == [".lock"]


def test_verify_hashes_anew_and_ends_with_2_for_a_wrong_file(home: Path) -> None:
    run(home, "pull", "pinned")
    path = home / "pinned" / "pinned.bin"
    before = path.stat()
    path.write_bytes(BODY[:-1] + b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the record cannot see this, a new hash can
    code, output = run(home, "verify")
    assert code == 2 and "wrong" in output


def test_verify_of_a_named_model_that_is_missing_ends_with_2(home: Path) -> None:
    assert run(home, "verify")[0] == 0
    code, output = run(home, "verify", "pinned")
    assert code == 2 and "missing" in output


def test_verify_tells_what_nobody_pinned(home: Path) -> None:
    (home / "open").mkdir(parents=True)
    (home / "open" / "open.bin").write_bytes(BODY)
    code, output = run(home, "verify")
    assert code == 0 and "nobody" in output and "unverified" in output


def test_a_name_that_is_not_known_is_told_the_choices(home: Path) -> None:
    for words in (["pull", "elvis"], ["verify", "elvis"], ["where", "elvis"]):
        code, sentence = run(home, *words)
        assert code == 2 and sentence.startswith("There is no model 'elvis'. The models are pinned, wrong, open;")


def test_the_folder_is_the_one_given_else_models_dir_else_in_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MODELS_DIR", raising=False)
    assert models_dir() == tmp_path / "data" / "models"
    monkeypatch.setenv("DATA_DIR", "/srv/voice")
    assert models_dir() == Path("/srv/voice/models")
    monkeypatch.setenv("MODELS_DIR", "/srv/weights")
    assert models_dir() == Path("/srv/weights") and models_dir(Path("here")) == tmp_path / "here"
