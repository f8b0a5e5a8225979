"""Compute devices: selection by name, availability, free memory, and the line that is printed of one."""

import os
import platform
import re
from pathlib import Path

import torch

GIB = 2**30


class DeviceMissing(RuntimeError):
    """The requested device is unavailable; the message gives the reason and the available ones."""


def choose(wanted: str = "auto") -> torch.device:
    """The device of a name: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto`, which is CUDA, else MPS, else the CPU.

    There is no silent fallback: raises DeviceMissing if the device is absent, or present but broken; also for `auto`.
    """
    available = present()
    device = available[0] if wanted == "auto" else _named(wanted)
    if device not in available:
        raise DeviceMissing(f"{wanted} cannot be used on this machine: {_reason(device)} {_usable(available)}")
    try:
        torch.ones(1, device=device).add_(1).item()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DeviceMissing(f"{device} cannot be used on this machine: it is here but fails ({reason}).") from error
    return device


def present() -> list[torch.device]:
    """The devices that torch can use on this machine, fastest first; the CPU is always the last."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = [torch.device("mps")] if torch.backends.mps.is_available() else []
    return [*(torch.device("cuda", index) for index in range(count)), *mps, torch.device("cpu")]


def describe(device: torch.device) -> str:
    """For printing: "cuda:0 (NVIDIA H200, 139.8 GiB)", "cpu (x86_64, 2 threads, 23.5 GiB)"."""
    size = f"{memory(device)[1] / GIB:.1f} GiB"
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)}, {size})"
    if device.type == "mps":
        return f"mps (Apple {platform.machine()}, {size} shared with the system)"
    threads = torch.get_num_threads()
    return f"cpu ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''}, {size})"


def memory(device: torch.device) -> tuple[int, int]:
    """Free and total bytes; torch's cached blocks count as free. For the CPU: the machine's or container's."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device), total
    if device.type == "mps":
        total = torch.mps.recommended_max_memory()
        return max(0, total - torch.mps.current_allocated_memory()), total
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = _available_on_linux() or total
    limit, used = _container_memory()
    return (min(free, max(0, limit - used)), limit) if limit and limit < total else (free, total)


def has_bf16(device: torch.device) -> bool:
    """Whether a device supports bfloat16 in hardware, where it is faster than float32."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def multiplies_bf16(device: torch.device) -> bool:
    """Whether matrix products are faster in bfloat16: on such a GPU, or a CPU with AVX-512 BF16 or AMX."""
    return has_bf16(device) or (device.type == "cpu" and torch.cpu._is_avx512_bf16_supported())


def _named(wanted: str) -> torch.device:
    if not re.fullmatch(r"cpu|mps|cuda(:\d{1,3})?", wanted):
        raise DeviceMissing(f"{wanted} cannot be used: the devices are auto, cpu, cuda, cuda:1 (the second) and mps.")
    return torch.device("cuda", 0) if wanted == "cuda" else torch.device(wanted)


def _reason(device: torch.device) -> str:
    if device.type == "mps":
        return "MPS needs a Mac with an Apple GPU."
    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built without CUDA."
    if not torch.cuda.is_available():
        return "torch sees no CUDA device; look at the driver with nvidia-smi."
    return f"torch sees {torch.cuda.device_count()} CUDA device(s), counted from 0."


def _usable(devices: list[torch.device]) -> str:
    return f"Here are: {', '.join(map(str, devices))}. Set one of them, or auto."


def _container_memory() -> tuple[int, int]:
    """The memory limit and the usage of the container (cgroup v2), in bytes; zeros where there is no limit."""
    limit, used = (Path("/sys/fs/cgroup") / name for name in ("memory.max", "memory.current"))
    if not limit.exists() or not used.exists() or not (allowed := limit.read_text().strip()).isdigit():
        return 0, 0
    return int(allowed), int(used.read_text())


def _available_on_linux() -> int | None:
    """Bytes that can be allocated without swapping; None where there is no /proc/meminfo."""
    meminfo = Path("/proc/meminfo")
    match = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo.read_text(), re.MULTILINE) if meminfo.exists() else None
    return int(match[1]) * 1024 if match else None
