"""One cover of one song, made as the service makes it, with every figure that tells source from cover.

Figures of the voice are on windows in which the separated vocals sound, and of the converted ones, at most 60 s, at
16 kHz, frame by frame: the performance is the same. MCD between two singers holds their timbres' difference as well as
errors; WORLD's copy of the source, moved as the cover is, stands beside it as what a vocoder alone costs.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from files.atomic import atomic_write
from lab.evaluate import mcd as distortion
from lab.evaluate import world
from lab.evaluate.bleed import measure_bleed
from lab.evaluate.figures import NAN, content_cosine
from lab.evaluate.mcd import mcd
from lab.evaluate.opinions import OpinionPair, open_panel
from lab.evaluate.record import plain
from models.content import student
from models.pitch import trackers
from models.signal import MUSIC_RATE, SPEECH_RATE, Floats32
from models.speaker import resemblyzer
from pipeline.covers.cover import CoverInput, CoverReport, make_cover
from pipeline.covers.cover_figures import HeardWindows, compare_pitch, heard_windows, sounding
from pipeline.covers.cover_measures import measure_cover
from pipeline.pool.model_pool import ModelPool
from pipeline.progress import Report, ignore
from pipeline.sound.decode import STEM, decode, decode_blocks
from pipeline.sound.levels import measure_levels

FILE = "cover.json"
WINDOWS = 8
"""Of 7.68 s, that are compared at most."""


@dataclass(frozen=True, kw_only=True)
class CoverEvaluation:
    """Source against cover; NaN where there is too little to measure."""

    song: str
    voice: str
    seconds: float
    """Of sound that was compared."""
    key_shift: int
    cosine_source: float
    """Of speaker embeddings, with the voice's owner; NaN where nothing is known of them."""
    cosine_cover: float
    content_cosine: float
    f0_correlation: float
    f0_cents: float
    """Root mean square, after the shift."""
    f0_cents_median: float
    voicing_f1: float
    mcd: float
    """dB, the source's vocals against the converted ones."""
    mcd_copy: float
    """dB, the source's vocals against WORLD's copy of them, moved by the same shift."""
    mos: tuple[OpinionPair, ...]
    lufs_song: float
    lufs_cover: float
    true_peak_db: float
    limited_db: float
    """The most that the limiter took."""
    clipped_share: float
    """Of the cover's active samples: runs at full scale, or half-waves with flat tops."""
    bleed_source: float
    """dB, of the vocals' pauses below the singing."""
    bleed_cover: float
    models: dict[str, str]
    missing: tuple[str, ...]
    """A sentence for each judge that is not here."""


def evaluate_cover(cover: CoverInput, models: ModelPool, report: Report = ignore) -> CoverEvaluation:
    """Make the cover in the input's `out_dir`, measure it, and write `cover.json` there.

    Raises what `make_cover` raises, WeightsError, DiskFull.
    """
    panel = open_panel(models)
    made = make_cover(cover, models, report)
    figures = measure_cover(cover, made, models, report).figures
    report("comparing", 0.0)
    windows = _sounding(made)
    before, after = (side.joined for side in windows)
    bleed = measure_bleed(_mono(made.stems.vocals, made), _mono(made.converted, made), SPEECH_RATE)
    pitch = compare_pitch(before, after, made.key_shift, models) if len(before) else None
    report("comparing", 0.5)
    evaluation = CoverEvaluation(
        song=cover.song_name,
        voice=cover.voice_name,
        seconds=len(before) / SPEECH_RATE,
        key_shift=made.key_shift,
        cosine_source=figures.cosine_source,
        cosine_cover=figures.cosine_cover,
        content_cosine=content_cosine(before, after, models) if len(before) else NAN,
        f0_correlation=pitch.correlation if pitch else NAN,
        f0_cents=pitch.cents if pitch else NAN,
        f0_cents_median=pitch.median_cents if pitch else NAN,
        voicing_f1=pitch.voicing_f1 if pitch else NAN,
        mcd=mcd(before, after, SPEECH_RATE) if len(before) else NAN,
        mcd_copy=mcd(before, world.copy(before, SPEECH_RATE, made.key_shift), SPEECH_RATE) if len(before) else NAN,
        mos=panel.compare(*(side.whole for side in windows)) if len(before) else (),
        lufs_song=made.stems.lufs,
        lufs_cover=made.mix.lufs,
        true_peak_db=made.mix.true_peak_db,
        limited_db=made.mix.limited_db,
        clipped_share=clipped_share(made.cover),
        bleed_source=bleed.source,
        bleed_cover=bleed.converted,
        models=_names(made, models),
        missing=panel.missing,
    )
    write_cover(cover.out_dir / FILE, evaluation)
    report("comparing", 1.0)
    return evaluation


def write_cover(path: Path, evaluation: CoverEvaluation) -> None:
    """As JSON; a figure that could not be measured is null. Raises DiskFull."""
    with atomic_write(path) as file:
        file.write(json.dumps(plain(asdict(evaluation)), indent=1, ensure_ascii=False, allow_nan=False).encode())


def clipped_share(path: Path) -> float:
    """Of a file's active samples, the worse channel's."""
    sound = decode(path, MUSIC_RATE, channels=2, limits=STEM, name=path.name)
    return max(measure_levels(channel, MUSIC_RATE).clipped_share for channel in sound)


def _sounding(made: CoverReport) -> tuple[HeardWindows, HeardWindows]:
    """Vocals before and after, where the source sounds."""
    downmix, numbers = made.stems.downmix, sounding(made.rms, WINDOWS)
    return heard_windows(made.stems.vocals, downmix, numbers), heard_windows(made.converted, downmix, numbers)


def _mono(path: Path, made: CoverReport) -> Floats32:
    """A whole file, heard as the cover's vocals are."""
    blocks = decode_blocks(
        path,
        SPEECH_RATE,
        channels=1,
        block_seconds=60,
        limits=STEM,
        name=path.name,
        downmix=made.stems.downmix,
    )
    return np.concatenate([block[0] for block in blocks])


def _names(made: CoverReport, models: ModelPool) -> dict[str, str]:
    return {
        "separator": models.separator.name,
        "voice": f"{made.voice}, from {made.base}",
        "voice's content": made.content,
        "speaker cosine": resemblyzer.NAME,
        "content cosine": student.NAME,
        "f0": trackers.SWIFT_NAME,
        "MCD": distortion.NAME,
        "loudness": "BS.1770-4",
    }
