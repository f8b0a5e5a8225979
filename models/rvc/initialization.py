"""First weights for a voice that is trained from nothing, in minutes: a prior of content with next to no noise."""

import torch

from models.rvc.synthesizer import Synthesizer

QUIET_LOG_DEVIATION = -4.0
PITCH_SHARE = 0.1  # 255 random pitch vectors of full size would drown the content


@torch.no_grad()
def initialize(network: Synthesizer) -> None:
    """Shrink the pitch embedding and the prior's deviation of a network with random weights, in place."""
    network.enc_p.emb_pitch.weight.mul_(PITCH_SHARE)
    half, projection = network.config.inter_channels, network.enc_p.proj
    projection.weight[half:] = 0
    if projection.bias is not None:
        projection.bias[half:] = QUIET_LOG_DEVIATION
