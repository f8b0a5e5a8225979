"""The clips of listening tests are made by a worker between two jobs: two seconds of one core for each clip."""

import asyncio
import logging
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from files.atomic import make_folder
from files.disk import DiskFull
from pipeline.errors import ModelUnusable, SoundError
from store import ClipRole, ListeningClip, ListeningTest, MediaAway, Store, StoreError
from store.listening_errors import NothingToRate
from store.use_cases import keep_prepared, next_unprepared, prepare_again, refuse_prepared
from store.use_cases.listening_test import FEWEST_CLIPS
from worker.child import Child
from worker.errors import CannotRun, ChildDied, tell_operator
from worker.messages import Broken, Done, ListeningSource, RatedClips, RatedClipsTask, Refused

log = logging.getLogger(__name__)

INTERNAL = "Something went wrong on our side. The operator finds it in the log under {reference}."
NAMES = {ClipRole.COVER: "A cover", ClipRole.VOICE: "A voice sample", ClipRole.UPLOAD: "An uploaded clip"}


async def prepare_listening_tests(store: Store, child: Child) -> None:
    """Make the clips of every test that waits for them; a test whose clips cannot be made fails with one sentence.

    A test that is being prepared when the worker stops is prepared anew; so is one whose files cannot be fetched.
    """
    while (waiting := await asyncio.to_thread(next_unprepared, store)) is not None:
        test, clips = waiting
        out = store.work_dir / f"listening-{test.id}-{secrets.token_hex(4)}"  # another worker may make them, too
        try:
            await _prepare(store, child, test, clips, out)
        except MediaAway as error:
            log.warning("Listening test %s waits: %s", test.id, error)
            return
        finally:
            await asyncio.to_thread(shutil.rmtree, out, ignore_errors=True)


async def _prepare(store: Store, child: Child, test: ListeningTest, clips: Sequence[ListeningClip], out: Path) -> None:
    number, task = test.id or 0, None
    try:
        task = await asyncio.to_thread(_task, store, test, clips, out)
        end = await child.run(task)
        match end:
            case Done(outcome=RatedClips(clips=made)):
                await asyncio.to_thread(keep_prepared, store, number, made)
            case Refused():
                tell_operator(f"Listening test {number}", end.code, end.sentence)
                await asyncio.to_thread(refuse_prepared, store, number, end.code, end.params, end.sentence)
            case Broken(traceback=traceback):
                raise RuntimeError(traceback)
            case other:
                raise TypeError(f"a child answered RatedClipsTask with {other}")
    except ChildDied as error:
        log.warning("The clips of listening test %s: %s", number, error)
        await asyncio.to_thread(prepare_again, store, number)
    except MediaAway:
        raise
    except CannotRun as error:
        await asyncio.to_thread(_refuse, store, number, ModelUnusable(reason=str(error)))
    except (StoreError, SoundError, DiskFull) as error:
        await asyncio.to_thread(_refuse, store, number, error)
    except (RuntimeError, TypeError, OSError):
        if task is not None and not all(source.path.exists() for source in task.sources):
            log.info("Listening test %s is prepared anew: a clip was withdrawn meanwhile.", number)
            return
        reference = secrets.token_hex(4)
        log.exception("The clips of listening test %s could not be made (%s).", number, reference)
        sentence = INTERNAL.format(reference=reference)
        await asyncio.to_thread(refuse_prepared, store, number, "internal", {"reference": reference}, sentence)


def _task(store: Store, test: ListeningTest, clips: Sequence[ListeningClip], out: Path) -> RatedClipsTask:
    """Raises NotFound, FileDamaged, NothingToRate: the others were withdrawn."""
    if sum(clip.role in NAMES for clip in clips) < FEWEST_CLIPS:
        raise NothingToRate(limit=FEWEST_CLIPS)
    make_folder(out)
    sources = []
    for clip in clips:
        name = NAMES.get(clip.role, "A reference")  # its own would tell whose it is
        path = store.media.checked(clip.source_key or "", name)
        sources.append(ListeningSource(clip.id or 0, path, name, clip.role is ClipRole.ANCHOR))
    return RatedClipsTask(tuple(sources), test.seed, out)


def _refuse(store: Store, number: int, error: StoreError | SoundError | DiskFull) -> None:
    tell_operator(f"Listening test {number}", error.code, str(error))
    refuse_prepared(store, number, error.code, error.params, str(error))
