"""The log names nobody and nothing of anybody, whatever goes wrong."""

import logging
from contextlib import suppress

import pytest
from sqlalchemy.exc import IntegrityError

from store import Store, Voice
from store.tables import VoiceState
from tests.bot.world import Worker, World, response_of

NAMES = ("Goldkehle", "geheim", "alice", "Seufzer")


async def test_nothing_of_a_forgotten_member_is_in_the_log(
    world: World, worker: Worker, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    asked = await world.train(worker, "Goldkehle", [("geheim.ogg", b"x")])
    world.env.inject_error("POST", "/webhooks/*", status=503, times=1)  # the refusal that would name the voice
    await world.alice.slash(world.channel, "train", name="Goldkehle", note1=("geheim.ogg", b"x"))
    await world.alice.click(response_of(asked), label="This is my voice, train it")
    job = worker.only()
    worker.fail(job, "silent", {"name": "geheim.ogg"}, "geheim.ogg is silent.")
    world.env.inject_error("PATCH", "/webhooks/*", status=503, times=1)
    await world.tick(10)
    answer = await world.alice.slash(world.channel, "forget-me")
    world.env.inject_error("DELETE", "/webhooks/*", status=503, times=1)
    await world.alice.click(response_of(answer), label="Remove everything")
    await world.tick(4)

    lines = [caplog.handler.format(r) for r in caplog.records if not r.name.startswith("simcord")]
    assert any("did not reach Discord" in line for line in lines) and any("must wait" in line for line in lines)
    assert [line for line in lines if any(name in line for name in (*NAMES, str(world.alice.id)))] == []


@pytest.mark.parametrize(("status", "code", "level"), [(404, 10062, ""), (503, 0, ""), (400, 50035, "ERROR")])
async def test_choices_that_do_not_arrive_name_no_member(
    world: World, caplog: pytest.LogCaptureFixture, status: int, code: int, level: str
) -> None:
    world.env.inject_error("POST", "/interactions/*", status=status, code=code, times=1)
    with suppress(Exception):  # the simulation has no choices to give
        await world.alice.autocomplete(world.channel, "cover", "title", "geheim")
    records = [one for one in caplog.records if one.name.startswith("discord")]
    lines = [caplog.handler.format(one) for one in records]
    assert {one.levelname for one in records} == ({level} if level else set())
    assert [line for line in lines if any(name in line for name in (*NAMES, str(world.alice.id)))] == []


def test_an_error_of_the_database_names_no_values(store: Store) -> None:
    with pytest.raises(IntegrityError) as caught, store.write() as session:
        for _ in range(2):
            session.add(Voice(owner_id=7, name="Goldkehle", state=VoiceState.READY))
            session.flush()
    assert "Goldkehle" not in str(caught.value)
