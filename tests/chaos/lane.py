"""A process that plays one schedule after another: seeds come in, outcomes go out, a line each.

It has loaded what the schedules' processes need and no more, so that these are forked in milliseconds.
"""

import gc
import json
import sys
from pathlib import Path

from tests.chaos.hurry import hurry
from tests.chaos.scene import Scene, put_up, take_down
from tests.chaos.schedule import scheduled
from tests.chaos.stage import Outcome, Stage


def play(seed: int, furnished: Path, folder: Path) -> Outcome:
    """Play the schedule of a seed; its folder stays if something is wrong."""
    scene = Scene(folder / str(seed))
    scene.folder.mkdir(parents=True)
    put_up(scene, furnished)
    outcome = Stage(scene, scheduled(seed)).play()
    if not outcome.breaches:
        take_down(scene)
    return outcome


def main(furnished: Path, folder: Path) -> None:
    """Play each seed that is read."""
    hurry()
    Scene(furnished.parent).open().engine.dispose()  # what this loads need not be loaded by each process
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(vars(play(int(line), furnished, folder))), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
