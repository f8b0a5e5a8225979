"""A member requests a match: which singers do they sound like?"""

from collections.abc import Sequence

from store.database import Store
from store.params import MatchParams
from store.retention import files_or_nothing, remove_unreferenced
from store.tables import Job
from store.use_cases.accept import Requester, SavedFile, accept, add_clips, different, enqueue


def request_match(
    store: Store, requester: Requester, notes: Sequence[SavedFile], source: str, *, lease_to: str | None = None
) -> Job:
    """Queue a match of these voice notes, in one transaction; return the queued job.

    Args:
        store: where the rows and files are.
        requester: whose job it is, and where its result is delivered.
        notes: the recordings, already in the media folder; one that is sent twice counts once.
        source: how they were sent: "command", "message", "cli", "demo".
        lease_to: the lease owner who starts at once; the job is returned running then.

    Raises TooManyJobs, DownloadFailed; then neither a row nor a file of the request remains.
    """
    with files_or_nothing(store, (note.key for note in notes)), store.write() as session:
        once = different(notes)
        job = accept(session, store, requester, MatchParams(), once)
        add_clips(session, store, job, once, source)
        queued = enqueue(session, job, lease_to)
    remove_unreferenced(store, {note.key for note in notes})
    return queued
