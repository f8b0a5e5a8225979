"""The folder for what a command makes: one that refuses it is told of, and no half of a file stays in it."""

import os
from pathlib import Path

import pytest

from cli import offline
from cli.handover import Handover, opened
from files.disk import DiskFull
from store import Store, Voice, VoiceState, jobs
from store.results import MatchResult
from tests.cli.conftest import Desk
from worker.child import Child
from worker.messages import JobOutcome


@pytest.fixture
def outcome(tmp_path: Path) -> JobOutcome:
    """A match with a picture."""
    (tmp_path / "match.png").write_bytes(b"a picture")
    return JobOutcome(MatchResult(), {"picture": tmp_path / "match.png"})


async def test_no_work_is_begun_for_a_folder_that_takes_no_file(store: Store) -> None:
    begun = list[str]()
    with pytest.raises(OSError, match="/proc"):
        await offline._perform(store, Child("cpu", 1), begun.append, Path("/proc"))  # type: ignore[arg-type]
    assert begun == []


def test_what_cannot_be_put_there_is_told_later_and_no_half_of_it_stays(tmp_path: Path, outcome: JobOutcome) -> None:
    (out := tmp_path / "out" / "match.png").mkdir(parents=True)
    handover = Handover(out.parent)
    handover.take(outcome)
    assert handover.refused.endswith("cannot be read or written: Is a directory. Name another place.")
    assert [path.name for path in out.parent.iterdir()] == ["match.png"]


def test_a_full_disk_is_told_of_its_folder(
    tmp_path: Path, outcome: JobOutcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DiskFull

    monkeypatch.setattr("cli.handover.copy_whole", full)
    handover = Handover(tmp_path)
    handover.take(outcome)
    reason = "No space left on device. Free some, or name another place."
    assert handover.refused == f"{tmp_path} cannot be read or written: {reason}"


def test_folders_that_were_made_in_vain_go_again(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), opened(tmp_path / "a" / "b") as handover:
        assert handover is not None and handover.out.is_dir()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="too long"), opened(tmp_path / "a" / ("b" * 300)):
        raise AssertionError
    assert list(tmp_path.iterdir()) == []
    with opened(None) as nowhere:
        assert nowhere is None


def test_what_is_no_plain_file_is_said(desk: Desk, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ogg")
    (tmp_path / "folder").mkdir()
    pipe = f"{tmp_path}/pipe.ogg is no plain file. Copy what it gives into one, and name that."
    folder = f"{tmp_path}/folder is a folder. Name the files in it."
    for words in (("match",), ("songs", "add"), ("voices", "import", "--name", "Me", "--yes")):
        assert desk.refused(*words, tmp_path / "pipe.ogg") == pipe
        assert desk.refused(*words, tmp_path / "folder") == folder
    with desk.store().write() as session:
        session.add(Voice(owner_id=jobs.OPERATOR, name="Me", state=VoiceState.READY, model_key="m", index_key="i"))
    assert desk.refused("cover", tmp_path / "folder", "--voice", "Me") == folder
    assert desk.refused("match", tmp_path / "gone.ogg") == f"There is no file {tmp_path}/gone.ogg. Check its name."
