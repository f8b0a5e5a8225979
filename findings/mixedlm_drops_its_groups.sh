#!/usr/bin/env bash
# statsmodels 0.15.0 from PyPI.
#
# `mixedlm("score ~ 1", votes, groups="rater", vc_formula={"clip": "0 + C(clip)"})` looks like a random effect a rater
# and one a clip, and `re_formula` is documented to give a random intercept for each group by default. It does not once
# `vc_formula` is there: the raters' variance is gone (`cov_re` is 0 x 0), what they differ by goes to the residual,
# and the only sign is a warning about the Hessian; the standard error is nan. With `re_formula="1"` the intercept is
# back, but clips are then nested in raters, not crossed. Crossed effects need one single group and both effects in
# `vc_formula`; then the truth is found.
#
# Seen, 40 raters x 30 clips, true variances .64 (raters), .25 (clips), .09 (rest): as above no rater variance, rest
# .39; crossed .58, .13, .09.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet statsmodels==0.15.0 pandas==3.1.1 patsy==1.0.3 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import numpy as np
import pandas
import statsmodels.formula.api as models

generator = np.random.default_rng(1)
raters, clips = generator.normal(0, 0.8, 40), generator.normal(0, 0.5, 30)
votes = pandas.DataFrame(
    [
        (rater, clip, 3 + raters[rater] + clips[clip] + generator.normal(0, 0.3))
        for rater in range(40)
        for clip in range(30)
    ],
    columns=["rater", "clip", "score"],
).assign(one=1)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    plain = models.mixedlm("score ~ 1", votes, groups="rater", vc_formula={"clip": "0 + C(clip)"}).fit()
print(plain.cov_re.shape, plain.vcomp, plain.scale, plain.bse["Intercept"], [str(each.message) for each in warned])
assert plain.cov_re.shape == (0, 0) and plain.scale > 0.3
assert not any("rater" in str(each.message) for each in warned)
crossed = models.mixedlm(
    "score ~ 1", votes, groups="one", vc_formula={"clip": "0 + C(clip)", "rater": "0 + C(rater)"}
).fit()
print(crossed.vcomp, crossed.scale)
assert np.allclose(crossed.vcomp, [0.127, 0.575], atol=0.02) and abs(crossed.scale - 0.09) < 0.01
PYTHON
