"""What is remembered: tables, state transitions, media files; `use_cases` is what the other rooms call.

Knows nothing of sound, Discord or Redis.
"""

from store.database import Store, StoreSettings, open_checked_store, open_store, private_files
from store.errors import (
    AlreadyAnswered,
    BlankName,
    ConsentOver,
    DownloadFailed,
    DuplicateVoiceName,
    FileDamaged,
    IllegalMove,
    NotFound,
    NotYours,
    SeveralFit,
    SongOrTitle,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreNewer,
    StoreUnusable,
    TooManyJobs,
    VoiceNotReady,
)
from store.faults import refusal_of
from store.tables import Clip, Consent, Deletion, Job, JobKind, JobState, Outbox, Singer, Song, Voice, VoiceState

__all__ = [
    "AlreadyAnswered",
    "BlankName",
    "Clip",
    "Consent",
    "ConsentOver",
    "Deletion",
    "DownloadFailed",
    "DuplicateVoiceName",
    "FileDamaged",
    "IllegalMove",
    "Job",
    "JobKind",
    "JobState",
    "NotFound",
    "NotYours",
    "Outbox",
    "SeveralFit",
    "Singer",
    "Song",
    "SongOrTitle",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreNewer",
    "StoreSettings",
    "StoreUnusable",
    "TooManyJobs",
    "Voice",
    "VoiceNotReady",
    "VoiceState",
    "open_checked_store",
    "open_store",
    "private_files",
    "refusal_of",
]
