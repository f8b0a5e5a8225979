"""The checks of a schedule see what they are for."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.invariants import breaches
from tests.chaos.noted_cards import answer
from tests.chaos.scene import Scene, furnish, secret
from tests.chaos.schedule import MEMBERS, scheduled

JOB = "0123456789abcdef"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A furnished scene, nothing played."""
    scene = Scene(tmp_path)
    furnish(scene)
    return scene


def execute(scene: Scene, *statements: str) -> None:
    with scene.rows() as database:
        for statement in statements:
            database.exec_driver_sql(statement)
        database.commit()


def add_job(scene: Scene, state: str) -> None:
    values = {"id": JOB, "kind": "match", "user_id": MEMBERS[0], "state": state, "locale": "en", "params": "{}"}
    values |= {"result": "{}", "error_params": "{}", "lane": "quick"}
    numbers = ("turn", "attempt", "losses", "worked", "cancel_requested", "progress", "created_at")
    columns = ", ".join([*values, *numbers])
    listed = ", ".join([f"'{value}'" for value in values.values()] + ["0"] * len(numbers))
    execute(scene, f"INSERT INTO job ({columns}) VALUES ({listed})")


def put(scene: Scene, path: str) -> None:
    file = scene.settings.data_dir / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x")


SPOILED: dict[str, Callable[[Scene], None]] = {
    "is running": lambda scene: add_job(scene, "running"),
    "the message of job": lambda scene: add_job(scene, "failed"),
    "is lost": lambda scene: scene.tell(job=JOB, member=MEMBERS[0], voice=None),
    "2 messages were sent": lambda scene: sent(scene, 1, 2),
    "which is gone, whose voice is": lambda scene: sent(scene, 1),
    "which is gone or whose voice is": lambda scene: card(scene, "state"),
    "a card shows 2 jobs": lambda scene: card(scene, "state", "state", jobs=(JOB, "other")),
    "an older state above": lambda scene: card(scene, "result", "state"),
    "is shown by its card and by a message": lambda scene: told_twice(scene),
    "shown nowhere": lambda scene: add_sent(scene),
    "0 files": lambda scene: card_without_files(scene),
    "voice in training": lambda scene: execute(scene, "UPDATE voice SET state = 'training' WHERE id = 1"),
    "no file": lambda scene: next((scene.settings.data_dir / "media").glob("??/*")).unlink(),
    "no row names the file": lambda scene: put(scene, f"media/ab/{'ab' * 32}"),
    "no row names the cache": lambda scene: put(scene, f"cache/{'ab' * 32}/stems.json"),
    "scratch is left": lambda scene: put(scene, f"work/{JOB}/1/out"),
    "a draft is left": lambda scene: put(scene, "media/ab/.x.part"),
    "media_reference": lambda scene: execute(scene, "DELETE FROM media_reference"),
    "a row of voice is left": lambda scene: scene.tell(forgotten=MEMBERS[0]),
    "in the database's bytes": lambda scene: scene.tell(forgotten=MEMBERS[0]),
    "was given 2 times": lambda scene: trained(scene, 9, 9),
    "nobody agreed to": lambda scene: made(scene),
    "was not read": lambda scene: made(scene, "mine"),
}


def sent(scene: Scene, *numbers: int) -> None:
    for number in numbers:
        scene.discord.note(sent={"id": number, "channel_id": 5, "content": JOB, "nonce": JOB, "at": 0.0, "files": 0})


def card(scene: Scene, *edits: str, jobs: tuple[str, ...] = (JOB, JOB)) -> None:
    token = answer(scene.discord, random.Random(0), 60.0)
    for by, job in zip(edits, jobs, strict=False):
        scene.discord.note(edited=token, by=by, job=job, files=0)


def add_sent(scene: Scene, message_id: str = "NULL") -> None:
    add_job(scene, "delivered")
    columns = "job_id, state, user_id, files, tries, waited, next_try_at, created_at, message_id"
    execute(
        scene, f"INSERT INTO outbox ({columns}) VALUES ('{JOB}', 'sent', {MEMBERS[0]}, '[]', 0, 0, 0, 0, {message_id})"
    )


def told_twice(scene: Scene) -> None:
    add_sent(scene, "1")
    card(scene, "result")


def card_without_files(scene: Scene) -> None:
    add_sent(scene)
    card(scene, "result")


def trained(scene: Scene, *voices: int) -> None:
    for voice in voices:
        scene.tell(job=JOB, member=MEMBERS[0], voice=voice)


def made(scene: Scene, phrase: str = "") -> None:
    """A voice of a training that asked for a sentence, and another phrase, or none, that its member has spoken."""
    add_job(scene, "delivered")
    execute(scene, f"UPDATE job SET kind = 'train', params = '{{\"sentence\": \"Read me.\"}}' WHERE id = '{JOB}'")
    execute(scene, f"UPDATE voice SET job_id = '{JOB}', consent_id = NULL WHERE id = 1")
    if phrase:
        columns = "id, user_id, policy_version, phrase, clip_hash, granted_at"
        execute(scene, f"INSERT INTO consent ({columns}) VALUES (99, {MEMBERS[0]}, '1', '{phrase}', 'a', 0)")
        execute(scene, "UPDATE voice SET consent_id = 99 WHERE id = 1")


def test_nothing_is_wrong_at_first(scene: Scene) -> None:
    assert breaches(scene) == []
    assert secret(MEMBERS[0]).encode() in b"".join(
        file.read_bytes() for file in scene.settings.data_dir.glob("discovervoice.db*")
    )


@pytest.mark.parametrize("sentence", SPOILED)
def test_what_is_wrong_is_found(scene: Scene, sentence: str) -> None:
    SPOILED[sentence](scene)
    assert any(sentence in breach for breach in breaches(scene))


def test_a_seed_is_always_the_same_schedule() -> None:
    assert scheduled(7) == scheduled(7) != scheduled(8)
