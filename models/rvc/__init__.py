"""RVC v2 (Retrieval-based Voice Conversion): the networks, driven by their config, under RVC's own keys."""

from models.rvc.config import DISCRIMINATOR_SMALL, DISCRIMINATOR_V2, RVC_32K, RVC_40K, RVC_48K, S24, RVCConfig
from models.rvc.discriminator import Discriminator, DiscriminatorOutput
from models.rvc.errors import ConfigError, UnfitWeights
from models.rvc.generator import Generator
from models.rvc.losses import (
    FEATURE_WEIGHT,
    KL_WEIGHT,
    MEL_WEIGHT,
    discriminator_loss,
    feature_loss,
    generator_loss,
    kl_loss,
)
from models.rvc.sampling import rand_slice_segments, slice_segments
from models.rvc.synthesizer import Synthesizer, TrainingOutput

__all__ = [
    "DISCRIMINATOR_SMALL",
    "DISCRIMINATOR_V2",
    "FEATURE_WEIGHT",
    "KL_WEIGHT",
    "MEL_WEIGHT",
    "RVC_32K",
    "RVC_40K",
    "RVC_48K",
    "S24",
    "ConfigError",
    "Discriminator",
    "DiscriminatorOutput",
    "Generator",
    "RVCConfig",
    "Synthesizer",
    "TrainingOutput",
    "UnfitWeights",
    "discriminator_loss",
    "feature_loss",
    "generator_loss",
    "kl_loss",
    "rand_slice_segments",
    "slice_segments",
]
