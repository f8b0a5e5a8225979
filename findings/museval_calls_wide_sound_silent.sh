#!/usr/bin/env bash
# museval 0.4.1 decides whether a second is silent on the SUM of the channels (metrics.py, _any_source_silent: "np.sum
# over channels == 0"), not on the samples. A stem whose right channel is the negative of its left one (a widener, a
# swapped polarity) is as loud as any other, and is "silent": all four figures of ALL stems are NaN in those seconds,
# and a song that is so from end to end raises ValueError "All the reference sources should be non-silent". An expert
# expects a missing figure only where nothing sounds, and the same SDR after the right channel of everything is negated:
# the energy of each stem and of each error is the same. Source: the package's metrics.py, which imports only numpy and
# scipy.
# Seen with museval 0.4.1, numpy 2.2.6, scipy 1.15.3, Python 3.11:
#   as recorded: [20. 20. 20.]; vocals of the second second in opposite polarity: [20. nan 20.]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps museval==0.4.1 numpy==2.2.6 scipy==1.15.3
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.util
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
package = importlib.util.find_spec("museval").submodule_search_locations[0]
spec = importlib.util.spec_from_file_location("metrics", Path(package) / "metrics.py")
metrics = importlib.util.module_from_spec(spec)
spec.loader.exec_module(metrics)

RATE = 44_100
random = np.random.default_rng(0)
vocals, drums = random.standard_normal((2, 3 * RATE, 2))
vocals[RATE : 2 * RATE, 1] = vocals[RATE : 2 * RATE, 0]


def by_second(vocals):
    references = np.stack([vocals, drums])
    estimates = references + 0.1 * random.standard_normal(references.shape)
    return metrics.bss_eval(references, estimates, window=RATE, hop=RATE, filters_len=1)[0][0].round(0)


before = by_second(vocals)
vocals[RATE : 2 * RATE, 1] *= -1
after = by_second(vocals)
print(f"as recorded: {before}; vocals of the second second in opposite polarity: {after}")
assert np.isfinite(before).all() and np.isnan(after).tolist() == [False, True, False]
PYTHON
