"""A report from a member to the moderators and back: removed, warned, blocked, unblocked; once, and after restarts."""

from collections.abc import Callable
from dataclasses import dataclass

import discord
import pytest
from simcord import InteractionResult
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from sqlmodel import select

from bot.app import DiscoverBot
from bot.interactions.components import view_of
from store import Blocked, Job, JobKind, JobState, MemberBlock, MemberReport, Outbox, Store, jobs
from store.tables import Audit, GuildSetting, OutboxState, Shown
from store.use_cases import Requester, check_cap, delete_cover, forget, remove_reported
from tests.bot.test_delivery import close_dms
from tests.bot.world import BUTTON, Worker, World, parts_of, response_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")
MENU = "Report this result"


@dataclass
class Court:
    """Alice's cover in the channel, a staff channel, a moderator; Bob reports."""

    world: World
    store: Store
    staff: ChannelHandle
    moderator: MemberActor
    job: Job
    result: discord.Message
    key: str

    async def ask(self, message: discord.Message | None = None) -> InteractionResult:
        return await self.world.bob.context_menu(self.world.channel, MENU, message or self.result)

    async def report(self, reason: str = "not_theirs") -> str:
        """Bob's report; what he is answered."""
        asked = await self.ask()
        await self.world.bob.select(response_of(asked), [reason])
        answer = response_of(asked).content
        await self.world.tick()
        return answer

    async def press(self, label: str, who: MemberActor | None = None) -> str:
        """Press a button of the newest staff message; what is answered beside it."""
        pressed = await (who or self.moderator).click(self.told()[-1], label=label)
        return "".join(followup.content for followup in pressed.followups)

    def told(self) -> list[discord.Message]:
        return self.world.public(self.staff)

    def audit(self) -> list[tuple[int, str, str]]:
        with self.store.read() as session:
            return [(row.user_id, row.action, row.reason) for row in session.exec(select(Audit)).all()]


@pytest.fixture
async def court(world: World, store: Store) -> Court:
    guild = world.guild
    staff = guild.create_text_channel("staff")
    role = guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    key = store.media.put_bytes(b"cover", "cover.mp3")
    with store.write() as session:
        session.add(GuildSetting(guild_id=guild.id, staff_channel_id=staff.id))
        job = Job(kind=JobKind.COVER, user_id=world.alice.id, guild_id=guild.id, state=JobState.DELIVERED)
        session.add(job)
        session.flush()
        files = [{"key": key, "name": "cover.mp3"}]
        session.add(Outbox(job_id=job.id, user_id=world.alice.id, files=files, state=OutboxState.SENT))
    result = await world.post(f"a cover\n-# job {job.id[:12]}", view_of())
    moderator = guild.add_member(world.env.create_user("moderator"), roles=[role])
    return Court(world, store, staff, moderator, job, result, key)


async def test_a_report_reaches_the_staff_and_its_result_is_removed_once(
    court: Court, make_bot: Callable[[], DiscoverBot]
) -> None:
    asked = await court.ask()
    assert response_of(asked).ephemeral and "What is wrong" in response_of(asked).content
    assert "The moderators are told" in await court.report()
    [told] = court.told()
    assert f"<@{court.world.alice.id}>" in told.content and f"/{court.result.id}" in told.content
    assert "voice without their consent" in told.content and f"<@{court.world.bob.id}>" in told.content
    await court.world.env.restart_bot(make_bot())
    await court.world.tick()
    assert len(court.told()) == 1
    assert "Only moderators" in await court.press("Remove the result", court.world.bob)
    assert court.result.id in {message.id for message in court.world.public()}
    await court.press("Remove the result")
    assert f"Removed by <@{court.moderator.id}>" in court.told()[0].content
    assert [item.disabled for row in court.told()[0].components for item in row.children] == [True, False, False]  # type: ignore[union-attr]
    await court.world.tick(5)
    assert court.world.public() == [] and court.key not in set(court.store.media.keys())
    with pytest.raises(Exception, match="disabled"):
        await court.press("Remove the result")
    assert court.audit() == [
        (court.world.bob.id, "report", "not_theirs"),
        (court.moderator.id, "remove result", "not_theirs"),
    ]


@pytest.mark.parametrize(
    ("locale", "asked", "thanked", "line"),
    [
        ("en", "What is wrong with", "Thank you. The moderators", "✔ Deleted by its member, <@{member}>"),
        ("ko", "이 결과에 어떤 문제가", "고마워요. 관리자에게", "✔ 결과를 만든 멤버 <@{member}> 님이 직접 삭제했어요"),
    ],
)
async def test_a_result_that_its_member_deleted_was_removed_by_no_moderator(
    court: Court, locale: str, asked: str, thanked: str, line: str
) -> None:
    await court.moderator.slash(court.world.channel, "settings", language=locale)
    assert asked in response_of(await court.ask()).content and thanked in await court.report()
    delete_cover(court.store, court.job.id, court.world.alice.id)
    await court.world.tick(5)
    [told] = court.told()
    assert line.format(member=court.world.alice.id) in told.content and f"<@{court.moderator.id}>" not in told.content
    assert court.world.dms(court.world.alice) == []
    assert [item.disabled for row in told.components for item in row.children] == [True, False, False]  # type: ignore[union-attr]
    assert "remove result" not in [action for _, action, _ in court.audit()]


async def test_a_removed_result_is_not_shared_again_by_its_member(cover_card: discord.Message, court: Court) -> None:
    alice = court.world.alice
    await alice.click(cover_card, label="Share in the channel")
    shared = court.world.public()[-1]
    listed = response_of(await alice.slash(court.world.channel, "jobs"))
    show = [button["custom_id"] for button in parts_of(listed, BUTTON) if button.get("label") == "Show result"]
    await court.world.bob.select(response_of(await court.ask(shared)), ["spam"])
    await court.world.tick()
    await court.press("Remove the result")
    await court.world.tick(5)
    assert "[shared]" in text_of(listed) and "removed this result" not in text_of(listed)
    now = response_of(await alice.slash(court.world.channel, "jobs"))
    assert "[shared]" not in text_of(now) and "Moderators of the server removed this result" in text_of(now)
    assert len(parts_of(now, BUTTON)) == len(show) - 1
    for pressed in (
        await alice.click(cover_card, label="Share in the channel"),
        await alice.click(cover_card, label="Details"),
        await alice.click(listed, custom_id=show[-1]),
    ):
        assert "Moderators of the server removed this result" in response_of(pressed).content
    assert [message.id for message in court.world.public()] == [court.result.id]


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (
            "en",
            "Moderators of **Test Guild** removed a result of yours that was reported there (spam): **Cover** “Song”. "
            "It can no longer be shown or shared. If you think that this is a mistake, ask them; {jobs} has your other "
            "results.",
        ),
        (
            "ko",
            "**Test Guild** 서버의 관리자가 신고된 내 결과를 지웠어요(도배): **커버** “Song”. 더 이상 보거나 공유할 수 "
            "없어요. 잘못됐다고 생각하시면 그 서버의 관리자에게 문의해 주세요. 다른 결과는 {jobs} 에서 볼 수 있어요.",
        ),
    ],
)
async def test_a_member_is_told_once_and_privately_what_moderators_removed(
    court: Court, make_bot: Callable[[], DiscoverBot], locale: str, said: str
) -> None:
    alice, world = court.world.alice, court.world
    with court.store.write() as session:
        job = session.get_one(Job, court.job.id)
        job.locale, job.params = locale, {"song_name": "Song"}
        session.add(job)
    await court.report("spam")
    await court.press("Remove the result")
    await world.env.restart_bot(make_bot())
    await world.tick(5)
    await world.tick(5)
    jobs_mention = world.bot.services.mention("jobs")
    assert [message.content for message in world.dms(alice)] == [said.format(jobs=jobs_mention)]
    assert world.public() == [] and alice.id  # nothing of it stands in the channel
    forget(court.store, alice.id)
    await world.tick(5)
    assert world.dms(alice) == []


async def test_what_is_removed_by_one_report_is_removed_in_the_others_and_told_once(court: Court) -> None:
    await court.report()
    await court.press("Warn its member")
    await court.report("spam")
    await court.press("Remove the result")
    await court.world.tick(5)
    assert [f"Removed by <@{court.moderator.id}>" in told.content for told in court.told()] == [True, True]
    assert ["removed a result" in dm.content for dm in court.world.dms(court.world.alice)] == [False, True]


async def test_a_result_that_is_removed_goes_wherever_the_server_sees_it(court: Court) -> None:
    await court.report()
    await court.result.delete()  # a moderator was faster by hand, and Alice shares it anew
    anew = await court.world.post(f"a cover\n-# job {court.job.id[:12]}", view_of())
    with court.store.write() as session:
        where = {"channel_id": court.world.channel.id, "message_id": anew.id}
        session.add(Shown(job_id=court.job.id, user_id=court.world.alice.id, **where))
    await court.press("Remove the result")
    await court.world.tick(5)
    assert court.world.public() == []
    with court.store.read() as session:
        assert session.exec(select(Shown).where(Shown.job_id == court.job.id)).all() == []


async def test_who_takes_no_direct_messages_reads_of_a_removal_in_jobs(court: Court) -> None:
    alice, world = court.world.alice, court.world
    close_dms(world)
    await court.report()
    await court.press("Remove the result")
    await world.tick(5)
    assert world.dms(alice) == [] and world.public() == []
    listed = text_of(response_of(await alice.slash(world.channel, "jobs")))
    assert "Moderators of the server removed this result after a report" in listed


async def test_a_reporter_who_is_forgotten_is_named_to_the_moderators_no_more(court: Court) -> None:
    await court.report()
    assert f"<@{court.world.bob.id}>" in court.told()[0].content
    forget(court.store, court.world.bob.id)
    await court.world.tick(5)
    [told] = court.told()
    assert f"<@{court.world.bob.id}>" not in told.content and "somebody who was forgotten since" in told.content


async def test_a_card_that_could_not_be_changed_at_the_click_is_changed_later(court: Court) -> None:
    await court.report()
    remove_reported(court.store, 1, court.world.guild.id, court.moderator.id)  # Discord did not take the change
    await court.world.tick(5)
    assert f"Removed by <@{court.moderator.id}>" in court.told()[0].content
    edits = len([r for r in court.world.env.http_requests if r.method == "PATCH"])
    await court.world.tick(20)
    assert len([r for r in court.world.env.http_requests if r.method == "PATCH"]) == edits


async def test_what_a_moderator_removed_stays_theirs_when_its_member_deletes_the_cover(court: Court) -> None:
    await court.report()
    await court.press("Remove the result")
    delete_cover(court.store, court.job.id, court.world.alice.id)
    await court.press("Warn its member")
    assert f"Removed by <@{court.moderator.id}>" in court.told()[0].content


async def test_a_second_click_does_nothing_again(court: Court) -> None:
    await court.report("spam")
    with court.store.write() as session:
        report = session.exec(select(MemberReport)).one()
        report.warned_by = 5  # another moderator, a moment ago
        session.add(report)
    assert "This was done already" in await court.press("Warn its member")
    assert "Warned by <@5>" in court.told()[0].content
    assert court.world.dms(court.world.alice) == []


async def test_a_warning_is_in_its_members_language_whatever_moderators_read(court: Court) -> None:
    with court.store.write() as session:
        session.get_one(Job, court.job.id).locale = "ko"
    await court.report("hurtful")
    await court.press("Warn its member")
    [warning] = court.world.dms(court.world.alice)
    assert warning.content.startswith("**Test Guild** 서버의 관리자가 보내는 경고예요.")
    assert "Warned by" in court.told()[0].content


async def test_a_warning_goes_to_the_member_alone(court: Court) -> None:
    await court.report("hurtful")
    await court.press("Warn its member")
    [warning] = court.world.dms(court.world.alice)
    assert "Test Guild" in warning.content and "hurtful" in warning.content
    assert f"Warned by <@{court.moderator.id}>" in court.told()[0].content
    forget(court.store, court.world.alice.id)
    await court.world.tick(5)
    assert court.world.dms(court.world.alice) == []


async def test_a_blocked_members_jobs_end_with_a_sentence_and_new_ones_are_refused(
    court: Court, worker: Worker
) -> None:
    world, store = court.world, court.store
    with store.write() as session:
        waits, runs, elsewhere = (
            jobs.submit(session, Job(kind=JobKind.MATCH, user_id=world.alice.id, guild_id=guild))
            for guild in (world.guild.id, world.guild.id, 77)
        )
        for job in (waits, runs, elsewhere):
            jobs.enqueue(session, job.id)
    worker.begin(worker.job(runs.id))
    await court.report()
    await court.press("Block its member")
    assert worker.job(waits.id).state is JobState.CANCELLED and worker.job(elsewhere.id).state is JobState.QUEUED
    worker.stop(worker.job(runs.id))
    await world.tick(5)
    listed = text_of(response_of(await world.alice.slash(world.channel, "jobs")))
    assert listed.count("Moderators of this server have blocked you here") == 2
    told = [m.content for m in [*world.public(), *world.dms(world.alice)] if "Match ended" in m.content]
    assert len(told) == 2 and all("have blocked you here" in text for text in told)
    refused = await world.alice.slash(world.channel, "match", note1=("a.ogg", b"note"))
    assert "have blocked you here" in response_of(refused).content
    with pytest.raises(Blocked):
        check_cap(store, Requester(world.alice.id, world.guild.id))
    check_cap(store, Requester(world.alice.id, 77))

    listing = response_of(await court.moderator.slash(world.channel, "blocked")).content
    assert f"<@{world.alice.id}>: somebody's voice" in listing and f"by <@{court.moderator.id}>" in listing
    freed = response_of(await court.moderator.slash(world.channel, "blocked", unblock=world.alice)).content
    assert "may use the bot in this server again" in freed
    again = response_of(await court.moderator.slash(world.channel, "blocked", unblock=world.alice)).content
    assert again.startswith("There is no such blocked member.")
    assert "Nobody is blocked" in response_of(await court.moderator.slash(world.channel, "blocked")).content
    check_cap(store, Requester(world.alice.id, world.guild.id))
    assert [action for _, action, _ in court.audit()] == ["report", "block", "unblock"]


async def test_what_cannot_be_reported_is_one_sentence(court: Court) -> None:
    chat = await court.world.alice.send(court.world.channel, f"job {court.job.id[:12]}")
    assert response_of(await court.ask(chat)).content.startswith("There is no result in this message.")
    plain = await court.world.post("hello", view_of())
    assert response_of(await court.ask(plain)).content.startswith("There is no result in this message.")
    await court.report()
    assert response_of(await court.ask()).content.startswith("The moderators know of this result already")
    with court.store.write() as session:
        session.get_one(GuildSetting, court.world.guild.id).staff_channel_id = None
    assert response_of(await court.ask()).content.startswith("This server has no channel for reports yet")


async def test_a_staff_channel_that_is_closed_is_waited_for(court: Court, caplog: pytest.LogCaptureFixture) -> None:
    closed = court.world.guild.create_text_channel(
        "closed",
        overwrites={court.world.guild.me: discord.PermissionOverwrite(send_messages=False)},  # type: ignore[dict-item]
    )
    with court.store.write() as session:
        session.get_one(GuildSetting, court.world.guild.id).staff_channel_id = closed.id
    await court.report()
    assert court.told() == []
    for _ in range(2):
        court.world.bot.reports._not_before = dict.fromkeys(court.world.bot.reports._not_before, 0.0)
        await court.world.tick(5)
    assert caplog.text.count("has to wait") == 1
    with court.store.write() as session:
        session.get_one(GuildSetting, court.world.guild.id).staff_channel_id = court.staff.id
    court.world.bot.reports._not_before.clear()
    await court.world.tick(5)
    assert len(court.told()) == 1


async def test_a_forgotten_member_leaves_no_report_but_stays_blocked(court: Court) -> None:
    await court.report()
    await court.press("Block its member")
    forget(court.store, court.world.alice.id)
    await court.world.tick(5)
    with court.store.read() as session:
        assert session.exec(select(MemberReport)).all() == []
        assert session.get(MemberBlock, (court.world.guild.id, court.world.alice.id)) is not None
    assert court.told() == []
