"""What happens in one schedule, and when: a seed's members ask for jobs while processes die around them."""

import random
from dataclasses import dataclass
from enum import StrEnum

MEMBERS = (900_100_200_300_400_001, 900_100_200_300_400_002, 900_100_200_300_400_003)
WORKERS = ("worker-a", "worker-b")
BOT = "bot"
SECONDS = 2.0


class What(StrEnum):
    """What can happen."""

    MATCH = "match"
    TRAIN = "train"
    COVER = "cover"
    COVER_OF_LIBRARY = "cover of the library"
    CANCEL = "cancel"
    DELETE_VOICE = "delete voice"
    FORGET = "forget"
    TIDY = "tidy"
    KILL = "SIGKILL"
    TERM = "SIGTERM"
    STOP = "SIGSTOP"
    LOCK = "lock"
    AWAY = "discord away"


REQUESTS = (What.MATCH, What.TRAIN, What.COVER, What.COVER_OF_LIBRARY)
SIGNALS = (What.KILL, What.TERM, What.STOP)
TROUBLE = (*SIGNALS, *SIGNALS, What.LOCK, What.AWAY, What.TIDY)


@dataclass(frozen=True)
class Event:
    """Something that happens `at` so many seconds: to a member or a process, for `seconds`.

    Who does it dies before the line `dies_at` that it executes of ours, 0: does not die.
    """

    at: float
    what: What
    member: int = 0
    process: str = ""
    seconds: float = 0.0
    dies_at: int = 0

    def __str__(self) -> str:
        whom = self.process or (f"member {self.member % 10}" if self.member else "")
        dies = f"dies before line {self.dies_at}" if self.dies_at else ""
        lasts = f"for {self.seconds:.2f} s" if self.seconds else ""
        return " ".join(part for part in (f"{self.at:5.2f} s", self.what, whom, lasts, dies) if part)


@dataclass(frozen=True)
class Schedule:
    """The events of a seed in their order, and the lines before which one start of a process after another dies."""

    seed: int
    events: tuple[Event, ...]
    deaths: tuple[int, ...]

    def __str__(self) -> str:
        deaths = ", ".join(str(line) if line else "not" for line in self.deaths)
        return "\n".join([f"seed {self.seed}; starts die before line: {deaths}", *map(str, self.events)])


def scheduled(seed: int) -> Schedule:
    """The schedule of a seed."""
    rng = random.Random(seed)
    events = [_request(rng) for _ in range(rng.randint(4, 8))]
    events += [_trouble(rng) for _ in range(rng.randint(2, 6))]
    events += [_second_thought(rng, What.CANCEL) for _ in range(rng.randint(0, 3))]
    events += [_second_thought(rng, What.DELETE_VOICE) for _ in range(rng.randint(0, 2))]
    events += [_second_thought(rng, What.FORGET)] if rng.random() < 0.5 else []
    gone: dict[int, float] = {event.member: event.at for event in events if event.what is What.FORGET}
    stay = [event for event in events if event.what is What.FORGET or event.at < gone.get(event.member, SECONDS)]
    deaths = tuple(_line(rng, 0.5) for _ in range(6))
    return Schedule(seed, tuple(sorted(stay, key=lambda event: event.at)), deaths)


def _request(rng: random.Random) -> Event:
    at, what = rng.uniform(0.0, 0.8 * SECONDS), rng.choice(REQUESTS)
    return Event(at, what, member=rng.choice(MEMBERS), dies_at=_line(rng, 0.15))


def _second_thought(rng: random.Random, what: What) -> Event:
    return Event(rng.uniform(0.3, SECONDS), what, member=rng.choice(MEMBERS), dies_at=_line(rng, 0.25))


def _trouble(rng: random.Random) -> Event:
    at, what = rng.uniform(0.1, SECONDS), rng.choice(TROUBLE)
    if what is What.TIDY:
        return Event(at, what, dies_at=_line(rng, 0.5))
    process = rng.choice((*WORKERS, *WORKERS, BOT)) if what in SIGNALS else ""
    longest = 1.5 if process in WORKERS else 0.5
    seconds = 0.0 if what in (What.KILL, What.TERM) else rng.uniform(0.1, longest)
    return Event(at, what, process=process, seconds=seconds)


def _line(rng: random.Random, chance: float) -> int:
    """The number of a line to die before, early ones as likely as late ones; 0 more often than not."""
    return int(10 ** rng.uniform(1.0, 3.8)) if rng.random() < chance else 0
