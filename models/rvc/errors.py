"""The errors of a voice's config and weights.

RVCError (ValueError)
├── ConfigError    the dimensions contradict each other, or are no RVC config
└── UnfitWeights   the weights do not fit the network
"""


class RVCError(ValueError):
    """Base class of the errors that this package raises."""


class ConfigError(RVCError):
    """The dimensions contradict each other, or are no RVC config."""


class UnfitWeights(RVCError):
    """The weights do not fit the network; the message lists the keys."""
