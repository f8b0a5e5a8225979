"""What is remembered: tables, state transitions, media files; `use_cases` is what the other rooms call.

Knows nothing of sound, Discord or Redis.
"""

from store.database import Store, StoreSettings, open_store
from store.errors import (
    AlreadyAnswered,
    BlankName,
    ConsentOver,
    DownloadFailed,
    DuplicateVoiceName,
    IllegalMove,
    NotFound,
    NotYours,
    SeveralFit,
    SongOrTitle,
    StoreError,
    StoreUnusable,
    TooManyJobs,
    VoiceNotReady,
)
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
    "StoreError",
    "StoreSettings",
    "StoreUnusable",
    "TooManyJobs",
    "Voice",
    "VoiceNotReady",
    "VoiceState",
    "open_store",
]
