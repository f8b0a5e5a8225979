"""`discovervoice doctor`: what an operator can get wrong is one sentence with a next step, and exit code 1."""

import base64
import os
import shutil
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.doctor import folder, machine, rows, service, settings
from cli.doctor.findings import Findings, Verdict
from models.weights import catalog
from store import Store, StoreSettings, abilities, existing_store, open_store
from store.abilities import Abilities
from store.database import RESTORING
from store.need_tables import ModelRole
from store.tables import FOR_ALL, Job, JobKind, JobState, Song, now
from store.use_cases import show_life
from tests.cli.conftest import Desk
from tests.store.test_damage import erase, misled, newer
from tests.warm_child import WarmChildren
from worker.errors import CannotRun

TOKEN = f"{base64.b64encode(b'123456789012345678').decode()}.GaBcDe.{'x' * 38}"
Break = Callable[[Store, pytest.MonkeyPatch], Findings]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with fresh tables."""
    data = tmp_path_factory.mktemp("made") / "data"
    open_store(StoreSettings(data_dir=data)).engine.dispose()
    (data / "discovervoice.db").chmod(0o600)
    return data


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Iterator[Store]:
    """A store of this test's own."""
    shutil.copytree(made, tmp_path / "data")
    opened = existing_store(StoreSettings(data_dir=tmp_path / "data"))
    yield opened
    opened.engine.dispose()


def wrongs(found: Findings) -> list[str]:
    return [finding.sentence for finding in found if finding.verdict is Verdict.WRONG]


def place(store: Store) -> StoreSettings:
    return StoreSettings(data_dir=store.data_dir)


def closed(store: Store) -> Path:
    """The database's file, its log emptied."""
    store.engine.dispose()
    return store.data_dir / "discovervoice.db"


def with_song(store: Store) -> str:
    """A song of the library; its file's key."""
    key = store.media.put_bytes(b"a song", ".mp3")
    with store.write() as session:
        session.add(Song(title="Nachtigall", media_key=key, guild_id=FOR_ALL))
    return key


def foreign_name(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    file = store.data_dir / ".env"
    file.write_text("CACHE_GIGABYTES=5\nDISCORD_TOKN=x\nVALKEY_PASSWORD=y\n")
    return settings.names(file)


def value(name: str, text: str, check: Callable[[], Findings] = settings.values) -> Break:
    def broken(_: Store, patch: pytest.MonkeyPatch) -> Findings:
        patch.setenv(name, text)
        return check()

    return broken


def same_port(_: Store, patch: pytest.MonkeyPatch) -> Findings:
    patch.setenv("BOT_METRICS_PORT", "9101")
    patch.setenv("WORKER_METRICS_PORT", "9101")
    return settings.together()


def token(text: str) -> Break:
    return value("DISCORD_TOKEN", text, lambda: settings.token(online=False))


def read_only(_: Store, patch: pytest.MonkeyPatch) -> Findings:
    return folder.folder(StoreSettings(data_dir=Path("/proc")))


def beyond_reach(_: Store, patch: pytest.MonkeyPatch) -> Findings:
    return folder.folder(StoreSettings(data_dir=Path("/proc/voices/data")))


def no_folder(store: Store, _: pytest.MonkeyPatch) -> Findings:
    return folder.folder(StoreSettings(data_dir=store.data_dir / "discovervoice.db"))


def no_room(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    disk = namedtuple("disk", "f_bavail f_frsize")
    patch.setattr(os, "statvfs", lambda _: disk(40_000, 4096))
    return folder.folder(place(store))


def open_folder(store: Store, _: pytest.MonkeyPatch) -> Findings:
    (store.data_dir / "media").mkdir(exist_ok=True)
    (store.data_dir / "media").chmod(0o750)
    return folder.folder(place(store))


def anothers(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    patch.setattr(os, "getuid", lambda: 4711)
    return folder.folder(place(store))


def on_nfs(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    mounts = store.data_dir / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/voices {store.data_dir.parent} nfs4 rw 0 0\n")
    patch.setattr(folder, "MOUNTS", mounts)
    return folder.folder(place(store))


def half_restored(store: Store, _: pytest.MonkeyPatch) -> Findings:
    (store.data_dir / RESTORING).mkdir()
    return folder.folder(place(store))


def harmed(harm: Callable[[Path], object]) -> Break:
    def broken(store: Store, _: pytest.MonkeyPatch) -> Findings:
        harm(closed(store))
        return rows.database(place(store))

    return broken


def dangling(store: Store, _: pytest.MonkeyPatch) -> Findings:
    with sqlite3.connect(closed(store)) as connection:
        connection.execute(
            "INSERT INTO song_vocals (song_id, model, notes, embedding, seconds) VALUES (9,'m','{}','[]',0)"
        )
    return rows.database(place(store))


def missing_file(store: Store, _: pytest.MonkeyPatch) -> Findings:
    store.media.delete(with_song(store))
    return rows.media(store, every_file=False)


def damaged_file(store: Store, _: pytest.MonkeyPatch) -> Findings:
    store.media.path(with_song(store)).write_bytes(b"another")
    return rows.media(store, every_file=True)


def no_reference(store: Store, _: pytest.MonkeyPatch) -> Findings:
    with_song(store)
    with sqlite3.connect(closed(store)) as connection:
        connection.execute("DELETE FROM media_reference")
    return rows.media(store, every_file=False)


def other_torchaudio(_: Store, patch: pytest.MonkeyPatch) -> Findings:
    patch.setattr(machine, "version", lambda name: "2.10.0+cpu" if name == "torchaudio" else "2.11.0+cu130")
    return machine.packages()


def other_weights(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    fetched = store.data_dir / "models" / "htdemucs"
    fetched.mkdir(parents=True)
    for file in catalog.read().entries["htdemucs"].files:
        (fetched / file.name).write_bytes(b"half a download")
    return machine.weights(place(store))


def absent_device(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    class NoGPU(WarmChildren):
        def ready(self, able: bool = True) -> None:
            raise CannotRun("DEVICE=cuda cannot be used on this machine.")

        def kill(self) -> None: ...

    patch.setattr(machine, "Child", lambda *_: NoGPU())
    return machine.device(place(store))


def no_valkey(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    patch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    return service.queue(place(store))


def no_binary(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    def absent() -> None:
        raise FileNotFoundError("no valkey-server")

    patch.setattr(service, "get_binary_path", absent)
    return service.queue(place(store))


def silent_worker(store: Store, _: pytest.MonkeyPatch) -> Findings:
    show_life(store, "box:1", "bot")
    return service.processes(store)


def one_lane(store: Store, _: pytest.MonkeyPatch) -> Findings:
    show_life(store, "box:1", "bot")
    show_life(store, "box:2", "worker (quick)")
    return service.processes(store)


def unable(store: Store, _: pytest.MonkeyPatch) -> Findings:
    with store.write() as session:
        session.add(job := Job(kind=JobKind.COVER, user_id=7, state=JobState.QUEUED, queued_at=now()))
        session.flush()
        abilities.require(session, job.id, {ModelRole.CONTENT: "contentvec"})
    show_life(store, "box:1", "bot")
    show_life(store, "box:2", "worker (heavy, quick)", Abilities(models=frozenset({"h24"})))
    return service.processes(store)


def nobody(store: Store, _: pytest.MonkeyPatch) -> Findings:
    with store.write() as session:
        session.add(Job(kind=JobKind.MATCH, user_id=7, state=JobState.QUEUED, queued_at=now()))
    return service.processes(store)


def needed(name: str, text: str) -> Break:
    def set_it(_: Store, patch: pytest.MonkeyPatch) -> Findings:
        patch.setenv(name, text)
        return settings.needed(StoreSettings())

    return set_it


def clock_back(store: Store, _: pytest.MonkeyPatch) -> Findings:
    with store.write() as session:
        session.add(Job(kind=JobKind.MATCH, user_id=7, created_at=now() + 10_900))
    return service.clock(store)


def young_clock(store: Store, patch: pytest.MonkeyPatch) -> Findings:
    patch.setattr(service, "now", lambda: 100.0)
    return service.clock(store)


BREAKS: dict[str, tuple[Break, str]] = {
    "a name that nothing reads": (foreign_name, "CACHE_GIGABYTES, which nothing reads: did you mean CACHE_GB?"),
    "a number that cannot be": (value("CLIP_DAYS", "-1"), "The setting CLIP_DAYS is wrong"),
    "another kind of database": (value("DATABASE_URL", "postgresql://x/y"), "only a file of SQLite works"),
    "two processes on a port": (same_port, "are both 9101"),
    "larger than the pipeline takes": (value("SONG_MEGABYTES", "500", settings.together), "Set 100 or less"),
    "more threads than cores": (value("TORCH_THREADS", "1000", settings.together), "TORCH_THREADS is 1000"),
    "a separator that is none": (needed("NEED_SEPARATOR", "bs-roformer"), "one of these: spleeter, "),
    "an ensemble that is none": (needed("NEED_SEPARATOR", "spleeter+nothing"), "is no ensemble of separators"),
    "a base that is none": (needed("NEED_VOICE_BASE", "rvc-44k"), "one of these: h24, s24, rvc-32k, "),
    "no token": (token(""), "DISCORD_TOKEN is not set"),
    "a secret for a token": (token("aVeryLongClientSecret"), "Discord does not accept DISCORD_TOKEN"),
    "half a token": (token(TOKEN.rpartition(".")[0]), "copy it anew from the Developer Portal"),
    "a folder that cannot be written": (read_only, "/proc cannot be written"),
    "a folder that cannot be made": (beyond_reach, "or set DATA_DIR to another"),
    "a file for a folder": (no_folder, "is no folder: set DATA_DIR"),
    "no room": (no_room, "0.16 GB are free"),
    "open to others": (open_folder, "chmod -R go="),
    "another user's": (anothers, "and this is user 4711"),
    "on another machine's disk": (on_nfs, "lies on nfs4"),
    "a restore that was cut short": (half_restored, "A restore was interrupted"),
    "a newer database": (harmed(newer), "install the newer program"),
    "a damaged table": (harmed(lambda path: erase(path, "song")), "restore the last backup"),
    "no database": (harmed(lambda path: path.write_bytes(b"a picture" * 1000)), "restore the last backup"),
    "an empty file": (harmed(lambda path: path.write_bytes(b"")), "is empty"),
    "an index that differs": (harmed(misled), "(ix_song_title). Nothing is lost"),
    "rows without what they name": (dangling, "song_vocals → song"),
    "a missing file": (missing_file, "Files are missing: 1 songs"),
    "a damaged file": (damaged_file, "Files are damaged: 1 songs"),
    "a file that a clean-up would take": (no_reference, "lacks files, so that a clean-up would remove them: 1 songs"),
    "torchaudio of another torch": (other_torchaudio, "torch 2.11.0 and torchaudio 2.10.0 do not belong together"),
    "weights that are not the pinned": (other_weights, "discovervoice models pull htdemucs"),
    "a device that is not here": (absent_device, "A worker could not begin: DEVICE=cuda"),
    "a Valkey that is not there": (no_valkey, "start it, or correct REDIS_URL"),
    "no Valkey to embed": (no_binary, "The embedded Valkey cannot be started"),
    "no worker": (silent_worker, "The worker was never seen"),
    "a lane that nobody serves": (one_lane, "No worker takes the heavy lane"),
    "a job that no worker can do": (unable, "no worker has that lives: contentvec (1)"),
    "nobody at all": (nobody, "1 jobs wait. Neither bot nor worker runs"),
    "a clock that went back": (clock_back, "Rows were written 3 h in its future"),
    "a clock that was never set": (young_clock, "It says 1970-01-01"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_wrong_is_one_sentence(name: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    harm, words = BREAKS[name]
    found = wrongs(harm(store, monkeypatch))
    assert any(words in sentence for sentence in found), found
    assert all("\n" not in sentence and sentence.endswith(".") for sentence in found)


@pytest.fixture
def well(desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch, warm_children: WarmChildren) -> Desk:
    """A service in which nothing is wrong."""
    monkeypatch.setattr(machine, "Child", warm_children)
    monkeypatch.setenv("DISCORD_TOKEN", TOKEN)
    with_song(store)
    show_life(store, "box:1", "bot")
    show_life(store, "box:2", "worker (heavy, quick)")
    store.engine.dispose()
    (desk.data / "media").chmod(0o700)
    return desk


def test_where_all_is_well_it_says_so_and_changes_nothing(well: Desk) -> None:
    before = sorted((path, path.stat().st_size) for path in well.data.rglob("*"))
    said = well("doctor")
    assert said.strip().endswith("All is well.") and "wrong" not in said
    for about in ("packages", "settings", "token", "data folder", "database", "media", "weights", "device", "clock"):
        assert f"ok    {about}: " in said
    assert before == sorted((path, path.stat().st_size) for path in well.data.rglob("*"))


def test_what_is_wrong_is_exit_code_1_and_an_index_is_made_anew(well: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "weights", lambda _: iter(()))
    misled(well.data / "discovervoice.db")
    out, _ = well._run(("doctor",), 1)
    assert "1 to mend." in out and "discovervoice doctor --rebuild" in out
    assert "ix_song_title" in well.refused("worker")
    with_song_missing, _ = well._run(("doctor", "--rebuild"), 1)
    assert "Every page, row and index is sound." in with_song_missing
    assert "Files are missing: 1 songs" in with_song_missing  # the song that the index did not lead to has none
