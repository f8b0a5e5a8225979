"""What is remembered: tables, state transitions, media files. Knows nothing of the other rooms."""

from store.database import Store, open_store
from store.errors import (
    DuplicateVoiceName,
    IllegalMove,
    NotFound,
    NotYours,
    StoreError,
    StoreUnusable,
    TooManyJobs,
    VoiceNotReady,
)
from store.settings import StoreSettings
from store.tables import Clip, Consent, Job, JobKind, JobState, Outbox, Singer, Song, Voice, VoiceState

__all__ = [
    "Clip",
    "Consent",
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
