"""The use cases of the service: each is one function, its rows one transaction.

The bot, the worker, the command line and the demo perform these to change rows. A use case that is refused raises a
StoreError and leaves neither a row nor a file behind.
"""

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
from store.use_cases.delivery import (
    JobMessage,
    MessageFile,
    discard_unfinished,
    due_messages,
    give_up_message,
    mark_sent,
    message_files,
    postpone_message,
    undelivered_message,
)
from store.use_cases.forget import Forgotten, forget
from store.use_cases.library import NewSinger, NewSong, add_singer, add_song
from store.use_cases.match import request_match
from store.use_cases.progress import PlacedJob, jobs_with_cards, keep_card, placed_job, recent_jobs
from store.use_cases.training import TrainingRequest, agree, decline, request_agreed_training, request_training
from store.use_cases.voices import (
    NewVoice,
    check_voice_name,
    delete_voice,
    keep_voice,
    own_voice,
    voice_named,
    voices_of,
)
from store.use_cases.work import (
    JobProgress,
    LeaseLost,
    confirm_cancel,
    deliver_to_operator,
    fail_job,
    finish_job,
    give_back_job,
    renew_job,
    sweep_jobs,
    take_job,
    take_next_job,
)

__all__ = [
    "CoverRequest",
    "Forgotten",
    "JobMessage",
    "JobProgress",
    "LeaseLost",
    "MessageFile",
    "NewSinger",
    "NewSong",
    "NewVoice",
    "PlacedJob",
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
    "confirm_cancel",
    "decline",
    "delete_voice",
    "deliver_to_operator",
    "discard_unfinished",
    "due_messages",
    "fail_job",
    "find_song",
    "find_voice",
    "finish_job",
    "forget",
    "give_back_job",
    "give_up_message",
    "jobs_with_cards",
    "keep_card",
    "keep_voice",
    "mark_sent",
    "message_files",
    "own_voice",
    "placed_job",
    "postpone_message",
    "ready_voices",
    "recent_jobs",
    "renew_job",
    "request_agreed_training",
    "request_cover",
    "request_match",
    "request_training",
    "save_files",
    "search_songs",
    "song_title",
    "sweep_jobs",
    "take_job",
    "take_next_job",
    "undelivered_message",
    "voice_named",
    "voices_of",
]
