"""What the child process performs for each task: paths and numbers in, a typed result and files out.

What a task needs is loaded when it comes: a match at the desk waits for no cover's libraries. A worker's child has all
of it before it is ready.
"""

import gc

from pipeline.pool.abilities import offer
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report
from worker.messages import (
    CoverTask,
    EmbedTask,
    InstantTask,
    JobOutcome,
    JobTask,
    LibraryTask,
    ListenTask,
    MatchTask,
    MusicTask,
    Outcome,
    OwnNoteTask,
    RatedClipsTask,
    Ready,
    ReadyTask,
    RestTask,
    Task,
    Tell,
    TrainTask,
)
from worker.plans import Plan
from worker.sizes import with_memory


def perform(task: Task, models: ModelPool, plan: Plan, report: Report, tell: Tell = lambda _: None) -> Outcome:
    """Perform one task; `plan` receives the expected seconds of each stage.

    Raises SoundError, DiskFull.
    """
    match task:
        case EmbedTask():
            from worker.library_tasks import embed

            return embed(task, models, plan)
        case ListenTask():
            from worker.library_tasks import listen

            return listen(task, models, report)
        case MusicTask():
            from worker.library_tasks import heard_music

            return heard_music(task, report)
        case OwnNoteTask():
            from worker.voice_tasks import hear_own_note

            return hear_own_note(task, models, report)
        case RatedClipsTask():
            from worker.library_tasks import prepare

            return prepare(task, report)
        case ReadyTask():
            return _ready(models, task.able)
        case RestTask():
            from worker.cover_rest import go_on

            return with_memory(go_on(task, models, plan, report))
    models.choose(getattr(task, "separator", ""), getattr(task, "base", ""))
    return with_memory(_job(task, models, plan, report, tell))


def _ready(models: ModelPool, able: bool) -> Ready:
    """What this process runs on, and if it is to be able, what it can do."""
    if not able:
        return Ready(models.device_line, models.singer_id)
    return Ready(models.device_line, models.singer_id, models.instant_base, *offer(models))


def load_tasks() -> None:
    """Import what all tasks need, before the first of them comes."""
    from worker import cover_task, library_tasks, match_task, voice_tasks  # noqa: F401

    gc.freeze()  # to look through all that was imported takes 0.3 s, after every task


def _job(task: JobTask, models: ModelPool, plan: Plan, report: Report, tell: Tell) -> JobOutcome:
    match task:
        case MatchTask():
            from worker.match_task import match_notes

            return match_notes(task, models, plan, report)
        case TrainTask():
            from worker.voice_tasks import train

            return train(task, models, plan, report)
        case InstantTask():
            from worker.voice_tasks import make_at_once

            return make_at_once(task, models, plan, report)
        case CoverTask():
            from worker.cover_task import cover_song

            return cover_song(task, models, plan, report, tell)
        case LibraryTask():
            from worker.library_tasks import add

            return add(task, models, plan, report)
