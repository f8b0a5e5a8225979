"""A process that plays schedules, some at once: seeds come in, outcomes go out, a line each.

It has loaded what the schedules' processes need and no more, and has rehearsed what they do, so that each of these is
forked in milliseconds and works at once.
"""

import faulthandler
import gc
import json
import multiprocessing
import sys
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path

from tests.chaos.hurry import hurry
from tests.chaos.rehearsal import rehearse
from tests.chaos.scene import Scene, put_up, take_down
from tests.chaos.schedule import scheduled
from tests.chaos.stage import Outcome, Stage

AT_ONCE = 4
STUCK_SECONDS = 280.0
"""Longer than any process of a schedule may live: what takes longer is stuck, and says where."""
FORK = multiprocessing.get_context("fork")


def play(seed: int, furnished: Path, folder: Path) -> Outcome:
    """Play the schedule of a seed; its folder stays if something is wrong."""
    scene = Scene(folder / str(seed))
    scene.folder.mkdir(parents=True)
    put_up(scene, furnished)
    outcome = Stage(scene, scheduled(seed)).play()
    if not outcome.breaches:
        take_down(scene)
    return outcome


def played(seeds: list[int], furnished: Path, folder: Path) -> Iterator[Outcome]:
    """The outcomes as they come; each schedule plays in a process of its own, which may die."""
    waiting, playing = iter(seeds), dict[Connection, tuple[int, ForkProcess]]()
    while True:
        while len(playing) < AT_ONCE and (seed := next(waiting, None)) is not None:
            told, tells = FORK.Pipe(duplex=False)
            process = FORK.Process(target=_tell, args=(seed, furnished, folder, tells))
            process.start()
            tells.close()
            playing[told] = seed, process
        if not playing:
            return
        for told in [one for one in wait(list(playing)) if isinstance(one, Connection)]:
            seed, process = playing.pop(told)
            try:
                yield told.recv()
            except EOFError:
                process.join()
                yield Outcome(seed, {}, 0, 0.0, [f"its process ended with {process.exitcode}"])
            told.close()
            process.join()


def _tell(seed: int, furnished: Path, folder: Path, tells: Connection) -> None:
    faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True)
    tells.send(play(seed, furnished, folder))


def main(furnished: Path, folder: Path) -> None:
    """Play the seeds that are read."""
    hurry()
    rehearse(furnished, folder / "rehearsal")
    gc.freeze()
    for outcome in played([int(line) for line in sys.stdin], furnished, folder):
        print(json.dumps(vars(outcome)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
