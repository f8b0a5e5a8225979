"""Who judges a conversion: what has a part in the voices, and beside it judges that have none.

A judge whose package is not installed leaves its figures empty; `missing` says which package would add them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lab.evaluate import campplus, dnsmos, moonshine, transcript
from lab.evaluate.campplus import CamPlusPlus
from lab.evaluate.dnsmos import DnsMos
from lab.evaluate.moonshine import Moonshine
from lab.evaluate.packages import JudgeMissing
from lab.evaluate.transcript import Recogniser
from models.signal import Floats32

Judge = TypeVar("Judge")


@dataclass(frozen=True, kw_only=True)
class Judges:
    """The loaded judges; None where a package is not installed."""

    whisper: Recogniser | None = None
    """For languages that Moonshine does not know. It is also the first half of the content encoder of h24."""
    moonshine: Moonshine | None = None
    speaker: CamPlusPlus | None = None
    mos: DnsMos | None = None
    missing: tuple[str, ...] = ()
    """A sentence for each judge that is not here."""

    def text(self, wav: Floats32, language: str) -> str | None:
        """The transcript of mono (samples,) at 16 kHz by the language's judge; None if that is not here."""
        if independent(language):
            return self.moonshine.text(wav) if self.moonshine else None
        return self.whisper.text(wav, language) if self.whisper else None

    def names(self) -> dict[str, str]:
        """The name of the model behind each figure that only the laboratory has."""
        whisper = f"{transcript.NAME}: not independent"
        return {
            "CER, English": moonshine.NAME if self.moonshine else "–",
            "CER, other languages": whisper,
            "speaker cosine 2": campplus.NAME if self.speaker else "–",
            "MOS 2": dnsmos.NAME if self.mos else "–",
        }


def independent(language: str) -> bool:
    """Whether the language's recogniser has no part in the voices."""
    return language == moonshine.LANGUAGE


def load(cache: Path) -> Judges:
    """All judges that are here. Raises WeightsError (Whisper's packages, or a file that was altered), DiskFull."""
    missing = list[str]()

    def or_none(figure: str, loader: Callable[[], Judge]) -> Judge | None:
        try:
            return loader()
        except JudgeMissing as error:
            missing.append(f"{figure}: {error}")
            return None

    return Judges(
        whisper=transcript.load(cache),
        moonshine=or_none("No CER of English", moonshine.load),
        speaker=or_none("No CAM++ cosine", campplus.load),
        mos=or_none("No DNSMOS", dnsmos.load),
        missing=tuple(missing),
    )
