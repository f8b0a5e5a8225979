"""What happens in one schedule, and when: a seed's members ask for jobs while processes die around them."""

import random
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.dying import MOMENTS, Death

MEMBERS = (900_100_200_300_400_001, 900_100_200_300_400_002, 900_100_200_300_400_003)
WORKERS = ("worker-a", "worker-b")
BOTS = ("bot-a", "bot-b")
"""Of two each has a half of the servers."""
VALKEY = "valkey"
SECONDS = 2.0
SAMPLE = (29, 36, 37, 38, 39, 323, 560, 644, 808, 979, 996)
"""The seeds that `make test` plays, beside WRITTEN: few in which everything happens that can (`test_sample.py`)."""


class What(StrEnum):
    """What can happen."""

    MATCH = "match"
    TRAIN = "train"
    COVER = "cover"
    COVER_OF_LIBRARY = "cover of the library"
    CANCEL = "cancel"
    DELETE_VOICE = "delete voice"
    FORGET = "forget"
    READ = "read the sentence"
    TIDY = "tidy"
    KILL = "SIGKILL"
    TERM = "SIGTERM"
    STOP = "SIGSTOP"
    LOCK = "lock"
    FULL = "disk full"
    CRAMPED = "no room for the log"
    AWAY = "discord away"
    DOWN = "discord 503"
    SHUT = "channel 403"
    CLOCK = "clock set"


REQUESTS = (What.MATCH, What.TRAIN, What.COVER, What.COVER_OF_LIBRARY)
SIGNALS = (What.KILL, What.TERM, What.STOP)
FULL = (What.FULL, What.CRAMPED)
DISCORD = (What.AWAY, What.DOWN, What.SHUT)
TROUBLE = (*SIGNALS, *SIGNALS, What.LOCK, *FULL, *DISCORD, What.TIDY, What.CLOCK)
TOKEN_SECONDS = (2.0, 4.0, 86400.0, 86400.0)
"""Those that live long outlive every step of the clock, too."""
STEPS = (-20.0, 3.0, 3600.0)
"""Seconds by which a clock is set; what was to be tried again waits as much longer as it is set back."""


@dataclass(frozen=True)
class Event:
    """Something that happens `at` so many seconds: to a member or a process, for `seconds`.

    Who does it may die meanwhile.
    """

    at: float
    what: What
    member: int = 0
    process: str = ""
    seconds: float = 0.0
    death: Death | None = None

    def __str__(self) -> str:
        whom = self.process or (f"member {self.member % 10}" if self.member else "")
        dies = f"dies before {self.death}" if self.death else ""
        lasts = f"{'by' if self.what is What.CLOCK else 'for'} {self.seconds:.2f} s" if self.seconds else ""
        return " ".join(part for part in (f"{self.at:5.2f} s", self.what, whom, lasts, dies) if part)


@dataclass(frozen=True)
class Schedule:
    """The events of a seed in their order, and how one start of a process after another dies."""

    seed: int
    events: tuple[Event, ...]
    deaths: tuple[Death | None, ...]
    token_seconds: float
    """How long Discord takes an interaction's token."""
    bots: tuple[str, ...] = BOTS[:1]

    def __str__(self) -> str:
        deaths = ", ".join(str(death or "not") for death in self.deaths)
        cards = f"{len(self.bots)} bots, whose cards live {self.token_seconds:.0f} s"
        first = f"seed {self.seed}; {cards}; processes die before: {deaths}"
        return "\n".join([first, *map(str, self.events)])


WRITTEN = {
    -1: Schedule(  # a result is sent, nobody notes it, and Discord has forgotten its nonce at the next try
        -1,
        (Event(0.0, What.MATCH, member=MEMBERS[0]), Event(1.8, What.CLOCK, seconds=3600.0)),
        (None, None, Death("mark_sent", 1), None, None, None),
        token_seconds=0.1,
    ),
}
"""Schedules that chance draws too seldom, by numbers that are no seed's."""


def scheduled(seed: int) -> Schedule:
    """The schedule of a seed, or one that is written."""
    if seed in WRITTEN:
        return WRITTEN[seed]
    rng = random.Random(seed)
    events = [_request(rng) for _ in range(rng.randint(4, 8))]
    bots = BOTS[: rng.randint(1, len(BOTS))]
    events += [_trouble(rng, bots) for _ in range(rng.randint(2, 6))]
    events += [_second_thought(rng, What.CANCEL) for _ in range(rng.randint(0, 3))]
    events += [_second_thought(rng, What.DELETE_VOICE) for _ in range(rng.randint(0, 2))]
    events += [_second_thought(rng, What.READ) for _ in range(rng.randint(0, 2))]
    events += [_second_thought(rng, What.FORGET)] if rng.random() < 0.5 else []
    gone: dict[int, float] = {event.member: event.at for event in events if event.what is What.FORGET}
    stay = [event for event in events if event.what is What.FORGET or event.at < gone.get(event.member, SECONDS)]
    deaths = tuple(_death(rng, 0.8) for _ in range(6))
    return Schedule(seed, tuple(sorted(stay, key=lambda event: event.at)), deaths, rng.choice(TOKEN_SECONDS), bots)


def _request(rng: random.Random) -> Event:
    at, what = rng.uniform(0.0, 0.8 * SECONDS), rng.choice(REQUESTS)
    return Event(at, what, member=rng.choice(MEMBERS), death=_death(rng, 0.15))


def _second_thought(rng: random.Random, what: What) -> Event:
    return Event(rng.uniform(0.3, SECONDS), what, member=rng.choice(MEMBERS), death=_death(rng, 0.25))


def _trouble(rng: random.Random, bots: tuple[str, ...]) -> Event:
    at, what = rng.uniform(0.1, SECONDS), rng.choice(TROUBLE)
    if what is What.TIDY:
        return Event(at, what, death=_death(rng, 0.5))
    if what is What.CLOCK:
        return Event(at, what, seconds=rng.choice(STEPS))
    process = rng.choice((*WORKERS, *bots, VALKEY)) if what in SIGNALS else ""
    longest = 1.5 if process in (*WORKERS, VALKEY) else 0.5
    seconds = 0.0 if what in (What.KILL, What.TERM) else rng.uniform(0.1, longest)
    return Event(at, what, process=process, seconds=seconds)


def _death(rng: random.Random, chance: float) -> Death | None:
    """Most often soon after a moment's begin; without one anywhere, early lines as likely as late ones."""
    if rng.random() >= chance:
        return None
    moment = rng.choice(MOMENTS) if rng.random() < 0.75 else ""
    return Death(moment, int(10 ** rng.uniform(0.0, 2.2)) if moment else int(10 ** rng.uniform(1.0, 3.8)))
