"""What the child process performs for the library and for listening tests: songs and singers are heard."""

from collections import Counter
from dataclasses import asdict

import numpy as np
from safetensors.numpy import save_file

from pipeline.covers.song_traits import Music, hear_music, hear_song
from pipeline.errors import NotEnoughSpeech
from pipeline.listening.vocal_range import range_of_held
from pipeline.matching.match import embed_clips
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report, overall_share
from pipeline.sound.file_name import name_of_title
from pipeline.sound.rated_clips import RatedSource, make_rated_clips
from store.results import HeardVocals, LibraryResult, SungRange
from worker.messages import (
    Embedded,
    EmbedTask,
    HeardMusic,
    HeardSong,
    JobOutcome,
    LibraryTask,
    ListenTask,
    MusicTask,
    RatedClips,
    RatedClipsTask,
)
from worker.plans import Plan, hearing_plan
from worker.sizes import song_seconds


def listen(task: ListenTask, models: ModelPool, report: Report) -> HeardSong:
    """Hear a song of the library."""
    sung = hear_song(task.song, name_of_title(task.name), models, task.cache, report)
    return HeardSong(
        sung.notes,
        tuple(map(float, sung.embedding)),
        sung.seconds,
        models.singer.model_id,
        _told(sung.music),
    )


def heard_music(task: MusicTask, report: Report) -> HeardMusic:
    """Hear the key and the tempo of a song whose vocals were heard before."""
    return _told(hear_music(task.song, name_of_title(task.name), report))


def add(task: LibraryTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    """Hear every song that is added. Each is one clip of a singer, so that a whole song can be held out."""
    plans = [hearing_plan(song_seconds(song.path, song.name), models.separator.cost) for song in task.songs]
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
        **(asdict(_told(heard[0].music)) if len(heard) == 1 else {}),
        heard=tuple(
            HeardVocals(
                {str(note): held for note, held in sung.notes.items()},
                tuple(sung.embedding.tolist()),
                sung.seconds,
                **asdict(_told(sung.music)),
            )
            for sung in heard
        ),
        models={
            **{role.value: models.names()[role] for role in (Role.SEPARATOR, Role.VOICING)},
            "singer": models.singer.name,
        },
    )
    return JobOutcome(result, {"embeddings": path})


def embed(task: EmbedTask, models: ModelPool, plan: Plan) -> Embedded:
    """Embed a singer's clips for the library. Raises NotEnoughSpeech."""
    plan({"listening": 1.0})
    embeddings = embed_clips(task.clips, models.singer)
    if not len(embeddings):
        raise NotEnoughSpeech(seconds=0.0, limit=1.0)
    out = task.out / "embeddings.safetensors"
    save_file({"embeddings": embeddings.astype(np.float32)}, out)
    return Embedded(out, len(embeddings), models.singer.model_id)


def _told(music: Music) -> HeardMusic:
    return HeardMusic(music.key.name if music.key else "", music.tempo)


def prepare(task: RatedClipsTask, report: Report) -> RatedClips:
    """Make the clips of a listening test; a recording is decoded once for its clip and its anchor."""
    sources = [RatedSource(source.path, source.name, source.anchor) for source in task.sources]
    paths = make_rated_clips(sources, task.out, task.seed, report)
    return RatedClips({source.clip_id: path for source, path in zip(task.sources, paths, strict=True)})
