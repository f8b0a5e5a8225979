"""What the service does for people: each use case is one function, its rows one transaction.

The bot, the worker, the command line and the demo call these and nothing below them to change rows. A use case that is
refused raises a StoreError and leaves neither a row nor a file behind.
"""

from store.retention import Forgotten
from store.use_cases.accept import Requester, SavedFile, save_files
from store.use_cases.cancel import abandon_dead, abandon_job, cancel_job
from store.use_cases.cover import (
    CoverRequest,
    check_song,
    find_song,
    find_voice,
    ready_voices,
    request_cover,
    search_songs,
    song_title,
)
from store.use_cases.forget import forget
from store.use_cases.library import NewSinger, NewSong, add_singer, add_song
from store.use_cases.match import request_match
from store.use_cases.training import (
    TrainingRequest,
    agree,
    decline,
    request_agreed_training,
    request_training,
)
from store.use_cases.voices import (
    ImportedVoice,
    check_voice_name,
    delete_voice,
    keep_voice,
    own_voice,
    voice_named,
    voices_of,
)

__all__ = [
    "CoverRequest",
    "Forgotten",
    "ImportedVoice",
    "NewSinger",
    "NewSong",
    "Requester",
    "SavedFile",
    "TrainingRequest",
    "abandon_dead",
    "abandon_job",
    "add_singer",
    "add_song",
    "agree",
    "cancel_job",
    "check_song",
    "check_voice_name",
    "decline",
    "delete_voice",
    "find_song",
    "find_voice",
    "forget",
    "keep_voice",
    "own_voice",
    "ready_voices",
    "request_agreed_training",
    "request_cover",
    "request_match",
    "request_training",
    "save_files",
    "search_songs",
    "song_title",
    "voice_named",
    "voices_of",
]
