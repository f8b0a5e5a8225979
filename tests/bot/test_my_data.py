"""`/mydata`: a member is sent what is theirs, and nobody else sees it."""

import pytest

from bot import my_data
from store import Store
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")


async def test_a_member_gets_their_data_in_answers_that_only_they_see(
    world: World, worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = await world.alice.slash(world.channel, "mydata")
    assert response_of(nothing).content == "Nothing is stored about you." and nothing.followups == []
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
