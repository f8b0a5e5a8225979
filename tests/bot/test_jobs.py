"""`/jobs` and cancelling: by the owner, by somebody else, twice, after a restart."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import jobs as ours
from bot.app import DiscoverBot
from bot.messages import post
from bot.texts.sentences import texts
from store import Job, JobKind, JobState, NotFound, Store, jobs, use_cases
from store.use_cases import ListedJob, MessageFile
from tests.bot.world import BUTTON, Worker, World, parts_of, response_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
async def job(world: World, worker: Worker) -> Job:
    """Alice waits for a match."""
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"x"))
    return worker.only()


async def test_jobs_are_listed_to_their_owner_only(job: Job, world: World, worker: Worker) -> None:
    await world.alice.slash(world.channel, "match", note1=("b.ogg", b"y"))
    worker.begin(job)
    worker.report(job, "reading", 0.4)
    answer = await world.alice.slash(world.channel, "jobs")

    _, first, second = text_of(response_of(answer)).splitlines()
    assert response_of(answer).ephemeral
    assert first.startswith("**Match**: waiting, place 1 in line") and second.startswith("**Match**: running, 40 %")
    other = await world.bob.slash(world.channel, "jobs")
    assert response_of(other).content.startswith("You have no jobs yet.")


async def test_the_list_and_the_card_say_when_a_job_begins(job: Job, world: World, worker: Worker) -> None:
    worker.begin(job)
    worker.report(job, "reading", 0.1, 150.0)
    await world.bob.slash(world.channel, "match", note1=("b.ogg", b"y"))
    answer = await world.bob.slash(world.channel, "jobs")
    assert "**Match**: waiting, place 1 in line (begins in about 3 min)" in text_of(response_of(answer))
    assert world.cards()[1].content.endswith("Waiting: place 1 in line · begins in about 3 min")
    worker.render(job, {})
    await world.tick(5)
    assert world.cards()[1].content.endswith("place 1 in line · begins in less than a minute")


async def test_a_job_is_cancelled_from_the_list(job: Job, world: World, worker: Worker, store: Store) -> None:
    answer = await world.alice.slash(world.channel, "jobs")
    click = await world.alice.click(response_of(answer), label="Cancel")
    assert response_of(click).content.startswith("Cancelled.") and worker.only().state == JobState.CANCELLED

    await world.tick(5)
    card = world.cards()[0]
    assert "**Match cancelled.**" in card.content and card.components == [] and world.public() == []
    assert store.media.keys() == set()
    again = await world.alice.slash(world.channel, "jobs")
    assert parts_of(response_of(again), BUTTON) == [] and "cancelled" in text_of(response_of(again))


async def test_waiting_work_is_cancelled_once(job: Job, world: World, worker: Worker) -> None:
    (card,) = world.cards()
    await world.alice.click(card, label="Cancel")
    click = await world.alice.click(card, label="Cancel")
    assert response_of(click).content.startswith("This job has ended already. </jobs:")
    assert response_of(click).ephemeral
    await world.tick()
    assert len(worker.outbox()) == 1 and "cancelled" in world.cards()[0].content


async def test_running_work_stops_when_its_worker_says_so(job: Job, world: World, worker: Worker, store: Store) -> None:
    worker.begin(job)
    (card,) = world.cards()
    click = await world.alice.click(card, label="Cancel")
    assert "told to stop" in response_of(click).content
    await world.tick(5)
    assert "Stopping, as you asked" in world.cards()[0].content
    worker.stop(job)
    await world.tick(5)
    assert world.cards()[0].components == [] and "cancelled" in world.cards()[0].content
    assert store.media.keys() == set()


async def test_somebody_else_cannot_cancel(job: Job, world: World, worker: Worker) -> None:
    copied = await world.post("copied", ours.cancel_view(job.id, texts("en")))
    click = await world.bob.click(copied, label="Cancel")
    assert response_of(click).content.startswith("There is no such job.") and response_of(click).ephemeral
    assert worker.only().state == JobState.QUEUED


async def test_the_button_works_after_a_restart(
    job: Job, world: World, worker: Worker, make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    await world.alice.click(world.cards()[0], label="Cancel")
    assert worker.only().state == JobState.CANCELLED


async def test_a_forgotten_job_is_one_sentence(job: Job, world: World, store: Store) -> None:
    card = world.cards()[0]

    use_cases.forget(store, world.alice.id)
    click = await world.alice.click(card, label="Cancel")
    assert response_of(click).content.startswith("There is no such job.")


def test_lines_in_korean() -> None:
    job = Job(kind=JobKind.COVER, user_id=1, params={"song_name": "**팔레트**"}, state=JobState.RUNNING, progress=0.5)
    shown = ours.line(ListedJob(job), texts("ko"))
    assert shown.startswith("**커버** “\\*\\*팔레트\\*\\*”: 진행 중, 50%")
    assert ours.listing([], texts("ko")) == (texts("ko")("jobs.none"), None)


def test_covers_of_one_song_are_told_apart() -> None:
    shown = []
    for voice, key in (("Em_ma", None), ("Em_ma", 1), ("민아", -12)):
        params = {"song_name": "Arirang", "voice_name": voice, "key_shift": key}
        job = Job(kind=JobKind.COVER, user_id=1, params=params, state=JobState.DELIVERED)
        shown.append([ours.line(ListedJob(job), texts(language)).partition(": ")[0] for language in ("en", "ko")])
    assert shown == [
        ["**Cover** “Arirang” by Em\\_ma", "**커버** “Arirang” · Em\\_ma"],
        ["**Cover** “Arirang” by Em\\_ma, key +1", "**커버** “Arirang” · Em\\_ma, 키 +1"],
        ["**Cover** “Arirang” by 민아, key −12", "**커버** “Arirang” · 민아, 키 −12"],
    ]


@pytest.mark.parametrize("state", sorted(JobState))
def test_every_state_has_a_line_and_only_active_jobs_a_button(state: JobState) -> None:
    job = Job(kind=JobKind.MATCH, user_id=1, state=state)
    assert ours.line(ListedJob(job), texts("ko"))


async def test_active_jobs_and_results_have_buttons() -> None:
    for state in JobState:
        button = ours.button_of(ListedJob(Job(kind=JobKind.MATCH, user_id=1, state=state)), texts("en"))
        assert (button is not None) == (state in jobs.ACTIVE or state in (JobState.UNDELIVERABLE, JobState.DELIVERED))


async def test_a_failed_job_says_why_in_the_members_language(job: Job, world: World, worker: Worker) -> None:
    worker.fail(job, "no_singers", {}, "There is no voice in the library yet.")
    answer = await world.alice.slash(world.channel, "jobs")
    assert text_of(response_of(answer)).splitlines()[1:] == [
        f"**Match**: failed · <t:{int(job.created_at)}:R>",
        "-# There is no voice in the library yet.",
    ]
    failed = ListedJob(worker.job(job.id))
    assert ours.line(failed, texts("ko")).splitlines()[1].startswith("-# 아직 라이브러리에")


async def test_a_delivered_result_is_linked_and_shown_again(job: Job, world: World, worker: Worker) -> None:
    worker.render(job, {}, {"a.txt": b"file"})
    worker.end_replies()
    await world.tick()
    sent = worker.outbox()[0]
    answer = await world.alice.slash(world.channel, "jobs")
    assert f"/@me/{sent.sent_channel_id}/{sent.message_id})" in text_of(response_of(answer))
    shown = await world.alice.click(response_of(answer), label="Show result")
    assert response_of(shown).ephemeral and await response_of(shown).attachments[0].read() == b"file"
    again = await world.alice.click(response_of(answer), label="Show result")  # a second click
    assert response_of(again).ephemeral and len(response_of(again).attachments) == 1


async def test_a_result_whose_files_are_gone_is_shown_without_them(
    job: Job, world: World, worker: Worker, store: Store
) -> None:
    worker.render(job, {}, {"a.txt": b"file"})
    await world.tick()
    store.media.delete(worker.outbox()[0].files[0]["key"])
    answer = await world.alice.slash(world.channel, "jobs")
    shown = await world.alice.click(response_of(answer), label="Show result")
    assert "The file is no longer kept here, so it could not be attached." in response_of(shown).content


async def test_a_result_too_large_for_here_is_shown_without_its_file(job: Job, world: World, worker: Worker) -> None:
    worker.render(job, {}, {"a.txt": b"file"})
    await world.tick()
    answer = await world.alice.slash(world.channel, "jobs")
    world.env.inject_error("POST", "/webhooks/*", status=413, code=40005, times=1)
    shown = await world.alice.click(response_of(answer), label="Show result")
    assert response_of(shown).attachments == [] and "larger than Discord allows here" in response_of(shown).content


def test_links_lead_into_the_server_or_to_direct_messages() -> None:
    job = Job(kind=JobKind.MATCH, user_id=1, guild_id=3, channel_id=5, state=JobState.DELIVERED)
    places = [ours.link(job, channel, 9) for channel in (5, 6, None)]
    assert places == ["https://discord.com/channels/3/5/9", "https://discord.com/channels/@me/6/9", None]


async def test_a_long_list_is_turned_over_even_after_a_restart(
    world: World, store: Store, make_bot: Callable[[], DiscoverBot]
) -> None:
    sentence = "This sentence says at length why it failed. " * 6
    with store.write() as session:
        for second in range(70):
            job = Job(kind=JobKind.COVER, user_id=world.alice.id, state=JobState.FAILED, error_sentence=sentence)
            job.created_at, job.params = 1000.0 + second, {"song_name": f"song {second}"}
            session.add(job)
    answer = await world.alice.slash(world.channel, "jobs")
    seen, pages = list[str](), 0
    while True:
        pages += 1
        text = text_of(response_of(answer))
        assert len(text) <= 4000
        seen += re.findall(r"song \d+", text)
        if "More ▶" not in str(response_of(answer).components):
            break
        if pages == 1:
            await world.env.restart_bot(make_bot())
        await world.alice.click(response_of(answer), label="More ▶")
    assert seen == [f"song {second}" for second in reversed(range(70))] and pages >= 7
    assert f"Page {pages} of {pages}" in text
    await world.alice.click(response_of(answer), label="◀ Back")
    assert f"Page {pages - 1} of {pages}" in text_of(response_of(answer))


async def test_a_page_that_is_no_more_is_the_last(job: Job, world: World) -> None:
    listed, say = [ListedJob(job)], texts("en")
    shown = [ours.listing(listed, say, page)[1] for page in (9, 0, 1)]
    assert len({str(view.to_components()) for view in shown if view}) == 1


async def test_a_result_that_could_not_be_delivered_is_shown_to_its_owner(
    job: Job, world: World, worker: Worker, store: Store
) -> None:
    worker.render(job, {}, {"a.txt": b"file"})
    worker.end_replies()
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50007, times=None)
    await world.tick()
    assert worker.only().state == JobState.UNDELIVERABLE
    answer = await world.alice.slash(world.channel, "jobs")
    shown = await world.alice.click(response_of(answer), label="Show result")

    assert response_of(shown).ephemeral and "No singer" in response_of(shown).content
    assert await response_of(shown).attachments[0].read() == b"file"
    with pytest.raises(NotFound):
        ours.result_again(store, job.id, world.bob.id, texts("en"))


def test_other_results_are_not_handed_out(store: Store) -> None:
    row = Job(kind=JobKind.MATCH, user_id=1, state=JobState.CANCELLED)
    with store.write() as session:
        session.add(row)
    with pytest.raises(NotFound):
        ours.result_again(store, row.id, 1, texts("en"))


async def test_a_result_whose_file_is_removed_while_it_is_shown_comes_without_it(
    job: Job, world: World, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.render(job, {}, {"match.png": b"png"})
    await world.tick()
    answer = await world.alice.slash(world.channel, "jobs")
    monkeypatch.setattr(post, "message_files", lambda *_: [MessageFile(tmp_path / "removed.png", "match.png")])
    shown = response_of(await world.alice.click(response_of(answer), label="Show result"))
    assert "no longer kept here" in shown.content and not shown.attachments
