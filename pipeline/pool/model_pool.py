"""The models that were selected, loaded when first needed and kept warm."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from models.content import contentvec, student, whisper_text
from models.content.encoder import ContentEncoder
from models.device import choose, describe, memory
from models.harmonic.voice import HarmonicVoice
from models.memory import drop_all_but, release
from models.pitch import trackers as pitch
from models.precision import asked_precision
from models.quality import distillmos
from models.rvc import Synthesizer
from models.separation import spleeter
from models.speaker import resemblyzer
from models.speaker.resemblyzer import SpeakerEncoder
from models.voice_file import VoiceInfo, load_voice
from models.weights import catalog
from models.weights.integrity import SINGER_WEIGHTS, WeightsError
from pipeline.pool.selection import Role, Selection
from pipeline.separation.registry import Separator, open_separator
from pipeline.voices.retrieval import Retrieval, load_index

if TYPE_CHECKING:
    from models.quality.utmos import UtmosPredictor
    from models.speaker.ast import SingerEncoder

WARM: Mapping[str, set[Role]] = {
    "separator": {Role.SEPARATOR},
    "spleeter": {Role.SEPARATOR},
    "content": {Role.CONTENT},
    "text": {Role.CONTENT},
    "contentvec": {Role.CONTENT},
    "pitch": {Role.F0, Role.VOICING},
    "speaker": {Role.SPEAKER},
    "singer": {Role.SINGER},
    "mos": {Role.MOS},
    "voice": {Role.VOICE},
}
"""Which roles the models serve that each attribute of the pool keeps warm."""


EMBEDDED_ENCODERS: Mapping[str, str] = {whisper_text.MODEL_ID: whisper_text.NAME, student.MODEL_ID: student.NAME}
"""Ids and names of content encoders that need not be fetched."""
ENCODERS = (*EMBEDDED_ENCODERS, *contentvec.BY_WIDTH.values())
"""Every content encoder that a voice may have been trained on."""


class WarmVoice(NamedTuple):
    """A trained voice."""

    network: Synthesizer | HarmonicVoice
    info: VoiceInfo
    retrieval: Retrieval
    """On the network's device."""
    speaker: Tensor
    """(256,) embedding of whom it was trained on."""


class EncoderCard(NamedTuple):
    """What is known of a content encoder before it encodes."""

    cache_id: str
    """Cached features are filed under it."""
    name: str


class ModelPool:
    """One process's models on one device. Each property loads on first use and stays while there is room."""

    def __init__(self, device: str = "cpu", selection: Selection = Selection()) -> None:
        """Raises DeviceMissing, PrecisionMissing."""
        self.device = choose(device)
        self.bf16 = asked_precision(selection.precision, self.device)
        self.selection = self._selected = selection
        self.locate = partial(catalog.locate, folder=selection.weights)
        self._ran: dict[Role, str] = {}
        self.contentvec = lru_cache(maxsize=2)(self._contentvec)
        self.voice = lru_cache(maxsize=4)(self._voice)
        self._voice_files = set[Path]()

    @property
    def device_line(self) -> str:
        """The device, for printing."""
        return describe(self.device)

    def choose(self, separator: str = "", voice_base: str = "") -> None:
        """From now on use this separator and this base; "" is the one that was selected."""
        first = self._selected
        wanted = replace(first, separator=separator or first.separator, voice_base=voice_base or first.voice_base)
        if wanted.separator != self.selection.separator:
            self.__dict__.pop("separator", None)
        self.selection = wanted

    @cached_property
    def separator(self) -> Separator:
        """What takes the vocals out of a song. Raises WeightsError: no such separator, or it is not here."""
        separator = open_separator(self.selection.separator, self.locate, self.device, bf16=self.bf16)
        self._ran[Role.SEPARATOR] = separator.name
        return separator

    @cached_property
    def spleeter(self) -> spleeter.Stems:
        """The embedded separator's networks: vocals and accompaniment."""
        return spleeter.load(self.device, bf16=self.bf16)

    @cached_property
    def text(self) -> whisper_text.WhisperText:
        """The content encoder of h24 voices. Raises WeightsError."""
        encoder = whisper_text.load(self.device, bf16=self.bf16)
        self._ran[Role.CONTENT] = encoder.name
        return encoder

    @cached_property
    def content(self) -> student.ContentStudent:
        """The content encoder of s24 voices."""
        encoder = student.load(self.device)
        self._ran[Role.CONTENT] = encoder.name
        return encoder

    def encoder(self, model_id: str) -> ContentEncoder:
        """The content encoder whose features a voice was trained on. Raises WeightsError: unknown, or not here."""
        match model_id:
            case whisper_text.MODEL_ID:
                encoder: ContentEncoder = self.text
            case student.MODEL_ID:
                encoder = self.content
            case _:
                encoder = self.contentvec(model_id)
        self._ran[Role.CONTENT] = encoder.name
        return encoder

    def encoder_card(self, model_id: str) -> EncoderCard:
        """What there is to know of that encoder; an embedded one is not loaded for it. Raises what `encoder` raises."""
        if (name := EMBEDDED_ENCODERS.get(model_id)) is not None:
            self._ran[Role.CONTENT] = name
            return EncoderCard(model_id, name)
        encoder = self.encoder(model_id)
        return EncoderCard(encoder.cache_id, encoder.name)

    def check_encoder(self, model_id: str) -> None:
        """Raise NotFetched if that encoder is to be fetched first, WeightsError if its file is not the pinned one."""
        if model_id not in EMBEDDED_ENCODERS:
            self.locate("contentvec")

    @cached_property
    def pitch(self) -> pitch.PitchTrackers:
        """The chosen tracker of f0, and SwiftF0. Raises WeightsError: no such tracker, or it is not here."""
        trackers = pitch.load(self.device, name=self.selection.f0, weights=self.f0_weights())
        self._ran |= {Role(role): name for role, name in trackers.names.items()}
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
            return replace(self.speaker, level_db=resemblyzer.SINGERS_DB)
        from models.speaker import ast  # transformers takes two seconds to import

        try:
            return ast.load(weights, self.device)
        except WeightsError as error:
            raise WeightsError(
                f"{weights} cannot be used by /match: {error} Set SINGERS to a singers.safetensors that `discovervoice "
                "singers train` wrote, or leave it empty."
            ) from error

    @property
    def instant_base(self) -> str:
        """The base of voices that are not trained."""
        from models.harmonic.voice_base import UNTRAINED

        return UNTRAINED

    @property
    def singer_id(self) -> str:
        """The id of what `/match` compares by. Loads nothing if that is the speaker encoder. Raises WeightsError."""
        return resemblyzer.model_id(resemblyzer.SINGERS_DB) if self._singer_weights() is None else self.singer.model_id

    @cached_property
    def mos(self) -> "distillmos.MosPredictor | UtmosPredictor":
        """The chosen neural MOS. Raises WeightsError: no such model, or it is not here."""
        from models.quality import utmos

        weights = self.mos_weights()
        if weights is None:
            predictor: distillmos.MosPredictor | UtmosPredictor = distillmos.load(self.device, bf16=self.bf16)
        else:
            predictor = utmos.load(weights, self.device)
        self._ran[Role.MOS] = predictor.name
        return predictor

    def f0_weights(self) -> Path | None:
        """The f0 tracker's file, None for the embedded one's. Raises WeightsError: it is not here."""
        return self.locate("rmvpe")["weights"] if self.selection.f0 == "rmvpe" else None

    def mos_weights(self) -> Path | None:
        """The neural MOS's file, None for the embedded one's. Raises WeightsError: it is not here."""
        return None if self.selection.mos == "distillmos" else self.locate("utmos")["weights"]

    def only(self, *roles: Role) -> list[str]:
        """If less than a quarter of the memory is free, drop every model without one of these roles.

        Returns the names of what was dropped.
        """
        keep = [name for name, served in WARM.items() if served & set(roles)]
        return drop_all_but(self, *keep) if self.short_of_memory else []

    @property
    def short_of_memory(self) -> bool:
        """Whether less than a quarter of the memory is free."""
        free, total = memory(self.device)
        return free < total / 4

    def forget_deleted_voices(self) -> None:
        """If the file of a voice is gone, its owner has had it deleted: no voice stays in memory."""
        if not all(file.exists() for file in self._voice_files):
            self.voice.cache_clear()
            self._voice_files.clear()
            release()

    def release(self) -> None:
        """Give memory that no model holds any more back to the device."""
        release()

    def names(self) -> dict[Role, str]:
        """The name of the model in each role: of those that were loaded, else of the embedded one. Loads nothing."""
        return {**names(), **self._ran}

    def _contentvec(self, model_id: str) -> contentvec.ContentVec:
        if model_id not in contentvec.BY_WIDTH.values():
            raise WeightsError(f"There is no content encoder {model_id}.")
        return contentvec.load(self.locate("contentvec")["weights"], model_id, self.device, bf16=self.bf16)

    def _singer_weights(self) -> Path | None:
        return self.selection.singers or (SINGER_WEIGHTS if SINGER_WEIGHTS.is_file() else None)

    def _voice(self, model: Path, index: Path) -> WarmVoice:
        network, info = load_voice(model, self.device, bf16=self.bf16)
        rows, speaker = load_index(index)
        self._voice_files |= {model, index}
        return WarmVoice(network, info, Retrieval(rows.to(self.device), self.bf16), speaker)


def names() -> dict[Role, str]:
    """The name of the model in each embedded role."""
    return {
        Role.SEPARATOR: spleeter.NAME,
        Role.CONTENT: whisper_text.NAME,
        Role.F0: pitch.SWIFT_NAME,
        Role.VOICING: pitch.SWIFT_NAME,
        Role.SPEAKER: resemblyzer.NAME,
        Role.MOS: distillmos.NAME,
    }
