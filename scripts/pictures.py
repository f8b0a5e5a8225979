"""Make the pictures of the bot that the README shows: the real bot and worker in `discovervoice preview`'s server.

`python scripts/pictures.py` writes `docs/images/bot-<what>-<language>-<width>.png`: a match, the consent of a training
and a cover, in English and Korean, 960 and 500 pixels wide. It needs `make install-dev` and a Chromium.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from cli.preview import PREVIEW, SimulatedServer, house, simulated_server
from store import Job, JobKind, JobState, Store, jobs

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
NOTES = sorted((ROOT / "demo" / "notes").glob("*.ogg"))[:3]
SIZES = ((960, 900), (500, 900))
"""A desktop, and the narrowest window that Chromium opens without a screen."""
TOOLBAR = {960: 60, 500: 112}
"""Pixels of the page above the channel that are not Discord's."""
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
SONG = "amazing"
PAINT_MS = 8000
MINUTES = 10.0


async def shoot(server: SimulatedServer, name: str, language: str) -> None:
    """Save the first member's view of the channel in every size."""
    viewers: Any = [server.members[0]]
    async with server.env.preview(
        server.channel, viewers=viewers, **{**PREVIEW, "presentation_time": datetime.now(UTC)}
    ) as preview:
        for width, height in SIZES:
            target = IMAGES / f"bot-{name}-{language}-{width}.png"
            await asyncio.to_thread(_screenshot, preview.url, target, width, height + TOOLBAR[width])
            with Image.open(target) as picture:
                cropped = picture.convert("RGB").crop((0, TOOLBAR[width], width, picture.height))
            cropped.quantize(128).save(target, optimize=True)
            print(target, f"{target.stat().st_size / 1e3:.0f} kB")


def _screenshot(url: str, target: Path, width: int, height: int) -> None:
    """Have a browser open the page and save what it shows. Exits if none is installed."""
    browser = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"No browser was found: install one of {', '.join(CHROMIUMS)}.")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    paint = [f"--window-size={width},{height}", f"--virtual-time-budget={PAINT_MS}", f"--screenshot={target}"]
    subprocess.run([browser, *options, *paint, url], check=True, capture_output=True, timeout=120)


async def delivered(server: SimulatedServer, store: Store, kind: JobKind) -> None:
    """Wait until the member's job of this kind is over and delivered. Exits if it fails."""
    deadline = time.monotonic() + 60 * MINUTES
    while time.monotonic() < deadline:
        await asyncio.sleep(1.0)
        await server.env.advance_time(1.0)
        job = await asyncio.to_thread(_latest, store, server.members[0].id, kind)
        if job is not None and job.state is JobState.DELIVERED:
            await server.env.advance_time(5.0)
            return
        if job is not None and job.state in jobs.ENDED:
            sys.exit(f"The {kind} {job.state}: {job.error_sentence}")
    sys.exit(f"The {kind} took more than {MINUTES:.0f} minutes.")


def _latest(store: Store, user_id: int, kind: JobKind) -> Job | None:
    with store.read() as session:
        return next((job for job in jobs.recent_of(session, user_id) if job.kind is kind), None)


async def one_language(data: Path, language: str) -> None:
    """A member matches, is asked for consent, and sings a free song in a free voice."""
    notes = {f"note{n}": (note.name, note.read_bytes()) for n, note in enumerate(NOTES, start=1)}
    with house(data, {}) as at:
        async with simulated_server(at, language) as server:
            member, channel = server.members[0], server.channel
            await member.slash(channel, "match", **notes)
            await delivered(server, at.store, JobKind.MATCH)
            await shoot(server, "match", language)
            await member.slash(channel, "train", name=server.members[0].name, **notes)
            await shoot(server, "consent", language)
            voices: Any = await member.autocomplete(channel, "cover", "voice", "")
            songs: Any = await member.autocomplete(channel, "cover", "title", SONG)
            await member.slash(channel, "cover", voice=voices[0]["value"], title=songs[0]["value"])
            await delivered(server, at.store, JobKind.COVER)
            await shoot(server, "cover", language)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("en", "ko"):
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(one_language(Path(folder), chosen))
