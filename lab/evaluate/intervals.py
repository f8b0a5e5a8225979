"""How far a mean over few things may be off: percentile intervals of a bootstrap (Efron, 1979).

What is drawn anew are the tracks, singers or songs, not their seconds: those of one song are alike.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

DRAWS = 5000
LEAST = 5
"""Of fewer values no interval is given: their draws are too much alike to say anything."""
TOO_FEW = f"Fewer than {LEAST} give no interval."
Numbers = NDArray[np.float64]
Interval = tuple[float, float]


def bootstrap(values: Sequence[float], statistic: Callable[..., Numbers] = np.mean, seed: int = 0) -> Interval | None:
    """The 95 % interval of a statistic of values (n,), which takes `axis`; None for fewer than five."""
    return bootstrap_rows(np.asarray(values, np.float64), lambda rows: statistic(rows, axis=1), seed)


def bootstrap_rows(values: Numbers, statistic: Callable[[Numbers], Numbers], seed: int = 0) -> Interval | None:
    """The same of rows (n, …), each drawn whole: `statistic` takes (draws, n, …) and gives (draws,)."""
    if len(values) < LEAST:
        return None
    drawn = np.random.default_rng(seed).integers(len(values), size=(DRAWS, len(values)))
    low, high = np.nanpercentile(statistic(values[drawn]), [2.5, 97.5])
    return float(low), float(high)
