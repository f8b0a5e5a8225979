#!/usr/bin/env bash
# pedalboard 0.9.26 from PyPI.
#
# Convolution does not convolve with what it is given: the impulse response is scaled to an energy of 1/64 first, and no
# parameter stops it. A response of one unit impulse, with `mix=1.0`, should give the sound back; it gives it 18 dB
# softer, and the same response 40 dB louder or softer gives the very same.
# So the level of a room that was measured is lost, a longer hall is not louder, an equaliser or a cabinet kept as an
# impulse response changes the level of a voice, and a `mix` tuned with another convolver is far too dry.
#
# Seen, a unit impulse: .125 (-18.06 dB); the same x100 and x0.01: .125; two unit impulses: .0884 each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pedalboard==0.9.26 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import pedalboard

RATE = 44100
click = np.zeros((1, RATE), np.float32)
click[0, 1000] = 1


def largest(response: np.ndarray) -> float:
    return round(float(np.abs(pedalboard.Convolution(response, mix=1.0, sample_rate=RATE)(click, RATE)).max()), 4)


one, two = np.zeros(RATE, np.float32), np.zeros(RATE, np.float32)
one[0] = 1
two[[0, 100]] = 1
seen = [largest(one), largest(100 * one), largest(one / 100), largest(two)]
print(seen)
assert np.allclose(seen, [0.125, 0.125, 0.125, 0.0884], atol=0.0005)
PYTHON
