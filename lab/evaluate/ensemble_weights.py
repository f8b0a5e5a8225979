"""Weights of an ensemble, fitted on songs that no member was trained on.

The loss is the mean over the songs of error energy to signal energy, the inverse of SDR before its
logarithm. For weights of sum 1 that is a quadratic form of the members' own errors, solved in closed form for every
choice of members: Bates and Granger 1969, "The Combination of Forecasts"; non-negative weights as in
Breiman 1996, "Stacked Regressions".
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
MOST_MEMBERS = 10


def error_products(estimates: Numbers, reference: Numbers) -> Numbers:
    """Estimates (members, 2, n) of a reference (2, n) → (members, members): the products of their errors."""
    errors = (estimates - reference).reshape(len(estimates), -1)
    return np.asarray(errors @ errors.T)


def fit_weights(forms: Sequence[Numbers]) -> list[float]:
    """The weights, at least 0 and of sum 1, with which the members' mean is closest to the vocals of all songs.

    Of each song its form (members, members): `error_products` over the vocals' energy. With weights w, w · form · w is
    error energy to signal energy. Raises ValueError: no songs, or more than ten members.
    """
    if not forms or not 1 <= len(forms[0]) <= MOST_MEMBERS:
        raise ValueError(f"Weights are fitted on at least one song and from 1 to {MOST_MEMBERS} members.")
    form = np.mean(forms, axis=0)
    best, least = np.zeros(len(form)), np.inf
    for size in range(1, len(form) + 1):
        for chosen in combinations(range(len(form)), size):
            weights = _closed_form(form, list(chosen))
            error = float(weights @ form @ weights)
            if weights.min() >= 0 and error < least:
                best, least = weights, error
    return [float(weight) for weight in best]


def _closed_form(form: Numbers, chosen: list[int]) -> Numbers:
    """Weights of sum 1 that minimise the form over the chosen members."""
    part = form[np.ix_(chosen, chosen)]
    ridge = 1e-10 * (np.trace(part) / len(chosen)) + 1e-15
    share = np.linalg.solve(part + ridge * np.eye(len(chosen)), np.ones(len(chosen)))
    weights = np.zeros(len(form))
    weights[chosen] = share / share.sum()
    return weights
