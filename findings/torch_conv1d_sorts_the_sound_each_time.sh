#!/usr/bin/env bash
# torch 2.11.0 from PyPI (some GB to download), whose wheel holds oneDNN 3.10.2; x86-64 with AVX2 or more.
#
# A convolution over time is thought to be a convolution over an image of height 1, and what lies between the convolutions of a
# network to stay in the order that oneDNN likes. `conv1d` has no channels_last: it makes its input contiguous, channel after
# channel, also one whose channels lie side by side already, and so is what it gives. With AVX-512 all activations are sorted
# before and after every convolution; where oneDNN has no kernel for that order (with AVX2 for the wider ones, in bfloat16 for 11
# taps dilated by 5) it goes by gemm and copies. The same arrays through `conv2d`, as (B, C, 1, T) with memory_format=
# torch.channels_last, weights too, are never sorted, meet a kernel made for them each time, and are the same sound to 1e-5.
# A vocoder of the HiFi-GAN family is a row of a hundred such convolutions and pays at each.
#
# Seen, the nine convolutions of one stage of such a vocoder, activations sorted: conv1d 12 with AVX2 and 18 with AVX-512, conv2d 0
# and 0; by gemm: conv1d 6 and 0, conv2d 0 and 0. In bfloat16 (AVX-512 with its bfloat16) 17 and 0, by gemm 1 and 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.11.0 numpy==2.4.6
cat > "$folder/chain.py" <<'PYTHON'
import sys

import torch
from torch.nn import functional as F

CHANNELS, TIME = 64, 3000
torch.manual_seed(0)
torch.set_num_threads(1)
kind = getattr(torch, sys.argv[1])
sound = torch.randn(1, CHANNELS, TIME).to(kind)
shapes = [(kernel, dilation) for kernel in (3, 7, 11) for dilation in (1, 3, 5)]
chain = [(torch.randn(CHANNELS, CHANNELS, kernel) / (CHANNELS * kernel) ** 0.5, dilation) for kernel, dilation in shapes]


def flat(x):
    return x[:, :, None].contiguous(memory_format=torch.channels_last)


with torch.inference_mode():
    weights = [(weight.to(kind), dilation, weight.shape[-1] // 2 * dilation) for weight, dilation in chain]
    print("\nconv1d", flush=True)
    out = sound.mT.contiguous().mT  # handed over with the channels of a moment side by side
    for weight, dilation, padding in weights:
        out = F.conv1d(F.leaky_relu(out, 0.1), weight, None, 1, padding, dilation)
    print("\nconv2d", flush=True)
    image = flat(sound)
    for weight, dilation, padding in weights:
        image = F.conv2d(F.leaky_relu(image, 0.1), flat(weight), None, 1, (0, padding), (1, dilation))
    print("\nerror", float((image[:, :, 0] - out).abs().max() / out.abs().max()))
PYTHON
cat > "$folder/count.py" <<'PYTHON'
import os
import subprocess
import sys

import torch

SHAPE = "1x64x1x3000"  # of the activations


def counted(kind, instructions):
    """Activations sorted and convolutions by gemm, in conv1d and in conv2d, and how far the two are from each other."""
    settings = {"ONEDNN_VERBOSE": "1", "ONEDNN_MAX_CPU_ISA": instructions}
    command = [sys.executable, "-W", "ignore", sys.argv[1], kind]
    log = subprocess.run(command, env=os.environ | settings, check=True, capture_output=True, text=True).stdout
    _, *parts = log.split("\nconv")
    lines = [[line for line in part.splitlines() if ",exec,cpu," in line] for part in parts]
    assert all(sum(",convolution," in line for line in part) == 9 for part in lines)
    sorted_ = [sum(",reorder," in line and f",{SHAPE}," in line for line in part) for part in lines]
    gemm = [sum(",convolution," in line and "gemm" in line for line in part) for part in lines]
    error = float(log.split("\nerror ")[1].split()[0])
    print(f"{kind}, up to {instructions}: activations sorted {sorted_}, by gemm {gemm}, apart by {error:.1e}")
    return sorted_, gemm, error


print("torch", torch.__version__)
for instructions in ("AVX2", "AVX512_CORE"):
    sorted_, gemm, error = counted("float32", instructions)
    assert sorted_[0] >= 9 and sorted_[1] == 0 and gemm[1] == 0 and error < 1e-5
if torch.cpu._is_avx512_bf16_supported():
    counted("bfloat16", "AVX512_CORE_BF16")  # to be seen only: not every processor has it
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/count.py" "$folder/chain.py"
