"""Listening tests in the rows: what is drawn, how votes count, what a forgotten member leaves."""

import pytest
from sqlmodel import select

from store import (
    AlreadyListening,
    ClipRole,
    Deletion,
    Job,
    JobKind,
    ListeningClip,
    ListeningConsent,
    ListeningOver,
    ListeningState,
    ListeningTest,
    ListeningVote,
    NotFound,
    NothingToRate,
    Outbox,
    OwnClip,
    Question,
    ReferenceNeeded,
    Store,
    TooManyClips,
    Voice,
    retention,
)
from store.tables import now
from store.use_cases import (
    ListeningPlace,
    ListeningRequest,
    SavedFile,
    agree_to_tests,
    agreed_to_tests,
    cast_vote,
    clips_to_show,
    count_lying,
    delete_voice,
    end_due_tests,
    forget,
    keep_clip,
    keep_prepared,
    listening_votes,
    next_unprepared,
    prepare_again,
    reaction_removed,
    refuse_prepared,
    start_listening_test,
    stop_listening_test,
)

GUILD, CHANNEL, MODERATOR, A, B, C = 10, 20, 1, 2, 3, 4
PLACE = ListeningPlace(GUILD, CHANNEL, MODERATOR)


def saved(store: Store, name: str) -> SavedFile:
    return SavedFile(store.media.put_bytes(name.encode(), "x.mp3"), name, len(name))


def made(store: Store, user_id: int, name: str, kind: JobKind = JobKind.COVER, guild_id: int = GUILD) -> str:
    """A delivered cover or voice of a member; returns its job's id."""
    files = [{"key": saved(store, f"{part} {name}").key, "name": part} for part in ("first", "second")]
    with store.write() as session:
        job = Job(kind=kind, user_id=user_id, guild_id=guild_id, result={"models": {"voice": "h24"}})
        session.add(job)
        session.flush()
        session.add(Outbox(job_id=job.id, user_id=user_id, files=files))
        return job.id


def request(store: Store, **options: object) -> ListeningRequest:
    if "uploads" not in options:
        options["uploads"] = (saved(store, "one"), saved(store, "two"))
    return ListeningRequest(**{"question": Question.NATURALNESS, "hours": 1.0, **options})  # type: ignore[arg-type]


@pytest.fixture
def running(store: Store) -> list[ListeningClip]:
    """The clips of a test with a cover of A and of B, an upload, a reference and its anchor."""
    for user, name in ((A, "a"), (B, "b")):
        made(store, user, name)
        agree_to_tests(store, user, GUILD, True)
    references = (saved(store, "reference"),)
    start_listening_test(store, PLACE, request(store, covers=5, uploads=(saved(store, "one"),), references=references))
    return prepared(store)


def prepared(store: Store) -> list[ListeningClip]:
    """What a worker and the bot do."""
    waiting = next_unprepared(store)
    assert waiting is not None
    test, clips = waiting
    paths = {}
    for clip in clips:
        paths[clip.id or 0] = store.data_dir / f"{clip.id}.mp3"
        paths[clip.id or 0].write_text(clip.name)
    keep_prepared(store, test.id or 0, paths)
    for clip in clips:
        assert keep_clip(store, clip.id or 0, 1000 + (clip.id or 0))
    return list(listening_votes(store, GUILD).clips)


def clip_of(clips: list[ListeningClip], owner: int, role: ClipRole = ClipRole.COVER) -> int:
    return next(clip.id or 0 for clip in clips if clip.owner_id == owner and clip.role is role)


def values(store: Store) -> dict[tuple[int, int], int]:
    with store.read() as session:
        return {(vote.clip_id, vote.rater_id): vote.value for vote in session.exec(select(ListeningVote)).all()}


def test_only_what_members_agreed_to_is_drawn(store: Store) -> None:
    for user, name in ((A, "a1"), (A, "a2"), (A, "a3"), (B, "b1"), (C, "c1")):
        made(store, user, name)
    made(store, A, "elsewhere", guild_id=99)
    agree_to_tests(store, A, GUILD, True)
    agree_to_tests(store, B, GUILD, True)
    agree_to_tests(store, C, GUILD, False)
    assert [agreed_to_tests(store, user, GUILD) for user in (A, C, MODERATOR)] == [True, False, None]
    start_listening_test(store, PLACE, request(store, covers=2, uploads=()))
    clips = listening_votes(store, GUILD).clips
    assert {clip.owner_id for clip in clips} == {A, B}  # one of each before a second of A
    assert {clip.model for clip in clips} == {"h24"}
    assert {store.media.path(clip.source_key or "").read_text()[:7] for clip in clips} == {"first a", "first b"}


def test_no_sound_is_drawn_twice_nor_beside_the_same_one_that_was_given(store: Store) -> None:
    for user, name in ((A, "a"), (A, "a"), (A, "another"), (B, "b")):  # A sang one cover twice
        made(store, user, name)
        agree_to_tests(store, user, GUILD, True)
    start_listening_test(store, PLACE, request(store, covers=9, uploads=(saved(store, "first b"),)))
    heard = [store.media.path(clip.source_key or "").read_text() for clip in listening_votes(store, GUILD).clips]
    assert sorted(heard) == ["first a", "first another", "first b"]


def test_the_order_is_random_and_fixed_by_the_seed(store: Store) -> None:
    orders = []
    for seed in (1, 1, 2, 3):
        uploads = tuple(saved(store, f"clip {number}") for number in range(8))
        start_listening_test(store, PLACE, request(store, uploads=uploads), seed)
        clips = listening_votes(store, GUILD).clips
        assert [clip.position for clip in clips] == list(range(1, 9))
        assert [clip.id for clip in clips] == sorted(clip.id or 0 for clip in clips)
        orders.append(tuple(clip.source_key for clip in clips))
        stop_listening_test(store, GUILD)
    assert orders[0] == orders[1] and len(set(orders)) == 3


def test_what_cannot_be_rated_is_refused_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(NothingToRate):
        start_listening_test(store, PLACE, request(store, covers=3, uploads=(saved(store, "alone"),)))
    with pytest.raises(ReferenceNeeded):
        start_listening_test(store, PLACE, request(store, question=Question.SIMILARITY))
    many = tuple(saved(store, f"{number}") for number in range(41))
    with pytest.raises(TooManyClips):
        start_listening_test(store, PLACE, request(store, uploads=many))
    assert store.media.keys() == set()
    start_listening_test(store, PLACE, request(store))
    with pytest.raises(AlreadyListening):
        start_listening_test(store, PLACE, request(store))
    start_listening_test(store, ListeningPlace(11, CHANNEL, MODERATOR), request(store))  # another server's
    assert len(store.media.keys()) == 2


def test_a_reference_is_hidden_with_its_anchor(running: list[ListeningClip], store: Store) -> None:
    roles = sorted(clip.role for clip in running)
    assert roles == sorted([*(ClipRole.COVER,) * 2, ClipRole.UPLOAD, ClipRole.REFERENCE, ClipRole.ANCHOR])
    by_role = {clip.role: clip for clip in running}
    assert by_role[ClipRole.REFERENCE].source_key == by_role[ClipRole.ANCHOR].source_key


def test_the_newest_vote_counts_once(running: list[ListeningClip], store: Store) -> None:
    clip = clip_of(running, A)
    assert cast_vote(store, clip, B, 2) and cast_vote(store, clip, B, 5, by_reaction=True)
    assert values(store) == {(clip, B): 5}


def test_nobody_rates_what_is_theirs(running: list[ListeningClip], store: Store) -> None:
    for owner, role in ((A, ClipRole.COVER), (MODERATOR, ClipRole.UPLOAD), (MODERATOR, ClipRole.REFERENCE)):
        with pytest.raises(OwnClip):
            cast_vote(store, clip_of(running, owner, role), owner, 5)
        with pytest.raises(OwnClip):
            count_lying(store, clip_of(running, owner, role), owner, {5}, now())
    assert values(store) == {}


def test_a_vote_after_the_end_does_not_count(running: list[ListeningClip], store: Store) -> None:
    clip = clip_of(running, A)
    assert stop_listening_test(store, GUILD).state is ListeningState.ENDED
    with pytest.raises(ListeningOver):
        cast_vote(store, clip, B, 4)
    with pytest.raises(NotFound, match="listening test"):
        stop_listening_test(store, GUILD)
    with pytest.raises(NotFound):
        cast_vote(store, 999, B, 4)
    assert values(store) == {}


def test_reactions_that_lie_there_are_counted_once(running: list[ListeningClip], store: Store) -> None:
    clip, later = clip_of(running, A), now() + 60
    assert count_lying(store, clip, B, {3}, later) and values(store) == {(clip, B): 3}
    assert not count_lying(store, clip, B, {3}, later)  # the bot was killed before it removed it
    assert count_lying(store, clip, B, {3, 4}, later) and values(store) == {(clip, B): 4}  # the new one is the later
    reaction_removed(store, clip, B, 3)
    reaction_removed(store, clip, B, 4)
    assert count_lying(store, clip, B, {3}, later) and values(store) == {(clip, B): 3}
    assert not count_lying(store, clip, C, {1, 5}, later) and (clip, C) not in values(store)  # nobody knows which
    cast_vote(store, clip, C, 2)
    assert not count_lying(store, clip, C, {5}, now() - 60) and values(store)[clip, C] == 2  # voted since it is back


def test_without_reactions_only_the_menu_counts(store: Store) -> None:
    start_listening_test(store, ListeningPlace(GUILD, CHANNEL, MODERATOR, reactions=False), request(store))
    clip = prepared(store)[0].id or 0
    assert not cast_vote(store, clip, B, 3, by_reaction=True) and values(store) == {}
    assert cast_vote(store, clip, B, 3) and values(store) == {(clip, B): 3}


def test_a_forgotten_member_leaves_no_vote_no_clip_and_no_message(running: list[ListeningClip], store: Store) -> None:
    of_a, of_b = clip_of(running, A), clip_of(running, B)
    for clip, rater in ((of_a, B), (of_a, C), (of_b, A), (of_b, C)):
        cast_vote(store, clip, rater, 3)
    heard = {clip.id: clip.media_key for clip in running}
    assert forget(store, A).messages == 1
    assert values(store) == {(of_b, C): 3}
    assert of_a not in {clip.id for clip in listening_votes(store, GUILD).clips}
    kept = store.media.keys()
    assert heard[of_a] not in kept and heard[of_b] in kept
    with store.read() as session:
        assert [row.message_id for row in session.exec(select(Deletion)).all()] == [1000 + of_a]
        assert session.get(ListeningConsent, (A, GUILD)) is None
    forget(store, MODERATOR)
    with store.read() as session:
        assert session.exec(select(ListeningTest.moderator_id)).all() == [0]
    assert {clip.owner_id for clip in listening_votes(store, GUILD).clips} == {B}


def test_who_agrees_no_more_is_taken_out(running: list[ListeningClip], store: Store) -> None:
    of_a = clip_of(running, A)
    cast_vote(store, of_a, B, 3)
    agree_to_tests(store, A, 11, False)  # another server
    assert of_a in {clip.id for clip in listening_votes(store, GUILD).clips}
    agree_to_tests(store, A, GUILD, False)
    assert of_a not in {clip.id for clip in listening_votes(store, GUILD).clips} and values(store) == {}


def test_the_sample_of_a_deleted_voice_goes(store: Store) -> None:
    job_id = made(store, A, "voice", JobKind.TRAIN)
    agree_to_tests(store, A, GUILD, True)
    with store.write() as session:
        voice = Voice(owner_id=A, name="v", job_id=job_id)
        session.add(voice)
        session.flush()
    start_listening_test(store, PLACE, request(store, voices=1))
    assert len(prepared(store)) == 3
    delete_voice(store, voice.id or 0, A)
    assert [clip.role for clip in listening_votes(store, GUILD).clips] == [ClipRole.UPLOAD] * 2


def test_a_test_that_is_stopped_while_it_is_prepared_stays_stopped(store: Store) -> None:
    start_listening_test(store, PLACE, request(store))
    waiting = next_unprepared(store)
    assert waiting is not None
    stop_listening_test(store, GUILD)
    path = store.data_dir / "x.mp3"
    path.write_text("made")
    keep_prepared(store, waiting[0].id or 0, {waiting[1][0].id or 0: path})
    refuse_prepared(store, waiting[0].id or 0, "silent", {}, "Nothing.")
    assert listening_votes(store, GUILD).test.state is ListeningState.ENDED and clips_to_show(store) == []
    assert next_unprepared(store) is None and len(store.media.keys()) == 2


def test_the_third_loss_fails_a_test(store: Store) -> None:
    test = start_listening_test(store, PLACE, request(store))
    for state in (ListeningState.PREPARING, ListeningState.PREPARING, ListeningState.FAILED):
        prepare_again(store, test.id or 0)
        assert listening_votes(store, GUILD).test.state is state


def test_a_test_ends_with_its_time_and_its_sound_goes_later(running: list[ListeningClip], store: Store) -> None:
    cast_vote(store, clip_of(running, A), B, 3)
    end_due_tests(store)
    assert listening_votes(store, GUILD).test.state is ListeningState.RUNNING
    with store.write() as session:
        test = session.exec(select(ListeningTest)).one()
        test.ends_at = now() - 1
    end_due_tests(store)
    assert listening_votes(store, GUILD).test.state is ListeningState.ENDED
    retention.expire(store)
    assert all(clip.media_key for clip in listening_votes(store, GUILD).clips)
    with store.write() as session:
        session.exec(select(ListeningTest)).one().ended_at = now() - 31 * 24 * 3600
    retention.expire(store)
    left = listening_votes(store, GUILD)
    assert not any(clip.media_key or clip.source_key for clip in left.clips) and len(left.votes) == 1
    assert not {clip.media_key for clip in running} & store.media.keys()
