"""An instant voice: from one note, agreed to, the base sings a song as whoever spoke, and everything of it can go."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlmodel import select

from models.signal import SPEECH_RATE, Floats32
from pipeline.pool.model_pool import ModelPool
from pipeline.sound.decode import NOTE, SONG, STEM, decode, measure
from pipeline.sound.encode import encode
from store import Consent, Job, JobState, Lane, Store, Voice, VoiceState, clips
from store.results import cover_result, quality_of
from store.use_cases import (
    CoverRequest,
    Requester,
    TrainingRequest,
    agree,
    delete_voice,
    forget,
    request_cover,
    request_training,
    save_files,
    take_next_job,
)
from tests.conftest import LIBRARY
from tests.warm_child import WarmChildren
from tests.worker.conftest import MEMBER, read
from worker.child import Child
from worker.job_runner import work_on
from worker.messages import JobOutcome
from worker.settings import WorkerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
REQUESTER = Requester(MEMBER, channel_id=5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    from store import StoreSettings, open_store

    opened = open_store(StoreSettings(data_dir=tmp_path / "data"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def child(warm_children: WarmChildren) -> Child:
    return warm_children("cpu", 1)


def ask(store: Store, note: Path) -> Job:
    """Request an instant voice of this note, and agree."""
    files = save_files(store, [(note, note.name)])
    job = request_training(store, REQUESTER, TrainingRequest("mine", files, "command", instant=True))
    return agree(store, job.id, MEMBER, "yes")


def perform(store: Store, child: Child, job: Job, converted: Path | None = None) -> Job:
    """Do the job that is next; what it converted is kept."""

    def keep(outcome: JobOutcome) -> None:
        if converted is not None:
            shutil.copyfile(outcome.files["converted"], converted)

    taken = take_next_job(store, "w", (Lane.QUICK,) if converted is None else tuple(Lane))
    assert taken is not None and taken.id == job.id
    asyncio.run(work_on(store, child, taken, WorkerSettings(), keep))
    return read(store, job)


def embedding(models: ModelPool, wav: Floats32) -> np.ndarray:
    found = models.speaker.embed(wav)
    assert found is not None
    return found


def test_from_one_note_to_a_cover_that_sounds_like_it(
    store: Store, child: Child, models: ModelPool, notes: list[Path], song: Path, tmp_path: Path
) -> None:
    made = perform(store, child, ask(store, notes[0]))
    assert (
        made.state is JobState.RENDERED
        and made.lane is Lane.QUICK
        and set(made.result["stages"]) <= {"reading", "listening"}
    )
    with store.read() as session:
        voice, consent = session.exec(select(Voice)).one(), session.exec(select(Consent)).one()
        agreed = clips.fingerprint(clips.of_job(session, made.id))
    assert voice.state is VoiceState.READY and quality_of(voice).untrained and voice.consent_id == consent.id
    assert consent.clip_hash == agreed and 10 / 60 < (quality_of(voice).minutes or 0.0) < 25 / 60

    (file,) = save_files(store, [(song, "song.mp3")])
    converted = tmp_path / "converted"
    done = perform(store, child, request_cover(store, REQUESTER, CoverRequest("mine", file)), converted)
    figures = cover_result(done.result)
    assert figures.seconds == pytest.approx(measure(song, SONG, "song"), abs=0.1)
    assert figures.lufs == pytest.approx(figures.song_lufs, abs=1.5)  # it is as loud as its peaks allow
    sung = embedding(models, decode(converted, SPEECH_RATE, channels=1, limits=STEM, name="converted"))
    own, singer, *others = (
        embedding(models, decode(path, SPEECH_RATE, channels=1, limits=NOTE, name=path.name))
        for path in (notes[0], song, *(sorted((LIBRARY / name).glob("*.ogg"))[0] for name in ("maxim", "bf_emma")))
    )
    assert float(sung @ own) > max(float(sung @ other) for other in (singer, *others)) + 0.05

    model = store.media.path(voice.model_key or "")
    delete_voice(store, voice.id or 0, MEMBER)
    assert not model.exists()


def test_nothing_is_left_of_it_when_its_member_is_forgotten(store: Store, child: Child, notes: list[Path]) -> None:
    perform(store, child, ask(store, notes[0]))
    forget(store, MEMBER)
    with store.read() as session:
        assert not session.exec(select(Voice)).all() and not session.exec(select(Consent)).all()
    assert store.media.keys() == set()


def test_a_note_that_is_too_short_is_one_sentence_and_leaves_no_voice(
    store: Store, child: Child, notes: list[Path], tmp_path: Path
) -> None:
    wav = decode(notes[0], SPEECH_RATE, channels=1, limits=NOTE, name="note")
    encode(short := tmp_path / "short.wav", wav[None, : 6 * SPEECH_RATE], SPEECH_RATE)
    failed = perform(store, child, ask(store, short))
    assert failed.state is JobState.FAILED and failed.error_code == "not_enough_speech"
    with store.read() as session:
        assert not session.exec(select(Voice)).all()
