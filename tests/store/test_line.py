"""The line: quick jobs first, members in turns, and how long each waits."""

import random

import pytest

from store import Job, JobKind, JobState, Lane, Store, abilities, jobs, line
from store.abilities import Abilities
from store.expected import DEFAULTS
from store.need_tables import ModelRole
from store.tables import OPERATOR, now
from store.use_cases import show_life

A, B, C = 7, 8, 9
MATCH, TRAIN, COVER = JobKind.MATCH, JobKind.TRAIN, JobKind.COVER
TRAINING, MATCHING = DEFAULTS[TRAIN, Lane.HEAVY], DEFAULTS[MATCH, Lane.QUICK]


def add(store: Store, user: int, kind: JobKind = COVER, lane: Lane = Lane.HEAVY) -> Job:
    with store.write() as session:
        job = jobs.submit(session, Job(kind=kind, user_id=user, lane=lane))
        return jobs.enqueue(session, job.id)


def take(store: Store) -> Job:
    with store.write() as session:
        job = jobs.take_next(session, "w")
    assert job is not None
    return job


def done(store: Store, job: Job) -> None:
    with store.write() as session:
        assert jobs.render(session, job.id, job.attempt, "w", {}, [])


def way_given(store: Store, job: Job) -> None:
    with store.write() as session:
        assert jobs.give_back(session, job.id, job.attempt, "w", lost=False)


def served(store: Store, number: int) -> list[str]:
    """The next so many jobs, each done before the next is taken."""
    order = []
    for _ in range(number):
        job = take(store)
        order.append(job.id)
        done(store, job)
    return order


def shown(store: Store) -> list[str]:
    return list(places(store))


def places(store: Store) -> dict[str, line.Place]:
    """Of the whole line; each counted by itself is the same."""
    with store.read() as session:
        found = {job.id: job.place for job in line.standing(session)}
        alone = line.places(session, [jobs.get(session, job_id) for job_id in found])
    assert list(alone) == list(found)
    for job_id, place in found.items():
        assert alone[job_id].seconds == pytest.approx(place.seconds, rel=1e-9)
        assert alone[job_id]._replace(seconds=0.0) == place._replace(seconds=0.0)
    return found


def test_a_match_is_served_before_the_trainings_of_another_member(store: Store) -> None:
    trainings = [add(store, A, TRAIN) for _ in range(3)]
    match = add(store, B, MATCH)
    assert served(store, 4) == [match.id, *(job.id for job in trainings)]


def test_members_take_turns(store: Store) -> None:
    a1, a2, a3 = (add(store, A) for _ in range(3))
    b1, b2 = (add(store, B) for _ in range(2))
    c1 = add(store, C)
    expected = [job.id for job in (a1, b1, c1, a2, b2, a3)]
    assert shown(store) == expected
    assert served(store, 6) == expected


def test_a_second_job_waits_behind_the_first_of_whoever_comes_while_the_first_runs(store: Store) -> None:
    a1, a2 = (add(store, A) for _ in range(2))
    running = take(store)
    assert running.id == a1.id
    b1 = add(store, B)
    done(store, running)
    assert served(store, 2) == [b1.id, a2.id]


def test_nobody_is_overtaken_for_ever(store: Store) -> None:
    """A member whose next job comes whenever the last is done stands behind those who waited meanwhile."""
    a1, a2 = (add(store, A) for _ in range(2))
    b1 = add(store, B)
    order = []
    for _ in range(4):
        job = take(store)
        if job.user_id == B:
            done(store, job)
            add(store, B)
        else:
            done(store, job)
        order.append(job.user_id)
    assert order == [A, B, A, B] and {a1.id, a2.id, b1.id}.isdisjoint(shown(store))


def test_turns_are_taken_in_each_lane_by_itself(store: Store) -> None:
    for _ in range(2):
        add(store, A, TRAIN)
    mine = add(store, A, MATCH)
    other = add(store, B, MATCH)
    assert served(store, 2) == [mine.id, other.id]


def test_a_training_that_gave_way_keeps_its_place_and_loses_nothing(store: Store) -> None:
    first, second = add(store, A, TRAIN), add(store, B, TRAIN)
    training = take(store)
    matches = [add(store, C, MATCH) for _ in range(2)]
    way_given(store, training)
    add(store, C, TRAIN)
    assert shown(store)[:4] == [*(job.id for job in matches), first.id, second.id]
    for _ in matches:
        done(store, take(store))
    again = take(store)
    assert (again.id, again.attempt, again.losses) == (first.id, 2, 0)


def test_the_operators_jobs_take_no_turn_and_no_place(store: Store) -> None:
    mine = add(store, OPERATOR, TRAIN)
    job = add(store, A, TRAIN)
    assert places(store) == {job.id: line.Place(1, 0.0)}
    assert take(store).id == job.id and places(store) == {}
    with store.read() as session:
        assert jobs.get(session, mine.id).state is JobState.QUEUED


def test_waits_are_what_runs_and_what_is_ahead(store: Store) -> None:
    first, second = add(store, A, TRAIN), add(store, B, TRAIN)
    found = places(store)
    assert (found[first.id], found[second.id]) == (line.Place(1, 0.0), line.Place(2, TRAINING))
    training = take(store)
    with store.write() as session:
        jobs.report(session, training.id, 1, "w", "training", 0.5, 200.0)
    match = add(store, C, MATCH)
    found = places(store)
    assert found[match.id] == line.Place(1, 0.0)  # the training gives way
    assert found[second.id] == line.Place(2, 200.0 + MATCHING)
    way_given(store, training)
    done(store, take(store))
    found = places(store)
    assert found[first.id] == line.Place(1, 0.0)
    assert found[second.id].seconds == pytest.approx(TRAINING / 2)


def test_a_quick_job_waits_for_a_cover_that_runs(store: Store) -> None:
    cover = add(store, A, COVER)
    take(store)
    with store.write() as session:
        jobs.report(session, cover.id, 1, "w", "mixing", 0.9, 12.0)
    match = add(store, B, MATCH)
    assert places(store)[match.id] == line.Place(1, 12.0)


def test_a_heavy_job_alone_waits_for_what_is_added_to_a_result(store: Store) -> None:
    cover = add(store, A, COVER)
    take(store)
    with store.write() as session:
        assert jobs.render(session, cover.id, 1, "w", {}, [], measuring=True)
        jobs.report(session, cover.id, 1, "w", "measuring", 0.5, 3.0)
    heavy, quick = add(store, B, COVER), add(store, C, MATCH, Lane.QUICK)
    found = places(store)
    assert found[quick.id] == line.Place(1, 0.0)
    assert found[heavy.id] == line.Place(2, 3.0 + MATCHING)


def test_waits_follow_what_jobs_took_here_with_all_their_attempts(store: Store) -> None:
    for seconds in (50.0, 60.0, 1000.0):
        job = add(store, A, TRAIN)
        taken = take(store)
        done(store, taken)
        with store.write() as session:
            row = jobs.get(session, job.id)
            row.worked, row.started_at, row.ended_at = 10.0, now() - seconds, now()
            session.add(row)
    add(store, A, TRAIN)
    last = add(store, B, TRAIN)
    assert places(store)[last.id].seconds == pytest.approx(70.0, abs=0.1)


def test_two_workers_halve_the_wait(store: Store) -> None:
    for user in (A, B, C):
        add(store, user, TRAIN)
    for owner in ("w", "x"):
        with store.write() as session:
            jobs.take_next(session, owner)
    (place,) = places(store).values()
    assert place.number == 1 and place.seconds == pytest.approx(TRAINING)


def test_places_of_a_mixed_line_are_the_same_counted_and_read(store: Store) -> None:
    draw = random.Random(1)
    for number in range(120):
        kind, lane = draw.choice(((MATCH, Lane.QUICK), (TRAIN, Lane.QUICK), (TRAIN, Lane.HEAVY), (COVER, Lane.HEAVY)))
        with store.write() as session:
            job = jobs.submit(session, Job(kind=kind, user_id=number // 2 + 1, lane=lane))
            job.progress, job.seconds_left = draw.choice((0.0, 0.4)), draw.choice((None, None, 33.0))
            need = {ModelRole.BASE: draw.choice("abc")} if lane is Lane.HEAVY else {}
            abilities.require(session, job.id, need)
            jobs.enqueue(session, job.id)
    show_life(store, "w", "worker", Abilities(frozenset(Lane), frozenset({"a", "b"})))
    take(store)
    found = places(store)
    assert len(found) == 119 and 10 < sum(place.stranded for place in found.values()) < 60
