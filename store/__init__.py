"""What is remembered: tables, state transitions, media files; `use_cases` is what the other rooms call.

Knows nothing of sound, Discord or Redis. A name from here loads tables and database when it is first asked for: what
only needs a result, as a child that matches does, loads neither.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.database import Store, StoreSettings, existing_store, open_checked_store, open_store
    from store.errors import (
        AlreadyAnswered,
        AlreadyHandled,
        AlreadyReported,
        BasketEmpty,
        BasketFull,
        BasketShort,
        BasketUnheard,
        BlankName,
        Blocked,
        ConsentOver,
        DownloadFailed,
        DuplicateVoiceName,
        FileDamaged,
        IllegalMove,
        IndexWrong,
        KeptShorter,
        LibraryFull,
        MediaAway,
        NoStaffChannel,
        NoteKnown,
        NotFound,
        NotYours,
        ResultRemoved,
        SeveralFit,
        SongInUse,
        SongOrTitle,
        StoreBusy,
        StoreDamaged,
        StoreError,
        StoreNewer,
        StoreUnusable,
        TooFewSongs,
        TooManyJobs,
        VoiceNotReady,
    )
    from store.faults import refusal_of
    from store.listening_errors import (
        AlreadyListening,
        ListeningOff,
        ListeningOver,
        NothingToRate,
        OwnClip,
        ReferenceNeeded,
        SameClip,
        TooManyClips,
    )
    from store.listening_tables import (
        ClipRole,
        ListeningClip,
        ListeningConsent,
        ListeningState,
        ListeningTest,
        ListeningVote,
        Question,
    )
    from store.report_tables import MemberBlock, MemberReport, ReportReason
    from store.song_tables import SongVocals
    from store.tables import (
        BasketNote,
        Clip,
        Consent,
        Deletion,
        Job,
        JobKind,
        JobState,
        Lane,
        NoteState,
        Outbox,
        SignOfLife,
        Singer,
        Song,
        Voice,
        VoiceState,
    )
    from store.taste_tables import SongOpinion

__all__ = [
    "AlreadyAnswered",
    "AlreadyHandled",
    "AlreadyListening",
    "AlreadyReported",
    "BasketEmpty",
    "BasketFull",
    "BasketNote",
    "BasketShort",
    "BasketUnheard",
    "BlankName",
    "Blocked",
    "Clip",
    "ClipRole",
    "Consent",
    "ConsentOver",
    "Deletion",
    "DownloadFailed",
    "DuplicateVoiceName",
    "FileDamaged",
    "IllegalMove",
    "IndexWrong",
    "Job",
    "JobKind",
    "JobState",
    "KeptShorter",
    "Lane",
    "LibraryFull",
    "ListeningClip",
    "ListeningConsent",
    "ListeningOff",
    "ListeningOver",
    "ListeningState",
    "ListeningTest",
    "ListeningVote",
    "MediaAway",
    "MemberBlock",
    "MemberReport",
    "NoStaffChannel",
    "NotFound",
    "NotYours",
    "NoteKnown",
    "NoteState",
    "NothingToRate",
    "Outbox",
    "OwnClip",
    "Question",
    "ReferenceNeeded",
    "ReportReason",
    "ResultRemoved",
    "SameClip",
    "SeveralFit",
    "SignOfLife",
    "Singer",
    "Song",
    "SongInUse",
    "SongOpinion",
    "SongOrTitle",
    "SongVocals",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreNewer",
    "StoreSettings",
    "StoreUnusable",
    "TooFewSongs",
    "TooManyClips",
    "TooManyJobs",
    "Voice",
    "VoiceNotReady",
    "VoiceState",
    "existing_store",
    "open_checked_store",
    "open_store",
    "refusal_of",
]


if not TYPE_CHECKING:  # for a type checker every name would exist

    def __getattr__(name: str) -> object:
        """One of `__all__`. Raises AttributeError for others, modules among them, which Python imports then."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from store import (
            database,
            errors,
            faults,
            listening_errors,
            listening_tables,
            report_tables,
            song_tables,
            tables,
            taste_tables,
        )

        homes = (
            database,
            errors,
            faults,
            listening_errors,
            listening_tables,
            report_tables,
            song_tables,
            tables,
            taste_tables,
        )
        return next(vars(home)[name] for home in homes if name in vars(home))
