"""The shipped catalogue is complete; an entry's files are located, checked, and not hashed twice."""

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from models.content import student, whisper, whisper_text
from models.harmonic import voice_base as h24
from models.pitch.trackers import FCPE_NAME
from models.rvc import voice_base as s24
from models.weights import catalog, integrity, pins
from models.weights.catalog import ROLES, Entry, State
from models.weights.integrity import WeightsError
from pipeline.pool.model_pool import names

BODY = b"some weights"
SHA256 = hashlib.sha256(BODY).hexdigest()
SHIPPED = catalog.read()
HOMES = {"huggingface.co", "github.com", "raw.githubusercontent.com"}
SMALL = f"""
[presets]
both = ["one", "two"]

[models.one]
title = "One"
role = "pitch"
architecture = "none"
licence = "MIT"
source = "nowhere"
device = "cpu"
memory_gb = 1
files = [
    {{part = "weights", name = "one.bin", urls = ["https://example.org/one"], sha256 = "{SHA256}", size = {len(BODY)}}},
    {{part = "config", name = "one.yaml", urls = ["https://example.org/one"], sha256 = "{SHA256}"}},
]

[models.two]
title = "Two"
role = "MOS"
architecture = "none"
licence = "MIT"
source = "nowhere"
device = "gpu"
memory_gb = 1
files = [{{part = "weights", name = "two.bin", urls = ["https://example.org/two"]}}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for weights, under a small catalogue."""
    (tmp_path / "small.toml").write_text(SMALL)
    monkeypatch.setattr(catalog, "CATALOG", tmp_path / "small.toml")
    home = tmp_path / "models"
    home.mkdir()
    return home


def put(folder: Path, name: str, body: bytes = BODY) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    return path


def refusal(name: str, folder: Path) -> str:
    with pytest.raises(WeightsError) as error:
        catalog.locate(name, folder)
    return str(error.value)


@pytest.mark.parametrize("entry", SHIPPED.entries.values(), ids=lambda entry: entry.name)
def test_an_entry_has_all_fields_that_an_operator_needs(entry: Entry) -> None:
    assert entry.role in ROLES and entry.device in ("cpu", "gpu") and entry.memory_gb > 0
    assert all((entry.title, entry.architecture, entry.licence, entry.source)) and entry.files
    assert len({file.part for file in entry.files}) == len({file.name for file in entry.files}) == len(entry.files)
    assert entry.embedded or entry.revision
    for file in entry.files:
        assert bool(file.urls) != bool(file.package)
        assert file.package or Path(file.name).name == file.name
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.size is None or file.size > 0


@pytest.mark.parametrize("entry", SHIPPED.entries.values(), ids=lambda entry: entry.name)
def test_weights_come_from_a_revision_that_cannot_move(entry: Entry) -> None:
    for file in entry.files:
        for url in file.urls:
            parts = urlsplit(url)
            assert parts.scheme == "https" and parts.hostname in HOMES
            assert re.search(r"/[0-9a-f]{40}/|/releases/download/", parts.path), url
        if file.part != "config" and file.urls:
            assert entry.revision in file.urls[0]


def test_every_role_has_an_embedded_model_and_an_official_one() -> None:
    for kind in (True, False):
        assert {entry.role for entry in SHIPPED.entries.values() if entry.embedded is kind} == set(ROLES)


def test_the_embedded_models_are_those_that_the_pipeline_runs() -> None:
    embedded = SHIPPED.select(["embedded"])
    assert {entry.title for entry in embedded} == {*names().values(), h24.NAME, s24.NAME, student.NAME, FCPE_NAME}
    assert embedded == [entry for entry in SHIPPED.entries.values() if entry.embedded]


def test_the_embedded_files_are_here_and_right_without_a_folder(tmp_path: Path) -> None:
    for entry in SHIPPED.select(["embedded"]):
        paths = catalog.locate(entry.name, tmp_path / "nowhere")
        assert all(path.is_file() for path in paths.values())
        assert entry.size == sum(path.stat().st_size for path in paths.values())
    assert catalog.pin_of(*_first("content-student"), tmp_path) == student.SHA256
    assert catalog.pin_of(*_first("h24"), tmp_path) == h24.SHA256
    heard = SHIPPED.entries["whisper-text"]
    pinned = [catalog.pin_of(heard, file, tmp_path) for file in heard.files]
    assert pinned == [*dict(whisper.HALVES).values(), whisper_text.SHA256]


def _first(name: str) -> tuple[Entry, catalog.File]:
    entry = SHIPPED.entries[name]
    return entry, entry.files[0]


def test_the_presets_hold_one_model_a_role_and_nothing_unverified() -> None:
    assert set(SHIPPED.presets) == {"embedded", "gpu", "classic"}
    assert {entry.role for entry in SHIPPED.select(["gpu"])} == set(ROLES)
    assert [e.name for e in SHIPPED.select(["classic"])] == ["htdemucs", "mdx23c", "contentvec", "rvc-40k", "ast"]
    for entry in SHIPPED.select(["gpu", "classic"]):
        assert not entry.embedded and not entry.unverified


def test_the_page_names_every_model_of_a_preset() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
    for preset, chosen in SHIPPED.presets.items():
        assert f"| `{preset}` | {', '.join(f'`{name}`' for name in chosen)} |" in page


def test_separators_in_others_formats_bring_their_config() -> None:
    for name in ("mdx23c", "melband", "bsroformer"):
        assert [file.part for file in SHIPPED.entries[name].files] == ["weights", "config"]


def test_names_and_presets_select_each_entry_once_and_an_unknown_one_raises() -> None:
    assert [entry.name for entry in SHIPPED.select(["ast", "classic"])][:2] == ["ast", "htdemucs"]
    assert len(SHIPPED.select(["ast", "classic"])) == 5
    with pytest.raises(WeightsError, match=r"no model 'elvis'.*htdemucs.*presets are embedded, gpu, classic"):
        SHIPPED.select(["elvis"])


def test_files_are_located_by_their_part(folder: Path) -> None:
    weights, config = put(folder, "one/one.bin"), put(folder, "one/one.yaml")
    assert catalog.locate("one", folder) == {"weights": weights, "config": config}


def test_a_missing_file_raises_with_the_command_that_fetches_it(folder: Path) -> None:
    assert refusal("one", folder) == "one is not here; run `discovervoice models pull one`."
    put(folder, "one/one.bin")
    assert refusal("one", folder) == "one is not here; run `discovervoice models pull one`."
    assert "no model 'three'" in refusal("three", folder)
    assert refusal("both", folder) == "both is a preset, not a model."


@pytest.mark.parametrize("body", [b"other bytes!", b"some weight"])
def test_a_wrong_or_cut_file_is_refused(folder: Path, body: bytes) -> None:
    put(folder, "one/one.bin", body)
    put(folder, "one/one.yaml")
    assert refusal("one", folder).startswith("one.bin of one is not the pinned file; run `discovervoice models pull")


def test_an_unpinned_file_is_rejected_until_it_is_accepted(folder: Path) -> None:
    path = put(folder, "two/two.bin")
    assert "run `discovervoice models pull two --accept-unverified`" in refusal("two", folder)
    pins.record(folder, "two/two.bin", pins.from_download(path, SHA256, accepted=True))
    assert catalog.locate("two", folder) == {"weights": path}
    put(folder, "two/two.bin", b"x")
    assert "not the pinned file" in refusal("two", folder)


def test_a_file_is_hashed_again_only_if_it_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(folder, "one/one.bin")
    put(folder, "one/one.yaml")
    hashed: list[str] = []
    digest = integrity.digest

    def counted(path: Path) -> str:
        hashed.append(path.name)
        return digest(path)

    monkeypatch.setattr(integrity, "digest", counted)
    for _ in range(3):
        catalog.locate("one", folder)
    assert hashed == ["one.bin", "one.yaml"]
    os.utime(path, ns=(0, 0))
    catalog.locate("one", folder)
    catalog.locate("one", folder)
    assert hashed == ["one.bin", "one.yaml", "one.bin"]
    entry = catalog.read().entries["one"]
    assert catalog.state(entry, entry.files[0], folder, hash_again=True) == State.OK and len(hashed) == 4


def test_a_file_that_is_swapped_keeps_being_refused(folder: Path) -> None:
    put(folder, "one/one.bin")
    put(folder, "one/one.yaml")
    catalog.locate("one", folder)
    path = put(folder, "one/one.bin", b"some weightz")
    os.utime(path, ns=(1, 1))
    for _ in range(2):
        assert "not the pinned file" in refusal("one", folder)


def test_a_folder_that_cannot_be_written_can_still_be_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "one/one.bin")
    put(folder, "one/one.yaml")
    (folder / ".lock").mkdir()  # opening it for writing fails, as in a folder that is mounted read-only
    assert len(catalog.locate("one", folder)) == 2 and not (folder / "pins.json").exists()


def test_a_broken_record_is_one_sentence(folder: Path) -> None:
    put(folder, "one/one.bin")
    (folder / "pins.json").write_text("{")
    assert "pins.json cannot be read; mend or remove it" in refusal("one", folder)


def test_an_installed_file_is_hashed_once_in_a_process_and_again_when_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"some weights")
    hashed, digest = list[Path](), integrity.digest

    def counted(path: Path) -> str:
        hashed.append(path)
        return digest(path)

    monkeypatch.setattr(integrity, "digest", counted)
    for _ in range(3):
        integrity.verify(path, SHA256)
    assert hashed == [path]
    time = path.stat().st_mtime_ns
    path.write_bytes(b"some weightz")
    os.utime(path, ns=(time, time))  # as if nothing had happened
    with pytest.raises(integrity.WeightsError, match="not the pinned file"):
        integrity.verify(path, SHA256)
