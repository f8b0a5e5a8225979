"""What the library's songs ask of a voice is heard by an idle worker, once for each song and model."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from files.disk import DiskFull
from store import Song, SongVocals, Store, StoreError, cache, library, shared_cache
from store.abilities import Abilities
from store.use_cases import jobs_wait, keep_music, keep_vocals
from worker.child import Child
from worker.errors import OPERATORS, CannotRun, ChildDied, NotHeard
from worker.messages import Broken, Done, GaveWay, HeardMusic, HeardSong, ListenTask, MusicTask, Refused

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
GIVE_WAY_SECONDS = 5.0
"""Shorter than a child takes to load its libraries, after which it is killed."""


class SongListener:
    """Listens to the songs that are new, one after another; those that could not be heard wait for the next start.

    So do all once no child can run.
    """

    def __init__(self, store: Store, child: Child, model: str, able: Abilities | None = None) -> None:
        self.store, self.child, self.model, self.able = store, child, model, able
        self._failed: set[int] = set()
        self._cannot = False

    async def listen_while_idle(self) -> None:
        """Hear songs until all are heard or a job waits; the song that is being heard then is begun anew later."""
        while (due := await asyncio.to_thread(self._next)) is not None:
            song, hear = due
            hearing = asyncio.create_task(hear(song))
            try:
                while not hearing.done():
                    await asyncio.wait({hearing}, timeout=LOOK_SECONDS)
                    if not hearing.done() and await asyncio.to_thread(jobs_wait, self.store, self.able):
                        self.child.give_way()
                        await asyncio.wait({hearing}, timeout=GIVE_WAY_SECONDS)
                        return
                if refusal := await hearing:
                    log.warning("/match suggests the song %s of the library to nobody: %s", song.id, refusal)
            except NotHeard as error:
                log.error("The song %s of the library waits for a worker's next start: %s", song.id, error)
            except CannotRun as error:
                self._cannot = True
                log.error("The library's new songs wait for a worker that can hear them: %s", error)
                return
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)
            if await asyncio.to_thread(jobs_wait, self.store, self.able):
                return

    async def hear(self, song: Song) -> str | None:
        """Hear one song and keep what was heard; the sentence that refuses it for good, or None.

        Raises CannotRun, and NotHeard: of the song nothing is known that stays so.
        """
        song_id = song.id or 0
        try:
            key = song.media_key
            path = await asyncio.to_thread(self.store.media.path, key)
            task = ListenTask(path, song.title, cache.folder_of(self.store, key))
            await asyncio.to_thread(shared_cache.fetch, self.store, task.cache.name)
            end = await self.child.run(task)
            await asyncio.to_thread(shared_cache.share, self.store, task.cache.name)
        except (StoreError, DiskFull, ChildDied) as error:
            self._failed.add(song_id)
            raise _not_heard(error.code if isinstance(error, DiskFull) else "", str(error)) from error
        match end:
            case Done(outcome=HeardSong() as heard):
                notes = {str(note): seconds for note, seconds in heard.notes.items()}
                vocals = SongVocals(
                    song_id=song_id,
                    model=heard.model,
                    notes=notes,
                    embedding=list(heard.embedding),
                    seconds=heard.seconds,
                    key=heard.music.key,
                    tempo=heard.music.tempo,
                )
                await asyncio.to_thread(keep_vocals, self.store, vocals)
                return None
            case Refused(code=code, sentence=sentence) if code in OPERATORS:
                self._failed.add(song_id)
                raise _not_heard(code, sentence)
            case Refused(sentence=sentence):  # nobody sings in it, or it is no song: that stays so
                await asyncio.to_thread(keep_vocals, self.store, SongVocals(song_id=song_id, model=self.model))
                return sentence
            case GaveWay():
                return None
            case Broken(traceback=traceback):
                self._failed.add(song_id)
                log.error("%s", traceback)
                raise NotHeard("This song could not be worked on; the log says why.")
            case Done(outcome=other):
                raise TypeError(f"a child answered ListenTask with {other}")

    async def hear_music(self, song: Song) -> None:
        """Hear key and tempo of a song that an older version heard, and keep them. Raises CannotRun."""
        song_id = song.id or 0
        try:
            path = await asyncio.to_thread(self.store.media.path, song.media_key)
            end = await self.child.run(MusicTask(path, song.title))
        except (StoreError, DiskFull, ChildDied) as error:
            self._failed.add(song_id)
            log.warning("The key of the song %s of the library was not heard: %s", song_id, error)
            return
        match end:
            case Done(outcome=HeardMusic(key=key, tempo=tempo)):
                await asyncio.to_thread(keep_music, self.store, song_id, key, tempo)
            case Refused() | Broken():
                self._failed.add(song_id)
                log.warning("The key of the song %s of the library was not heard: %s", song_id, end)

    def _next(self) -> tuple[Song, Callable[[Song], Coroutine[Any, Any, str | None]]] | None:
        """A song to hear, and how: whole, before those of an older version whose key alone is missing."""
        if self._cannot:
            return None
        with self.store.read() as session:
            due = [(song, self.hear) for song in library.unheard_songs(session, self.model)]
            due += [(song, self.hear_music) for song in library.songs_without_key(session)]
        return next((one for one in due if one[0].id not in self._failed), None)


def _not_heard(code: str, sentence: str) -> NotHeard:
    """Of a full disk not its own sentence, which says that nothing was kept: the song was."""
    return NotHeard("The machine's disk is full." if code == DiskFull.code else sentence)
