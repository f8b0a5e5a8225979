"""What the bot refuses, each error with the sentence for its reader.

BotError
├── NoToken              the operator has not given a token
├── WrongToken           Discord does not know the token
├── Unreachable          Discord cannot be reached
└── Refusal              shown to the member who asked
    ├── NoAudio            the message has no audio file
    ├── NotSound           a picture, a text or an archive
    ├── EmptyAttachment    an attachment of 0 bytes
    ├── AttachmentTooLarge an attachment over the limit
    ├── TooManyNotes       more notes than one command takes
    ├── BadVoiceName       not a name for a voice
    ├── ModeratorsOnly     a command of moderators, used by somebody else
    ├── EveryoneModerates  @everyone as the role of moderators
    ├── MemberUnreachable  a warning that the member's direct messages do not take
    ├── MissingRights      the bot may not do in this channel what a command needs
    ├── MayNotWrite        to share where the member may not write
    ├── NoVoiceMessages    a channel in which Discord takes no voice messages
    ├── UnknownButton      a button or menu that this bot does not make
    ├── UnknownCommand     a command or option that Discord shows and this bot has no more
    ├── DiscordAway        Discord is in trouble and took nothing
    ├── AnswerRefused      what the answer belongs to is gone, or closed to the bot
    ├── FileRefused        a file of ours that Discord does not take here
    └── Internal           a bug of ours; the log has it under the reference
"""

from typing import Any, ClassVar


class BotError(Exception):
    """`code` names the sentence (`texts/ko.toml` keeps a translation under it), `params` fill it."""

    code: ClassVar[str] = "bot_error"
    sentence: ClassVar[str] = "The bot cannot do this."

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.sentence.format(**params))


class NoToken(BotError):
    """DISCORD_TOKEN is empty."""

    code = "no_token"
    sentence = "DISCORD_TOKEN is not set. Put your bot's token in the environment or in .env."


class WrongToken(BotError):
    """The log-in was refused."""

    code = "wrong_token"
    sentence = "Discord does not accept DISCORD_TOKEN. Copy the token anew from the Developer Portal (Bot page)."


class Unreachable(BotError):
    """The log-in did not reach Discord. Params: reason."""

    code = "unreachable"
    sentence = "Discord cannot be reached ({reason}). Check the network and start again."


class Refusal(BotError):
    """A request that a member can mend."""

    code = "refusal"
    sentence = "This cannot be done."


class NoAudio(Refusal):
    """Neither the message nor what was sent with the command holds sound."""

    code = "no_audio"
    sentence = (
        "There is no voice note or audio file here. Choose a message that has one, or send a file: /match compares it, "
        "/notes puts it into your basket."
    )


class NotSound(Refusal):
    """What a worker says of a file that it cannot read, before it waits for one. Params: name."""

    code = "not_audio"
    sentence = "{name} is not audio that I can read. Send OGG, MP3, M4A, FLAC, WAV or WebM."


class EmptyAttachment(Refusal):
    """Params: name."""

    code = "empty_file"
    sentence = "{name} is empty. Record or upload it again."


class AttachmentTooLarge(Refusal):
    """Params: name, megabytes, limit."""

    code = "too_large"
    sentence = "{name} has {megabytes:.0f} MB; at most {limit:.0f} MB can be taken. Send a compressed or shorter file."


class TooManyNotes(Refusal):
    """Params: limit."""

    code = "too_many_notes"
    sentence = "That is more notes than can be taken at once ({limit}). Send the others after them."


class BadVoiceName(Refusal):
    """Params: limit."""

    code = "bad_voice_name"
    sentence = "A voice's name has 1 to {limit} visible characters on one line. Choose another name."


class ModeratorsOnly(Refusal):
    """The member neither manages the server nor has its role of moderators."""

    code = "moderators_only"
    sentence = (
        "Only moderators can use this: members with the permission Manage Server, or with the moderators' role. "
        "Ask one of them."
    )


class EveryoneModerates(Refusal):
    """The role of moderators would be everybody's."""

    code = "everyone_moderates"
    sentence = "Everybody has this role, so everybody would moderate. Choose a role that only moderators have."


class MemberUnreachable(Refusal):
    """The member takes no direct messages, or Discord does not hand it over now."""

    code = "member_unreachable"
    sentence = (
        "The member could not be reached by direct message, so they are not warned. Try again, or tell them here."
    )


class MissingRights(Refusal):
    """Params: rights."""

    code = "missing_rights"
    sentence = "I lack permissions in this channel: {rights}. Give them to my role, or use another channel."


class CannotShare(Refusal):
    """The bot may not write in the channel, or the result's files are gone."""

    code = "cannot_share"
    sentence = (
        "I cannot show this there: I may not write or attach files in that channel, or its file is not kept any more. "
        "Ask a moderator for these permissions, or make it anew in another channel."
    )


class MayNotWrite(Refusal):
    """A result is to be shown where its member may neither write nor use commands, or has left the server."""

    code = "may_not_write"
    sentence = (
        "You may not write in the channel where you asked for this (any more), so I show nothing there for you. "
        "Make it anew in a channel where you may."
    )


class NoVoiceMessages(Refusal):
    """Whoever presses may send none in this channel, so that an answer may not be one either."""

    code = "no_voice_messages"
    sentence = (
        "No voice message can be sent in this channel. Show the result with /jobs in a direct message with me, and "
        "press “Voice message” there."
    )


class UnknownButton(Refusal):
    """A button of an earlier version, or one that somebody made up."""

    code = "unknown_button"
    sentence = "This button is not in use any more. Use the command again: /help lists the commands."


class UnknownCommand(Refusal):
    """Discord has shown a command of an earlier version."""

    code = "unknown_command"
    sentence = (
        "This command has changed since Discord showed it to you. Type it anew, after a restart of Discord if need be: "
        "/help lists the commands."
    )


class DiscordAway(Refusal):
    """Discord did not answer, or had no time for it."""

    code = "discord_away"
    sentence = "Discord is in trouble just now and did not take this. Nothing of yours is lost: try again in a minute."


class AnswerRefused(Refusal):
    """The message or channel is gone, the thread is archived or locked, or the bot may not write there any more."""

    code = "answer_refused"
    sentence = (
        "I cannot answer there: the message or channel is gone, or I may not write in it any more. "
        "Use the command again, here or in a direct message with me; /jobs has your results."
    )


class FileRefused(Refusal):
    """Discord takes smaller files here."""

    code = "file_refused"
    sentence = (
        "The file is larger than Discord allows here. Ask for it in a server where larger files are allowed, or ask "
        "the operator for it."
    )


class Internal(Refusal):
    """Params: reference."""

    code = "internal"
    sentence = (
        "Something went wrong on my side. Try again; if it stays so, tell the operator this reference: {reference}"
    )
