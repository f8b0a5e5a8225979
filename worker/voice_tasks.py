"""What the child process performs for `/train`: notes are heard one by one, and become a voice."""

from dataclasses import asdict, replace

import numpy as np

from pipeline.listening.notes import Note
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report
from pipeline.training.crew import crew
from pipeline.training.instant import instant_voice
from pipeline.training.picture import plot_training
from pipeline.training.train import TrainOptions, train_voice
from pipeline.voices.own_note import OwnNote, hear_note
from pipeline.voices.reading import SAME_READER, hear_reading
from store.results import TrainingPoint, TrainResult
from worker.messages import HeardNote, InstantTask, JobOutcome, OwnNoteTask, SpeakerOfNote, TrainTask
from worker.plans import Plan


def train(task: TrainTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    """Train a voice on the notes."""
    count = len(task.notes)
    plan({"reading": 0.3 * count, "listening": 2.0 * count, "training": task.seconds})
    notes = [Note(note.path, note.name) for note in task.notes]
    options = TrainOptions(seconds=task.seconds, steps=TrainOptions.steps if task.steps is None else task.steps)
    with crew(models.device) as members:
        trained = train_voice(notes, models, task.work, options, report, members)
    picture = task.out / "training.png"
    plot_training(picture, trained.curve, trained.best, task.language)
    first, best = trained.curve[0], trained.best
    result = TrainResult(
        minutes=trained.minutes,
        no_octave=not trained.median_f0,
        narrowband=trained.narrowband,
        steps=trained.steps,
        base=trained.base,
        stopped=trained.stopped,
        cosine=best.similarity,
        first_cosine=first.similarity,
        mel_loss=best.mel_loss,
        first_mel_loss=first.mel_loss,
        curve=tuple(TrainingPoint(**asdict(point)) for point in trained.curve),
        models={
            "voice": trained.voice,
            "content": trained.content,
            **{role.value: models.names()[role] for role in (Role.F0, Role.VOICING, Role.SPEAKER)},
        },
    )
    files = {"model": trained.model, "index": trained.index, "sample": trained.sample, "picture": picture}
    return JobOutcome(result, files)


def make_at_once(task: InstantTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    """Make a voice of the notes, without training. Raises what `instant_voice` raises."""
    count = len(task.notes)
    plan({"reading": 0.3 * count, "listening": 4.0 * count})
    made = instant_voice([Note(note.path, note.name) for note in task.notes], models, task.out, report)
    names = models.names()
    result = TrainResult(
        minutes=made.seconds / 60,
        no_octave=not made.median_f0,
        narrowband=made.narrowband,
        steps=0,
        base=models.instant_base,
        models={role.value: names[role] for role in (Role.CONTENT, Role.F0, Role.VOICING, Role.SPEAKER)},
    )
    return JobOutcome(result, {"model": made.model, "index": made.index})


def hear_own_note(task: OwnNoteTask, models: ModelPool, report: Report) -> HeardNote:
    """Hear a note of a basket. Raises what `hear_note` raises."""
    model = models.speaker.model_id
    known = [np.array(other.embedding, np.float32) for other in task.others if other.model == model]
    others = np.stack(known) if known else np.zeros((0, 256), np.float32)
    note = Note(task.note.path, task.note.name)
    if not task.sentence:
        return _heard(hear_note(note, others, models.speaker, models.pitch, report), model)
    reading = hear_reading(note, task.sentence, others, models.speaker, models.pitch, report)
    cosines = iter(map(float, reading.likeness))
    likeness = tuple(next(cosines) if other.model == model else None for other in task.others)
    strangers = tuple(place for place, cosine in enumerate(likeness) if cosine is not None and cosine < SAME_READER)
    return replace(_heard(reading.heard, model), likeness=likeness, strangers=strangers)


def _heard(note: OwnNote, model: str) -> HeardNote:
    return HeardNote(note.seconds, SpeakerOfNote(tuple(round(float(x), 5) for x in note.embedding), model))
