"""RVC's coarse pitch."""

import torch

from models.rvc.pitch import coarse_pitch


def test_coarse_pitch_spans_rvcs_steps() -> None:
    steps = coarse_pitch(torch.tensor([0.0, 50.0, 220.0, 1100.0, 5000.0])).tolist()
    assert (steps[0], steps[1], steps[3], steps[4]) == (1, 1, 255, 255)
    assert steps[2] == 60  # 1127 ln(1 + 220 / 700) on a scale of 254 steps
