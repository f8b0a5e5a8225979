"""The result of a job: the JSON of `job.result`, one dataclass for each kind of job.

Rows of every age and of any worker can be read: a figure that is missing or is no finite number is None, a missing
text is "". `models` names the models that measured the figures.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.tables import Job, Voice

LARGEST = 1e12  # no figure of ours is larger


@dataclass(frozen=True)
class MatchCandidate:
    """A singer of the library: the probability that it is them, and the cosine behind it."""

    name: str
    share: float
    similarity: float | None = None


@dataclass(frozen=True)
class MatchCalibration:
    """How probabilities were fitted, on held-out clips of the library; `error` is the mean calibration error."""

    temperature: float | None = None
    threshold: float | None = None
    clips: int | None = None
    top1: float | None = None
    cross_entropy: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class SungRange:
    """Lowest and highest comfortable note, by name and as MIDI note numbers."""

    low: str
    high: str
    low_note: float | None = None
    high_note: float | None = None


@dataclass(frozen=True)
class SongSuggestion:
    """A song of the library that suits a member: `key_shift` semitones, and why (shares and cosines, 0…1).

    `liked` is what says most that they like it: a `Liking`, or "". `key` is the song's own ("Am" is A minor), and
    `sung_key` the one that it is moved to; "" where it is not clear.
    """

    title: str
    singer: str = ""
    song_id: int | None = None
    key_shift: int = 0
    inside: float | None = None
    timbre: float | None = None
    taste: float | None = None
    liked: str = ""
    key: str = ""
    sung_key: str = ""


@dataclass(frozen=True)
class MatchResult:
    """Which singers `notes` recordings are like; `seconds` are voiced. Old rows have `calibration` in words.

    `narrowband`: a note is of telephone quality.
    """

    model: str = ""
    candidates: tuple[MatchCandidate, ...] = ()
    none: float | None = None
    calibration: MatchCalibration | str | None = None
    range: SungRange | None = None
    songs: tuple[SongSuggestion, ...] = ()
    notes: int | None = None
    seconds: float | None = None
    narrowband: bool = False
    models: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None


@dataclass(frozen=True)
class TrainingPoint:
    """What was measured on held-out seconds after `step` steps and so many `seconds`."""

    step: int | None = None
    seconds: float | None = None
    mel_loss: float | None = None
    similarity: float | None = None


@dataclass(frozen=True)
class TrainResult:
    """How a voice was trained, and its figures on held-out seconds before training (`first_…`) and at its best.

    An instant voice has `steps` 0 and none of these figures.
    `no_octave`: too little of the notes has a pitch, so covers in the voice choose no octave.
    `narrowband`: a note is of telephone quality.
    """

    voice: str = ""
    voice_id: int | None = None
    minutes: float | None = None
    no_octave: bool = False
    narrowband: bool = False
    steps: int | None = None
    base: str = ""
    stopped: str = ""
    cosine: float | None = None
    first_cosine: float | None = None
    mel_loss: float | None = None
    first_mel_loss: float | None = None
    curve: tuple[TrainingPoint, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None

    @property
    def untrained(self) -> bool:
        """Whether it is of an instant voice."""
        return self.steps == 0


@dataclass(frozen=True)
class CoverResult:
    """A cover of `seconds`, whose vocals were compared on `compared_seconds`: `…_source` before, `…_cover` after.

    `vocals_only`: the song was vocals already, and nothing was separated. `instrumental` is the name of the file that
    was given to mix the vocals with, "" if none was. `song_lufs` is what the cover was to be as loud as. `key_shift` is
    in semitones and the vocals'; of the instrumental it is None where none is mixed in, and in old rows: it stayed.
    `vocal_level` is by how many dB the vocals are louder than in the song; None where nothing is mixed in, or it is 0.
    `no_octave`: none was chosen, for too little of the voice or of the song has a pitch.
    Until it is `measured`, it has what is known of the mix, and no figures of the voice.
    `scaled_db`: the song was so far above full scale, and the cover is softer than it. `stem_gain` is what the song was
    multiplied by before it was separated, `stem_peak` the highest sample of its stems and of the converted vocals.
    `waveform` is that of its voice message, as Discord takes it.
    """

    song: str = ""
    voice: str = ""
    base: str = ""
    vocals_only: bool = False
    instrumental: str = ""
    seconds: float | None = None
    compared_seconds: float | None = None
    lufs: float | None = None
    song_lufs: float | None = None
    true_peak_db: float | None = None
    key_shift: int | None = None
    instrumental_shift: int | None = None
    vocal_level: int | None = None
    scaled_db: float | None = None
    stem_gain: float | None = None
    stem_peak: float | None = None
    no_octave: bool = False
    encoding: str = ""
    cosine_source: float | None = None
    cosine_cover: float | None = None
    mos_source: float | None = None
    mos_cover: float | None = None
    f0_correlation: float | None = None
    f0_cents: float | None = None
    voicing_f1: float | None = None
    speaker_model: str = ""
    mos_model: str = ""
    pitch_model: str = ""
    waveform: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None

    @property
    def measured(self) -> bool:
        """Whether its voice was measured; rows of every age say with which model."""
        return bool(self.speaker_model or self.mos_model)


@dataclass(frozen=True)
class HeardVocals:
    """The seconds for which a song's vocals hold each note, who sings them, and the seconds with a pitch.

    `key` and `tempo` as in `SongVocals`.
    """

    notes: Mapping[str, float]
    embedding: tuple[float, ...]
    seconds: float
    key: str = ""
    tempo: float | None = None


@dataclass(frozen=True)
class LibraryResult:
    """What was heard of the `songs` that were added to a server's library by `model`; rows keep no `heard`.

    `key` and `tempo`, as in `SongVocals`, are those of a song that was added alone.
    """

    name: str = ""
    songs: int | None = None
    seconds: float | None = None
    range: SungRange | None = None
    model: str = ""
    key: str = ""
    tempo: float | None = None
    heard: tuple[HeardVocals, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None


Result = MatchResult | TrainResult | CoverResult | LibraryResult


def result_of(job: "Job") -> Result:
    """The result of a job, by its kind."""
    from store.tables import JobKind  # whoever has a job has loaded the tables; a child needs none

    match job.kind:
        case JobKind.MATCH:
            return match_result(job.result)
        case JobKind.TRAIN:
            return train_result(job.result)
        case JobKind.COVER:
            return cover_result(job.result)
        case JobKind.LIBRARY:
            return library_result(job.result)


def quality_of(voice: "Voice") -> TrainResult:
    """The figures of a voice's training; an imported voice has only its base and models."""
    return train_result(voice.quality)


def to_json(result: Result) -> dict[str, Any]:
    """The JSON of `job.result`; NaN and infinity, which JSON lacks, become None."""
    written = _finite(asdict(result))
    assert isinstance(written, dict)
    return written


def match_result(row: Mapping[str, Any]) -> MatchResult:
    """Read a match's JSON; candidates without a share are left out."""
    listed = row.get("candidates")
    candidates = [
        MatchCandidate(str(one.get("name")), share, number(one, "similarity"))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping) and (share := number(one, "share")) is not None
    ]
    return MatchResult(
        candidates=tuple(candidates),
        calibration=_calibration(row.get("calibration")),
        range=_range(row.get("range")),
        songs=_songs(row.get("songs")),
        notes=_count(row, "notes"),
        narrowband=row.get("narrowband") is True,
        **_numbers(row, "none", "seconds", "peak_memory_mb"),
        **_texts(row, "model"),
        **_tables(row),
    )


def train_result(row: Mapping[str, Any]) -> TrainResult:
    """Read a training's JSON, or a voice's `quality`."""
    listed = row.get("curve")
    curve = [
        TrainingPoint(step=_count(one, "step"), **_numbers(one, "seconds", "mel_loss", "similarity"))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping)
    ]
    figures = ("minutes", "cosine", "first_cosine", "mel_loss", "first_mel_loss", "peak_memory_mb")
    return TrainResult(
        voice_id=_count(row, "voice_id"),
        steps=_count(row, "steps"),
        no_octave=row.get("no_octave") is True,
        narrowband=row.get("narrowband") is True,
        curve=tuple(curve),
        **_numbers(row, *figures),
        **_texts(row, "voice", "base", "stopped"),
        **_tables(row),
    )


def cover_result(row: Mapping[str, Any]) -> CoverResult:
    """Read a cover's JSON."""
    levels = (
        "seconds",
        "compared_seconds",
        "scaled_db",
        "stem_gain",
        "stem_peak",
        "lufs",
        "song_lufs",
        "true_peak_db",
        "peak_memory_mb",
    )
    pairs = ("cosine_source", "cosine_cover", "mos_source", "mos_cover", "f0_correlation", "f0_cents", "voicing_f1")
    return CoverResult(
        key_shift=_count(row, "key_shift"),
        instrumental_shift=_count(row, "instrumental_shift"),
        vocal_level=_count(row, "vocal_level"),
        no_octave=row.get("no_octave") is True,
        vocals_only=row.get("vocals_only") is True,
        **_numbers(row, *levels, *pairs),
        **_texts(row, "song", "voice", "base", "instrumental", "encoding"),
        **_texts(row, "speaker_model", "mos_model", "pitch_model", "waveform"),
        **_tables(row),
    )


def library_result(row: Mapping[str, Any]) -> LibraryResult:
    """Read the JSON of an addition to a library."""
    return LibraryResult(
        songs=_count(row, "songs"),
        range=_range(row.get("range")),
        **_numbers(row, "seconds", "tempo", "peak_memory_mb"),
        **_texts(row, "name", "model", "key"),
        **_tables(row),
    )


def number(row: Mapping[str, Any], key: str) -> float | None:
    """A figure, or None if it is missing or no (finite) number."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) > LARGEST:
        return None
    return value


def _count(row: Mapping[str, Any], key: str) -> int | None:
    value = number(row, key)
    return None if value is None else int(value)


def _numbers(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: number(row, key) for key in keys}


def _texts(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: str(row.get(key) or "") for key in keys}


def _tables(row: Mapping[str, Any]) -> dict[str, Any]:
    """The models that ran by role, and the seconds that each stage took."""
    models, stages = row.get("models"), row.get("stages")
    named = {str(role): str(name) for role, name in models.items()} if isinstance(models, Mapping) else {}
    seconds = stages if isinstance(stages, Mapping) else {}
    return {"models": named, "stages": {str(s): spent for s in seconds if (spent := number(seconds, s)) is not None}}


def _calibration(value: Any) -> MatchCalibration | str | None:
    if not isinstance(value, Mapping):
        return str(value) if value else None
    figures = _numbers(value, "temperature", "threshold", "top1", "cross_entropy", "error")
    return MatchCalibration(clips=_count(value, "clips"), **figures)


def _range(value: Any) -> SungRange | None:
    if not isinstance(value, Mapping) or not (value.get("low") and value.get("high")):
        return None
    return SungRange(str(value["low"]), str(value["high"]), number(value, "low_note"), number(value, "high_note"))


def _songs(value: Any) -> tuple[SongSuggestion, ...]:
    return tuple(
        SongSuggestion(
            title=str(one["title"]),
            singer=str(one.get("singer") or ""),
            song_id=_count(one, "song_id"),
            key_shift=_count(one, "key_shift") or 0,
            liked=str(one.get("liked") or ""),
            key=str(one.get("key") or ""),
            sung_key=str(one.get("sung_key") or ""),
            **_numbers(one, "inside", "timbre", "taste"),
        )
        for one in (value if isinstance(value, list | tuple) else [])
        if isinstance(one, Mapping) and one.get("title")
    )


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
