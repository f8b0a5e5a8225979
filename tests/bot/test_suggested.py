"""What a member likes: picked at their first match, or thumbs below it; each suggested song is sung by one button."""

import json
import zipfile
from collections.abc import Callable, Sequence

import discord
import pytest
from sqlmodel import col, select

from bot.app import DiscoverBot, result_view
from bot.help import HelpCog
from bot.texts.sentences import texts
from store import Job, JobKind, Song, SongOpinion, SongVocals, Store, VoiceState, library
from store.params import cover_params
from store.tables import Voice
from store.use_cases import my_data
from tests.bot.world import Worker, World, response_of

pytestmark = pytest.mark.usefixtures("quiet")
TITLES = ("Arirang", "Bindaetteok", "Canon")


@pytest.fixture
def songs(store: Store) -> list[int]:
    """Three songs of the library, each heard; their ids."""
    with store.write() as session:
        ids = []
        for title in TITLES:
            row = library.add_song(
                session, Song(title=title, singer=title, media_key=store.media.put_bytes(title.encode()))
            )
            session.add(SongVocals(song_id=row.id or 0, model="m", notes={"60": 9.0}, embedding=[1.0], seconds=9.0))
            ids.append(row.id or 0)
        return ids


def said(store: Store) -> dict[tuple[int, int], bool]:
    """Every opinion, by member and song."""
    with store.read() as session:
        return {(row.user_id, row.song_id): row.likes for row in session.exec(select(SongOpinion)).all()}


def jobs_of(store: Store, kind: JobKind) -> list[Job]:
    """The jobs of a kind, oldest first."""
    with store.read() as session:
        return list(session.exec(select(Job).where(Job.kind == kind).order_by(col(Job.created_at))).all())


def suggestions(songs: Sequence[int]) -> list[dict[str, object]]:
    """What a match suggests: the first two, one of them a fourth lower."""
    return [{"title": TITLES[n], "song_id": songs[n], "key_shift": -5 * n, "inside": 0.9} for n in (0, 1)]


@pytest.fixture
async def match_card(world: World, worker: Worker, songs: list[int]) -> discord.Message:
    """Alice's match is delivered: her card."""
    answer = await world.alice.slash(world.channel, "match", note1=("a.ogg", b"one"))
    worker.render(
        worker.only(), {"candidates": [{"name": "IU", "share": 0.4}], "none": 0.2, "songs": suggestions(songs)}
    )
    await world.tick()
    return next(card for card in world.cards() if card.id == response_of(answer).id)


def thumb(store: Store, opinion: str, place: int = 0) -> str:
    """The id of a button below the one match; three rows have the same labels."""
    return f"suggested:{opinion}:{place}:{jobs_of(store, JobKind.MATCH)[0].id}"


def question(world: World) -> discord.Message:
    """The newest private message with a menu of songs."""
    return next(card for card in reversed(world.cards()) if "liking:" in str([r.to_dict() for r in card.components]))


async def test_a_first_match_asks_once_what_is_liked_and_later_ones_do_not(
    world: World, store: Store, songs: list[int], make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"one"))
    asked = question(world)
    assert "which of these songs do you like" in asked.content and len(world.cards()) == 2
    await world.env.restart_bot(make_bot())
    await world.alice.select(asked, [str(songs[0]), str(songs[2])])
    assert "2 songs you like" in question(world).content
    await world.alice.select(question(world), [str(songs[2])])
    assert said(store) == {(world.alice.id, songs[2]): True} and "1 song you like" in question(world).content
    assert "Not now" not in str([row.to_dict() for row in question(world).components])
    await world.alice.slash(world.channel, "match", note1=("a.ogg", b"two"))
    assert len(world.cards()) == 3
    await world.bob.slash(world.channel, "match", note1=("a.ogg", b"bob"))
    await world.bob.click(world.cards()[-1], label="Not now")
    assert "nothing was changed" in world.cards()[-1].content
    assert (world.bob.id, songs[2]) not in said(store) and "/help" in world.cards()[-1].content.replace("</", "/")


async def test_help_and_the_greeting_ask_whoever_presses_page_by_page(
    world: World, store: Store, songs: list[int], make_bot: Callable[[], DiscoverBot]
) -> None:
    with store.write() as session:
        for number in range(24):
            library.add_song(session, Song(title=f"Z{number:02}", media_key=str(number)))
    help_card = response_of(await world.alice.slash(world.channel, "help"))
    await world.env.restart_bot(make_bot())
    await world.alice.click(help_card, label="Songs you like…")
    await world.alice.click(question(world), label="More ▶")
    await world.alice.click(question(world), label="◀ Back")
    await world.alice.click(question(world), label="More ▶")
    last = question(world)
    assert "Page 2 of 2" in last.content
    guild, greeter = world.bot.get_guild(world.guild.id), world.bot.get_cog("HelpCog")
    assert guild is not None and isinstance(greeter, HelpCog)
    world.bot.services.languages[guild.id] = "ko"
    await greeter.on_guild_join(guild)
    for _ in range(2):
        await world.bob.click(world.public()[-1], custom_id="liking:open")
    await world.bob.select(world.cards()[-1], [str(songs[1])])
    assert "좋아하는 노래 1곡을 저장했어요" in world.cards()[-1].content
    assert said(store) == {(world.bob.id, songs[1]): True}


async def test_a_song_is_liked_or_not_by_its_member_alone_over_a_restart(
    match_card: discord.Message, world: World, store: Store, songs: list[int], make_bot: Callable[[], DiscoverBot]
) -> None:
    await world.env.restart_bot(make_bot())
    for _ in range(2):
        click = await world.alice.click(match_card, custom_id=thumb(store, "like", 1))
        assert "👍 “Bindaetteok” is kept" in response_of(click).content
    await world.alice.click(match_card, custom_id=thumb(store, "dislike"))
    assert said(store) == {(world.alice.id, songs[0]): False, (world.alice.id, songs[1]): True}
    view = result_view(jobs_of(store, JobKind.MATCH)[0], texts("en"))
    assert view is not None
    copied = await world.post("copied", view)
    for kind in ("like", "sing"):
        assert "no such job" in response_of(await world.bob.click(copied, custom_id=thumb(store, kind))).content


async def test_sing_takes_the_key_and_a_free_voice_or_the_members_newest_once(
    match_card: discord.Message, world: World, worker: Worker, store: Store, songs: list[int]
) -> None:
    none = await world.alice.click(match_card, label="🎤 Sing “Bindaetteok”")
    assert "no such voice" in response_of(none).content
    worker.add_voice(-1, "Emma")
    click = await world.alice.click(match_card, label="🎤 Sing “Bindaetteok”")
    again = await world.alice.click(match_card, label="🎤 Sing “Bindaetteok”")
    assert "Cover** of “Bindaetteok - Bindaetteok” with the voice “Emma”" in response_of(click).content
    assert "is being sung already" in response_of(again).content
    mine = worker.add_voice(world.alice.id, "mine")
    with store.write() as session:
        session.add(Voice(owner_id=world.alice.id, name="later", state=VoiceState.TRAINING))
    await world.alice.click(match_card, label="🎤 Sing “Bindaetteok”")
    free, own = (cover_params(job) for job in jobs_of(store, JobKind.COVER))
    assert (free.song_id, free.key_shift, free.voice_name, free.free_voice) == (songs[1], -5, "Emma", True)
    assert (own.song_id, own.key_shift, own.voice_id, own.free_voice) == (songs[1], -5, mine, False)
    assert jobs_of(store, JobKind.COVER)[0].guild_id == world.guild.id


async def test_a_song_that_has_left_the_library_is_one_sentence(
    match_card: discord.Message, world: World, worker: Worker, store: Store, songs: list[int]
) -> None:
    worker.add_voice(-1, "Emma")
    with store.write() as session:
        session.delete(session.get_one(Song, songs[0]))
    for kind in ("sing", "like"):
        assert "no such song" in response_of(await world.alice.click(match_card, custom_id=thumb(store, kind))).content
    assert said(store) == {} and jobs_of(store, JobKind.COVER) == []


async def test_opinions_are_among_a_members_data_and_go_with_forget(
    match_card: discord.Message, world: World, store: Store
) -> None:
    like = thumb(store, "like")
    await world.alice.click(match_card, custom_id=like)
    with my_data(store, world.alice.id, 10**6, texts("en").error) as data, zipfile.ZipFile(data.parts[0]) as archive:
        assert len(json.loads(archive.read("rows.json"))["song_opinion"]) == 1
    asked = await world.alice.slash(world.channel, "forget-me")
    await world.alice.click(response_of(asked), label="Remove everything")
    assert said(store) == {}
    gone = await world.alice.click(match_card, custom_id=like)
    assert "no such job" in response_of(gone).content and said(store) == {}
