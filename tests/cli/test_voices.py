"""`discovervoice voices`: import, list, export and remove as an operator types them."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select
from typer.testing import CliRunner

from cli.voices import app
from models.rvc.faiss_index import write_index
from models.rvc.pth_file import read_pth
from models.voice_file import load_voice
from pipeline.voices.retrieval import load_index
from pipeline.voices.rvc_files import import_voice
from store import Consent, Voice, VoiceState, jobs, voices
from store.tables import Audit
from tests.cli.conftest import Desk
from tests.models.rvc.pth_files import contents, output_of, write


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "data", capsys, "voices")


@pytest.fixture
def pth(tmp_path: Path) -> Path:
    return write(tmp_path / "anna.pth", contents())


def media(desk: Desk) -> list[Path]:
    return [path for path in (desk.data / "media").rglob("*") if path.is_file()]


def test_an_imported_voice_is_a_ready_voice_with_its_consent(desk: Desk, pth: Path, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(80, 768)).astype(np.float32)
    write_index(tmp_path / "anna.index", rows)
    output = desk("import", pth, "--index", tmp_path / "anna.index", "--name", "Anna", "--yes")
    assert "Anna: RVC v2 40k, 80 retrieval rows. It needs contentvec-768l12 to sing." in output
    store = desk.store()
    with store.read() as session:
        voice = voices.by_name(session, jobs.OPERATOR, "anna")
        assert voice is not None and voice.id is not None
        assert voices.usable(session, voice.id, jobs.OPERATOR).state == VoiceState.READY
        consent = session.get(Consent, voice.consent_id)
        assert consent is not None and "declared on import" in consent.phrase and len(consent.clip_hash) == 64
        paths = [store.media.path(key or "") for key in (voice.model_key, voice.index_key)]
    network, info = load_voice(paths[0])
    assert info.content_model == "contentvec-768l12" and network.config.sampling_rate == 40000
    assert load_index(paths[1])[0].shape == (80, 768)
    listed = desk("list")
    assert "Anna" in listed and "ready" in listed and "RVC v2 40k" in listed


def test_a_recording_of_the_owner_tells_how_high_the_voice_is(desk: Desk, pth: Path, notes: list[Path]) -> None:
    assert "How high it sings is not known" in desk("import", pth, "--name", "Bea", "--yes")
    kept = len(media(desk))
    assert "There is no file gone.ogg" in desk.refused(
        "import", pth, "--name", "Anna", "--yes", "--recording", notes[0], "--recording", "gone.ogg"
    )
    assert "pth" in desk.refused("import", pth, "--name", "Anna", "--yes", "--recording", pth)
    assert len(media(desk)) == kept
    output = desk("import", pth, "--name", "Anna", "--yes", "--recording", notes[0])
    hertz = re.search(r"Its median pitch is (\d+) Hz\.", output)
    assert hertz and 100 < int(hertz[1]) < 220
    assert len(media(desk)) == 2 * kept  # the recording is not kept
    with desk.store().read() as session:
        voice = voices.by_name(session, jobs.OPERATOR, "anna")
    assert voice is not None
    model, index = (desk.store().media.path(key or "") for key in (voice.model_key, voice.index_key))
    assert round(load_voice(model)[1].median_f0) == int(hertz[1]) and load_index(index)[1].any()


def test_it_goes_out_as_it_came_in(desk: Desk, pth: Path, tmp_path: Path) -> None:
    desk("import", pth, "--name", "Anna", "--yes")
    assert str(tmp_path / "out" / "Anna.pth") in desk("export", "anna", "--out", tmp_path / "out")
    assert (output_of(read_pth(tmp_path / "out" / "Anna.pth").network) == output_of(read_pth(pth).network)).all()


def test_a_name_is_taken_once(desk: Desk, pth: Path) -> None:
    desk("import", pth, "--name", "Anna", "--yes")
    kept = media(desk)
    taken = desk.refused("import", pth, "--name", "ANNA", "--yes")
    assert "already have a voice called ANNA" in taken and "delete it first: discovervoice voices." in taken
    assert media(desk) == kept
    assert "needs a name" in desk.refused("import", pth, "--name", " ", "--yes")


def test_without_consent_nothing_is_imported(desk: Desk, pth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(desk.data))
    done = CliRunner().invoke(app, ["import", str(pth), "--name", "Anna"], input="n\n")
    assert done.exit_code == 2 and "own voice" in done.output
    assert not desk.data.exists()


def test_a_refused_file_is_one_sentence_and_leaves_nothing(desk: Desk, pth: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.pth").write_bytes(pth.read_bytes()[:-5000])
    assert "cut.pth is cut" in desk.refused("import", tmp_path / "cut.pth", "--name", "Anna", "--yes")
    assert "gone.pth. Check its name." in desk.refused("import", tmp_path / "gone.pth", "--name", "Anna", "--yes")
    index = desk.refused("import", pth, "--index", tmp_path / "cut.pth", "--name", "Anna", "--yes")
    assert "cut.pth is no index" in index
    assert media(desk) == []
    with desk.store().read() as session:
        assert voices.of_owner(session, jobs.OPERATOR) == []


def test_what_cannot_be_exported_is_said(desk: Desk, voice_files: tuple[Path, Path], tmp_path: Path) -> None:
    assert "There is no voice Bea" in desk.refused("export", "Bea")
    store = desk.store()
    keys = [store.media.put_file(path) for path in voice_files]
    with store.write() as session:
        voice = voices.create(session, jobs.OPERATOR, "Bea", None, "job")
        voices.finish(session, voice, keys[0], keys[1], {"base": "s24 base"})
        voices.create(session, jobs.OPERATOR, "Cleo", None, "other")
    sentence = desk.refused("export", "Bea", "--out", tmp_path / "out")
    assert "The voice Bea cannot become a .pth" in sentence and "h24, 24 kHz" in sentence
    assert sentence.endswith("One that is trained from an RVC base (VOICE_BASE=rvc-40k) can.")
    assert "not ready" in desk.refused("export", "Cleo")
    assert "s24 base" in desk("list")


def test_a_members_voice_is_handed_over_by_its_number(
    desk: Desk, voice_files: tuple[Path, Path], pth: Path, tmp_path: Path
) -> None:
    store, out = desk.store(), tmp_path / "out"
    desk("import", pth, "--name", "Anna", "--yes")
    keys = [store.media.put_file(path) for path in voice_files]
    with store.write() as session:
        imported = session.exec(select(Voice)).one()
        theirs = voices.create(session, 7, "내 목소리", None, "job")
        voices.finish(session, theirs, keys[0], keys[1], {})
        like_rvc = voices.create(session, 7, "Bea", None, "other")
        voices.finish(session, like_rvc, imported.model_key or "", imported.index_key or "", {})
        training = voices.create(session, 7, "Cleo", None, "third").id
        numbers = theirs.id, like_rvc.id
    assert "There is no voice Bea" in desk.refused("export", "Bea", "--out", out) and not out.exists()
    said = " ".join(desk("export", f"#{number}", "--out", out) for number in numbers)
    assert "내_목소리.safetensors" in said and "Bea.pth" in said
    handed = [out / "내_목소리.safetensors", out / "내_목소리.index.safetensors"]
    assert [path.read_bytes() for path in handed] == [path.read_bytes() for path in voice_files]
    assert read_pth(out / "Bea.pth").network.config == read_pth(pth).network.config
    assert "not ready" in desk.refused("export", f"#{training}") and "no voice #99" in desk.refused("export", "#99")
    with store.read() as session:
        told = [row.subject for row in session.exec(select(Audit).where(Audit.action == "export voice"))]
    assert told == [str(number) for number in numbers]


def test_where_nothing_can_be_written_is_said(desk: Desk, pth: Path) -> None:
    desk("import", pth, "--name", "Anna", "--yes")
    assert desk.refused("export", "Anna", "--out", pth) == f"{pth} is a file; --out names a folder."
    assert "cannot be read or written: Not a directory." in desk.refused("export", "Anna", "--out", pth / "out")
    assert "cannot be read or written: No such file" in desk.refused("export", "Anna", "--out", "/proc")
    assert "File name too long" in desk.refused("import", "x" * 300, "--name", "Bea", "--yes")


def test_a_voice_of_which_only_one_file_can_be_kept_leaves_nothing(desk: Desk, pth: Path, tmp_path: Path) -> None:
    index = import_voice(pth, None, tmp_path).index
    place = desk.data / "media" / hashlib.sha256(index.read_bytes()).hexdigest()[:2]
    place.parent.mkdir(parents=True)
    place.write_text("no folder can be here")
    assert "media cannot be read or written: Not a directory." in desk.refused("import", pth, "--name", "Anna", "--yes")
    assert media(desk) == [place]
    with desk.store().read() as session:
        assert voices.of_owner(session, jobs.OPERATOR) == []


def test_a_removed_voice_is_gone_with_its_files(desk: Desk, pth: Path) -> None:
    desk("import", pth, "--name", "Anna", "--yes")
    assert len(media(desk)) == 2
    assert desk("remove", "anna", "--yes") == "Anna is deleted.\n"
    assert media(desk) == [] and "Anna" not in desk("list")
    assert desk.refused("remove", "Anna", "--yes") == "There is no voice Anna. See: discovervoice voices list"
    desk("import", pth, "--name", "Anna", "--yes")


def test_a_voice_is_removed_only_if_it_is_meant(desk: Desk, pth: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(desk.data))
    desk("import", pth, "--name", "Anna", "--yes")
    kept = CliRunner().invoke(app, ["remove", "Anna"], input="n\n")
    assert kept.exit_code == 2 and "Delete Anna and its files?" in kept.output and len(media(desk)) == 2
    assert CliRunner().invoke(app, ["remove", "Anna"], input="y\n").exit_code == 0 and media(desk) == []
