"""What is remembered: tables, state transitions, media files; `use_cases` is what the other rooms call.

Knows nothing of sound, Discord or Redis.
"""

from store.database import Store, StoreSettings, open_store
from store.errors import (
    AlreadyAnswered,
    ConsentOver,
    DownloadFailed,
    DuplicateVoiceName,
    IllegalMove,
    NotFound,
    NotYours,
    SongOrTitle,
    StoreError,
    StoreUnusable,
    TooManyJobs,
    VoiceNotReady,
)
from store.tables import (
    Clip,
    Consent,
    Deletion,
    Job,
    JobKind,
    JobState,
    Outbox,
    Singer,
    Song,
    SongVocals,
    Voice,
    VoiceState,
)

__all__ = [
    "AlreadyAnswered",
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
    "Singer",
    "Song",
    "SongOrTitle",
    "SongVocals",
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
