"""`/songs` and `/singers`: what moderators add is heard, told, seen in their server alone, and removed."""

from collections.abc import Callable
from pathlib import Path

import discord
import pytest
from simcord.actors import MemberActor

from bot.app import DiscoverBot
from bot.covers import song_choices
from bot.interactions.components import view_of
from bot.library.removing import LibraryAnswer
from bot.library.songs import SongsPage, named_after
from store import Job, Singer, Song, Store, library
from store.results import HeardVocals, LibraryResult, SungRange
from store.use_cases import finish_job, own_singers, own_songs, take_job
from tests.bot.world import BUTTON, Worker, World, parts_of, response_of, text_of

pytestmark = pytest.mark.usefixtures("quiet")


@pytest.fixture
def moderator(world: World) -> MemberActor:
    role = world.guild.create_role("admins", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("moderator"), roles=[role])


def hear(store: Store, job: Job, folder: Path, songs: int = 1) -> None:
    """What a worker does."""
    taken = take_job(store, job.id, 1, "w")
    assert taken is not None
    (path := folder / "embeddings.safetensors").write_text(job.id)
    heard = tuple(HeardVocals({"60": 9.0}, (1.0,), 9.0, "Am", 92.4) for _ in range(songs))
    result = LibraryResult(
        songs=songs,
        seconds=9.0 * songs,
        range=SungRange("C3", "A4"),
        model="m",
        key="Am" if songs == 1 else "",
        tempo=92.4 if songs == 1 else None,
        heard=heard,
    )
    finish_job(store, taken, result, {"embeddings": path})


async def test_a_song_is_added_listed_edited_and_removed(
    world: World,
    moderator: MemberActor,
    worker: Worker,
    store: Store,
    tmp_path: Path,
    make_bot: Callable[[], DiscoverBot],
) -> None:
    async def say(command: str, **options: object) -> str:
        return response_of(await moderator.slash(world.channel, f"songs {command}", **options)).content

    assert "no songs of its own yet" in await say("list")
    assert "place 1 in line" in await say("add", file=("IU - Palette.mp3", b"song"), licence="mine")
    hear(store, worker.only(), tmp_path)
    await world.tick(5)
    told = [m.content for m in world.channel.history(viewer=moderator)]
    assert any(
        "“Palette” is in this server's library" in text and "range C3 to A4 · key Am · 92 BPM" in text for text in told
    )
    listed = response_of(await moderator.slash(world.channel, "songs list"))
    assert "Songs of this server** (1)" in text_of(listed) and "**IU - Palette** · key Am · 92 BPM · mine" in text_of(
        listed
    )
    [song] = own_songs(store, world.guild.id)
    assert song_choices(store, "pal", world.guild.id) == [("IU - Palette", f"#{song.id}")]
    assert song_choices(store, "pal", 99) == [] == song_choices(store, "pal")
    [choice] = await moderator.autocomplete(world.channel, "songs remove", "song", "PAL")
    assert [choice] == await moderator.autocomplete(world.channel, "songs remove", "song", "ｐａｌ\u200b")  # full width
    assert (choice["name"], choice["value"]) == ("IU - Palette", f"#{song.id}")
    assert "**IU - Palette (live)**" in await say("edit", song=f"#{song.id}", title="Palette (live)")
    assert "There is no such song of this server" in await say("remove", song="Nothing")
    await moderator.click(listed, label="Remove")
    await moderator.click(listed, label="Keep it")
    assert "Nothing was removed" in text_of(listed) and own_songs(store, world.guild.id)
    await world.env.restart_bot(make_bot())
    listed = response_of(await moderator.slash(world.channel, "songs list"))
    await world.env.restart_bot(make_bot())
    await moderator.click(listed, label="Remove")
    assert "Remove “IU - Palette (live)”" in text_of(listed) and own_songs(store, world.guild.id)
    await world.env.restart_bot(make_bot())
    await moderator.click(listed, label="Remove it")
    assert text_of(listed) == "IU - Palette (live) is removed from this server's library."
    assert parts_of(listed, BUTTON) == []
    assert "There is no such song" in await say("remove", song=f"#{song.id}")
    assert song_choices(store, "", world.guild.id) == [] and song.media_key not in set(store.media.keys())


async def test_three_songs_make_a_singer(
    world: World,
    moderator: MemberActor,
    worker: Worker,
    store: Store,
    tmp_path: Path,
    make_bot: Callable[[], DiscoverBot],
) -> None:
    same = {f"song{n}": (f"{n}.mp3", b"one") for n in (1, 2, 3)}
    refused = response_of(await moderator.slash(world.channel, "singers add", singer="IU", **same)).content
    assert refused == "A singer needs 3 different songs at least. Add more songs of theirs."
    assert list(store.media.keys()) == []
    songs = {f"song{n}": (f"{n}.mp3", f"song {n}".encode()) for n in (1, 2, 3)}
    await moderator.slash(world.channel, "singers add", singer="IU", **songs)
    hear(store, worker.only(), tmp_path, songs=3)
    await world.tick(5)
    told = [m.content for m in world.channel.history(viewer=moderator)]
    assert any("“IU” is in this server's library" in text and "by 3 songs" in text for text in told)
    listed = response_of(await moderator.slash(world.channel, "singers list"))
    assert "Singers of this server** (1)" in text_of(listed) and "**IU** · 3 songs" in text_of(listed)
    await world.env.restart_bot(make_bot())
    await moderator.click(listed, label="Remove")
    forged = await world.post("a list", LibraryAnswer.both("yes", "no", entry="singer", number=1))
    stolen = await world.bob.click(forged, label="yes")
    assert "Only moderators" in stolen.followups[0].content and own_singers(store, world.guild.id)
    gone = response_of(await moderator.slash(world.channel, "singers remove", singer="iu")).content
    assert gone == "IU is removed from this server's library."
    late = await moderator.click(listed, label="Remove it")
    assert late.followups[0].content.startswith("There is no such singer of this server")
    assert list(store.media.keys()) == []


async def test_a_singer_who_is_chosen_is_removed_whatever_they_are_called(
    world: World, moderator: MemberActor, store: Store
) -> None:
    with store.write() as session:
        for name in ("IU", "#1", "#2"):
            key = store.media.put_bytes(name.encode(), "e.npz")
            session.add(Singer(name=name, embedding_model="m", embeddings_key=key, clips=3, guild_id=world.guild.id))
            session.flush()
    [choice] = await moderator.autocomplete(world.channel, "singers remove", "singer", "#2")
    gone = response_of(await moderator.slash(world.channel, "singers remove", singer=choice["value"])).content
    assert choice["name"] == "#2" and gone == "\\#2 is removed from this server's library."
    assert [singer.name for singer in own_singers(store, world.guild.id)] == ["#1", "IU"]


async def test_what_cannot_be_added_changed_or_removed_is_one_sentence(
    world: World, moderator: MemberActor, store: Store
) -> None:
    empty, sound = ("a.mp3", b""), ("b.mp3", b"sound")
    for command, options, sentence in (
        ("songs add", {"file": empty}, "a.mp3 is empty. Record or upload it again."),
        ("songs add", {"file": sound, "title": "\u3164"}, "A song needs a name that can be seen."),
        ("songs edit", {"song": "nothing", "title": "x"}, "There is no such song of this server."),
        ("songs remove", {"song": "#1"}, "There is no such song of this server."),
        ("singers add", {"singer": "IU", "song1": sound, "song2": sound, "song3": empty}, "a.mp3 is empty."),
        ("singers add", {"singer": "\u3164", "song1": sound, "song2": sound, "song3": sound}, "A singer needs a name"),
        ("singers remove", {"singer": "nobody"}, "There is no such singer of this server."),
    ):
        answer = response_of(await moderator.slash(world.channel, command, **options))
        assert answer.ephemeral and answer.content.startswith(sentence), (command, answer.content)
    assert list(store.media.keys()) == [] and world.public() == []


async def test_a_long_list_is_turned_by_moderators_alone(world: World, moderator: MemberActor, store: Store) -> None:
    with store.write() as session:
        for number in range(21):
            title = f"Song {number:02}"
            library.add_song(session, Song(title=title, media_key=title, guild_id=world.guild.id))
    first = response_of(await moderator.slash(world.channel, "songs list"))
    assert "Song 09" in text_of(first) and "Song 10" not in text_of(first) and "Page 1 of 3" in text_of(first)
    await moderator.click(first, label="More ▶")
    assert "Song 10" in text_of(first) and "Song 09" not in text_of(first)
    forged = await world.post("a list", view_of(SongsPage.labelled("turn", page=1)))
    refused = await world.bob.click(forged, label="turn")
    assert "Only moderators" in "".join(one.content for one in refused.followups)
    assert [message.content for message in world.public()] == ["a list"]


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("IU - Palette.mp3", ("Palette", "IU")),
        ("Palette.mp3", ("Palette", "")),
        ("a-ha - Take On Me - live.flac", ("Take On Me - live", "a-ha")),
        (" - Palette.mp3", ("- Palette", "")),
    ],
)
def test_a_file_tells_singer_and_title(file: str, named: tuple[str, str]) -> None:
    assert named_after(file) == named


async def test_songs_of_one_title_are_told_apart_wherever_they_are_chosen(
    world: World, moderator: MemberActor, store: Store
) -> None:
    with store.write() as session:
        songs = [library.add_song(session, Song(title="쌍둥이", media_key=k, guild_id=world.guild.id)) for k in "ab"]
        session.flush()
        numbers = [song.id for song in songs]
    wanted = [f"쌍둥이 (#{number})" for number in numbers]
    assert [name for name, _ in song_choices(store, "쌍", world.guild.id)] == wanted
    for command in ("songs remove", "songs edit"):
        choices = await moderator.autocomplete(world.channel, command, "song", "쌍")
        assert [choice["name"] for choice in choices] == wanted
    listed = response_of(await moderator.slash(world.channel, "songs list"))
    assert all(f"**{name}**" in text_of(listed) for name in wanted)
    await moderator.click(listed, custom_id=f"library:remove:song:{numbers[1]}")
    assert f"**Remove “{wanted[1]}” from" in text_of(listed)
