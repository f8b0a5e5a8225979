"""What members do, each by the use cases that the bot calls; and the cleaner."""

import random
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import OperationalError

from store import Job, JobKind, Store, StoreError, VoiceState, jobs, retention
from store.use_cases import (
    CoverRequest,
    Requester,
    SavedFile,
    TrainingRequest,
    agree,
    cancel_job,
    decline,
    delete_voice,
    forget,
    request_cover,
    request_match,
    request_training,
    save_files,
    voices_of,
)
from tests.chaos.scene import CHANNEL, Scene, secret
from tests.chaos.schedule import Event, What

Act = Callable[[Scene, Store, int, random.Random], None]


def act(scene: Scene, store: Store, event: Event, rng: random.Random) -> None:
    """Do what the event says; a refusal, a busy database and a full disk are answers, too."""
    try:
        ACTS[event.what](scene, store, event.member, rng)
    except (StoreError, OperationalError, OSError) as error:
        scene.tell(refused=f"{event}: {type(error).__name__}")


def match(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/match`."""
    _tell(scene, request_match(store, _who(member), _files(scene, store, member, rng, rng.randint(1, 2)), "command"))


def train(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/train`; most agree, some decline, some never answer."""
    notes, name = _files(scene, store, member, rng, 2), f"{secret(member)} {rng.randint(1, 4)}"
    job = request_training(store, _who(member), TrainingRequest(name, notes, "command"))
    _tell(scene, job)
    answer = rng.random()
    if answer < 0.75:
        agree(store, job.id, member, "mine")
    elif answer < 0.9:
        decline(store, job.id, member)


def cover(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/cover` of a song of their own, perhaps with an instrumental."""
    song, *given = _files(scene, store, member, rng, rng.randint(1, 2))
    wish = CoverRequest(_voice(store, member, rng), song=song, instrumental=given[0] if given else None)
    _tell(scene, request_cover(store, _who(member), wish))


def cover_of_library(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/cover` of the library's song."""
    _tell(scene, request_cover(store, _who(member), CoverRequest(_voice(store, member, rng), title="Song")))


def cancel(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """One of the member's jobs."""
    with store.read() as session:
        active = jobs.active_of(session, member)
    if active:
        cancel_job(store, rng.choice(active).id, member)


def remove_voice(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """The newest of the member's voices, which may be in training."""
    owned = sorted(voices_of(store, member), key=lambda voice: voice.id or 0)
    if owned:
        delete_voice(store, owned[-1].id or 0, member)


def forget_me(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/forget-me`."""
    forget(store, member)
    scene.tell(forgotten=member)


def tidy(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """What a worker does once an hour."""
    retention.tidy(store)


ACTS: dict[What, Act] = {
    What.MATCH: match,
    What.TRAIN: train,
    What.COVER: cover,
    What.COVER_OF_LIBRARY: cover_of_library,
    What.CANCEL: cancel,
    What.DELETE_VOICE: remove_voice,
    What.FORGET: forget_me,
    What.TIDY: tidy,
}


def _who(member: int) -> Requester:
    return Requester(member, guild_id=5, channel_id=CHANNEL)


def _tell(scene: Scene, job: Job) -> None:
    scene.tell(job=job.id, member=job.user_id, voice=job.params.get("voice_id") if job.kind is JobKind.TRAIN else None)


def _voice(store: Store, member: int, rng: random.Random) -> str:
    ready = [voice for voice in voices_of(store, member) if voice.state is VoiceState.READY]
    return f"#{rng.choice(ready).id}" if ready else "none"


def _files(scene: Scene, store: Store, member: int, rng: random.Random, count: int) -> list[SavedFile]:
    """New files of a member; now and then what others sent, too."""
    paths: list[tuple[Path, str]] = []
    for number in range(count):
        path = scene.folder / f"{rng.getrandbits(64):x}.ogg"
        path.write_bytes(b"known to all" if rng.random() < 0.2 else rng.randbytes(100))
        paths.append((path, f"{secret(member)} {number}.ogg"))
    return save_files(store, paths)
