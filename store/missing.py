"""What is not there, or not for whoever asks: each kind with the step that helps.

NotFound
├── NoSuchVoice         no voice that the member may use
├── NoSuchSong          no song of the library
├── NoSuchJob           no job of the member
├── ResultGone          a result that is not kept any more
├── FileGone            a file that is not kept any more
├── NotesGone           the notes of a job are not kept any more
├── ClipGone            a clip of a listening test that was withdrawn
├── NoteGone            a note that is not in the basket any more
├── NoSuchServerSong    no song of this server's own
├── NoSuchServerSinger  no singer of this server's own
├── SongsGone           the song of a job is not kept any more
├── CoverSongGone       the song of a cover is not kept any more
├── NoResultShown       a message that shows no result
├── ReportGone          a report that is not kept any more
├── NotBlocked          a member whom nobody has blocked
├── NoSingers           the library has nobody to compare with
├── NoSuchListeningTest no listening test of this number
└── NothingRuns         no listening test to stop
"""

from store.errors import NotFound


class NoSuchVoice(NotFound):
    """No voice that this member may use."""

    code = "no_such_voice"
    sentence = "There is no such voice. /voices lists yours; /train makes one."


class NoSuchSong(NotFound):
    """No song of the library."""

    code = "no_such_song"
    sentence = "There is no such song. Pick a title in /cover, or send a song file with it."


class NoSuchJob(NotFound):
    """No job of this member."""

    code = "no_such_job"
    sentence = "There is no such job. /jobs lists yours."


class ResultGone(NotFound):
    """A result that was removed, or that is not there yet."""

    code = "result_gone"
    sentence = "There is no such result any more. /jobs lists what is kept; /cover and /match make new ones."


class FileGone(NotFound):
    """A media file that was removed."""

    code = "file_gone"
    sentence = "There is no such file any more. Send it again with /cover, /match or /train."


class NotesGone(NotFound):
    """The voice notes of a job were removed before it began."""

    code = "notes_gone"
    sentence = "There is no voice note left in this job. Send your notes again with /match or /train."


class ClipGone(NotFound):
    """A clip of a listening test that was withdrawn."""

    code = "clip_gone"
    sentence = "This clip is not in the test any more. Rate the others; /listening-tests is about clips of your own."


class NoteGone(NotFound):
    """A note that was removed from its basket."""

    code = "note_gone"
    sentence = "There is no such note any more. /notes shows your basket."


class NoSuchServerSong(NotFound):
    """None that this server has added."""

    code = "no_such_server_song"
    sentence = "There is no such song of this server. /songs list shows them."


class NoSuchServerSinger(NotFound):
    """None that this server has added."""

    code = "no_such_server_singer"
    sentence = "There is no such singer of this server. /singers list shows them."


class SongsGone(NotFound):
    """What a moderator sent was removed before it was heard."""

    code = "songs_gone"
    sentence = "There is no song left in this job. Send it again with /songs add."


class CoverSongGone(NotFound):
    """What a cover was made of was removed after its time, or from its library."""

    code = "cover_song_gone"
    sentence = "There is no song of this cover here any more. Send it again with /cover."


class NoResultShown(NotFound):
    """A message that shows no result of a job."""

    code = "no_result_shown"
    sentence = "There is no result in this message. Use it on the message with the cover; /help tells what there is."


class ReportGone(NotFound):
    """A report that was removed with its member."""

    code = "report_gone"
    sentence = "There is no such report any more. /blocked lists who is blocked here."


class NotBlocked(NotFound):
    """Nobody has blocked this member here."""

    code = "not_blocked"
    sentence = "There is no such blocked member. /blocked lists who is blocked here."


class NoSingers(NotFound):
    """The library is empty."""

    code = "no_singers"
    sentence = "There is no voice in the library yet, so nobody can be compared with. /cover sings without it."


class NoSuchListeningTest(NotFound):
    """None of this number in this server."""

    code = "no_such_listening_test"
    sentence = "There is no such listening test. /mos start begins one."


class NothingRuns(NotFound):
    """No listening test runs in this server."""

    code = "nothing_runs"
    sentence = "There is no listening test that runs here. /mos start begins one."
