"""Puts the bot together and runs it."""

import asyncio
import contextlib
import logging
import math
import signal
from collections.abc import Sequence
from typing import Any

import discord
from discord.ext import commands
from prometheus_client import CollectorRegistry

from bot.again import (
    AgainButton,
    VoiceAgainButton,
    VoiceAgainMenu,
    VoiceAgainPage,
    again_buttons,
    level_buttons,
)
from bot.copies import Copies
from bot.covers import CoverCog
from bot.deleting import DeleteAnswer, DeleteButton, delete_buttons
from bot.delivery import Delivery
from bot.details import DetailsButton, details_buttons
from bot.forget import ForgetButton, ForgetCog
from bot.guild_settings import GuildSettingsCog
from bot.help import HelpCog
from bot.interactions.components import PersistentItem, answer_unknown, rows_of
from bot.interactions.liking import LikingMenu, LikingOpen, LikingPage, LikingSkip
from bot.interactions.replies import Tree
from bot.interactions.services import Interaction, Services
from bot.jobs import CancelButton, FetchButton, JobsCog, JobsPage, cancel_view
from bot.library.removing import LibraryAnswer, LibraryRemove
from bot.library.singers import SingersCog, SingersPage
from bot.library.songs import SongsCog, SongsPage
from bot.live_cards import LiveCards
from bot.login import login_told
from bot.match import MatchCog
from bot.messages.private import PrivateCards
from bot.mos.ballot import VoteMenu
from bot.mos.command import MosCog
from bot.mos.consent import ListeningConsentButton, ListeningConsentCog
from bot.mos.running import ListeningTests
from bot.my_data import MyDataCog
from bot.notes import NotesAdd, NotesCog, NotesPage, NotesPick
from bot.parts import PartButton, PartsAnewButton, part_buttons
from bot.presence import Presence
from bot.rating import RatingMenu, rating_menus
from bot.removal import Removal
from bot.reports.blocked import BlockedCog
from bot.reports.command import ReasonMenu, ReportCog
from bot.reports.staff import StepButton
from bot.reports.telling import ReportsLoop
from bot.settings import BotSettings
from bot.sharing import ShareButton, share_buttons
from bot.suggested import OpinionButton, SingButton, suggested_rows
from bot.texts.locale import Translator
from bot.texts.mentions import mentions_of
from bot.texts.sentences import Texts
from bot.training.command import TrainCog
from bot.training.question import ConsentButton
from bot.training.reading import ReadingCog
from bot.voices import VoiceAct, VoiceDelete, VoiceOpen, VoicePick, VoicesCog, VoicesPage
from metrics import GatewayMetrics, InstallationCollector, MetricsSettings, endpoint
from store import Job, Store
from store.use_cases import guild_languages, read_backlog
from worker.doorbell import Doorbell

SLASH = discord.AppCommandType.chat_input
RATE_LIMIT_SECONDS = 30.0  # a longer one is waited out by each loop, and holds up nothing else
COMMANDS = (
    TrainCog,
    CoverCog,
    VoicesCog,
    JobsCog,
    ForgetCog,
    MyDataCog,
    HelpCog,
    MosCog,
    ListeningConsentCog,
    GuildSettingsCog,
    BlockedCog,
    SongsCog,
    SingersCog,
)
COMPONENTS = (
    CancelButton,
    FetchButton,
    JobsPage,
    ConsentButton,
    NotesAdd,
    NotesPick,
    NotesPage,
    VoiceOpen,
    VoicePick,
    VoiceAct,
    VoiceDelete,
    VoicesPage,
    ForgetButton,
    VoteMenu,
    ListeningConsentButton,
    ReasonMenu,
    StepButton,
    ShareButton,
    DetailsButton,
    AgainButton,
    VoiceAgainButton,
    VoiceAgainMenu,
    VoiceAgainPage,
    PartButton,
    PartsAnewButton,
    RatingMenu,
    DeleteButton,
    DeleteAnswer,
    SongsPage,
    SingersPage,
    LibraryRemove,
    LibraryAnswer,
    LikingOpen,
    LikingMenu,
    LikingPage,
    LikingSkip,
    SingButton,
    OpinionButton,
)
log = logging.getLogger(__name__)


def result_view(job: Job, say: Texts) -> discord.ui.View | None:
    """What can be done with a result."""
    rows: list[Sequence[PersistentItem[Any]]] = [
        [*share_buttons(job, say), *details_buttons(job, say), *delete_buttons(job, say)],
        again_buttons(job, say),
        level_buttons(job, say),
        part_buttons(job, say),
        rating_menus(job, say),
        *suggested_rows(job, say),
    ]
    return rows_of(*rows) if any(rows) else None


class DiscoverBot(commands.AutoShardedBot):
    """The bot: no privileged intents, no text commands, mentions nobody unless a message allows it."""

    def __init__(self, store: Store, doorbell: Doorbell, settings: BotSettings) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nothing is said in voice channels
        self.registry = CollectorRegistry()
        metrics = GatewayMetrics(self.registry, lambda: self.latency)
        shards = settings.shards
        if shards.have(None):
            self.registry.register(InstallationCollector(store))  # one bot serves what is the same for all
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(guilds=True, guild_reactions=True),
            allowed_mentions=discord.AllowedMentions.none(),
            tree_cls=Tree,
            max_ratelimit_timeout=RATE_LIMIT_SECONDS,
            http_trace=metrics.trace(),
            shard_ids=shards.ids,
            shard_count=shards.count,
        )
        mentions: dict[str, str] = {}
        private = PrivateCards(self, mentions)
        self.cards = LiveCards(store, settings.card_seconds, private, cancel_view, shards)
        self.delivery = Delivery(self, store, settings.poll_seconds, private, result_view, shards)
        self.removal = Removal(self, store, settings.poll_seconds, private, shards)
        self.listening_tests = ListeningTests(self, store, settings.poll_seconds, shards)
        self.reports = ReportsLoop(self, store, settings.poll_seconds, mentions, shards)
        self.services = Services(store, doorbell, settings, self.cards.show, result_view, mentions=mentions)

    async def setup_hook(self) -> None:
        """Add commands, persistent components and loops; sync the commands in every language."""
        services = self.services
        services.languages.update(await asyncio.to_thread(guild_languages, services.store))
        for cog in COMMANDS:
            await self.add_cog(cog(services))
        await self.add_cog(MatchCog(self, services))
        await self.add_cog(NotesCog(self, services))
        await self.add_cog(ReadingCog(self, services))
        await self.add_cog(ReportCog(self, services))
        self.add_dynamic_items(*COMPONENTS)
        await self.tree.set_translator(Translator())
        services.mentions.update(mentions_of(await self.tree.sync()))
        await self.add_cog(self.cards)
        await self.add_cog(self.delivery)
        await self.add_cog(self.removal)
        await self.add_cog(self.listening_tests)
        await self.add_cog(Presence(self, services.store, services.settings.shards))
        await self.add_cog(self.reports)
        await self.add_cog(Copies(services.store))

    async def on_ready(self) -> None:
        """Discord has the bot online, for the first time or after a session that was lost."""
        names = " ".join(sorted(f"/{command.name}" for command in self.tree.get_commands(type=SLASH)))
        log.info("Connected as %s in %d servers with %s.", self.user, len(self.guilds), names)

    async def on_interaction(self, interaction: Interaction) -> None:
        """Discord reports an interaction; commands and our own components answer for themselves."""
        await answer_unknown(interaction, COMPONENTS)

    async def trouble(self) -> str:
        """What is wrong, "" if the bot is well."""
        if not self.is_ready() or not math.isfinite(self.latency):
            return "there is no connection to Discord"
        try:
            await asyncio.to_thread(read_backlog, self.services.store)
        except Exception as error:
            return f"the database cannot be read ({type(error).__name__})"
        return ""

    async def close(self) -> None:
        """Stop the loops and close the queue's connection."""
        await super().close()
        await self.services.doorbell.close()


def run(store: Store, doorbell: Doorbell, settings: BotSettings) -> None:
    """Run until SIGINT or SIGTERM. Raises NoToken, WrongToken, Unreachable (each a BotError)."""
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(serve(store, doorbell, settings))


async def serve(store: Store, doorbell: Doorbell, settings: BotSettings) -> None:
    """`run` inside an event loop."""
    token = settings.token
    task = asyncio.current_task()
    if task is not None:
        with contextlib.suppress(NotImplementedError, RuntimeError):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    seen = MetricsSettings()
    async with (
        DiscoverBot(store, doorbell, settings) as bot,
        endpoint(seen.metrics_host, seen.bot_metrics_port, bot.registry, bot.trouble),
    ):
        with login_told():
            await bot.start(token)
