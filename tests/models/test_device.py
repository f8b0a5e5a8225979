"""Devices by name: the requested one, or an error in one sentence; never a fallback."""

import re

import pytest
import torch

from models.device import GIB, DeviceMissing, choose, describe, memory, present

CPU = torch.device("cpu")
no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device")
no_mps = pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has the device")


def test_the_cpu_is_there_and_works() -> None:
    assert choose("cpu") == CPU
    assert present()[-1] == CPU


def test_auto_is_the_best_that_is_here() -> None:
    assert choose() == choose("auto") == present()[0]


@no_cuda
@no_mps
def test_auto_prefers_cuda_to_mps_to_the_cpu_and_raises_if_it_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert present() == [torch.device("mps"), CPU]
    with pytest.raises(DeviceMissing, match="mps cannot be used on this machine: it is here but fails"):
        choose("auto")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [str(device) for device in present()] == ["cuda:0", "cuda:1", "mps", "cpu"]


@no_cuda
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_absent_cuda_is_one_sentence_with_the_available_devices(name: str) -> None:
    with pytest.raises(DeviceMissing, match=f"^{name} cannot be used on this machine: .+ Here are: .*cpu") as refused:
        choose(name)
    assert "\n" not in str(refused.value)


@no_mps
def test_mps_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(DeviceMissing, match=r"^mps cannot be used on this machine: MPS needs a Mac"):
        choose("mps")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_cuda_device_by_number() -> None:
    assert choose("cuda") == torch.device("cuda", 0)
    with pytest.raises(DeviceMissing, match="counted from 0"):
        choose("cuda:99")


@pytest.mark.parametrize("name", ["gpu", "", "CPU", "cuda:", "cuda:x", "cpu:0", "meta", "cuda:1234567"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(DeviceMissing, match="the devices are auto, cpu, cuda"):
        choose(name)


def test_the_printed_line_names_device_and_memory() -> None:
    device = present()[0]
    assert re.fullmatch(rf"{device} \(.+, \d+\.\d GiB.*\)", describe(device))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert ", 1 thread, " in describe(CPU)
    finally:
        torch.set_num_threads(before)


def test_memory_is_what_this_machine_can_have() -> None:
    free, total = memory(CPU)
    assert 0 < free <= total
    assert 0.1 * GIB < total < 100_000 * GIB
