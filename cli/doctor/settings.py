"""The settings: names that nobody reads, values that cannot be, values that do not go together; the bot's token."""

import asyncio
import difflib
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dotenv import dotenv_values

from bot.errors import BotError
from bot.invite import invite_of
from bot.login import known_as
from bot.settings import BotSettings, TokenSettings
from cli.doctor.findings import Findings, note, well, wrong
from cli.wrong_settings import ROOMS, every_setting_refused
from metrics import MetricsSettings
from store import StoreSettings
from worker.settings import WorkerSettings

COMPOSE = {
    *("VALKEY_PASSWORD", "COMPOSE_PROFILES", "WORKER_MEMORY", "WORKER_CPUS"),
    *("POSTGRES_PASSWORD", "S3_PASSWORD", "GRAFANA_PASSWORD"),
}
"""What docker-compose.yml reads from `.env`."""
PIPELINE_MEGABYTES = {"note_megabytes": 25.0, "song_megabytes": 100.0}
TOKEN = re.compile(r"[\w-]{18,}\.[\w-]{5,}\.[\w-]{20,}", re.ASCII)
"""An id in base 64, a time, a signature."""


def names(file: Path = Path(".env")) -> Findings:
    """Names of `.env` that nobody reads: a slip of the pen is a setting that silently has its default."""
    known = COMPOSE | {name.upper() for kind in ROOMS for name in kind.model_fields}
    unread = [name for name in (dotenv_values(file) if file.is_file() else {}) if name.upper() not in known]
    for name in unread:
        near = difflib.get_close_matches(name.upper(), known, 1)
        meant = f"did you mean {near[0]}? Correct it" if near else "remove it, or look it up in docs/operators.md"
        yield wrong("settings", f"{file} sets {name}, which nothing reads: {meant}.")


def values() -> Findings:
    """Values that cannot be."""
    refused = every_setting_refused()
    yield from (wrong("settings", sentence) for sentence in refused)
    if not refused:
        yield well("settings", "Every value can be read.")


def together() -> Findings:
    """Values that work alone and not with the others, or not on this machine."""
    bot, seen, store = BotSettings(), MetricsSettings(), StoreSettings()
    if seen.bot_metrics_port and seen.bot_metrics_port == seen.worker_metrics_port:
        port = seen.bot_metrics_port
        yield wrong("settings", f"BOT_METRICS_PORT and WORKER_METRICS_PORT are both {port}: give each its own.")
    for name, most in PIPELINE_MEGABYTES.items():
        if getattr(bot, name) > most:
            yield wrong(
                "settings", f"{name.upper()} is above {most:g}: larger files come in and fail. Set {most:g} or less."
            )
    if store.clip_days > store.job_days:
        yield note("settings", "CLIP_DAYS is above JOB_DAYS: with its job, a result goes after JOB_DAYS already.")
    cores, threads = os.cpu_count() or 1, WorkerSettings().torch_threads
    if threads > cores:
        yield wrong("settings", f"TORCH_THREADS is {threads}, and here are {cores} cores: set {cores} or less.")


def needed(place: StoreSettings) -> Findings:
    """What members' jobs are to be done with: of a name that nothing has, they would wait for ever."""
    from models.weights.integrity import WeightsError
    from pipeline.pool.availability import VOICE_BASES
    from pipeline.separation.registry import NAMES, recipe

    separator, base = place.need_separator, place.need_voice_base
    try:
        if separator and separator not in NAMES and recipe(separator) is None:
            yield wrong("settings", f"NEED_SEPARATOR is {separator}. Set it to one of these: {', '.join(NAMES)}.")
    except WeightsError as error:
        yield wrong("settings", f"NEED_SEPARATOR: {error}")
    if base and base not in VOICE_BASES:
        yield wrong("settings", f"NEED_VOICE_BASE is {base}. Set it to one of these: {', '.join(VOICE_BASES)}.")


def token(online: bool) -> Findings:
    """The bot's token: there, of the right form and, if asked for, known to Discord."""
    try:
        text = TokenSettings().token
        invite_of(text)
        if not TOKEN.fullmatch(text):
            yield wrong(
                "token",
                "DISCORD_TOKEN is not three parts with dots between them: copy it anew from the Developer Portal "
                "(Bot page), not the application's id or secret.",
            )
            return
        if online:
            with _unlogged():
                name = asyncio.run(known_as(text))
            yield well("token", f"Discord knows the bot as {name}.")
        else:
            yield well("token", "It has the form of a bot's token; `--online` asks Discord.")
    except BotError as error:
        yield wrong("token", str(error))


@contextmanager
def _unlogged() -> Iterator[None]:
    """What discord.py logs as it asks is no finding."""
    logger = logging.getLogger("discord")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
