"""The most memory that a piece of work took: of a CUDA device, else of this process."""

from pathlib import Path

import torch

from models.device import GIB
from models.memory import release

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
PEAK_RESIDENT = "5"
"""What makes Linux count the peak anew (man 5 proc)."""


def begin_peak(device: torch.device) -> None:
    """Forget the peak so far, where the system can."""
    release()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif CLEAR.exists():
        CLEAR.write_text(PEAK_RESIDENT)


def peak_gib(device: torch.device) -> float:
    """The peak since then in GiB: what torch allocated on a CUDA device, else the whole process with its code."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0) / GIB


def wait_for(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
