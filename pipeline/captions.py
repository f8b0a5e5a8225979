"""The words in pictures, in each language of the members, and how numbers are written there and at the desk."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Captions:
    """One language. `{…}` are filled in where a caption is drawn."""

    alike: str
    """Above the voices of a match."""
    none: str
    """The voice that is nobody's of the library."""
    sung: str
    """What of a cover is sung by the voice."""
    rest: str
    """What of a cover is the instrumental's alone."""
    key: str
    """By how many semitones a cover lies from the song: {shift} is signed."""
    own_key: str
    generated: str
    learnt: str
    """Above the curve of a training."""
    minutes: str
    likeness: str
    best: str


ENGLISH = Captions(
    alike="Whose voice yours is like",
    none="nobody in this library",
    sung="sung by the voice",
    rest="music alone",
    key="key {shift}",
    own_key="the song's key",
    generated="AI-generated",
    learnt="How the voice learnt",
    minutes="minutes of training",
    likeness="likeness to your voice",
    best="kept: {likeness}",
)
KOREAN = Captions(
    alike="내 목소리와 닮은 목소리",
    none="여기 없는 목소리",
    sung="목소리가 부르는 곳",
    rest="반주만 나오는 곳",
    key="키 {shift}",
    own_key="원곡 키",
    generated="AI로 만든 소리",
    learnt="목소리를 배운 과정",
    minutes="학습한 시간(분)",
    likeness="내 목소리와 닮은 정도",
    best="고른 때: {likeness}",
)


def figure(value: float, spec: str) -> str:
    """A number by its format, as people read it: −3 with a minus sign, and 0 without any."""
    written = f"{value:{spec}}"
    bare = written.lstrip("+-")
    return written.replace("-", "−") if bare.strip("0.,%") else bare


def captions(language: str) -> Captions:
    """The words of a language; English for one that has none."""
    return KOREAN if language == "ko" else ENGLISH
