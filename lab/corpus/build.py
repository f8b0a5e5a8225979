"""Build a corpus, source by source; clips that exist are not built again."""

import os
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

from lab.corpus.catalogue import CorpusSource, chosen, sources
from lab.corpus.clips import write_clip
from lab.corpus.fetch import fetch
from lab.corpus.manifest import RealClips, read_labels
from lab.corpus.melody import STEP
from lab.corpus.recorded import recordings
from lab.errors import BuildError
from pipeline.progress import Report

MINUTES = 73.0
PACKAGES = ".packages"


@dataclass(frozen=True)
class BuildOutcome:
    """The clips of one source in a corpus; `missing` is the reason if there are none."""

    source: CorpusSource
    _: KW_ONLY
    clips: int = 0
    written: int = 0
    """By this build."""
    seconds: float = 0.0
    speakers: int = 0
    missing: str = ""


def build(
    folder: Path,
    report: Report,
    *,
    only: list[str] | None = None,
    own: Mapping[str, Path] | None = None,
    minutes: float = MINUTES,
    seed: int = 0,
) -> list[BuildOutcome]:
    """Bring `folder` up to date and return the outcome of each source; progress goes to `report(source, fraction)`.

    `only` names sources (all, if empty), `own` folders with the clips of sources that are in no package. Such a
    source without a folder is left out, with the reason in its outcome, unless it is in `only`. `minutes` and `seed`
    are Kokoro's. Raises BuildError, SoundError.
    """
    own = own or {}
    wanted = chosen(only or [])
    for name in own:
        if name not in sources() or not sources()[name].repository:
            raise BuildError(f"A folder of your own cannot be given for {name!r}: only for {', '.join(ownable())}.")
    if only and (lost := [source for source in wanted if source.repository and source.name not in own]):
        raise BuildError(lost[0].name + ": " + _not_packaged(lost[0]))
    folder.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for source in wanted:
        if source.repository and source.name not in own:
            outcomes.append(BuildOutcome(source, missing=_not_packaged(source)))
        elif source.kind == "kokoro":
            outcomes.append(_synthetic(folder, source, report, minutes, seed))
        else:
            outcomes.append(_recorded(folder, source, own, report))
    return outcomes


def ownable() -> list[str]:
    """The sources that are in no package."""
    return [source.name for source in sources().values() if source.repository]


def _not_packaged(source: CorpusSource) -> str:
    return f"it is in no package; give a folder with {source.repository} by --from {source.name}=FOLDER."


def _recorded(folder: Path, source: CorpusSource, own: Mapping[str, Path], report: Report) -> BuildOutcome:
    listing, written = RealClips(folder), 0
    report(source.name, 0.0)
    expected = len(source.listed()) if source.clips else source.max_clips or 60
    place = [own[source.name]] if source.repository else _packages(folder, source)
    try:
        for number, recording in enumerate(recordings(source, place), 1):
            if not listing.has(recording.file):
                seconds = write_clip(folder / recording.file, recording.sound(source), source.rate)
                listing.add(source, recording.file, recording.speaker, seconds)
                written += 1
            report(source.name, min(0.99, number / expected))
    finally:
        listing.save()
    rows = listing.of(source)
    report(source.name, 1.0)
    return BuildOutcome(
        source,
        clips=len(rows),
        written=written,
        seconds=sum(row["seconds"] for row in rows),
        speakers=len({row["speaker"] for row in rows}),
    )


def _synthetic(folder: Path, source: CorpusSource, report: Report, minutes: float, seed: int) -> BuildOutcome:
    from lab.corpus import kokoro
    from lab.corpus.synthetic import synthesise

    report(source.name, 0.0)
    parts = kokoro.read(source, _packages(folder, source))
    voice = kokoro.Kokoro(parts, int(os.environ.get("OMP_NUM_THREADS", "0")))
    written = synthesise(folder, source, voice, minutes=minutes, seed=seed, report=lambda f: report(source.name, f))
    rows = list(read_labels(folder))
    seconds = sum(sum(row["durations_25ms"]) for row in rows) * STEP
    speakers = len({row["voice"] for row in rows})
    return BuildOutcome(source, clips=len(rows), written=written, seconds=seconds, speakers=speakers)


def _packages(folder: Path, source: CorpusSource) -> list[Path]:
    return [fetch(package, folder / PACKAGES) for package in source.packages]
