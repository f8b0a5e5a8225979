"""Work on the command line that does not go smoothly: a child that dies, a Ctrl-C, a device that is not there."""

import asyncio
import os
import shutil
import signal
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from sqlmodel import select

from cli import offline
from cli.console import DeskError
from pipeline.pool.selection import Selection
from pipeline.sound.decode import NOTE, decode
from store import Job, JobState, Store, StoreSettings, Voice, VoiceState, clips, jobs, open_store, voices
from store.results import match_result
from store.use_cases import abandon_dead, renew_job
from tests.cli.test_commands import discovervoice, left_behind, refused
from tests.forked import fork
from tests.pipeline.sound.recordings import encode
from tests.warm_child import ForkedChild, WarmChildren

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def training(store: Store, notes: list[Path]) -> offline.Request:
    """Requests a training of one step."""
    return lambda owner: offline.request_voice(store, "Me", notes, owner, steps=1)


async def test_a_child_that_dies_is_started_again(seeded: Path, tmp_path: Path, notes: list[Path]) -> None:
    store = open_store(StoreSettings(data_dir=shutil.copytree(seeded, tmp_path / "data")))
    child = ForkedChild("cpu", 1)
    child.start()
    os.kill(child.pid or 0, signal.SIGSTOP)  # or the work may be done before

    async def kill_once() -> None:
        await asyncio.sleep(0.5)
        os.kill(child.pid or 0, signal.SIGKILL)

    killing = asyncio.create_task(kill_once())
    path = tmp_path / "note.3gp"
    sound = decode(notes[0], 8000, channels=1, limits=NOTE, name="note")
    encode(path, sound[None], 8000, "libopencore_amrnb", "3gp")
    try:
        done = await offline._perform(store, child, lambda owner: offline._request_match(store, [path], owner), None)
    finally:
        child.kill()
    await killing
    assert (done.state, done.attempt) == (JobState.DELIVERED, 2)
    heard = match_result(done.result)
    assert heard.narrowband and heard.seconds == pytest.approx(18.9, abs=0.5)  # as a basket counts them


def test_ctrl_c_leaves_the_name_free_and_no_note(
    seeded: Path, tmp_path: Path, notes: list[Path], warm_children: WarmChildren
) -> None:
    data = shutil.copytree(seeded, tmp_path / "data")
    library = left_behind(data)
    environment = {**os.environ, "DATA_DIR": str(data), "DATABASE_URL": "", "COLUMNS": "200"}
    out, complaint = tmp_path / "out", tmp_path / "errors"
    process = fork(["train", "me", *map(str, notes[:2]), "--yes"], environment, out, complaint)
    deadline = time.monotonic() + 100
    while "train: training" not in out.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 130 and "Traceback" not in complaint.read_text()
    assert sorted(left_behind(data)) == sorted(library)
    opened = open_store(StoreSettings(data_dir=data))
    request = partial(offline.request_voice, opened, "me", notes[:2], steps=1)
    again = asyncio.run(offline._perform(opened, warm_children("cpu", 1), request, None))
    opened.engine.dispose()
    assert again.state is JobState.DELIVERED


async def test_a_voice_is_kept_whose_sample_cannot_be_put_where_it_was_wanted(
    store: Store, tmp_path: Path, notes: list[Path], warm_children: WarmChildren
) -> None:
    (tmp_path / "out" / "sample.mp3").mkdir(parents=True)
    with pytest.raises(DeskError, match=r"sample\.mp3 cannot be read or written: .* The voice is kept"):
        await offline._perform(store, warm_children("cpu", 1), training(store, notes[:2]), tmp_path / "out")
    with store.read() as session:
        (voice,) = voices.of_owner(session, jobs.OPERATOR)
        assert voice.state is VoiceState.READY and not clips.of_job(session, voice.job_id or "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["sample.mp3", "training.png"]


def test_what_a_killed_command_left_is_gone_with_the_next(store: Store, notes: list[Path]) -> None:
    def begin(name: str, seconds: float) -> Job:
        job = offline.request_voice(store, name, notes[:1], f"cli:{name}")
        assert job.state is JobState.RUNNING and renew_job(store, job, seconds=seconds)
        (store.work_dir / job.id).mkdir(parents=True)
        return job

    dead, alive = begin("dead", -1.0), begin("alive", 15.0)
    abandon_dead(store)
    with store.read() as session:
        assert jobs.get(session, dead.id).state is JobState.CANCELLED
        assert jobs.get(session, alive.id).state is JobState.RUNNING
        assert [voice.name for voice in voices.of_owner(session, jobs.OPERATOR)] == ["alive"]
        assert not clips.of_job(session, dead.id) and clips.of_job(session, alive.id)
    assert [path.name for path in store.work_dir.iterdir()] == [alive.id]
    assert len(store.media.keys()) == 1  # both had the same note


def test_files_and_titles_that_are_not_there_are_said_before_anything_is_loaded(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as session:
        session.add(Voice(owner_id=jobs.OPERATOR, name="Me", state=VoiceState.READY, model_key="m", index_key="i"))
    monkeypatch.setattr(offline, "open_store", lambda: store)
    monkeypatch.setattr(offline, "child_of_settings", lambda *_: pytest.fail("a child was started"))
    (tmp_path / "folder").mkdir()
    gone, order = tmp_path / "gone.ogg", offline.CoverOrder("gone", "Me", instrumental=tmp_path)
    for work, sentence in (
        (offline.match_notes([gone], tmp_path), "There is no file"),
        (offline.match_notes([tmp_path / "folder"], tmp_path), "is a folder. Name the files in it."),
        (offline.train_notes("You", [gone], 1.0, tmp_path), "There is no file"),
        (offline.cover_song(order, tmp_path), "is a folder"),
        (offline.cover_song(replace(order, instrumental=None), tmp_path), "gone is neither a file nor a song"),
    ):
        with pytest.raises(DeskError, match=sentence):
            asyncio.run(work)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
def test_a_device_that_is_not_there_is_one_sentence(tmp_path: Path, notes: list[Path]) -> None:
    assert "DEVICE=cuda cannot be used" in refused(discovervoice(tmp_path, "match", notes[0], DEVICE="cuda"))


def test_models_that_are_not_there_are_one_sentence(tmp_path: Path, notes: list[Path]) -> None:
    output = refused(discovervoice(tmp_path, "train", "me", notes[0], "--yes", F0="rmvpe"))
    assert "rmvpe is not here; run `discovervoice models pull rmvpe`" in " ".join(output.split())
    assert left_behind(tmp_path) == []
    assert "There is no separator melbnd." in refused(discovervoice(tmp_path, "match", notes[0], SEPARATOR="melbnd"))


def test_a_worker_that_lacks_what_was_chosen_ends_with_its_sentence_though_redis_is_gone(tmp_path: Path) -> None:
    closed = "redis://127.0.0.1:9"
    ended = discovervoice(tmp_path, "worker", REDIS_URL=closed, SEPARATOR="htdemucs")
    assert ended.returncode == 2 and "Traceback" not in ended.stdout + ended.stderr
    assert "htdemucs is not here; run `discovervoice models pull htdemucs`" in " ".join(ended.stderr.split())
    ended = discovervoice(tmp_path, "worker", REDIS_URL=closed, SINGERS=str(tmp_path / "gone.safetensors"))
    assert ended.returncode == 2 and "Traceback" not in ended.stdout + ended.stderr
    assert "gone.safetensors is missing. Set SINGERS to" in " ".join(ended.stderr.split())


async def test_weights_that_do_not_fit_are_one_sentence_in_the_job(
    store: Store, notes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    child = ForkedChild("cpu", 1, Selection(mos="utmos", weights=store.data_dir / "models"))
    try:
        with pytest.raises(DeskError, match="utmos is not here; run `discovervoice models pull utmos`"):
            await offline._perform(store, child, training(store, notes[:2]), store.data_dir / "results")
        assert not (store.data_dir / "results").exists()
    finally:
        child.kill()
    with store.read() as session:
        (row,) = session.exec(select(Job)).all()
    assert (row.state, row.error_code) == (JobState.FAILED, "model_unusable")
    assert store.media.keys() == set()


def test_the_demo_does_not_clear_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "discovervoice.db").write_text("precious")
    assert "was not made by the demo" in refused(discovervoice(tmp_path / "data", "demo", "--out", tmp_path))
    assert (tmp_path / "data" / "discovervoice.db").read_text() == "precious"
