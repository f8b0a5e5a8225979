"""A member asks for a part of a cover of theirs that is kept beside its message."""

from dataclasses import dataclass

from sqlmodel import select

from store.database import Store
from store.missing import CoverSongGone
from store.params import cover_params
from store.tables import Job, Outbox, Voice
from store.use_cases.delivery import MessageFile, part_file
from store.use_cases.own_cover import own_cover
from store.use_cases.sing_again import song_of


@dataclass(frozen=True)
class PartOfCover:
    """A cover and its part; without a file, whether its song and its voice are there to sing it again."""

    job: Job
    file: MessageFile | None
    song_kept: bool
    voice_kept: bool


def cover_part(store: Store, job_id: str, user_id: int, part: str) -> PartOfCover:
    """A part by its role (`store.use_cases.work.PARTS`). Raises NoSuchJob, ResultGone."""
    with store.read() as session:
        cover = own_cover(session, job_id, user_id)
        rows = session.exec(select(Outbox).where(Outbox.job_id == job_id)).all()
        try:
            song_of(store, session, cover_params(cover), cover.guild_id)
            kept = True
        except CoverSongGone:
            kept = False
        voice = session.get(Voice, cover_params(cover).voice_id)
    files = [file for row in rows if (file := part_file(store, row, part))]
    return PartOfCover(cover, files[0] if files else None, kept, voice is not None)
