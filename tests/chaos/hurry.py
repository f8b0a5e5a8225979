"""The product's waits, cut to what a schedule of two seconds can see; its steps stay what they are."""

import bot.live_cards
import bot.messages.post
import store.deletions
import worker.doorbell
import worker.giving_way
import worker.job_runner
import worker.lease
import worker.service
from store import connection, jobs, outbox, patience, postgresql, replies

PATIENCE = connection.BUSY_MS, postgresql.WAIT_MS, postgresql.IDLE_MS
LEASE = 1.5
NONCE = 1.0
CALL = 0.3


def hurry() -> None:
    """Shorten the waits of this process and of those that it forks."""
    jobs.LEASE_SECONDS = LEASE
    jobs.lease.__defaults__ = (LEASE,)
    outbox.LEASE_SECONDS = LEASE
    jobs.ACCEPT_SECONDS, jobs.AHEAD_SECONDS = 1.5, 1.0
    connection.BUSY_MS = postgresql.WAIT_MS = 300
    postgresql.IDLE_MS = 700
    outbox.PAUSES = (0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    patience.FIRST_PAUSE, patience.LONGEST_PAUSE, patience.MARGIN = 0.1, 0.3, 2.0
    for module in (patience, store.deletions, bot.messages.post):
        vars(module)["NONCE_SECONDS"] = NONCE
    replies.MARGIN, bot.live_cards.LAST_WORD = 0.3, 0.6
    worker.lease.RENEW_SECONDS, worker.lease.AGAIN_SECONDS = 0.15, 0.05
    worker.service.SWEEP_SECONDS = 0.15
    for module in (worker.doorbell, worker.service):
        vars(module)["CALL_SECONDS"] = CALL
    worker.service.RETRY_SECONDS = 0.2
    worker.job_runner.STOP_SECONDS = 1.0
    worker.giving_way.LEAST_SECONDS, worker.giving_way.LOOK_SECONDS = 0.2, 0.1


def examine() -> None:
    """Give this process the product's own patience with the database: it looks, and nobody else is at work."""
    connection.BUSY_MS, postgresql.WAIT_MS, postgresql.IDLE_MS = PATIENCE


def age_cards(seconds: float) -> None:
    """Have this process, and those that it forks, believe that Discord takes a token for so long."""
    replies.REPLY_SECONDS = seconds
