"""Whether the selected models are here, whole, and fit into memory; if not, why, in one sentence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from models.device import DeviceMissing
from models.memory import is_out_of_memory
from models.pitch import trackers
from models.precision import PrecisionMissing
from models.rvc.pretrained import BASES
from models.weights.integrity import NotFetched, WeightsError
from pipeline.errors import ModelUnusable, OutOfMemory
from pipeline.pool.model_pool import ModelPool
from pipeline.pool.selection import EMBEDDED_BASES, SELECTABLE, Role, Selection

MOS_NAMES = ("distillmos", "utmos")
VOICE_BASES = (*EMBEDDED_BASES, *BASES)


class ModelsUnavailable(Exception):
    """The device or the weights that were selected are not here; the message is for the operator."""


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


def open_models(device: str, selection: Selection, roles: Sequence[Role] = SELECTABLE) -> ModelPool:
    """The models that were selected; those of the roles are checked to be here. Raises ModelsUnavailable."""
    try:
        models = ModelPool(device, selection)
        check_selected(models, roles)
    except DeviceMissing as error:
        raise ModelsUnavailable(f"DEVICE={error}") from error
    except PrecisionMissing as error:
        raise ModelsUnavailable(f"PRECISION={error}") from error
    except WeightsError as error:
        raise ModelsUnavailable(str(error)) from error
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ModelsUnavailable(
            f"The chosen models do not fit into the memory of {device}; free some, or set another."
        ) from error
    return models


def check_selected(models: ModelPool, roles: Sequence[Role] = SELECTABLE) -> None:
    """Raise WeightsError if what was selected for these roles does not exist, is not here or is unfit."""
    for role, check in CHECKS.items():
        if role in roles:
            check(models)


def check_voice_base(models: ModelPool) -> None:
    """Raise WeightsError if what `/train` is to start from does not exist, or it or its encoder is not here."""
    name = models.selection.voice_base
    if name not in VOICE_BASES:
        raise WeightsError(f"There is no voice base {name}. There are: {', '.join(VOICE_BASES)}.")
    absent = [needed for needed in (name, "contentvec") if name not in EMBEDDED_BASES and not _is_here(models, needed)]
    if absent:
        raise NotFetched(
            f"To train from {name}, {' and '.join(absent)} must be here; "
            f"run `discovervoice models pull {' '.join(absent)}`."
        )


def _check_separator(models: ModelPool) -> None:
    models.separator  # noqa: B018  (looks its files up; networks load later)


def _check_f0(models: ModelPool) -> None:
    if models.selection.f0 not in trackers.NAMES:
        raise WeightsError(f"There is no pitch tracker {models.selection.f0}. There are: {', '.join(trackers.NAMES)}.")
    models.f0_weights()


def _check_mos(models: ModelPool) -> None:
    if models.selection.mos not in MOS_NAMES:
        raise WeightsError(f"There is no neural MOS {models.selection.mos}. There are: {', '.join(MOS_NAMES)}.")
    models.mos_weights()


def _check_singer(models: ModelPool) -> None:
    if models.selection.singers is not None:
        models.singer  # noqa: B018  (only a network that has been loaded is known to be whole)


def _is_here(models: ModelPool, name: str) -> bool:
    """Whether an entry of the catalogue was fetched. Raises WeightsError: a file is not the pinned one."""
    try:
        models.locate(name)
    except NotFetched:
        return False
    return True


CHECKS: Mapping[Role, Callable[[ModelPool], None]] = {
    Role.SEPARATOR: _check_separator,
    Role.F0: _check_f0,
    Role.MOS: _check_mos,
    Role.VOICE: check_voice_base,
    Role.SINGER: _check_singer,
}
