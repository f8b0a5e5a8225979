#!/usr/bin/env bash
# dawdreamer 0.9.0 from PyPI (Source/PannerProcessor.h, ReverbProcessor.h, DelayProcessor.h).
#
# `make_panner_processor("pan", "balanced", 0.0)` is taken for a panner in the middle, and `make_reverb_processor` with its
# documented defaults (wet .33, dry .4) for a reverb. The filter and the compressor take their arguments, these three drop
# them: their constructors fill in the parameters' values between 0 and 1 instead. Half of -1 to 1 is a pan of .5, so each
# voice stands half to the right, 6 dB softer on the left, whatever is asked for; the reverb's five parameters are 0, dry too,
# and its output is digital silence; the delay has a quarter of a microsecond and no echo. Nothing is said.
# Set the attributes after it is made (`processor.pan = 0.0`); then all three do what they say.
#
# Seen, dB on the left and right of a tone that is as loud on both: a balanced pan of -1, 0 and 1 by argument -6.0 and 0.0 each
# time, by attribute 0 and silence, 0 and 0, silence and 0; reverb by argument silence, by attribute -1.7; delay of 200 ms by
# argument .0002, by attribute 200 with the echo at 8 820 samples.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dawdreamer==0.9.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import dawdreamer
import numpy as np

RATE = 44_100
tone = np.stack([0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)] * 2).astype(np.float32)
click = np.zeros_like(tone)
click[:, 0] = 1
engine = dawdreamer.RenderEngine(RATE, 512)
made = []


def through(kind, sound, *arguments, **attributes):
    """What comes out of an effect made with these arguments, whose attributes are then set."""
    source = engine.make_playback_processor(f"source{len(made)}", sound)
    effect = getattr(engine, f"make_{kind}_processor")(f"effect{len(made)}", *arguments)
    made.append((source, effect))
    for name, value in attributes.items():
        setattr(effect, name, value)
    engine.load_graph([(source, []), (effect, [source.get_name()])])
    engine.render(2.0)
    return engine.get_audio(), effect


def change(*how, **attributes):
    """dB of left and right beside the tone."""
    out, _ = through(*how[:1], tone, *how[1:], **attributes)
    return [round(float(20 * np.log10(out[side, RATE:].std() / tone[side, RATE:].std() + 1e-9)), 1) for side in (0, 1)]


for pan in (-1.0, 0.0, 1.0):
    given, later = change("panner", "balanced", pan), change("panner", "balanced", pan=pan)
    print(f"pan {pan}: given {given}, set later {later}")
    assert given == [-6.0, 0.0]
    assert later == [-180.0 if pan == 1 else 0.0, -180.0 if pan == -1 else 0.0]
given, later = change("reverb"), change("reverb", wet_level=0.5, dry_level=0.5)
print(f"reverb: defaults {given}, levels set later {later}")
assert given == change("reverb", 0.5, 0.5, 0.5, 0.5) == [-180.0, -180.0] and later[0] > -6
(given, effect), (later, _) = through("delay", click, "linear", 200.0, 0.5), through("delay", click, delay=200.0, wet=0.5)
print(f"delay: given 200, is {effect.delay:.4f}, {given[0, 8820]:.2f} after 200 ms; set later {later[0, 8820]:.2f}")
assert effect.delay < 0.001 and abs(given[0, 8820]) < 0.01 and later[0, 8820] > 0.4
for kind, arguments in (("filter", ("high", 880.0)), ("compressor", (-40.0, 4.0))):
    print(f"{kind}: given {change(kind, *arguments)}")
    assert change(kind, *arguments)[0] < -10
PYTHON
