"""Neural MOS before and after, by every predictor that is here: only the difference within one of them is read."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.evaluate import dnsmos
from lab.evaluate.packages import JudgeMissing
from models.quality import distillmos, utmos
from models.signal import Floats32
from models.weights.integrity import NotFetched
from pipeline.pool.model_pool import ModelPool

Predict = Callable[[Floats32], float]
"""Mono (samples,) at 16 kHz → MOS."""


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

    def compare(self, before: Floats32, after: Floats32) -> tuple[OpinionPair, ...]:
        """Both sounds (samples,) at 16 kHz, by each."""
        return tuple(OpinionPair(name, ask(before), ask(after)) for name, ask in self.predictors.items())


def open_panel(models: ModelPool) -> OpinionPanel:
    """DistillMOS, UTMOS where its weights are, DNSMOS where its package is. Raises WeightsError: a file was altered."""
    warm = models.selection.mos == "distillmos"
    predictors: dict[str, Predict] = {
        distillmos.NAME: _mean(models.mos if warm else distillmos.load(models.device)),
    }
    missing = []
    try:
        predictors[utmos.NAME] = _mean(utmos.load(models.locate("utmos")["weights"], models.device))
    except NotFetched:
        missing.append("UTMOS was not measured: its weights are not here; run `discovervoice models pull utmos`.")
    try:
        predictors[dnsmos.NAME] = dnsmos.load().predict
    except JudgeMissing as error:
        missing.append(f"DNSMOS was not measured: {error}")
    return OpinionPanel(predictors, tuple(missing))


def _mean(predictor: "distillmos.MosPredictor | utmos.UtmosPredictor") -> Predict:
    """Over windows of 7.68 s."""

    def predict(wav: Floats32) -> float:
        return float(np.mean(predictor.windows(wav))) if wav.any() else float("nan")

    return predict
