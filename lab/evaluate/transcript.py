"""Transcription: Whisper base by faster-whisper, joined from the two packages that carry its halves.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022. Character error rate: edit distance
over the length of the reference, after casting to lower case and removing all but letters, digits and single spaces.
"""

import hashlib
import logging
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from files.atomic import atomic_write
from models.content.whisper import PACKAGES, SHA256, halves
from models.signal import Floats32
from models.weights.integrity import WeightsError, packaged, verify

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

NAME = "Whisper base (faster-whisper, int8)"
SMALL_FILES = {
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
    "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
}
FOLDER = "whisper-base-d01c3014"


@dataclass(frozen=True)
class Word:
    """A recognised word and its times in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Recogniser:
    """A loaded recogniser."""

    network: "WhisperModel"

    def text(self, wav: Floats32, language: str) -> str:
        """The transcript of mono (samples,) at 16 kHz; greedy, without earlier text, so that it cannot drift."""
        segments, _ = self.network.transcribe(
            wav, language=language, beam_size=1, temperature=0.0, condition_on_previous_text=False
        )
        return " ".join(segment.text.strip() for segment in segments)

    def words(self, wav: Floats32, language: str) -> list[Word]:
        """The words of mono (samples,) at 16 kHz with their times, normalised as for the error rate."""
        segments, _ = self.network.transcribe(
            wav,
            language=language,
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        words = [word for segment in segments for word in segment.words or ()]
        return [Word(text, word.start, word.end) for word in words if (text := plain(word.word))]


def load(cache: Path, threads: int = 1) -> Recogniser:
    """The recogniser on CPU; its 145 MB are joined into `cache` once and checked. Raises WeightsError, DiskFull."""
    from faster_whisper import WhisperModel

    logging.getLogger("faster_whisper").setLevel(logging.WARNING)
    return Recogniser(WhisperModel(str(join(cache)), device="cpu", compute_type="int8", cpu_threads=threads))


def join(cache: Path) -> Path:
    """The folder in `cache` with the whole model. Raises WeightsError (a part is missing or altered), DiskFull."""
    folder = cache / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, sha256 in SMALL_FILES.items():
        source = verify(packaged(PACKAGES[0], f"data/{name}"), sha256)
        if not (folder / name).is_file() or (folder / name).read_bytes() != source.read_bytes():
            with atomic_write(folder / name) as file:
                file.write(source.read_bytes())
    whole = folder / "model.bin"
    if whole.is_file():
        verify(whole, SHA256)
        return folder
    parts = [half.read_bytes() for half in halves()]
    sha256 = hashlib.sha256(b"".join(parts)).hexdigest()
    if sha256 != SHA256:
        raise WeightsError(f"Whisper's two halves are not the pinned ones: sha256 {sha256[:12]}…, not {SHA256[:12]}….")
    with atomic_write(whole) as file:
        file.writelines(parts)
    return folder


def plain(text: str) -> str:
    """Lower case, with accents, only letters, digits and single spaces."""
    letters = "".join(c if c.isalnum() else " " for c in unicodedata.normalize("NFC", text).lower() if c not in "'’")
    return re.sub(" +", " ", letters).strip()


def character_error_rate(reference: str, hypothesis: str) -> float:
    """Edits per character of the reference, both normalised by `plain`; NaN without a reference; may exceed 1."""
    expected, recognised = plain(reference), plain(hypothesis)
    return _edits(expected, recognised) / len(expected) if expected else float("nan")


def _edits(expected: Sequence[str], recognised: Sequence[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(recognised) + 1))
    for i, a in enumerate(expected, 1):
        above, row = row, [i]
        for j, b in enumerate(recognised, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]
