"""A cover that is made already is measured: its figures, and its picture. Its member need not wait for them."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.covers.cover import CoverInput, CoverReport
from pipeline.covers.cover_figures import CoverFigures, compare
from pipeline.covers.picture import plot_cover
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from pipeline.progress import Report, ignore


@dataclass(frozen=True)
class CoverMeasures:
    """The figures of a cover, and the file of its picture."""

    figures: CoverFigures
    picture: Path


def measure_cover(cover: CoverInput, made: CoverReport, models: ModelPool, report: Report = ignore) -> CoverMeasures:
    """Compare the song's vocals with the converted ones, and draw `cover.png` in the input's `out_dir`.

    Raises WeightsError, DiskFull.
    """
    report("measuring", 0.0)
    models.only(Role.SPEAKER, Role.MOS, Role.VOICING)
    stems = made.stems
    figures = compare(stems.vocals, made.converted, made.rms, stems.downmix, made.speaker, made.key_shift, models)
    report("measuring", 0.8)
    picture = cover.out_dir / "cover.png"
    key = made.key_shift if made.instrumental_shift is None else made.instrumental_shift
    plot_cover(picture, made.mix.waveform, made.f0, cover.song_name, cover.voice_name, key, cover.language)
    report("measuring", 1.0)
    return CoverMeasures(figures, picture)
