"""What the child process performs for `/match`: which voices the notes are like, and which songs suit them."""

from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from pipeline.errors import EmptyLibrary, NotEnoughSpeech
from pipeline.listening.key import key_named
from pipeline.listening.notes import Note, check_voice, has_narrowband, read_notes, seconds_of_voice
from pipeline.listening.vocal_range import VocalRange, vocal_range
from pipeline.matching.match import Library, embed, fit_library, match
from pipeline.matching.picture import plot_match
from pipeline.matching.recommend import SongTraits, suggest
from pipeline.pool import model_pool
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report
from store.results import MatchCalibration, MatchCandidate, MatchResult, SongSuggestion, SungRange
from worker.messages import JobOutcome, LibrarySong, MatchTask, SingerFile
from worker.plans import Plan

CANDIDATES = 5
LEAST_VOICE = 1.0
"""Seconds of voice without which a note says nothing about who is heard."""


def match_notes(task: MatchTask, models: ModelPool, plan: Plan, report: Report) -> JobOutcome:
    """Compare the notes with the library's voices, and estimate the range that they sing.

    Raises what `read_notes` raises, VoiceMissing (a note has under 1 s of voice), OnlyNoise, NotEnoughSpeech,
    EmptyLibrary, DiskFull.
    """
    plan({"reading": 1.0, "listening": 1.0, "matching": 3.0})
    heard = read_notes([Note(note.path, note.name) for note in task.notes], report)
    wavs = [wav for wav, _ in heard]
    report("listening", 0.0)
    tracks = [models.pitch.voicing(wav) for wav in wavs]
    pairs = zip(heard, tracks, strict=True)
    seconds = [seconds_of_voice(confidence, levels) for (_, levels), (_, confidence) in pairs]
    for note, wav, voice in zip(task.notes, wavs, seconds, strict=True):
        check_voice(wav, voice, LEAST_VOICE, note.name)
    vocals = vocal_range(tracks)
    report("matching", 0.0)
    embeddings = embed(wavs, models.singer)
    if not len(embeddings):
        raise NotEnoughSpeech(seconds=0.0, limit=LEAST_VOICE)
    report("matching", 0.5)
    songs = _songs(task.songs, embeddings, vocals, models)
    library = _library(task.singers, models)
    ranking = match(embeddings, library)
    picture = task.out / "match.png"
    plot_match(picture, ranking, task.language)
    report("matching", 1.0)
    result = MatchResult(
        model=models.singer.name,
        candidates=tuple(
            MatchCandidate(candidate.name, candidate.probability, candidate.similarity)
            for candidate in ranking.candidates[:CANDIDATES]
        ),
        none=ranking.none,
        calibration=MatchCalibration(**asdict(library.calibration)),
        range=SungRange(**asdict(vocals)) if vocals else None,
        songs=songs,
        notes=len(task.notes),
        seconds=sum(seconds),
        narrowband=has_narrowband(wavs),
        models={"singer": models.singer.name, "voicing": model_pool.names()[Role.VOICING]},
    )
    return JobOutcome(result, {"picture": picture})


def _songs(
    songs: tuple[LibrarySong, ...], embeddings: NDArray[np.float32], vocals: VocalRange | None, models: ModelPool
) -> tuple[SongSuggestion, ...]:
    """Those songs, as the model in use heard them, that suit whoever is embedded (n, C)."""
    heard = [song for song in songs if song.model == models.singer.model_id]
    traits = [SongTraits(song.notes, np.array(song.embedding, np.float32)) for song in heard]
    mean = embeddings.mean(0)
    member = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)
    return tuple(
        SongSuggestion(
            title=heard[one.song].title,
            singer=heard[one.song].singer,
            song_id=heard[one.song].song_id,
            key_shift=one.key_shift,
            inside=one.inside if vocals else None,
            timbre=one.timbre,
            taste=one.taste,
            liked=heard[one.song].liked,
            key=heard[one.song].key,
            sung_key=_moved(heard[one.song].key, one.key_shift),
        )
        for one in suggest(member, vocals, traits, [song.taste for song in heard])
    )


def _moved(key: str, semitones: int) -> str:
    known = key_named(key)
    return known.moved(semitones).name if known else ""


def _library(singers: tuple[SingerFile, ...], models: ModelPool) -> Library:
    """Fit the library on the embeddings of the model in use. Raises EmptyLibrary."""
    embedded = {
        singer.name: load_file(singer.path)["embeddings"]
        for singer in singers
        if singer.model == models.singer.model_id
    }
    if not embedded:
        raise EmptyLibrary(model=models.singer.name)
    return fit_library(embedded, models.singer.labels)
