"""A member requests a cover in one of their voices; voice and song are looked up by id or name."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from store import cache, library, names, voices
from store.database import Store
from store.errors import NothingMixed, SongOrTitle
from store.missing import NoSuchSong, NoSuchVoice
from store.params import CoverParams
from store.retention import files_or_nothing
from store.tables import Job, Lane, Song, Voice, VoiceState
from store.use_cases.accept import Requester, SavedFile, accept, enqueue


@dataclass(frozen=True)
class CoverRequest:
    """Which voice is to sing which song.

    `voice` is `#12`, the id that was picked, or a name; `song` is an uploaded file, `title` an id or title of the
    library: exactly one of them. `song_name` is what the song is called on cards, by default the file's or the
    library's name. `instrumental` is an uploaded file to mix the vocals with. `key_shift`, `vocal_level`,
    `max_bytes` and `vocals_only` are those of `CoverParams`.
    """

    voice: str
    song: SavedFile | None = None
    title: str | None = None
    song_name: str = ""
    key_shift: int | None = None
    vocal_level: int = 0
    max_bytes: int | None = None
    vocals_only: bool = False
    instrumental: SavedFile | None = None


def request_cover(store: Store, requester: Requester, request: CoverRequest, *, lease_to: str | None = None) -> Job:
    """Queue a cover, in one transaction; return the queued job (with `lease_to`: running, leased to this owner).

    Raises SongOrTitle, NotFound, VoiceNotReady, SeveralFit, NothingMixed, TooManyJobs, DownloadFailed; then neither a
    row nor a file of the request remains.
    """
    files = [file for file in (request.song, request.instrumental) if file]
    with files_or_nothing(store, (file.key for file in files)), store.write() as session:
        check_song(request.song, request.title)
        params = cover_of(session, requester, request)
        job = accept(session, store, requester, params, files, cover_lane(store, session, params))
        return enqueue(session, job, lease_to)


def check_song(song: object | None, title: str | None) -> None:
    """Raise SongOrTitle unless exactly one of the two is given."""
    if (song is None) == (title is None):
        raise SongOrTitle


def check_cover(
    store: Store, user_id: int, voice: str, song: object | None, title: str | None, guild_id: int | None = None
) -> None:
    """Raise what `request_cover` would, of all that can be told before a song is downloaded.

    Raises SongOrTitle, NotFound, VoiceNotReady, SeveralFit.
    """
    check_song(song, title)
    with store.read() as session:
        find_voice(session, voice, user_id)
        if title is not None:
            find_song(session, title, guild_id)


def find_voice(session: Session, text: str, user_id: int) -> Voice:
    """The member's ready voice: by the id that was picked, by its name, or by what fits no other ready one.

    Raises NotFound, VoiceNotReady, SeveralFit.
    """
    named = voices.by_name(session, user_id, text) or voices.by_name(session, voices.PUBLIC, text)
    number = _picked(text)
    if named is not None and (number is None or not text.startswith("#")):
        number = named.id
    if number is None:
        like = names.chosen(text, ready_voices(session, user_id, ""), lambda one: (one.name,), lambda one: one.name)
        number = like.id if like else None
    if number is None:
        raise NoSuchVoice
    return voices.usable(session, number, user_id)


def find_song(session: Session, text: str, guild_id: int | None = None) -> Song:
    """The song that a guild sees: by the id that was picked, by its title, or by what fits no other song.

    Raises NotFound, SeveralFit.
    """
    number = _picked(text)
    if number is not None and text.startswith("#"):
        return library.seen_song(session, number, guild_id)
    fitting = library.find_titles(session, text, guild_id) or library.find_titles(session, "", guild_id)
    found = names.chosen(text, fitting, lambda one: (one.title, song_title(one)), numbered_title)
    number = found.id if found else number
    if number is None:
        raise NoSuchSong
    return library.seen_song(session, number, guild_id)


def search_songs(session: Session, text: str, guild_id: int | None = None) -> Sequence[Song]:
    """Songs that a guild sees whose title or singer fits the text, best first, at most 25."""
    return library.find_songs(session, text, guild_id)


def ready_voices(session: Session, user_id: int, text: str) -> Sequence[Voice]:
    """The ready voices whose name fits the text, best first; all, the member's own before the free ones, without."""
    both = [*voices.of_owner(session, user_id), *voices.of_owner(session, voices.PUBLIC)]
    ready = [voice for voice in both if voice.state == VoiceState.READY]
    return names.fitting(text, ready, lambda voice: (voice.name,))


def song_title(song: Song | library.Titled) -> str:
    """`Singer - Title`, or the title."""
    return f"{song.singer} - {song.title}" if song.singer else song.title


def numbered_title(song: Song | library.Titled) -> str:
    """`Singer - Title (#12)`: by this, and by its number, it can be asked for."""
    return f"{song_title(song)} (#{song.id})"


def cover_of(session: Session, requester: Requester, request: CoverRequest) -> CoverParams:
    """What the job of this request is told. Raises NotFound, VoiceNotReady, SeveralFit, NothingMixed."""
    voice = find_voice(session, request.voice, requester.user_id)
    chosen = None if request.song else find_song(session, request.title or "", requester.guild_id)
    name = song_title(chosen) if chosen else (request.song.name if request.song else "")
    if request.vocal_level and request.vocals_only and request.instrumental is None:
        raise NothingMixed
    return CoverParams(
        song_name=names.tidy(request.song_name) or name,
        voice_id=voice.id or 0,
        voice_name=voice.name,
        song_key=request.song.key if request.song else None,
        song_id=chosen.id if chosen else None,
        key_shift=request.key_shift,
        vocal_level=request.vocal_level,
        max_bytes=request.max_bytes,
        vocals_only=request.vocals_only,
        instrumental_key=request.instrumental.key if request.instrumental else None,
        instrumental_name=request.instrumental.name if request.instrumental else "",
        free_voice=voice.owner_id == voices.PUBLIC,
    )


def cover_lane(store: Store, session: Session, params: CoverParams) -> Lane:
    """A cover of a song that was heard before is quick: its stems and the features of its vocals are there."""
    key = params.song_key or library.song(session, params.song_id or 0).media_key
    return Lane.QUICK if cache.is_heard(store, key, vocals_only=params.vocals_only) else Lane.HEAVY


def _picked(text: str) -> int | None:
    """The id in a choice's value (`#12`), or typed by hand."""
    digits = text.strip().removeprefix("#")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else None
