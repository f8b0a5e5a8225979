"""Commands that `torchrun` starts several times: which may be, and what the later processes of a training do."""

import os
from collections.abc import Sequence

from cli.console import DeskError

SHARED = (("train",), ("pretrain",), ("separators", "train"), ("singers", "train"))
"""The commands whose work processes can share."""


def check_shared(words: Sequence[str]) -> None:
    """Raise DeskError for a command that `torchrun` has started several times and that each would do anew."""
    if _count() > 1 and not any(tuple(words[: len(command)]) == command for command in SHARED):
        raise DeskError(
            f"Several processes cannot share `discovervoice {' '.join(words[:1])}`: start it without torchrun. "
            f"They share {', '.join(' '.join(command) for command in SHARED)}."
        )


def joined() -> bool:
    """Take a share in the voice that the first process trains; False in that one, and where there is only one.

    Raises DeskError, UnequalShares, CrewLost, ModelsUnavailable.
    """
    if _count() == 1:
        return False
    import torch

    from models.device import choose
    from pipeline.pool.availability import open_models
    from pipeline.training.crew import Crew, crew, own_device
    from pipeline.training.train import TrainOptions, join_training
    from store import StoreSettings
    from worker.settings import WorkerSettings

    rank = int(os.environ["RANK"])
    Crew(rank, _count()).check(TrainOptions.batch)
    if rank == 0:
        return False
    settings = WorkerSettings()
    torch.set_num_threads(settings.torch_threads)
    models = open_models(str(own_device(choose(settings.device))), settings.selection(StoreSettings().data_dir), ())
    with crew(models.device) as members:
        join_training(models, members)
    return True


def _count() -> int:
    """How many processes there are; asked here without torch, which most commands do not load."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1
