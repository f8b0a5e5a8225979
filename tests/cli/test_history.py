"""What rows say of the past: costs of jobs that were done, opinions of tests that have ended."""

import pytest

from cli.history import human_opinions, job_costs
from store import ClipRole, ListeningState, Store
from store.listening_tables import ListeningClip, ListeningTest, ListeningVote, Question
from store.tables import Job, JobKind, JobState


def test_costs_are_of_jobs_that_were_done(store: Store) -> None:
    assert job_costs(store) == []
    with store.write() as session:
        for seconds, result in ((10.0, {"peak_memory_mb": 300.0}), (30.0, {"peak_memory_mb": 500}), (99.0, {})):
            session.add(
                Job(
                    kind=JobKind.COVER,
                    user_id=1,
                    state=JobState.DELIVERED,
                    result=result,
                    worked=1.0,
                    started_at=100.0,
                    ended_at=99.0 + seconds,
                )
            )
    (cost,) = job_costs(store)
    assert (cost.kind, cost.count, cost.seconds, cost.peak_memory_mb) == ("cover", 2, 20.0, 500.0)


def test_opinions_are_of_tests_that_have_ended(store: Store) -> None:
    with store.write() as session:
        for state in (ListeningState.ENDED, ListeningState.RUNNING):
            test = ListeningTest(
                guild_id=1,
                channel_id=1,
                moderator_id=1,
                question=Question.NATURALNESS,
                state=state,
                seed=1,
                ends_at=1.0,
            )
            session.add(test)
            session.flush()
            for place in range(2):
                clip = ListeningClip(
                    test_id=test.id or 0, position=place, role=ClipRole.COVER, model="h24", source_key="k"
                )
                session.add(clip)
                session.flush()
                for rater in range(3):
                    session.add(ListeningVote(clip_id=clip.id or 0, rater_id=rater, value=3 + place))
    (row,) = human_opinions(store)
    assert (row.question, row.role, row.model, row.raters) == ("naturalness", "cover", "h24", 3)
    assert row.opinion.mean == pytest.approx(3.5) and row.opinion.ratings == 6
