"""A corpus of a few seconds, in the layout that `corpus build` writes, cut from the demo's library."""

import json
import shutil
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[3] / "demo" / "library"


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two real speakers to learn from, one held out, one synthetic with phones, one synthetic held out."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for speaker, split in (("libri-1688", "train"), ("maxim", "train"), ("libri-533", "heldout")):
        for clip in sorted((LIBRARY / speaker).glob("*.ogg"))[:2]:
            (folder / speaker).mkdir(exist_ok=True)
            shutil.copyfile(clip, folder / speaker / clip.name)
            row = {"file": f"{speaker}/{clip.name}", "rate": 16000, "seconds": 4.5, "speaker": speaker}
            rows.append(row | {"language": "en", "licence": "CC-BY-4.0", "split": split, "bandwidth_hz": 7000})
    labels = []
    (folder / "kokoro").mkdir()
    for speaker in ("af_heart", "bf_emma"):
        clip = sorted((LIBRARY / speaker).glob("*.ogg"))[0]
        shutil.copyfile(clip, folder / "kokoro" / f"{speaker}.ogg")
        label = {"file": f"{speaker}.ogg", "voice": speaker, "mode": "speech", "text": "", "lang": "en-us"}
        labels.append(label | {"tokens": [0, 50, 51, 0], "durations_25ms": [40, 60, 60, 20], "f0_80hz": []})
    (folder / "real.json").write_text(json.dumps(rows))
    (folder / "kokoro" / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    return folder
