"""What the child process performs for each task: paths and numbers in, a typed result and files out."""

import resource
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from pipeline.covers.cover import CoverInput, CoverOptions, CoverReport, make_cover
from pipeline.covers.cover_measures import measure_cover
from pipeline.covers.given import GivenFile
from pipeline.covers.key import instrumental_shift
from pipeline.covers.parts import CoverParts, write_parts
from pipeline.covers.song_traits import hear_song
from pipeline.covers.stems import Stems
from pipeline.errors import NotEnoughSpeech
from pipeline.listening.notes import Note
from pipeline.listening.vocal_range import range_of_held
from pipeline.matching.match import embed_clips
from pipeline.pool.abilities import offer
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report, overall_share
from pipeline.sound.decode import SONG, probe
from pipeline.sound.file_name import name_of_title
from pipeline.sound.rated_clips import RatedSource, make_rated_clips
from pipeline.training.crew import crew
from pipeline.training.instant import BASE as INSTANT_BASE
from pipeline.training.instant import instant_voice
from pipeline.training.picture import plot_training
from pipeline.training.train import TrainOptions, train_voice
from pipeline.voices.own_note import OwnNote, hear_note
from pipeline.voices.reading import SAME_READER, hear_reading
from store.results import (
    CoverResult,
    HeardVocals,
    LibraryResult,
    SungRange,
    TrainingPoint,
    TrainResult,
)
from worker.match_task import match_notes
from worker.messages import (
    CoverTask,
    Early,
    Embedded,
    EmbedTask,
    HeardNote,
    HeardSong,
    InstantTask,
    JobOutcome,
    JobTask,
    LibraryTask,
    ListenTask,
    Made,
    MatchTask,
    Outcome,
    OwnNoteTask,
    Preview,
    RatedClips,
    RatedClipsTask,
    Ready,
    SpeakerOfNote,
    Task,
    TrainTask,
)
from worker.plans import Plan, cover_plan, hearing_plan, measuring_seconds, parts_seconds

UNKNOWN_SONG_SECONDS = 180.0
Tell = Callable[[Early], None]
"""Called with what the member of a job can have before its end."""


def perform(task: Task, models: ModelPool, plan: Plan, report: Report, tell: Tell = lambda _: None) -> Outcome:
    """Perform one task; `plan` receives the expected seconds of each stage, anew where the result is made already.

    Raises SoundError, DiskFull.
    """
    if isinstance(task, EmbedTask):
        return _embed(task, models, plan)
    if isinstance(task, ListenTask):
        return _listen(task, models, report)
    if isinstance(task, OwnNoteTask):
        return _hear_note(task, models, report)
    if isinstance(task, RatedClipsTask):
        return _prepare(task, report)
    if not isinstance(task, JobTask):
        return Ready(models.device_line, models.singer_id, INSTANT_BASE, *offer(models))
    models.choose(getattr(task, "separator", ""), getattr(task, "base", ""))
    return _with_memory(_job(task, models, plan, report, tell))


def _with_memory(outcome: JobOutcome) -> JobOutcome:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return replace(outcome, result=replace(outcome.result, peak_memory_mb=peak))


def _job(task: JobTask, models: ModelPool, plan: Plan, report: Report, tell: Tell) -> JobOutcome:
    match task:
        case MatchTask():
            return match_notes(task, models, plan, report)
        case TrainTask():
            return _train(task, models, plan, report)
        case InstantTask():
            return _instant(task, models, plan, report)
        case CoverTask():
            return _cover(task, models, plan, report, tell)
        case LibraryTask():
            return _add(task, models, plan, report)


def _listen(task: ListenTask, models: ModelPool, report: Report) -> HeardSong:
    """Hear a song of the library."""
    sung = hear_song(task.song, name_of_title(task.name), models, task.cache, report)
    return HeardSong(sung.notes, tuple(map(float, sung.embedding)), sung.seconds, models.singer.model_id)


def _hear_note(task: OwnNoteTask, models: ModelPool, report: Report) -> HeardNote:
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


def _add(task: LibraryTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    """Hear every song that is added. Each is one clip of a singer, so that a whole song can be held out."""
    plans = [hearing_plan(_seconds(song.path, song.name), models.separator.cost) for song in task.songs]
    plan({"hearing": sum(sum(one.values()) for one in plans)})
    heard = []
    for number, (song, stages) in enumerate(zip(task.songs, plans, strict=True)):

        def hearing(stage: str, fraction: float, number: int = number, stages: dict[str, float] = stages) -> None:
            report("hearing", (number + overall_share(stages, stage, fraction)) / len(plans))

        heard.append(hear_song(song.path, name_of_title(song.name), models, song.cache, hearing))
    path = task.out / "embeddings.safetensors"
    save_file({"embeddings": np.stack([sung.embedding for sung in heard]).astype(np.float32)}, path)
    vocals = range_of_held(sum((Counter(sung.notes) for sung in heard), Counter[int]()))
    result = LibraryResult(
        songs=len(heard),
        seconds=sum(sung.seconds for sung in heard),
        range=SungRange(**asdict(vocals)) if vocals else None,
        model=models.singer.model_id,
        heard=tuple(
            HeardVocals(
                {str(note): held for note, held in sung.notes.items()}, tuple(sung.embedding.tolist()), sung.seconds
            )
            for sung in heard
        ),
        models={
            **{role.value: models.names()[role] for role in (Role.SEPARATOR, Role.VOICING)},
            "singer": models.singer.name,
        },
    )
    return JobOutcome(result, {"embeddings": path})


def _prepare(task: RatedClipsTask, report: Report) -> RatedClips:
    """Make the clips of a listening test; a recording is decoded once for its clip and its anchor."""
    sources = [RatedSource(source.path, source.name, source.anchor) for source in task.sources]
    paths = make_rated_clips(sources, task.out, task.seed, report)
    return RatedClips({source.clip_id: path for source, path in zip(task.sources, paths, strict=True)})


def _train(task: TrainTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
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


def _instant(task: InstantTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
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
        base=INSTANT_BASE,
        models={role.value: names[role] for role in (Role.CONTENT, Role.F0, Role.VOICING, Role.SPEAKER)},
    )
    return JobOutcome(result, {"model": made.model, "index": made.index})


def _cover(task: CoverTask, models: ModelPool, plan: Plan, report: Report, tell: Tell) -> JobOutcome:
    """Separate the song (unless it is vocals already), convert its vocals to the voice, and mix; then measure that."""
    seconds = _seconds(task.song, task.song_name)
    given = task.vocals_only + (task.instrumental is not None)
    moved = instrumental_shift(task.key_shift or 0) != 0
    plan(cover_plan(seconds, None if task.vocals_only else models.separator.cost, given, moved))
    wanted = CoverInput(
        song=task.song,
        song_name=task.song_name,
        model=task.model,
        index=task.index,
        voice_name=task.voice_name,
        vocals_only=task.vocals_only,
        instrumental=GivenFile(task.instrumental, task.instrumental_name) if task.instrumental else None,
        cache_dir=task.cache,
        out_dir=task.out,
        language=task.language,
        options=CoverOptions(key_shift=task.key_shift, max_bytes=task.max_bytes),
    )
    heard = task.preview and not models.short_of_memory  # it needs all models at once
    cover = make_cover(wanted, models, report, (lambda path: tell(Preview(path))) if heard else None)
    result = _cover_result(task, cover, _models(task, cover, models, Role.SPEAKER, Role.MOS))
    files = {"cover": cover.mix.path, "converted": cover.converted}
    tell(Made(_with_memory(JobOutcome(result, files | _separated(task, cover.stems)))))
    plan({**({"parts": parts_seconds(seconds)} if task.parts else {}), "measuring": measuring_seconds(seconds)})
    parts = write_parts(wanted, cover, report) if task.parts else None
    measures = measure_cover(wanted, cover, models, report)
    figures = asdict(measures.figures)
    compared = {"compared_seconds": figures.pop("seconds"), **figures}
    waveform = parts.voice_message.waveform if parts else ""
    measured = replace(result, **compared, waveform=waveform, models=_models(task, cover, models))
    return JobOutcome(measured, {"picture": measures.picture, **_part_files(parts)})


def _part_files(parts: CoverParts | None) -> dict[str, Path]:
    """The files of a cover's parts by role."""
    if parts is None:
        return {}
    files = {"vocals_part": parts.vocals, "instrumental_part": parts.instrumental}
    return {role: path for role, path in files.items() if path} | {"voice_message": parts.voice_message.path}


def _cover_result(task: CoverTask, cover: CoverReport, models: dict[str, str]) -> CoverResult:
    """What is known of a cover before it is measured."""
    mix = cover.mix
    bitrate = f" {mix.bitrate // 1000} kbit/s" if mix.bitrate else ""
    return CoverResult(
        song=task.song_name,
        voice=task.voice_name,
        base=cover.base,
        vocals_only=task.vocals_only,
        instrumental=task.instrumental_name,
        seconds=mix.seconds,
        lufs=mix.lufs,
        song_lufs=cover.stems.lufs,
        true_peak_db=mix.true_peak_db,
        key_shift=cover.key_shift,
        instrumental_shift=cover.instrumental_shift,
        no_octave=cover.no_octave,
        scaled_db=cover.scaled_db,
        stem_gain=cover.stems.gain,
        encoding=mix.path.suffix[1:] + bitrate,
        models=models,
    )


def _seconds(song: Path, name: str) -> float:
    """How long a song says that it is, or a guess. Raises SoundError: it is none."""
    return probe(song, SONG, name).seconds or UNKNOWN_SONG_SECONDS


def _models(task: CoverTask, cover: CoverReport, models: ModelPool, *without: Role) -> dict[str, str]:
    """The names of the models that made a cover, by role."""
    left_out = {*without, *({Role.SEPARATOR} if task.vocals_only else ())}
    named = {role.value: name for role, name in models.names().items() if role not in left_out}
    return {"voice": cover.voice, **named, "content": cover.content}


def _separated(task: CoverTask, stems: Stems) -> dict[str, Path]:
    """Those stems that were separated, not given."""
    vocals = {} if task.vocals_only else {"vocals": stems.vocals}
    given = task.vocals_only or task.instrumental is not None
    return vocals if given or stems.instrumental is None else {**vocals, "instrumental": stems.instrumental}


def _embed(task: EmbedTask, models: ModelPool, plan: Plan) -> Embedded:
    """Embed a singer's clips for the library. Raises NotEnoughSpeech."""
    plan({"listening": 1.0})
    embeddings = embed_clips(task.clips, models.singer)
    if not len(embeddings):
        raise NotEnoughSpeech(seconds=0.0, limit=1.0)
    out = task.out / "embeddings.safetensors"
    save_file({"embeddings": embeddings.astype(np.float32)}, out)
    return Embedded(out, len(embeddings), models.singer.model_id)
