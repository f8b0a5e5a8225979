"""The whole service as a member meets it: real bytes in, real sound out, on a real queue and a real worker."""

import asyncio
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import discord
import numpy as np
import pytest
from sqlmodel import select

from pipeline.sound.decode import SONG, decode
from store import Job, JobState, Store, StoreSettings, open_store
from tests.bot.world import World, response_of, text_of
from tests.forked import fork

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.usefixtures("quiet")]


NOTE = "Yesterday I walked along the shore, and the wind took my hat. A dog found it, and would not give it back. "


@pytest.fixture
def read_aloud() -> bool:
    """As it is unless the operator says otherwise."""
    return True


@pytest.fixture
def store(seeded: Path, tmp_path: Path) -> Store:
    """A real database and media folder, with the shipped voices in its library."""
    return open_store(StoreSettings(data_dir=shutil.copytree(seeded, tmp_path / "data"), database_url=""))


@pytest.fixture
def working(store: Store, redis_url: str, tmp_path: Path) -> Iterator[None]:
    """A real worker process on the same store and queue, whose trainings take a second."""
    environment = {**os.environ, "REDIS_URL": redis_url, "DATA_DIR": str(store.data_dir), "DATABASE_URL": ""}
    environment["TRAIN_MINUTES"] = "0.02"
    log = tmp_path / "worker.log"
    process = fork(["worker"], environment, log, log)
    yield
    process.kill()
    process.wait()


async def until(world: World, store: Store, state: JobState, kind: str, of: int = 1) -> Job:
    """Let the loops run beside the real worker until the last of so many jobs of this kind is in `state`."""
    for _ in range(240):
        await world.tick()
        with store.read() as session:
            rows = [job for job in session.exec(select(Job)).all() if job.kind == kind]
        rows.sort(key=lambda job: job.created_at)
        if len(rows) == of and rows[-1].state == state:
            return rows[-1]
        assert not rows or rows[-1].state != JobState.FAILED, rows[-1].error_sentence
        await asyncio.sleep(0.5)
    raise AssertionError(f"after 120 s: {rows}")


async def parts_written(world: World, store: Store, job: Job) -> None:
    """Let the real worker measure a delivered cover, and write its parts."""
    for _ in range(120):
        with store.read() as session:
            if not session.get_one(Job, job.id).being_measured:
                return
        await world.tick()
        await asyncio.sleep(0.5)
    raise AssertionError("after 60 s it is still measured")


def level_of(data: bytes, path: Path) -> float:
    """The level of delivered sound, in dB."""
    path.write_bytes(data)
    return float(10 * np.log10((decode(path, 44_100, channels=2, limits=SONG, name=path.name) ** 2).mean()))


def seconds_of(data: bytes, path: Path) -> float:
    """Length of delivered sound."""
    path.write_bytes(data)
    with av.open(str(path)) as container:
        return sum(frame.samples for frame in container.decode(audio=0)) / container.streams.audio[0].rate


async def part_levels(world: World, message: discord.Message, folder: Path) -> tuple[float, float]:
    """The levels of a cover's vocals and of its instrumental, in dB, as its buttons send them."""
    sent = [(await world.alice.click(message, label=part)).followups[0] for part in ("Vocals only", "Instrumental")]
    vocals, instrumental = [level_of(await one.attachments[0].read(), folder / "part.ogg") for one in sent]
    return vocals, instrumental


async def test_a_member_matches_trains_and_sings(
    working: None,
    world: World,
    store: Store,
    notes: list[Path],
    spoken: Callable[[str], Path],
    song: Path,
    tmp_path: Path,
) -> None:
    await world.alice.slash(world.channel, "match", note1=("note 🎤.ogg", notes[0].read_bytes()))
    await until(world, store, JobState.DELIVERED, "match")
    answer = world.cards()[-1]
    assert [a.filename for a in answer.attachments] == ["match.png"]

    note = ("note 🎤.flac", spoken(NOTE * 8).read_bytes())
    asked = await world.alice.slash(world.channel, "train", name="내 목소리", note1=note)
    for _ in range(60):  # the real worker hears the notes
        await world.tick()
        if "Train the voice" in response_of(asked).content:
            break
        await asyncio.sleep(0.5)
    [sentence] = re.findall("^> (.*)$", response_of(asked).content, re.MULTILINE)
    form = await world.alice.click(response_of(asked), label="Send the recording")
    await world.alice.submit_modal(form, {"files": [("read.flac", spoken(sentence).read_bytes())]})
    trained = await until(world, store, JobState.DELIVERED, "train")
    assert "내 목소리" in world.cards()[-1].content

    await world.alice.slash(
        world.channel, "cover", voice=str(trained.result["voice_id"]), song=("song.mp3", song.read_bytes())
    )
    covered = await until(world, store, JobState.DELIVERED, "cover")
    message = world.cards()[-1]
    sound = next(a for a in message.attachments if a.filename.startswith("cover."))
    data = await sound.read()
    assert "AI-generated" in message.content
    assert seconds_of(data, tmp_path / sound.filename) == pytest.approx(10.88, abs=0.1)
    assert len(data) <= covered.params["max_bytes"]
    assert covered.result["lufs"] == pytest.approx(covered.result["song_lufs"], abs=1.5)

    await parts_written(world, store, covered)
    levels = await part_levels(world, message, tmp_path)
    for label, name in (("Vocals only", "vocals.ogg"), ("Voice message", "voice-message.ogg")):
        (sent,) = (await world.alice.click(message, label=label)).followups
        assert sent.attachments[0].filename == name
        assert seconds_of(await sent.attachments[0].read(), tmp_path / name) == pytest.approx(10.88, abs=0.1)

    await world.alice.click(message, label="Vocals louder")
    louder = await until(world, store, JobState.DELIVERED, "cover", of=2)
    assert louder.result["vocal_level"] == 3
    assert louder.result["lufs"] == pytest.approx(covered.result["lufs"], abs=0.5)
    await parts_written(world, store, louder)
    vocals, instrumental = await part_levels(world, world.cards()[-1], tmp_path)
    assert vocals - levels[0] - (instrumental - levels[1]) == pytest.approx(3.0, abs=0.2)
    assert vocals > levels[0] and instrumental < levels[1]

    await world.alice.slash(
        world.channel,
        "cover",
        voice=str(trained.result["voice_id"]),
        song=("vocals.ogg", notes[0].read_bytes()),
        vocals_only=True,
        instrumental=("karaoke.ogg", notes[1].read_bytes()),
    )
    await until(world, store, JobState.DELIVERED, "cover", of=3)
    message = world.cards()[-1]
    assert "nothing was separated. The instrumental is your own: karaoke.ogg" in message.content
    details = text_of(response_of(await world.alice.click(message, label="Details")))
    assert "Spleeter" not in details and "Whisper" in details

    refused = await world.bob.slash(
        world.channel, "cover", voice=str(trained.result["voice_id"]), song=("song.mp3", song.read_bytes())
    )
    assert "no such voice" in response_of(refused).content
