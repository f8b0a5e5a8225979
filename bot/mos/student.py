"""Student's t distribution with any positive number of degrees of freedom, without numpy."""

from math import exp, lgamma, log, log1p

PRECISE = 1e-14
MOST_STEPS = 400
TINY = 1e-300


def t_quantile(probability: float, freedom: float) -> float:
    """The t below which `probability` (0.5 < p < 1) of the distribution with `freedom` degrees lies, to 1e-9."""
    if not (0.5 < probability < 1 and freedom > 0):
        raise ValueError(f"no quantile {probability} of {freedom} degrees of freedom")
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < probability:
        low, high = high, 2 * high
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < probability else (low, middle)
    return high


def t_cdf(t: float, freedom: float) -> float:
    """The share of the distribution below `t` >= 0 (Abramowitz and Stegun 26.7.1, by the incomplete beta function)."""
    return 1 - incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)), evaluated forwards (Lentz)."""
    value, up, down = 1.0, 1.0, 0.0
    for step in range(1, MOST_STEPS):
        m, odd = divmod(step, 2)
        if odd:
            factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        down = 1 / (1 + factor * down or TINY)
        up = 1 + factor / up or TINY
        value *= up * down
        if abs(up * down - 1) < PRECISE:
            break
    return value
