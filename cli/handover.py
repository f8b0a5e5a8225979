"""The operator's folder for what a command makes: tried before the work begins, and filled as its parts come."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cli.console import console
from cli.wrong_paths import path_refused
from files.atomic import copy_whole
from store.results import CoverResult
from worker.messages import JobOutcome

SINGLE = ("cover", "picture", "sample")
STEMS = ("vocals", "instrumental", "converted")


class Handover:
    """Puts into a folder what a job makes; a folder that refuses it is told of later, and the job goes on."""

    def __init__(self, out: Path) -> None:
        self.out, self.refused = out, ""
        """`refused`: why something could not be written, in a sentence; empty as long as everything could."""

    def take(self, outcome: JobOutcome) -> None:
        """Copy the files that the child wrote, each whole or not at all."""
        try:
            _export(outcome, self.out)
        except OSError as error:
            self.refused = self.refused or path_refused(error, self.out)


@contextlib.contextmanager
def opened(out: Path | None) -> Iterator[Handover | None]:
    """The folder, which is made, while the block lasts; if that fails, a folder that was made and is empty goes.

    Raises OSError: nothing can be written into it, so that no work is begun in vain.
    """
    if out is None:
        yield None
        return
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
        _try(out)
        yield Handover(out)
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):  # it is not empty, or was not made
                folder.rmdir()
        raise


def _try(out: Path) -> None:
    """Raise OSError, of the folder, if no file can be made in it."""
    try:
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(out)) from error


def _export(outcome: JobOutcome, out: Path) -> None:
    """Copy single files, and the stems at the song's own level. Raises OSError."""
    for role in SINGLE:
        if role in outcome.files:
            copy_whole(outcome.files[role], out / outcome.files[role].name)
    stems = {role: outcome.files[role] for role in STEMS if role in outcome.files}
    if stems and isinstance(outcome.result, CoverResult):
        from pipeline.covers.export import export_stems  # PyAV
        from pipeline.sound.decode import STEM, probe

        cover = outcome.files["cover"]
        rate = probe(cover, STEM, cover.name).rate
        softer = export_stems(stems, outcome.result.stem_gain or 1.0, out, rate, outcome.result.stem_peak)
        if softer:
            console.print(f"The stems would leave full scale: they are {softer:.1f} dB softer than in the song.")
