"""Make the pictures of the bot that the README shows: the real bot and worker in `discovervoice preview`'s server.

`python scripts/pictures.py` writes `docs/images/bot-<what>-<language>-<width>.png`, in English and Korean, on a desktop
of 960 pixels and a telephone of 390: the songs that a member likes, a match, the consent of a training, a cover and the
list of jobs. The figures that they show go into `docs/images/bot-figures.json`. It needs `make install-dev`, a Chromium
and a font with Hangul.
"""

import asyncio
import base64
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import aiohttp
from PIL import Image

from cli.preview import PREVIEW, SimulatedServer, house, simulated_server
from store import Job, JobKind, JobState, NoteState, Store, jobs
from store.library import sung_songs
from store.use_cases import basket_of

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
FIGURES = IMAGES / "bot-figures.json"
SHOWN_OF = {"match": ("candidates", "none", "range", "seconds", "songs"), "cover": ("song", "voice", "key_shift")}
"""What the pictures show of a result, by the job's kind."""
NOTES = sorted((ROOT / "demo" / "notes").glob("*.ogg"))[:3]
DESKTOP, PHONE = 960, 390
HEIGHT = 844
ALONE = """(() => {
    const hide = one => one.style.setProperty("display", "none", "important");
    const [timeline, list] = ["channel-timeline", "channel-message-list"].map(id => document.getElementById(id));
    document.body.classList.add("messages-closed");
    [...document.querySelectorAll(".messages-sidebar, .timeline-day-divider")].forEach(hide);
    [...document.querySelectorAll(".channel-message")].slice(0, -1).forEach(hide);
    const top = Math.ceil(document.getElementById("toolbar").getBoundingClientRect().bottom);
    return [top, Math.ceil(innerHeight - top - timeline.clientHeight + list.getBoundingClientRect().height) + 24];
})()"""
"""Shows the newest message alone; where it begins below the toolbar, and how high it is with the channel's frame."""
SCALES = {DESKTOP: 1, PHONE: 2}
"""Pixels of the picture for each of the page, by its width."""
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
SONG = "amazing"
SONGS, LIKED = 5, 2
"""Songs of the library, and how many of them the member likes."""
MINUTES = 10.0
SHOWN = """document.querySelector(".message-content, .message-components")
    && [...document.images].every(one => one.complete) && document.body.innerText"""
"""What a page says once it is whole."""

HANGUL = """["가", "힣"].map(syllable => {
    const canvas = document.createElement("canvas");
    const pen = canvas.getContext("2d");
    pen.font = "40px sans-serif";
    pen.fillText(syllable, 10, 60);
    return canvas.toDataURL();
})"""
"""Two syllables as they are drawn: alike where no font has them."""


async def require_hangul() -> None:
    """Exits if the browser would draw every Korean letter as the same box."""
    async with tab() as page:
        one, other = await page.value(HANGUL)
    if one == other:
        sys.exit("No font here has Hangul: install one, such as fonts-noto-cjk.")


async def shoot(server: SimulatedServer, name: str, language: str) -> None:
    """Save the first member's view of the channel at every width."""
    viewers: Any = [server.members[0]]
    async with server.env.preview(
        server.channel, viewers=viewers, **{**PREVIEW, "presentation_time": datetime.now(UTC)}
    ) as preview:
        for width in SCALES:
            target = IMAGES / f"bot-{name}-{language}-{width}.png"
            shot = await asyncio.to_thread(asyncio.run, photographed(preview.url, width))
            with Image.open(io.BytesIO(shot)) as picture:
                picture.convert("RGB").quantize(128).save(target, optimize=True)
            print(target, f"{target.stat().st_size / 1e3:.0f} kB", flush=True)


async def photographed(url: str, width: int) -> bytes:
    """The newest message below the toolbar as a PNG, as a screen of this width shows it."""
    async with tab() as page:
        screen = {"width": width, "height": HEIGHT, "deviceScaleFactor": SCALES[width], "mobile": False}
        await page.ask("Emulation.setDeviceMetricsOverride", **screen)
        await page.ask("Page.navigate", url=url)
        await page.settled()
        top, height = await page.value(ALONE)
        await page.ask("Emulation.setDeviceMetricsOverride", **{**screen, "height": height + top})
        await page.settled()
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        return base64.b64decode((await page.ask("Page.captureScreenshot", format="png", clip=clip))["data"])


@dataclass
class Tab:
    """A page of a Chromium, driven by the Chrome DevTools Protocol; its windows are never narrower than 500 pixels."""

    socket: aiohttp.ClientWebSocketResponse
    asked: int = 0

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """What Chromium answers. Exits if it refuses."""
        self.asked += 1
        await self.socket.send_json({"id": self.asked, "method": method, "params": params})
        while True:
            answer: dict[str, Any] = await self.socket.receive_json()
            if answer.get("id") == self.asked:
                return dict(answer["result"]) if "result" in answer else sys.exit(f"{method}: {answer['error']}")

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression gives."""
        return (await self.ask("Runtime.evaluate", expression=expression, returnByValue=True))["result"].get("value")

    async def settled(self) -> None:
        """Wait until messages and their pictures are there, and the text has not changed for two seconds."""
        shown, same = None, 0
        for _ in range(240):
            now = await self.value(SHOWN)
            shown, same = now, same + 1 if now and now == shown else 0
            if same >= 8:
                return
            await asyncio.sleep(0.25)


@asynccontextmanager
async def tab() -> AsyncIterator[Tab]:
    """An empty page. Exits if no browser is installed."""
    browser = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    if browser is None:
        sys.exit(f"No browser was found: install one of {', '.join(CHROMIUMS)}.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0"]
        given = [browser, *options, f"--user-data-dir={profile}", "about:blank"]
        process = await asyncio.create_subprocess_exec(*given, stdout=DEVNULL, stderr=DEVNULL)
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                async with session.get("/json/list") as listed:
                    address = next(one["webSocketDebuggerUrl"] for one in await listed.json() if one["type"] == "page")
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    yield Tab(socket)
        finally:
            process.terminate()
            await process.wait()


async def _port(path: Path) -> str:
    """The port that Chromium writes into its profile once it listens. Exits if it does not."""
    for _ in range(240):
        if path.exists() and (lines := path.read_text().splitlines()):
            return lines[0]
        await asyncio.sleep(0.25)
    sys.exit("Chromium did not start within a minute.")


async def delivered(server: SimulatedServer, store: Store, kind: JobKind) -> dict[str, Any]:
    """Wait until the member's job of this kind is over and delivered; the figures that it shows. Exits if it fails."""
    deadline = time.monotonic() + 60 * MINUTES
    while time.monotonic() < deadline:
        await asyncio.sleep(1.0)
        await server.env.advance_time(1.0)
        job = await asyncio.to_thread(_latest, store, server.members[0].id, kind)
        if job is not None and job.state is JobState.DELIVERED:
            await server.env.advance_time(5.0)
            return {name: job.result.get(name) for name in SHOWN_OF[kind]}
        if job is not None and job.state in jobs.ENDED:
            sys.exit(f"The {kind} {job.state}: {job.error_sentence}")
    sys.exit(f"The {kind} took more than {MINUTES:.0f} minutes.")


async def heard_songs(server: SimulatedServer, store: Store) -> list[str]:
    """Wait until the worker has heard the songs of the library; the ids of all. Exits if it does not."""
    deadline = time.monotonic() + 60 * MINUTES
    while time.monotonic() < deadline:
        with store.read() as session:
            if len(heard := sung_songs(session)) == SONGS:
                return [str(song.id) for song, _ in heard]
        await asyncio.sleep(1.0)
        await server.env.advance_time(1.0)
    sys.exit(f"The songs of the library were not heard within {MINUTES:.0f} minutes.")


async def ask_consent(server: SimulatedServer, store: Store, notes: dict[str, Any]) -> None:
    """Ask for a training, and wait until the worker has heard its notes and the member is asked."""
    member = server.members[0]
    await member.slash(server.channel, "train", name=member.name, **notes)
    while any(note.state is NoteState.WAITING for note in basket_of(store, member.id)):
        await asyncio.sleep(1.0)
        await server.env.advance_time(1.0)
    await server.env.advance_time(5.0)


def _latest(store: Store, user_id: int, kind: JobKind) -> Job | None:
    with store.read() as session:
        return next((job for job in jobs.recent_of(session, user_id) if job.kind is kind), None)


async def one_language(data: Path, language: str) -> dict[str, dict[str, Any]]:
    """A member picks songs, matches, is asked for consent, and sings a free song in a free voice; the figures."""
    notes = {f"note{n}": (note.name, note.read_bytes()) for n, note in enumerate(NOTES, start=1)}
    with house(data, {}) as at:
        async with simulated_server(at, language) as server:
            member, channel = server.members[0], server.channel
            heard = await heard_songs(server, at.store)
            help_card: Any = (await member.slash(channel, "help")).response
            asked: Any = (await member.click(help_card, custom_id="liking:open")).response
            await member.select(asked, heard[:LIKED])
            await shoot(server, "songs", language)
            await member.slash(channel, "match", **notes)
            match = await delivered(server, at.store, JobKind.MATCH)
            await shoot(server, "match", language)
            await ask_consent(server, at.store, notes)
            await shoot(server, "consent", language)
            voices: Any = await member.autocomplete(channel, "cover", "voice", "")
            songs: Any = await member.autocomplete(channel, "cover", "title", SONG)
            await member.slash(channel, "cover", voice=voices[0]["value"], title=songs[0]["value"])
            cover = await delivered(server, at.store, JobKind.COVER)
            await shoot(server, "cover", language)
            await member.slash(channel, "jobs")
            await shoot(server, "jobs", language)
            return {"match": match, "cover": cover}


if __name__ == "__main__":
    figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
    asyncio.run(require_hangul())
    for chosen in sys.argv[1:] or ("en", "ko"):
        with tempfile.TemporaryDirectory() as folder:
            figures[chosen] = asyncio.run(one_language(Path(folder), chosen))
        FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
