"""What follows a cover comes one thing at a time, and names the models that were used for it."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from pipeline.covers.cover import CoverInput, CoverReport
from pipeline.covers.cover_figures import CoverFigures
from pipeline.covers.cover_measures import CoverMeasures
from pipeline.covers.mix import MixReport
from pipeline.covers.parts import CoverPart, PartFile
from pipeline.covers.stems import Stems
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import Role
from store.results import CoverResult
from worker import cover_rest
from worker.cover_rest import CoverRest, go_on
from worker.messages import RestTask

NAN = float("nan")
FIGURES = CoverFigures(
    seconds=8.0,
    cosine_source=NAN,
    cosine_cover=0.8,
    mos_source=3.0,
    mos_cover=3.5,
    f0_correlation=NAN,
    f0_cents=NAN,
    voicing_f1=NAN,
    mos_model="UTMOS",
)


class Names:
    """A pool whose neural MOS is known by its name once it has run."""

    def names(self) -> dict[Role, str]:
        """What ran."""
        return {Role.SPEAKER: "Resemblyzer", Role.MOS: "UTMOS", Role.SEPARATOR: "another song's"}


def cover_rest_of(folder: Path, parts: tuple[CoverPart, ...]) -> CoverRest:
    """What is left of a cover of no sound."""
    path, none = folder / "x", np.zeros(900, np.float32)
    cover = CoverInput(
        song=path, song_name="s", model=path, index=path, voice_name="v", cache_dir=folder, out_dir=folder
    )
    mix = MixReport(
        lufs=-10.0,
        true_peak_db=-1.0,
        seconds=9.0,
        gain_db=0.0,
        vocal_gain_db=0.0,
        limited_db=0.0,
        vocals_peak=1.0,
        instrumental_peak=1.0,
        path=path,
        bitrate=None,
        waveform=cast(Any, None),
    )
    made = CoverReport(
        cover=path,
        converted=path,
        instrumental=path,
        stems=Stems(path, path, 9.0, -10.0),
        mix=mix,
        f0=none,
        rms=none,
        speaker=torch.zeros(256),
        key_shift=0,
        instrumental_shift=0,
        no_octave=False,
        scaled_db=0.0,
        base="",
        content="",
        voice="h24",
    )
    return CoverRest(cover=cover, made=made, result=CoverResult(models={"separator": "Spleeter"}), parts=parts)


def test_each_part_comes_alone_and_the_figures_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def write(part: CoverPart, *_: object) -> PartFile:
        written.append(part.value)
        return PartFile(tmp_path / part.value, "AA==" if part is CoverPart.VOICE_MESSAGE else "")

    monkeypatch.setattr(cover_rest, "write_part", write)
    monkeypatch.setattr(cover_rest, "measure_cover", lambda *_: CoverMeasures(FIGURES, tmp_path / "cover.png"))
    models, plans = cast(ModelPool, Names()), list[dict[str, float]]()
    rest, files = cover_rest_of(tmp_path, tuple(CoverPart)).packed(), list[str]()
    while rest:
        outcome = go_on(RestTask(rest), models, plans.append, lambda *_: None)
        rest, files = outcome.rest, [*files, *outcome.files]
        if not outcome.files.keys() & {"picture"}:
            assert not cast(CoverResult, outcome.result).measured
    assert written == ["voice_message", "vocals", "instrumental"]
    assert files == ["voice_message", "vocals_part", "instrumental_part", "picture"]
    result = cast(CoverResult, outcome.result)
    assert (result.waveform, result.mos_cover, result.mos_model) == ("AA==", 3.5, "UTMOS")
    assert result.models == {"separator": "Spleeter", "speaker": "Resemblyzer", "MOS": "UTMOS"}
    assert [list(plan) for plan in plans] == [["parts"]] * 3 + [["measuring"]]
