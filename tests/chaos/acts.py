"""What members do, each by the use cases that the bot calls; and the cleaner."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import OperationalError

from store import Job, JobKind, Store, StoreError, VoiceState, jobs, replies, retention
from store.use_cases import (
    CoverRequest,
    Requester,
    SavedFile,
    TrainingRequest,
    add_to_basket,
    agree,
    basket_of,
    cancel_job,
    decline,
    delete_voice,
    forget,
    remove_notes,
    request_basket_training,
    request_cover,
    request_match,
    request_training,
    save_files,
    send_reading,
    training_to_read_for,
    voices_of,
)
from tests.chaos.noted_cards import answer, answer_again
from tests.chaos.scene import SERVERS, Scene, secret
from tests.chaos.schedule import Event, What

SENTENCE = "The quick brown fox reads aloud."
Act = Callable[[Scene, Store, int, random.Random], None]


def act(scene: Scene, store: Store, event: Event, rng: random.Random) -> None:
    """Do what the event says; a refusal, a busy database and a full disk are answers, too."""
    try:
        ACTS[event.what](scene, store, event.member, rng)
    except (StoreError, OperationalError, OSError) as error:
        scene.tell(refused=f"{event}: {type(error).__name__}")


def match(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/match`."""
    notes = _files(scene, store, member, rng, rng.randint(1, 2))
    _tell(scene, request_match(store, _who(scene, member, rng), notes, "command"))


def train(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/notes`, or `/train`, of the basket or of what is sent; most agree, some decline, some never answer."""
    name, basket = f"{secret(member)} {rng.randint(1, 4)}", rng.random() < 0.5
    if basket and rng.random() < 0.5:
        _sort_out(store, member, rng)
        add_to_basket(store, Requester(member), _files(scene, store, member, rng, 2), "command")
        return
    who = _who(scene, member, rng)
    if basket and len(basket_of(store, member)) > 1:
        sentence = SENTENCE if rng.random() < 0.5 else ""
        training = request_basket_training(store, who, name, instant=rng.random() < 0.2, sentence=sentence)
        job = training.job
        _tell(scene, job, anew=training.anew)
        if sentence and rng.random() < 0.7:
            _read(scene, store, who, job, rng)
            return
    else:
        notes = _files(scene, store, member, rng, 2)
        job = request_training(store, who, TrainingRequest(name, notes, "command"))
        _tell(scene, job)
    answered = rng.random()
    if answered < 0.75:
        agree(store, job.id, member, "mine", _pressed(scene, who, rng))
    elif answered < 0.9:
        decline(store, job.id, member)


def cover(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/cover` of a song of their own, perhaps with an instrumental."""
    song, *given = _files(scene, store, member, rng, rng.randint(1, 2))
    wish = CoverRequest(_voice(store, member, rng), song=song, instrumental=given[0] if given else None)
    _tell(scene, request_cover(store, _who(scene, member, rng), wish))


def cover_of_library(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/cover` of the library's song."""
    wish = CoverRequest(_voice(store, member, rng), title="Song")
    _tell(scene, request_cover(store, _who(scene, member, rng), wish))


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


def read(scene: Scene, store: Store, member: int, rng: random.Random) -> None:
    """`/read`: the sentence of the newest training."""
    _read(scene, store, _who(scene, member, rng), training_to_read_for(store, member), rng)


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
    What.READ: read,
    What.TIDY: tidy,
}


def _who(scene: Scene, member: int, rng: random.Random) -> Requester:
    """Most often with a private card."""
    token = answer(scene.discord, rng, replies.REPLY_SECONDS) if rng.random() < 0.7 else None
    server = rng.choice(SERVERS)
    return Requester(member, guild_id=server, channel_id=member if server is None else server + 72, reply_token=token)


def _read(scene: Scene, store: Store, who: Requester, job: Job, rng: random.Random) -> None:
    """The answer to the recording becomes the training's card, if it can be edited."""
    [recording] = _files(scene, store, who.user_id, rng, 1)
    token = answer(scene.discord, rng, replies.REPLY_SECONDS) if rng.random() < 0.7 else None
    send_reading(store, replace(who, reply_token=token), job.id, recording)


def _pressed(scene: Scene, who: Requester, rng: random.Random) -> str | None:
    """The token of a button of their card."""
    card = who.reply_token
    return answer_again(scene.discord, rng, card, replies.REPLY_SECONDS) if card else None


def _tell(scene: Scene, job: Job, *, anew: bool = False) -> None:
    given = job.params.get("voice_id") if job.kind is JobKind.TRAIN and not anew else None
    scene.tell(job=job.id, member=job.user_id, voice=given)


def _sort_out(store: Store, member: int, rng: random.Random) -> None:
    """Take a note out of the basket now and then."""
    notes = basket_of(store, member)
    if notes and rng.random() < 0.3:
        remove_notes(store, member, [rng.choice(notes).id or 0])


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
