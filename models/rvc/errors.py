"""What can go wrong with a voice's config or weights.

RVCError (ValueError)
├── ConfigError    the dimensions contradict each other, or are no RVC config
└── WeightsError   the weights do not fit the network
"""


class RVCError(ValueError):
    """Base of everything that this package raises on purpose."""


class ConfigError(RVCError):
    """The dimensions contradict each other, or are no RVC config."""


class UnfitWeights(RVCError):
    """The weights do not fit the network; the message lists the keys."""
