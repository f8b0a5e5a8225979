#!/usr/bin/env bash
# audio-separator 0.47.1 from PyPI, its class for MDX models (UVR's ONNX files), onnxruntime 1.22.1, torch 2.11.0.
#
# Two stems of a separator are taken to be the song in two parts, whatever its level. These are so only at one level. A
# mix that peaks above the threshold of .9 is brought down to it first; a softer one stays as it is. What the network
# gives is then multiplied by the peak in either case, and the instrumental is the mix less that. So of a song that peaks
# at -6 dBFS the vocals come out 6 dB too soft, and the other half of them is left in the instrumental; at -20 dBFS the
# "instrumental" is the song with nine tenths of its vocals. At .9 itself a tenth is left, -20 dB. Only a song that
# peaks at full scale is parted as its network parts it, so a test with loud music passes.
# Bring a song to full scale before it, and measure what of the vocals is left: the file's level is no quality of a model.
#
# Seen, with a network that calls "vocals" whatever is above 430 Hz, and a song of a low and a high tone: part of the high
# tone in the instrumental, then in the vocals, at peaks of 1, .9, .5 and .1: .00 .90, .10 .90, .50 .50, .90 .10.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet audio-separator==0.47.1 onnxruntime==1.22.1 torch==2.11.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import logging

import numpy as np
import onnx
import soundfile
import torch
from audio_separator.separator.architectures.mdx_separator import MDXSeparator
from onnx import TensorProto, helper

RATE, BINS, FRAMES = 44_100, 2048, 256
keep = np.ones((1, 1, BINS, 1), np.float32)
keep[:, :, :60] = 0
shape = [1, 4, BINS, FRAMES]
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output")]
constant = helper.make_tensor("keep", TensorProto.FLOAT, keep.shape, keep.ravel())
graph = helper.make_graph([helper.make_node("Mul", ["input", "keep"], ["output"])], "high", ends[:1], ends[1:], [constant])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "high.onnx")
cpu, log = torch.device("cpu"), logging.getLogger("separator")
logging.disable(logging.WARNING)
common = {
    "logger": log,
    "log_level": logging.WARNING,
    "torch_device": cpu,
    "torch_device_cpu": cpu,
    "onnx_execution_provider": ["CPUExecutionProvider"],
    "model_name": "high",
    "model_path": "high.onnx",
    "model_data": {
        "compensate": 1.0,
        "mdx_dim_f_set": BINS,
        "mdx_dim_t_set": 8,
        "mdx_n_fft_scale_set": 6144,
        "primary_stem": "Vocals",
    },
    "output_format": "WAV",
    "output_dir": "stems",
    "normalization_threshold": 0.9,  # the default of its Separator, and of its command
    "amplification_threshold": 0.0,
    "invert_using_spec": False,
    "sample_rate": RATE,
    "use_soundfile": True,
}
default = {"hop_length": 1024, "segment_size": 256, "overlap": 0.25, "batch_size": 1, "enable_denoise": False}
time = np.arange(8 * RATE) / RATE
low, high = np.sin(2 * np.pi * 110 * time), np.sin(2 * np.pi * 1760 * time + np.sin(5 * time))


def high_in_stems(peak: float) -> dict[str, float]:
    gain = peak / np.abs(low + high).max()
    soundfile.write("song.wav", np.stack([gain * (low + high)] * 2, axis=1), RATE, subtype="FLOAT")
    found = {}
    for file in MDXSeparator(common, default).separate("song.wav"):
        stem = soundfile.read(f"stems/{file.split('/')[-1]}")[0][RATE:-RATE, 0]
        tones = gain * np.stack([low, high], axis=1)[RATE:-RATE]
        found["vocals" if "Vocals" in file else "instrumental"] = float(np.linalg.lstsq(tones, stem, rcond=None)[0][1])
    return found


for peak, instrumental, vocals in ((1.0, 0.0, 0.9), (0.9, 0.1, 0.9), (0.5, 0.5, 0.5), (0.1, 0.9, 0.1)):
    seen = high_in_stems(peak)
    print(f"peak {peak}: of the high tone {seen['instrumental']:.2f} in the instrumental, {seen['vocals']:.2f} in the vocals")
    assert abs(seen["instrumental"] - instrumental) < 0.02 and abs(seen["vocals"] - vocals) < 0.02
PYTHON
