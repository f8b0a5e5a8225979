"""What the child process performs for `/cover`."""

from collections.abc import Collection
from pathlib import Path

from pipeline.covers.cover import CoverInput, CoverOptions, CoverReport, make_cover
from pipeline.covers.given import GivenFile
from pipeline.covers.parts import parts_of
from pipeline.covers.stems import Stems
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report
from store.results import CoverResult
from worker.cover_rest import MEASURES, ROLES, CoverRest
from worker.messages import CoverTask, JobOutcome, Preview, Tell
from worker.plans import Plan, cover_plan
from worker.sizes import song_seconds


def cover_song(task: CoverTask, models: ModelPool, plan: Plan, report: Report, tell: Tell) -> JobOutcome:
    """Separate the song (unless it is vocals already), convert its vocals to the voice, and mix."""
    seconds = song_seconds(task.song, task.song_name)
    given = task.vocals_only + (task.instrumental is not None)
    rate = models.voice(task.model, task.index).network.sampling_rate
    plan(cover_plan(seconds, None if task.vocals_only else models.separator.cost, rate, given))
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
        options=CoverOptions(key_shift=task.key_shift, vocal_level=task.vocal_level, max_bytes=task.max_bytes),
    )
    heard = task.preview and not models.short_of_memory  # it needs all models at once
    cover = make_cover(wanted, models, report, (lambda path: tell(Preview(path))) if heard else None)
    separated = _separated(task, cover.stems)
    result = task.made or _cover_result(task, cover, _models(task, cover, models), _stem_peak(cover, separated))
    files = {"cover": cover.mix.path, "converted": cover.converted}
    parts = tuple(part for part in parts_of(cover) if task.parts and ROLES[part] not in task.there)
    rest = CoverRest(cover=wanted, made=cover, result=result, parts=parts)
    return JobOutcome(result, files | separated, rest.packed())


def _stem_peak(cover: CoverReport, separated: Collection[str]) -> float | None:
    """The highest sample of the converted vocals and of these stems; None where it is not known of one."""
    known = {**cover.stems.peaks, "converted": cover.mix.vocals_peak}
    wanted = {"converted", *separated}
    return max(known[name] for name in wanted) if wanted <= known.keys() else None


def _cover_result(task: CoverTask, cover: CoverReport, models: dict[str, str], stem_peak: float | None) -> CoverResult:
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
        vocal_level=None if cover.instrumental_shift is None else task.vocal_level or None,
        no_octave=cover.no_octave,
        scaled_db=cover.scaled_db,
        stem_gain=cover.stems.gain,
        stem_peak=stem_peak,
        encoding=mix.path.suffix[1:] + bitrate,
        models=models,
    )


def _models(task: CoverTask, cover: CoverReport, models: ModelPool) -> dict[str, str]:
    """The names of the models that made a cover, by role."""
    left_out = {*MEASURES, *({Role.SEPARATOR} if task.vocals_only else ())}
    named = {role.value: name for role, name in models.names().items() if role not in left_out}
    return {"voice": cover.voice, **named, "content": cover.content}


def _separated(task: CoverTask, stems: Stems) -> dict[str, Path]:
    """Those stems that were separated, not given."""
    vocals = {} if task.vocals_only else {"vocals": stems.vocals}
    given = task.vocals_only or task.instrumental is not None
    return vocals if given or stems.instrumental is None else {**vocals, "instrumental": stems.instrumental}
