"""What the child process does for each kind of job: plain dicts in, plain dicts and files out.

A task knows paths and numbers, nothing of the database. It returns `result` (for the member) and `files` by role.
"""

import math
import resource
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from pipeline.covers.cover import CoverInput, CoverOptions, make_cover
from pipeline.errors import EmptyLibrary, NotEnoughSpeech
from pipeline.listening.notes import Note, read_notes, seconds_of
from pipeline.listening.vocal_range import vocal_range
from pipeline.matching.match import embed, embed_clips, fit_library, match, plot_match
from pipeline.pool import model_pool
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report
from pipeline.sound.decode import SONG, probe
from pipeline.training.picture import plot_training
from pipeline.training.train import TrainOptions, train_voice

Plan = Callable[[dict[str, float]], None]
Outcome = dict[str, Any]


def run(task: dict[str, Any], models: ModelPool, plan: Plan, report: Report) -> Outcome:
    """Do one task; `plan` is told what each stage will take, `report` where it is. Raises SoundError."""
    outcome = TASKS[task["kind"]](task, models, plan, report)
    outcome["result"]["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return outcome


def run_match(task: dict[str, Any], models: ModelPool, plan: Plan, report: Report) -> Outcome:
    """Which voices of the library the notes are like, and what range they sing."""
    plan({"reading": 1.0, "listening": 1.0, "matching": 3.0})
    notes = [Note(Path(n["path"]), n["name"]) for n in task["notes"]]
    heard = [wav for wav, _ in read_notes(notes, report)]
    report("listening", 0.0)
    found = vocal_range([models.pitch.voicing(wav) for wav in heard])
    report("matching", 0.0)
    vectors = embed(heard, models.singer)
    if not len(vectors):
        raise NotEnoughSpeech(seconds=0.0, limit=1.0)
    report("matching", 0.5)
    same = [s for s in task["singers"] if s["model"] == models.singer.model_id]
    if not same:
        raise EmptyLibrary(model=models.singer.name)
    library = fit_library({s["name"]: load_file(s["path"])["embeddings"] for s in same}, models.singer.labels)
    answer = match(vectors, library)
    picture = Path(task["out"]) / "match.png"
    plot_match(picture, answer, models.singer.name)
    report("matching", 1.0)
    fit = library.calibration
    result = {
        "model": models.singer.name,
        "candidates": [
            {"name": c.name, "share": c.probability, "similarity": c.similarity} for c in answer.candidates[:5]
        ],
        "none": answer.none,
        "calibration": asdict(fit),
        "range": asdict(found) if found else None,
        "notes": len(notes),
        "seconds": seconds_of(heard),
        "models": {"singer": models.singer.name, "voicing": model_pool.names()[Role.VOICING]},
    }
    return {"result": result, "files": {"picture": str(picture)}}


def run_train(task: dict[str, Any], models: ModelPool, plan: Plan, report: Report) -> Outcome:
    """A voice from the notes."""
    seconds = float(task["train_seconds"])
    count = len(task["notes"])
    plan({"reading": 0.3 * count, "listening": 2.0 * count, "training": seconds})
    notes = [Note(Path(n["path"]), n["name"]) for n in task["notes"]]
    options = TrainOptions(seconds=seconds, steps=int(task.get("train_steps", TrainOptions.steps)))
    made = train_voice(notes, models, Path(task["work"]), options, report)
    result = {
        "minutes": made.minutes,
        "steps": made.steps,
        "base": made.base,
        "stopped": made.stopped,
        "cosine": made.best.similarity,
        "first_cosine": made.curve[0].similarity,
        "mel_loss": made.best.mel_loss,
        "first_mel_loss": made.curve[0].mel_loss,
        "curve": [asdict(moment) for moment in made.curve],
        "models": {
            "voice": made.voice,
            "content": made.content,
            **{role.value: models.names()[role] for role in (Role.F0, Role.VOICING, Role.SPEAKER)},
        },
    }
    picture = Path(task["out"]) / "training.png"
    plot_training(picture, made.curve, made.best)
    files = {"model": made.model, "index": made.index, "sample": made.sample, "picture": picture}
    return {"result": result, "files": {role: str(path) for role, path in files.items()}}


def run_cover(task: dict[str, Any], models: ModelPool, plan: Plan, report: Report) -> Outcome:
    """The song in the voice."""
    song = Path(task["song"])
    seconds = probe(song, SONG, task["song_name"]).seconds or 180.0
    plan(cover_plan(seconds, models.separator.cost))
    made = make_cover(
        CoverInput(
            song=song,
            song_name=task["song_name"],
            model=Path(task["model"]),
            index=Path(task["index"]),
            voice_name=task["voice_name"],
            cache_dir=Path(task["cache"]),
            out_dir=Path(task["out"]),
            options=CoverOptions(key_shift=task["key_shift"], max_bytes=task["max_bytes"]),
        ),
        models,
        report,
    )
    bitrate = f" {made.mix.bitrate // 1000} kbit/s" if made.mix.bitrate else ""
    result = {
        "song": task["song_name"],
        "voice": task["voice_name"],
        "base": made.base,
        "seconds": made.mix.seconds,
        "lufs": made.mix.lufs,
        "song_lufs": made.stems.lufs,
        "true_peak_db": made.mix.true_peak_db,
        "key_shift": made.key_shift,
        "encoding": made.mix.path.suffix[1:] + bitrate,
        **asdict(made.comparison),
        "models": {
            "voice": made.voice,
            **{role.value: name for role, name in models.names().items()},
            "content": made.content,
        },
    }
    result["compared_seconds"] = made.comparison.seconds
    result["seconds"] = made.mix.seconds
    files = {
        "cover": str(made.mix.path),
        "converted": str(made.converted),
        "picture": str(made.picture),
        "vocals": str(made.stems.vocals),
        "instrumental": str(made.stems.instrumental),
    }
    return {"result": result, "files": files}


def run_ready(task: dict[str, Any], models: ModelPool, plan: Plan, report: Report) -> Outcome:
    """Nothing but what it would run on, and the id of what it would compare singers by."""
    return {"result": {"device": models.device_line, "singer": models.singer_id}, "files": {}}


def run_embed(task: dict[str, Any], models: ModelPool, plan: Plan, report: Report) -> Outcome:
    """Embeddings of a singer's clips for the library."""
    plan({"listening": 1.0})
    vectors = embed_clips([Path(path) for path in task["clips"]], models.singer)
    if not len(vectors):
        raise NotEnoughSpeech(seconds=0.0, limit=1.0)
    out = Path(task["out"]) / "embeddings.safetensors"
    save_file({"embeddings": vectors.astype(np.float32)}, out)
    return {"result": {"model": models.singer.model_id, "clips": len(vectors)}, "files": {"embeddings": str(out)}}


def cover_plan(seconds: float, separation: float) -> dict[str, float]:
    """Expected seconds of each stage for a song of this length and a separator of this cost, measured on two cores."""
    return {
        "reading": 0.5,
        "separating": 3.0 + separation * seconds,
        "listening": 2.0 + 0.1 * seconds,
        "converting": 1.0 + 0.3 * seconds,
        "mixing": 1.0 + 0.1 * seconds,
        "measuring": 5.0 + 0.2 * min(seconds, 60.0),
    }


def clean(value: Any) -> Any:
    """The same with None for NaN and infinity, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


TASKS: dict[str, Callable[[dict[str, Any], ModelPool, Plan, Report], Outcome]] = {
    "match": run_match,
    "train": run_train,
    "cover": run_cover,
    "embed": run_embed,
    "ready": run_ready,
}
