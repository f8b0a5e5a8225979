"""`/mydata`: a member is sent what is theirs, and nobody else sees it."""

import io
import json
import zipfile

import pytest

from bot import my_data
from pipeline.errors import ModelUnusable
from store import NoteState, Store
from store.use_cases import basket_of, refuse_note
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")


async def test_a_member_gets_their_data_in_answers_that_only_they_see(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = await world.alice.slash(world.channel, "mydata")
    assert response_of(nothing).content.startswith("Nothing is stored about you. </help:") and nothing.followups == []
    await world.alice.slash(world.channel, "notes", note1=("a.ogg", b"one"), note2=("b.ogg", b"x" * 9000))
    answer = await world.alice.slash(world.channel, "mydata")
    assert "2 rows (rows.json) and 2 files, in 1 ZIP file." in response_of(answer).content
    (sent,) = answer.followups
    assert sent.ephemeral and sent.attachments[0].filename == "my-data-1.zip"

    monkeypatch.setattr(my_data, "file_limit", lambda _: my_data.SPARE + 5000)
    answer = await world.alice.slash(world.channel, "mydata")
    text = response_of(answer).content
    assert "Left out, as too large for Discord here: 1 file" in text and "b.ogg" in text
    assert world.public() == [] and list(store.work_dir.glob("*")) == []


async def test_why_something_failed_is_said_as_the_member_was_told_and_without_what_is_the_operators(
    world: World, worker: Worker, store: Store
) -> None:
    world.bot.services.languages[world.guild.id] = "ko"
    lost = ModelUnusable(reason="weights of s24 are missing: type `discovervoice models pull`")
    await world.alice.slash(world.channel, "match", note1=("a_b*c.ogg", b"one"))
    worker.fail(worker.only(), "not_audio", {"name": "a_b*c.ogg"}, "a_b*c.ogg is no sound.")
    await world.alice.slash(world.channel, "notes", note1=("n.ogg", b"two"))
    [note] = basket_of(store, world.alice.id)
    refuse_note(store, note.id or 0, lost.code, lost.params, str(lost))
    assert basket_of(store, world.alice.id)[0].state is NoteState.REFUSED

    answer = await world.alice.slash(world.channel, "mydata")
    content = await answer.followups[0].attachments[0].read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read("rows.json").decode()
    rows = json.loads(text)
    assert rows["job"][0]["error"].startswith("a_b*c.ogg: 읽을 수 있는 오디오가 아니에요.")
    assert rows["basket_note"][0]["error"].startswith("봇이 쓰는 컴퓨터에 필요한 것이 없어서")
    assert not any(word in text for word in ("s24", "models pull", "lease_owner", "error_params"))
