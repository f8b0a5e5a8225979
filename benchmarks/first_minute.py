"""What a member waits for: the first cover, and a match behind another member's trainings.

    .venv/bin/python -m benchmarks.first_minute [--part cover] [--part own] [--part match]

The real bot and worker of `discovervoice preview` in a fresh data folder, on the machine's CPUs; the clock starts with
the command. `cover`: a free voice sings a free song. `own`: a voice at once from a sentence that is read aloud (by the
synthetic voice of the tests), then a song in it. `match`: three trainings of ten minutes each, the first of which runs,
are one member's; another sends one note. CPU seconds are those of bot and worker together.
"""

import argparse
import asyncio
import contextlib
import os
import re
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile
from hibari import Hibari
from sqlmodel import select

from cli.preview import SimulatedServer, house, simulated_server
from store import Job, JobKind, JobState, Store, jobs
from store.tables import Song
from store.use_cases import has_free_voice

NOTES = sorted((Path(__file__).parent.parent / "demo" / "notes").glob("*.ogg"))
SONG = "amazing"
PARTS = ("cover", "own", "match")
FREE_SONGS = 5
LONGEST = 1800.0
TEXT = "Yesterday I walked along the shore, and the wind took my hat. A dog found it, and would not give it back. "


@dataclass
class Clock:
    """Seconds and CPU seconds of this process and all below it since the command."""

    began: float = field(default_factory=time.monotonic)
    cpu: float = field(default_factory=lambda: cpu_seconds())

    def read(self) -> str:
        """`12 s, 20 s of CPU`."""
        return f"{time.monotonic() - self.began:.0f} s, {cpu_seconds() - self.cpu:.0f} s of CPU"


def cpu_seconds() -> float:
    """Of this process and all below it that still run (`/proc`, proc(5))."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            parents[int(path.parent.name)] = int(fields[1])
            ticks[int(path.parent.name)] = int(fields[11]) + int(fields[12])
    ours = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(ticks.get(process, 0) for process in ours) / os.sysconf("SC_CLK_TCK")


async def until(server: SimulatedServer, done: Any, what: str) -> None:
    """Let the bot's loops run until `done()` holds. Raises TimeoutError."""
    deadline, passed = time.monotonic() + LONGEST, time.monotonic()
    while not await asyncio.to_thread(done):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.25)
        now = time.monotonic()
        with contextlib.suppress(TimeoutError):  # the machine is busy: it goes on in the next round
            await server.env.advance_time(min(now - passed, 2.0))
        passed = now


def newest(store: Store, user_id: int, kind: JobKind) -> Job | None:
    """A member's newest job of a kind."""
    with store.read() as session:
        return next((job for job in jobs.recent_of(session, user_id) if job.kind is kind), None)


def is_over(store: Store, user_id: int, kind: JobKind) -> bool:
    """Whether a member's newest job of a kind was delivered. Exits if it failed."""
    job = newest(store, user_id, kind)
    if job is not None and job.state in jobs.ENDED - {JobState.DELIVERED}:
        raise SystemExit(f"The {kind} {job.state}: {job.error_sentence}")
    return job is not None and job.state is JobState.DELIVERED


def spoken(text: str, path: Path) -> tuple[str, bytes]:
    """A text, spoken by the synthetic voice."""
    voice = Hibari()
    soundfile.write(path, voice(text), voice.sample_rate)
    return path.name, path.read_bytes()


async def cover(server: SimulatedServer, store: Store, voice: str) -> None:
    """A member sings a free song; says when it was heard."""
    member, channel = server.members[0], server.channel
    clock = Clock()
    songs: Any = await member.autocomplete(channel, "cover", "title", SONG)
    answer: Any = await member.slash(channel, "cover", voice=voice, title=songs[0]["value"])
    if newest(store, member.id, JobKind.COVER) is None:
        raise SystemExit(f"No cover was asked for: {answer.response.content}")
    await until(server, lambda: is_over(store, member.id, JobKind.COVER), "cover")
    print(f"cover of “{songs[0]['name']}”: {clock.read()}", flush=True)


async def free_cover(server: SimulatedServer, store: Store) -> None:
    """In the first free voice."""
    voices: Any = await server.members[0].autocomplete(server.channel, "cover", "voice", "")
    await cover(server, store, voices[0]["value"])


async def own_cover(server: SimulatedServer, store: Store, folder: Path) -> None:
    """In the member's own voice, made at once of a sentence that they read aloud."""
    member, channel = server.members[0], server.channel
    clock = Clock()
    asked: Any = (await member.slash(channel, "train", name="mine", at_once=True)).response
    [sentence] = re.findall("^> (.*)$", asked.content, re.MULTILINE)
    form = await member.click(asked, label="Send the recording")
    reading = await asyncio.to_thread(spoken, sentence, folder / "reading.flac")
    print(f"spoken: {clock.read()}", flush=True)
    clock = Clock()
    await member.submit_modal(form, {"files": [reading]})
    await until(server, lambda: is_over(store, member.id, JobKind.TRAIN), "voice at once")
    print(f"voice at once, from the recording: {clock.read()}", flush=True)
    await cover(server, store, "mine")
    print(f"both: {clock.read()}", flush=True)


async def match(server: SimulatedServer, store: Store) -> None:
    """Behind three trainings of the other member."""
    first, second = server.members
    notes = {f"note{n}": (note.name, note.read_bytes()) for n, note in enumerate(NOTES[:4], start=1)}
    for name in ("one", "two", "three"):
        asked: Any = await first.slash(server.channel, "train", name=name, **(notes if name == "one" else {}))
        await until(server, lambda asked=asked: "Train the voice" in asked.response.content, "notes")
        await first.click(asked.response, label="This is my voice, train it")

    def trains() -> bool:
        with store.read() as session:
            return any(job.stage == "training" and job.progress > 0.01 for job in jobs.active_of(session, first.id))

    await until(server, trains, "training")
    clock = Clock()
    await second.slash(server.channel, "match", note1=(NOTES[5].name, NOTES[5].read_bytes()))
    await until(server, lambda: is_over(store, second.id, JobKind.MATCH), "match")
    job = newest(store, second.id, JobKind.MATCH)
    assert job is not None and job.started_at is not None and job.queued_at is not None
    print(f"match behind three trainings: begun after {job.started_at - job.queued_at:.1f} s, {clock.read()}")


async def measure(part: str, folder: Path) -> None:
    """One part, in a fresh folder."""
    os.environ["READ_ALOUD"] = str(part == "own")
    with house(folder, {}) as at:
        async with simulated_server(at, "en") as server:

            def ready() -> bool:
                with at.store.read() as session:
                    songs = session.exec(select(Song)).all()
                return len(songs) >= FREE_SONGS and has_free_voice(at.store)

            await until(server, ready, "the free songs and a free voice")
            if part == "cover":
                await free_cover(server, at.store)
            elif part == "own":
                await own_cover(server, at.store, folder)
            else:
                await match(server, at.store)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS)
    for chosen in parser.parse_args().part or PARTS:
        with tempfile.TemporaryDirectory() as name:
            asyncio.run(measure(chosen, Path(name)))
