"""Neural MOS before and after, by every predictor that is here: only the difference within one of them is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lab.evaluate import dnsmos
from lab.evaluate.packages import JudgeMissing
from models.quality import distillmos, utmos
from models.signal import Floats32
from models.weights.integrity import NotFetched
from pipeline.pool.model_pool import ModelPool

Predict = Callable[[Sequence[Floats32]], float]
"""Windows, mono (samples,) at 16 kHz each → their mean MOS; NaN if none has sound."""


@dataclass(frozen=True)
class OpinionPair:
    """One predictor's MOS of the same sound before and after."""

    model: str
    before: float
    after: float


@dataclass(frozen=True)
class OpinionPanel:
    """The predictors by name, and a sentence for each that is not here."""

    predictors: dict[str, Predict]
    missing: tuple[str, ...]

    def compare(self, before: Sequence[Floats32], after: Sequence[Floats32]) -> tuple[OpinionPair, ...]:
        """The windows (samples,) at 16 kHz of both sounds, by each; none is heard across a joint of two."""
        return tuple(OpinionPair(name, ask(before), ask(after)) for name, ask in self.predictors.items())


def open_panel(models: ModelPool) -> OpinionPanel:
    """DistillMOS, UTMOS where its weights are, DNSMOS where its package is. Raises WeightsError: a file was altered."""
    warm = models.selection.mos == "distillmos"
    predictors: dict[str, Predict] = {
        distillmos.NAME: _mean((models.mos if warm else distillmos.load(models.device)).windows),
    }
    missing = []
    try:
        predictors[utmos.NAME] = _mean(utmos.load(models.locate("utmos")["weights"], models.device).windows)
    except NotFetched:
        missing.append("UTMOS was not measured: its weights are not here; run `discovervoice models pull utmos`.")
    try:
        predictors[dnsmos.NAME] = _mean(dnsmos.load().predict)
    except JudgeMissing as error:
        missing.append(f"DNSMOS was not measured: {error}")
    return OpinionPanel(predictors, tuple(missing))


def _mean(hear: Callable[[Floats32], Floats32 | float]) -> Predict:
    """The mean over the windows that have sound of what `hear` says of each."""

    def predict(windows: Sequence[Floats32]) -> float:
        opinions = [np.mean(hear(window)) for window in windows if window.any()]
        return float(np.mean(opinions)) if opinions else float("nan")

    return predict
