"""The models that were chosen, loaded when first needed and kept warm."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from models.content import contentvec, student
from models.device import DeviceMissing, choose, describe, memory
from models.memory import drop_all_but, is_out_of_memory, release
from models.pitch import trackers as pitch
from models.quality import distillmos
from models.rvc import Synthesizer, voice_file
from models.rvc.pretrained import BASES
from models.separation import spleeter
from models.speaker import resemblyzer
from models.speaker.resemblyzer import SpeakerEncoder
from models.weights import catalog
from models.weights.integrity import SINGER_WEIGHTS, NotFetched, WeightsError
from pipeline.errors import ModelUnusable, OutOfMemory
from pipeline.listening.features import ContentEncoder
from pipeline.pool.selection import Selection
from pipeline.separation.registry import Separator, open_separator
from pipeline.singing.retrieval import load_index

if TYPE_CHECKING:
    from models.quality.utmos import UtmosPredictor
    from models.speaker.ast import SingerEncoder

__all__ = ["ModelPool", "NotHere", "names", "open_models", "refusals", "release"]
MOS_NAMES = ("distillmos", "utmos")
EMBEDDED_BASE = "s24"
VOICE_BASES = (EMBEDDED_BASE, *BASES)
ROLES = ("separator", "f0", "mos", "singers", "voice base")
"""That a choice is made for."""


class NotHere(Exception):
    """The device or the weights that were chosen are not here; the message is for the operator."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn an allocation that failed into OutOfMemory, and weights that cannot be used into ModelUnusable."""
    try:
        yield
    except WeightsError as error:
        raise ModelUnusable(reason=str(error)) from error
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory from error


class ModelPool:
    """One process's models on one device. Each property loads on first use and stays while there is room."""

    def __init__(self, device: str = "cpu", selection: Selection = Selection()) -> None:
        """Raises DeviceMissing."""
        self.device = choose(device)
        self.selection = selection
        self.locate = partial(catalog.locate, folder=selection.weights)
        self._ran: dict[str, str] = {}
        self.contentvec = lru_cache(maxsize=2)(self._contentvec)
        self.voice = lru_cache(maxsize=4)(self._voice)

    @property
    def device_line(self) -> str:
        """The device, for printing."""
        return describe(self.device)

    @cached_property
    def separator(self) -> Separator:
        """What takes the vocals out of a song. Raises WeightsError: no such separator, or it is not here."""
        separator = open_separator(self.selection.separator, self.locate, self.device)
        self._ran["separator"] = separator.name
        return separator

    @cached_property
    def spleeter(self) -> tuple[spleeter.UNet, spleeter.UNet]:
        """The embedded separator's networks: vocals and accompaniment."""
        return spleeter.load(self.device)

    @cached_property
    def content(self) -> student.ContentStudent:
        """The content encoder."""
        return student.load(self.device)

    def encoder(self, model_id: str) -> ContentEncoder:
        """The content encoder whose features a voice was trained on. Raises WeightsError: unknown, or not here."""
        return self.content if model_id == student.MODEL_ID else self.contentvec(model_id)

    def check_encoder(self, model_id: str) -> None:
        """Raise NotFetched if that encoder is to be fetched first, WeightsError if its file is not the pinned one."""
        if model_id != student.MODEL_ID:
            self.locate("contentvec")

    def _contentvec(self, model_id: str) -> contentvec.ContentVec:
        if model_id not in contentvec.BY_WIDTH.values():
            raise WeightsError(f"There is no content encoder {model_id}.")
        return contentvec.load(self.locate("contentvec")["weights"], model_id, self.device)

    @cached_property
    def pitch(self) -> pitch.PitchTrackers:
        """The chosen tracker of f0, and SwiftF0. Raises WeightsError: no such tracker, or it is not here."""
        trackers = pitch.load(self.device, name=self.selection.f0, weights=self._f0_weights())
        self._ran |= trackers.names
        return trackers

    @cached_property
    def speaker(self) -> resemblyzer.SpeakerEncoder:
        """The speaker encoder."""
        return resemblyzer.load(self.device)

    @cached_property
    def singer(self) -> "SingerEncoder | SpeakerEncoder":
        """What `/match` compares by: the chosen classifier, else the AST that ships if any, else the speaker encoder.

        Raises WeightsError: the chosen file is missing or unfit.
        """
        weights = self._singer_weights()
        if weights is None:
            return self.speaker
        from models.speaker import ast  # transformers takes two seconds to import

        try:
            return ast.load(weights, self.device)
        except WeightsError as error:
            raise WeightsError(
                f"{weights} cannot be used by /match: {error} Set SINGERS to a singers.safetensors that `discovervoice "
                "singers train` wrote, or leave it empty."
            ) from error

    @property
    def singer_id(self) -> str:
        """The id of what `/match` compares by. Loads nothing if that is the speaker encoder. Raises WeightsError."""
        return resemblyzer.MODEL_ID if self._singer_weights() is None else self.singer.model_id

    @cached_property
    def mos(self) -> "distillmos.MosPredictor | UtmosPredictor":
        """The chosen neural MOS. Raises WeightsError: no such model, or it is not here."""
        from models.quality import utmos

        chosen = (
            distillmos.load(self.device)
            if self.selection.mos == "distillmos"
            else utmos.load(self._mos_weights(), self.device)
        )
        self._ran["MOS"] = chosen.name
        return chosen

    def check(self, roles: Sequence[str] = ROLES) -> None:
        """Raise WeightsError if what was chosen for these roles does not exist, is not here or is unfit."""
        if "separator" in roles:
            self.separator  # noqa: B018  (looks its files up; networks load later)
        if "f0" in roles:
            if self.selection.f0 not in pitch.NAMES:
                raise WeightsError(
                    f"There is no pitch tracker {self.selection.f0}. There are: {', '.join(pitch.NAMES)}."
                )
            self._f0_weights()
        if "mos" in roles:
            if self.selection.mos not in MOS_NAMES:
                raise WeightsError(f"There is no neural MOS {self.selection.mos}. There are: {', '.join(MOS_NAMES)}.")
            if self.selection.mos == "utmos":
                self._mos_weights()
        if "voice base" in roles:
            self.check_voice_base()
        if "singers" in roles and self.selection.singers is not None:
            self.singer  # noqa: B018  (only a network that has been loaded is known to be whole)

    def check_voice_base(self) -> None:
        """Raise WeightsError if what `/train` is to start from does not exist, or it or its encoder is not here."""
        name = self.selection.voice_base
        if name not in VOICE_BASES:
            raise WeightsError(f"There is no voice base {name}. There are: {', '.join(VOICE_BASES)}.")
        absent = [needed for needed in (name, "contentvec") if name != EMBEDDED_BASE and not self._is_here(needed)]
        if absent:
            raise NotFetched(
                f"To train from {name}, {' and '.join(absent)} must be here; "
                f"run `discovervoice models pull {' '.join(absent)}`."
            )

    def only(self, *roles: str) -> list[str]:
        """Drop every model but these if less than a quarter of the memory is free; says which."""
        free, total = memory(self.device)
        return drop_all_but(self, *roles) if free < total / 4 else []

    def names(self) -> dict[str, str]:
        """The name of the model in each role: of those that were loaded, else of the embedded one. Loads nothing."""
        return {**names(), **self._ran}

    def _is_here(self, name: str) -> bool:
        """Whether an entry of the catalogue was fetched. Raises WeightsError: a file is not the pinned one."""
        try:
            self.locate(name)
        except NotFetched:
            return False
        return True

    def _singer_weights(self) -> Path | None:
        return self.selection.singers or (SINGER_WEIGHTS if SINGER_WEIGHTS.is_file() else None)

    def _mos_weights(self) -> Path:
        return self.locate("utmos")["weights"]

    def _f0_weights(self) -> Path | None:
        return self.locate("rmvpe")["weights"] if self.selection.f0 == "rmvpe" else None

    def _voice(self, model: Path, index: Path) -> tuple[Synthesizer, voice_file.VoiceInfo, Tensor, Tensor]:
        """A trained voice: network, card, retrieval rows (N, C), speaker embedding (256,)."""
        synthesizer, info = voice_file.load_voice(model, self.device)
        rows, embedding = load_index(index)
        return synthesizer, info, rows.to(self.device), embedding


def open_models(device: str, selection: Selection, roles: Sequence[str] = ROLES) -> ModelPool:
    """The models that were chosen; those of the roles are checked to be here. Raises NotHere."""
    try:
        models = ModelPool(device, selection)
        models.check(roles)
    except DeviceMissing as error:
        raise NotHere(f"DEVICE={error}") from error
    except WeightsError as error:
        raise NotHere(str(error)) from error
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise NotHere(
            f"The chosen models do not fit into the memory of {device}; free some, or set another."
        ) from error
    return models


def names() -> dict[str, str]:
    """The name of the model in each embedded role."""
    return {
        "separator": spleeter.NAME,
        "content": student.NAME,
        "f0": pitch.FCPE_NAME,
        "voicing": pitch.SWIFT_NAME,
        "speaker": resemblyzer.NAME,
        "MOS": distillmos.NAME,
    }
