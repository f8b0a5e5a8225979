"""Jobs that a worker has taken, and what it made of them."""

from pathlib import Path

from store import Job, JobKind
from store.results import CoverResult, MatchResult, Result, TrainResult
from store.use_cases import (
    CoverRequest,
    Requester,
    TrainingRequest,
    finish_job,
    request_agreed_training,
    request_cover,
    request_match,
    take_job,
)
from tests.store.use_cases.scene import MEMBER, WORKER, Scene

RESULTS: dict[JobKind, Result] = {
    JobKind.MATCH: MatchResult(model="m", none=0.5),
    JobKind.TRAIN: TrainResult(steps=2),
    JobKind.COVER: CoverResult(song="Palette", lufs=-14.0),
}


def cover_request(scene: Scene) -> CoverRequest:
    """A cover of a song over an instrumental."""
    return CoverRequest("mine", scene.save(b"song", "a.mp3"), instrumental=scene.save(b"karaoke", "k.mp3"))


def taken(scene: Scene, kind: JobKind, requester: Requester = MEMBER) -> Job:
    """A job of the kind that runs."""
    if kind is JobKind.MATCH:
        job = request_match(scene.store, requester, [scene.save(b"note")], "command")
    elif kind is JobKind.TRAIN:
        job = request_agreed_training(
            scene.store, requester, TrainingRequest("mine", [scene.save(b"note")], "command"), "yes"
        )
    else:
        scene.add_voice("mine", owner=requester.user_id)
        job = request_cover(scene.store, requester, cover_request(scene))
    running = take_job(scene.store, job.id, job.attempt, WORKER)
    assert running is not None
    return running


def produced(scene: Scene) -> dict[str, Path]:
    """Files of every role."""
    names = {"picture": "match.png", "sample": "sample.mp3", "cover": "cover.mp3", "model": "m", "index": "i"}
    names |= {"vocals_part": "vocals.ogg", "voice_message": "voice-message.ogg"}
    return {role: scene.file(role.encode(), name) for role, name in names.items()}


def part(scene: Scene, role: str) -> dict[str, Path]:
    """One of them."""
    return {role: produced(scene)[role]}


def cover_to_measure(scene: Scene) -> Job:
    """A cover that runs and has its result."""
    job = taken(scene, JobKind.COVER)
    finish_job(scene.store, job, RESULTS[JobKind.COVER], produced(scene), measuring=True)
    return job


def train_anew(scene: Scene) -> None:
    """The voice of `cover_to_measure` sings otherwise from now on."""
    training = TrainingRequest("mine", [scene.save(b"note")], "command", anew=True)
    job = request_agreed_training(scene.store, MEMBER, training, "yes")
    running = take_job(scene.store, job.id, job.attempt, WORKER)
    assert running is not None
    finish_job(scene.store, running, RESULTS[JobKind.TRAIN], produced(scene))
