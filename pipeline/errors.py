"""What can be wrong with sound, each error with the sentence for its reader.

SoundError
├── UnreadableSound      not a file that can be decoded
│   ├── NotAudio
│   ├── EmptyFile
│   ├── CutOff
│   ├── Encrypted
│   └── InvalidSamples
├── UnsuitableSound      sound, but not fit for the purpose
│   ├── TooShort
│   ├── TooLong
│   ├── TooLarge
│   ├── TooManyChannels
│   ├── LowRate
│   ├── Silent
│   ├── SilentFile
│   ├── NoVoice
│   ├── VoiceMissing
│   ├── OnlyNoise
│   ├── LengthsApart
│   ├── Clipped
│   ├── Noisy
│   ├── MusicBehind
│   ├── SeveralSpeakers
│   ├── OtherSpeaker
│   ├── SentenceNotRead
│   └── NotEnoughSpeech
├── NotProvided          for the operator to provide; members read the bot's own sentence
│   ├── EmptyLibrary
│   ├── EncoderMissing
│   └── ModelUnusable
├── VoiceOutdated
├── UnequalShares
├── CrewLost
└── OutOfMemory
"""

import string
from collections.abc import Mapping
from math import floor
from typing import Any, ClassVar

from pipeline.captions import figure


class _Filled(string.Formatter):
    """Numbers as people read them."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, int | float):
            return figure(value, format_spec)
        return str(super().format_field(value, format_spec))


def rounded_down(value: float, decimals: int) -> float:
    """The number with so many decimals that is not above this one."""
    scale = float(10**decimals)
    return floor(round(value * scale, 6)) / scale


class SoundError(Exception):
    """Something a reader can understand and mend.

    `code` names the sentence (the bot keeps a translation under it), `params` fill it.
    """

    code: ClassVar[str] = "sound_error"
    sentence: ClassVar[str] = "This sound cannot be used."
    short: ClassVar[Mapping[str, int]] = {}
    """Which of them is less than a limit, with the decimals that are shown: never rounded up to what would be enough"""

    def __init__(self, **params: Any) -> None:
        params |= {name: rounded_down(params[name], decimals) for name, decimals in self.short.items()}
        self.params = params
        super().__init__(_Filled().vformat(self.sentence, (), params))


class UnreadableSound(SoundError):
    """The file cannot be decoded."""


class NotAudio(UnreadableSound):
    """No decodable audio stream. Params: name."""

    code = "not_audio"
    sentence = "{name} is not audio that I can read. Send OGG, MP3, M4A, FLAC, WAV or WebM."


class EmptyFile(UnreadableSound):
    """Zero bytes, or a container without one sample. Params: name."""

    code = "empty_file"
    sentence = "{name} is empty. Record or upload it again."


class CutOff(UnreadableSound):
    """Less sound than the container declares. Params: name, seconds, declared."""

    code = "cut_off"
    sentence = "{name} breaks off after {seconds:.1f} of {declared:.1f} seconds. Upload it again."


class Encrypted(UnreadableSound):
    """A shop's file that only its own player may open. Params: name."""

    code = "encrypted"
    sentence = "{name} is protected against copying and cannot be read. Send a file without protection."


class InvalidSamples(UnreadableSound):
    """NaN or infinite samples. Params: name."""

    code = "invalid_samples"
    sentence = "{name} holds values that are not sound (NaN). Export it again."


class UnsuitableSound(SoundError):
    """Readable sound that does not fit the purpose."""


class TooShort(UnsuitableSound):
    """Params: name, seconds, limit."""

    code = "too_short"
    short: ClassVar = {"seconds": 1}
    sentence = "{name} lasts {seconds:.1f} s; at least {limit:.0f} s are needed. Send a longer one."


class TooLong(UnsuitableSound):
    """Params: name, limit (minutes)."""

    code = "too_long"
    sentence = "{name} is longer than {limit:.0f} min. Cut it and send a part."


class TooLarge(UnsuitableSound):
    """Params: name, megabytes, limit."""

    code = "too_large"
    sentence = "{name} has {megabytes:.0f} MB; at most {limit:.0f} MB can be taken. Send a compressed or shorter file."


class TooManyChannels(UnsuitableSound):
    """Params: name, channels."""

    code = "too_many_channels"
    sentence = "{name} has {channels} channels. Send it in mono or stereo."


class LowRate(UnsuitableSound):
    """Params: name, rate, limit (kHz)."""

    code = "low_rate"
    sentence = (
        "{name} was recorded at {rate:g} kHz, as a telephone does; at least {limit:g} kHz are needed. "
        "Send a better recording: Discord's own voice messages will do."
    )


class Silent(UnsuitableSound):
    """Params: name."""

    code = "silent"
    sentence = "{name} is silent. Check the microphone and record again."


class SilentFile(UnsuitableSound):
    """A song or an instrumental without sound. Params: name."""

    code = "silent_file"
    sentence = "Nothing is to be heard in {name}. Export it again, or send another file."


class NoVoice(UnsuitableSound):
    """A song in which nobody sings. Params: name."""

    code = "no_voice"
    sentence = "No voice was heard in {name}, so there is nothing to sing. Send a song with vocals."


class VoiceMissing(UnsuitableSound):
    """A note in which nobody speaks or sings. Params: name, seconds (of voice), limit."""

    code = "voice_missing"
    short: ClassVar = {"seconds": 1}
    sentence = (
        "{name} holds {seconds:.1f} seconds of voice; at least {limit:.0f} are needed. Speak or sing close to the "
        "microphone, and record again."
    )


class OnlyNoise(UnsuitableSound):
    """A note of noise alone. Params: name."""

    code = "only_noise"
    sentence = (
        "{name} is noise: no voice stands out of it. Speak or sing close to the microphone in a quiet room, and record "
        "again."
    )


class LengthsApart(UnsuitableSound):
    """Params: name, seconds (of the instrumental), song, song_seconds, limit (s)."""

    code = "lengths_apart"
    sentence = (
        "The instrumental {name} lasts {seconds:.1f} seconds and {song} {song_seconds:.1f}; they may differ by "
        "{limit:.0f} at most. Send an instrumental of the same version, or cut both to the same part."
    )


class Clipped(UnsuitableSound):
    """Params: name, percent."""

    code = "clipped"
    sentence = (
        "{name} is distorted: {percent:.0f} % of it is too loud for the microphone. Record again, more softly or from "
        "farther away."
    )


class Noisy(UnsuitableSound):
    """Params: name, found, needed (dB)."""

    code = "noisy"
    short: ClassVar = {"found": 1}
    sentence = (
        "{name} is too noisy to learn from: the voice is {found:.1f} dB above the noise, at least {needed:.0f} dB are "
        "needed. Record again in a quiet room, close to the microphone and without music."
    )


class MusicBehind(UnsuitableSound):
    """Music sounds behind the voice of a note. Params: name."""

    code = "music_behind"
    sentence = (
        "Music is heard behind the voice in {name}. Record it again without music; to sing along, listen through "
        "headphones."
    )


class SeveralSpeakers(UnsuitableSound):
    """Two people speak in one note. Params: name, seconds (of the one who speaks less)."""

    code = "several_speakers"
    sentence = (
        "In {name} a second person is heard for about {seconds:.0f} s. Send recordings in which only you are heard."
    )


class OtherSpeaker(UnsuitableSound):
    """Whole notes are of somebody else than most. Params: names."""

    code = "other_speaker"
    sentence = "Another person than in your other notes is heard in {names}. Send only recordings of your own voice."


class SentenceNotRead(UnsuitableSound):
    """Other words than those of the sentence are heard. Params: name."""

    code = "sentence_not_read"
    sentence = (
        "In {name} I did not hear the words at the end of the sentence. Read it aloud again, clearly and in the order "
        "shown, and send the new recording."
    )


class NotEnoughSpeech(UnsuitableSound):
    """Params: seconds, limit."""

    code = "not_enough_speech"
    short: ClassVar = {"seconds": 0}
    sentence = (
        "Only {seconds:.0f} s of voice were found in your notes; at least {limit:.0f} s are needed. Send more notes."
    )


class NotProvided(SoundError):
    """Something that the operator has to provide, and reads of in the log: the sentence names what.

    Members read a sentence of the bot's own, in both languages: a model's name or a command line helps none of them.
    """

    code = "not_provided"
    sentence = "Something that this needs is not here."


class EmptyLibrary(NotProvided):
    """No voice to compare with was embedded by the model in use. Params: model."""

    code = "empty_library"
    sentence = "The library has no singers to compare with now. Ask the operator to add them again (for {model})."


class EncoderMissing(NotProvided):
    """The voice needs a content encoder whose weights are not here. Params: name, model."""

    code = "encoder_missing"
    sentence = (
        "The voice {name} cannot sing yet: {model} is missing. "
        "Ask the operator to fetch it: discovervoice models pull contentvec"
    )


class ModelUnusable(NotProvided):
    """A model that was chosen is gone, or its file does not fit its network. Params: reason."""

    code = "model_unusable"
    sentence = "A model that this needs cannot be used. Tell the operator: {reason}"


class VoiceOutdated(SoundError):
    """The voice was trained on another content encoder's features. Params: name."""

    code = "voice_outdated"
    sentence = "The voice {name} was trained for an older version of this service. Train it again: /train"


class UnequalShares(SoundError):
    """A batch cannot be dealt equally to the processes that train together. Params: batch, processes."""

    code = "unequal_shares"
    sentence = (
        "A batch of {batch} cannot be dealt to {processes} processes: start as many as divide it, or set `batch` anew."
    )


class CrewLost(SoundError):
    """One of the processes that train together has ended, and with it the training."""

    code = "crew_lost"
    sentence = "Another process of this training has ended. Start it again: what was saved is taken up."


class OutOfMemory(SoundError):
    """Memory ran out, of the device or of the machine, with the smallest pieces of the work."""

    code = "out_of_memory"
    sentence = "The machine ran out of memory, so nothing new was made. Try a shorter recording, or tell the operator."
