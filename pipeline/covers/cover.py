"""A cover: a song's vocals, converted to a member's voice and mixed with its instrumental again."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from torch import Tensor

from models.memory import AllocationFailed
from models.signal import MUSIC_RATE, Floats32
from models.voice_file import VoiceInfo
from models.weights.integrity import NotFetched
from pipeline.covers.converted_file import write_converted
from pipeline.covers.given import GivenFile, over, vocals_as_given, write_instrumental
from pipeline.covers.key import instrumental_shift, moved_meanwhile
from pipeline.covers.mix import MixReport, mix_files
from pipeline.covers.presence import check_voice
from pipeline.covers.preview import PreviewMaker, fade_ends, loudest_sung
from pipeline.covers.song import SongLevel, decibels
from pipeline.covers.stems import Before, Stems, at_once, features_of, stems_of
from pipeline.errors import EncoderMissing, NoVoice, VoiceOutdated
from pipeline.listening.features import Features
from pipeline.listening.frames import FRAME_RATE
from pipeline.pool.model_pool import ENCODERS, ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report, ignore
from pipeline.singing.convert import ConvertOptions, convert, octave_shift
from pipeline.sound.decode import SONG, probe
from pipeline.sound.file_name import name_of_title

LEAST_SUNG = FRAME_RATE
"""Voiced frames of a song; fewer do not tell its octave."""
OVERSHOOT = 1.0
"""DB above full scale that a lossy codec may give a song that never left it: they are not worth a sentence."""
VIDEO_RATE = 48_000
"""Hz of the cover of a song at this rate or a multiple of it; covers of others have 44.1 kHz, as all stems have."""
CEILING = -1.0
"""DBTP of a cover whose song peaks at full scale; below the peak of a softer song, so that all are limited alike."""
OnPreview = Callable[[Path], None]
IN_KEY = "instrumental-in-key.wav"
CONVERTED = "converted.wav"
"""They never leave the job as they are: as FLAC they would be coded and decoded for nothing."""
LABEL = "AI-generated: a machine sings this in a trained voice. Made with DiscoverVoice."


@dataclass(frozen=True)
class CoverOptions:
    """What the member asked for."""

    key_shift: int | None = None
    """Semitones for the vocals; None takes the octave that suits the voice. The instrumental goes with them by what is
    left of the octave. A voice that follows no f0 stays where it is, and so does the instrumental."""
    vocal_level: int = 0
    """DB by which the vocals are louder against the instrumental than in the song. The cover stays as loud as it."""
    max_bytes: int | None = None
    """The largest file that can be delivered."""
    convert: ConvertOptions = field(default_factory=ConvertOptions)


@dataclass(frozen=True, kw_only=True)
class CoverInput:
    """Which song, which voice, and where files go."""

    song: Path
    song_name: str
    """What the member called it; for sentences, tags and titles."""
    model: Path
    """The voice's network, and its retrieval index."""
    index: Path
    voice_name: str
    vocals_only: bool = False
    """The song is vocals already: nothing is separated, and nothing mixed in but a given instrumental."""
    instrumental: GivenFile | None = None
    """What the vocals are mixed with, in place of the song's own."""
    cache_dir: Path
    """The song's own: stems and features are taken from it if they are there."""
    out_dir: Path
    language: str = "en"
    """Of the words in the picture."""
    options: CoverOptions = field(default_factory=CoverOptions)

    @property
    def said(self) -> str:
        """What the song is called in sentences about its file."""
        return name_of_title(self.song_name)


@dataclass(frozen=True, kw_only=True)
class CoverReport:
    """The files of a cover, and what is known of it before it is measured."""

    cover: Path
    converted: Path
    instrumental: Path | None
    """What is mixed in, in its key."""
    stems: Stems
    mix: MixReport
    f0: Floats32
    """(T,) Hz of the song's vocals."""
    rms: Floats32
    """(T,) root mean square of theirs."""
    speaker: Tensor
    """(256,) embedding of the voice's owner."""
    key_shift: int
    """Semitones of the vocals."""
    instrumental_shift: int | None
    """Semitones of the instrumental; None if none is mixed in."""
    no_octave: bool
    """No octave was chosen, for the voice's own pitch or the song's is not known: too few frames have one."""
    scaled_db: float
    """By which the song was above full scale, and the cover is softer than it."""
    base: str
    """What the voice's training started from."""
    content: str
    """The name of the content encoder that encoded the song."""
    voice: str
    """What kind of network sang."""


@dataclass(frozen=True, kw_only=True)
class _SungSong:
    """What is sung, and in which key."""

    stems: Stems
    features: Features
    key_shift: int
    no_octave: bool


@dataclass(frozen=True, kw_only=True)
class _Conversion:
    """The song's vocals in the voice."""

    path: Path
    instrumental: Path | None
    """What goes with them, in its key."""
    instrumental_shift: int | None
    content: str
    voice: str
    speaker: Tensor
    """(256,) embedding of the voice's owner."""


def make_cover(
    cover: CoverInput, models: ModelPool, report: Report = ignore, on_preview: OnPreview | None = None
) -> CoverReport:
    """Make `cover.*` and `converted.wav` in the input's `out_dir`.

    `on_preview` is called with the file of the loudest 20 s with voice before the rest is sung, if there are any and
    the song is longer than a minute: before the rest is separated, if that is to be done and the song's own
    instrumental is mixed in.

    The cover is as loud as the song; with a given instrumental, as the song's vocals and it summed. What was given
    above full scale is brought down to it first.

    Raises what `stems_of` raises, NoVoice, TooLong (nothing fits into `max_bytes`), VoiceOutdated, EncoderMissing,
    WeightsError (the voice's file is not readable); with what was given ready-made, SilentFile and LengthsApart.
    """
    info = _usable_voice(cover, models)
    preview = None if on_preview is None else _Preview(cover, models, on_preview)
    stems = _stems(cover, models, report, at_once if preview is None else preview.before)
    models.only(Role.CONTENT, Role.F0, Role.VOICING, Role.VOICE)
    song = _heard(cover, stems, models, report)
    first = None if preview is None or preview.made else preview.cut_from
    converted = _convert(cover, song, models, report, first)
    mix = _mix(cover, stems, converted, report)
    return CoverReport(
        cover=mix.path,
        converted=converted.path,
        instrumental=converted.instrumental,
        stems=stems,
        mix=mix,
        f0=song.features.f0,
        rms=song.features.rms,
        speaker=converted.speaker,
        key_shift=song.key_shift,
        instrumental_shift=converted.instrumental_shift,
        no_octave=song.no_octave,
        scaled_db=above if (above := decibels(stems.peak)) > OVERSHOOT else 0.0,
        base=info.base,
        content=converted.content,
        voice=converted.voice,
    )


def _usable_voice(cover: CoverInput, models: ModelPool) -> VoiceInfo:
    """The card of the voice. Raises VoiceOutdated and EncoderMissing: nothing here encodes songs for it."""
    info = models.voice(cover.model, cover.index).info
    if info.content_model not in ENCODERS:
        raise VoiceOutdated(name=cover.voice_name)
    try:
        models.check_encoder(info.content_model)
    except NotFetched as error:
        raise EncoderMissing(name=cover.voice_name, model=info.content_model) from error
    return info


def _stems(cover: CoverInput, models: ModelPool, report: Report, before: Before) -> Stems:
    """The song's vocals, separated or as they were given, with the instrumental that is to go with them."""
    given, song = cover.instrumental, GivenFile(cover.song, cover.said)
    instrumental = cover.out_dir / "instrumental.flac"
    read = 0.0 if given is None else 0.5  # of the stage

    def reading(done: float) -> None:
        report("reading", read + (1 - read) * done)

    if given is not None:
        level = write_instrumental(given, song, instrumental, lambda done: report("reading", read * done))
    if cover.vocals_only:
        stems = vocals_as_given(song, cover.cache_dir, reading)
    else:
        models.only(Role.SEPARATOR, Role.VOICE)
        stems = stems_of(
            cover.song,
            cover.said,
            models,
            cover.cache_dir,
            lambda stage, done: reading(done) if stage == "reading" else report(stage, done),
            before if given is None else at_once,
        )
    return stems if given is None else over(stems, cover.said, instrumental, given.name, level)


def _heard(cover: CoverInput, stems: Stems, models: ModelPool, report: Report) -> _SungSong:
    """Listen to the vocals, or read what was heard before, and choose their key. Raises NoVoice, AllocationFailed."""
    network, info, _, _ = models.voice(cover.model, cover.index)
    features = features_of(stems, models, report, info.content_model)
    check_voice(stems, features, models, cover.said)
    asked = cover.options.key_shift
    known = info.median_f0 > 0 and int(features.voiced.sum()) >= LEAST_SUNG
    octave = octave_shift(features.f0, info.median_f0) if known else 0
    key_shift = octave if asked is None else asked
    return _SungSong(
        stems=stems,
        features=features,
        key_shift=key_shift if network.follows_f0 else 0,
        no_octave=asked is None and not known and network.follows_f0,
    )


def _convert(
    cover: CoverInput,
    song: _SungSong,
    models: ModelPool,
    report: Report,
    first: Callable[[_SungSong], None] | None = None,
) -> _Conversion:
    """Write `converted.wav` and the instrumental in its key; no model outlives the call but in the pool.

    `first` is called with the song while its instrumental is moved already, before its vocals are converted.
    """
    network, info, retrieval, speaker = models.voice(cover.model, cover.index)
    report("converting", 0.0)
    options = replace(cover.options.convert, key_shift=song.key_shift)
    moved = instrumental_shift(song.key_shift) if song.stems.instrumental else None
    path = cover.out_dir / CONVERTED
    with moved_meanwhile(song.stems, moved or 0, cover.out_dir / IN_KEY) as instrumental:
        if first is not None:
            first(song)
        sung = convert(song.features, network, retrieval, options, report)
        write_converted(sung, network.sampling_rate, song.stems, path, tags_of(cover))
        there = instrumental()
    return _Conversion(
        path=path,
        instrumental=there,
        instrumental_shift=moved,
        content=models.encoder_card(info.content_model).name,
        voice=network.kind,
        speaker=speaker,
    )


def _mix(cover: CoverInput, stems: Stems, converted: _Conversion, report: Report) -> MixReport:
    """Write `cover.*`: the converted vocals and the instrumental."""
    return mix_files(
        converted.path,
        converted.instrumental,
        cover.out_dir / "cover.mp3",
        reference_lufs=stems.lufs - max(0.0, decibels(stems.peak)),
        gated=stems.gated,
        ceiling_db=CEILING + min(0.0, decibels(stems.peak)),
        vocal_gain_db=decibels(stems.instrumental_gain / stems.gain) + cover.options.vocal_level,
        max_bytes=cover.options.max_bytes,
        rate=VIDEO_RATE if probe(cover.song, SONG, cover.said).rate % VIDEO_RATE == 0 else MUSIC_RATE,
        tags=tags_of(cover),
        progress=partial(report, "mixing"),
    )


def tags_of(cover: CoverInput) -> dict[str, str]:
    """What says, in every file that is delivered, that a machine sings."""
    return {"title": f"{cover.song_name} ({cover.voice_name}, AI cover)", "comment": LABEL}


@dataclass
class _Preview:
    """Sings the loudest seconds with voice as a cover of their own; what becomes of the song does not depend on it."""

    cover: CoverInput
    models: ModelPool
    on_preview: OnPreview
    made: bool = False

    @property
    def part(self) -> CoverInput:
        """The cover that it is."""
        folder, options = self.cover.out_dir / "preview", replace(self.cover.options, max_bytes=None)
        return replace(self.cover, out_dir=folder, options=options)

    def before(self, level: SongLevel, report: Report) -> float:
        """What `stems_of` calls before it separates the song."""
        part = self.part
        song = GivenFile(part.song, part.said)
        return PreviewMaker(song, self.models, part.out_dir, self._hear_and_sing).make(level, report)

    def cut_from(self, song: _SungSong) -> None:
        """Sing the loudest seconds of stems that are there."""
        part = loudest_sung(song.stems, song.features, self.part.out_dir)
        if part is not None:
            self._sing(replace(song, stems=part[0], features=part[1]))

    def _hear_and_sing(self, stems: Stems) -> None:
        with suppress(NoVoice, AllocationFailed):
            self._sing(_heard(self.part, stems, self.models, ignore))

    def _sing(self, song: _SungSong) -> None:
        with suppress(AllocationFailed):
            converted = _convert(self.part, song, self.models, ignore)
            fade_ends(converted.path)
            self.on_preview(_mix(self.part, song.stems, converted, ignore).path)
            self.made = True
