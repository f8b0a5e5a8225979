"""A member who has just joined hears a cover without any training: in a free voice, then in their own."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simcord import InteractionResult

from store import JobState, Store, StoreSettings, open_store
from tests.bot.test_end_to_end import NOTE, seconds_of, until
from tests.bot.world import World, response_of
from tests.forked import fork

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.usefixtures("quiet")]
SEND = "Send the recording"


@pytest.fixture
def read_aloud() -> bool:
    """As it is unless the operator says otherwise."""
    return True


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty one."""
    return open_store(StoreSettings(data_dir=tmp_path / "data", database_url=""))


@pytest.fixture
def working(store: Store, redis_url: str, tmp_path: Path) -> Iterator[None]:
    """A real worker process, which fills the library."""
    own = {"REDIS_URL": redis_url, "DATA_DIR": str(store.data_dir), "DATABASE_URL": "", "FREE_LIBRARY": "true"}
    log = tmp_path / "worker.log"
    process = fork(["worker"], {**os.environ, **own}, log, log)
    yield
    process.kill()
    process.wait()


async def sung(world: World, voice: str, title: str) -> InteractionResult:
    """Alice asks for a cover by what the autocompletes offer first; the worker may not have made it yet."""
    for _ in range(240):
        voices = await world.alice.autocomplete(world.channel, "cover", "voice", voice)
        titles = await world.alice.autocomplete(world.channel, "cover", "title", title, voice="")
        if "#0" not in (voices[0]["value"], titles[0]["value"]):
            break
        await asyncio.sleep(0.5)
    return await world.alice.slash(world.channel, "cover", voice=voices[0]["value"], title=titles[0]["value"])


async def test_a_first_cover_needs_no_training_and_the_second_is_in_ones_own_voice(
    working: None, world: World, store: Store, spoken: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = await sung(world, "", "amazing")
    await until(world, store, JobState.DELIVERED, "cover")
    card = response_of(asked)
    assert "AI-generated" in card.content and "free for all. Hear it in your own: </train:" in card.content
    sound = next(one for one in card.attachments if one.filename.startswith("cover."))
    assert seconds_of(await sound.read(), tmp_path / sound.filename) > 15

    note = ("note.flac", spoken(NOTE * 2).read_bytes())
    asked = await world.alice.slash(world.channel, "train", name="mine", note1=note, at_once=True)
    for _ in range(60):
        await world.tick()
        if "Make the voice “mine” at once?" in response_of(asked).content:
            break
        await asyncio.sleep(0.5)
    [sentence] = re.findall("^> (.*)$", response_of(asked).content, re.MULTILINE)
    form = await world.alice.click(response_of(asked), label=SEND)
    await world.alice.submit_modal(form, {"files": [("read.flac", spoken(sentence).read_bytes())]})
    await until(world, store, JobState.DELIVERED, "train")
    card = response_of(asked)
    assert "not trained" in card.content and "A trained voice sounds more like you" in card.content
    asked = await sung(world, "mine", "amazing")
    await until(world, store, JobState.DELIVERED, "cover", of=2)
    assert "sung by the voice **mine**" in response_of(asked).content
    assert "free for all" not in response_of(asked).content
