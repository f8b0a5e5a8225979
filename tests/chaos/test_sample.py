"""In the few schedules of `make test` everything happens that can."""

import itertools

from tests.chaos.dying import MOMENTS
from tests.chaos.schedule import BOTS, SAMPLE, SIGNALS, STEPS, TOKEN_SECONDS, VALKEY, WORKERS, What, scheduled

SCHEDULES = [scheduled(seed) for seed in SAMPLE]
EVENTS = [event for schedule in SCHEDULES for event in schedule.events]


def test_every_kind_of_event_happens() -> None:
    assert {event.what for event in EVENTS} == set(What)


def test_every_signal_is_sent_to_every_process() -> None:
    sent = {(event.what, event.process) for event in EVENTS if event.what in SIGNALS}
    assert sent == set(itertools.product(SIGNALS, (*WORKERS, *BOTS, VALKEY)))


def test_the_clock_is_set_by_every_step() -> None:
    assert {event.seconds for event in EVENTS if event.what is What.CLOCK} == set(STEPS)


def test_processes_die_in_every_moment() -> None:
    deaths = {death.moment for schedule in SCHEDULES for death in schedule.deaths if death}
    assert deaths == {"", *MOMENTS}


def test_every_act_is_broken_off_by_a_death() -> None:
    acts = {event.what for event in EVENTS if event.member or event.what is What.TIDY}
    assert {event.what for event in EVENTS if event.death} == acts


def test_one_bot_and_two_have_cards_that_live_short_and_long() -> None:
    played = {(len(schedule.bots), schedule.token_seconds) for schedule in SCHEDULES}
    assert played == set(itertools.product((1, 2), TOKEN_SECONDS))
