"""What the laboratory's tests share."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import LIBRARY

SPOKEN = ("af_heart", "am_michael", "bf_emma")
"""Synthetic voices; the last is held out."""


@pytest.fixture(scope="session")
def labelled_corpus(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small corpus with three synthetic voices, whose clips have phones and the f0 that was asked for."""
    folder = tmp_path_factory.mktemp("labelled") / "corpus"
    shutil.copytree(corpus, folder)
    labels: list[dict[str, object]] = []
    for voice in SPOKEN:
        shutil.copyfile(sorted((LIBRARY / voice).glob("*.ogg"))[0], folder / "kokoro" / f"{voice}.ogg")
        label: dict[str, object] = {
            "file": f"{voice}.ogg",
            "voice": voice,
            "mode": "speech",
            "text": "",
            "lang": "en-us",
        }
        label |= {"tokens": [0, 50, 51, 83, 0], "durations_25ms": [20, 40, 30, 10, 5]}
        labels.append(label | {"f0_80hz": [0] * 40 + [180] * 160 + [0] * 10})
    (folder / "kokoro" / "labels.jsonl").write_text("".join(json.dumps(label) + "\n" for label in labels))
    return folder
