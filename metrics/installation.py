"""Figures of the whole installation, read from its rows and folders when somebody asks. One process serves them."""

import shutil
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from store import JobKind, Lane, Store, cache
from store.use_cases import Backlog, read_backlog, stranded_jobs


class InstallationCollector(Collector):
    """Jobs that are not over by kind and state, the age of the line, what is to be delivered, cache and disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> Iterator[Metric]:
        """The families, without reading anything."""
        yield from _families(Backlog({}, {}, 0, 0.0), 0, 0, 0)

    def collect(self) -> Iterator[Metric]:
        """The figures now."""
        free = shutil.disk_usage(self._store.data_dir).free
        yield from _families(read_backlog(self._store), cache.size(self._store), free, stranded_jobs(self._store).jobs)


def _families(backlog: Backlog, cache_bytes: int, free_bytes: int, stranded: int) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("discovervoice_jobs", "Jobs that are not over.", labels=("kind", "state"))
    for kind in JobKind:
        for state, count in backlog.jobs.get(kind, {}).items():
            jobs.add_metric((kind, state), count)
    yield jobs
    age = GaugeMetricFamily("discovervoice_queue_age_seconds", "How long the oldest job waits.", labels=("lane",))
    for lane in Lane:
        age.add_metric((lane,), backlog.oldest_seconds.get(lane, 0.0))
    yield age
    words = "Jobs in line that no worker can do that lives."
    yield GaugeMetricFamily("discovervoice_stranded_jobs", words, stranded)
    yield GaugeMetricFamily("discovervoice_outbox_messages", "Messages to be delivered.", backlog.messages)
    oldest = backlog.oldest_message_seconds
    yield GaugeMetricFamily("discovervoice_outbox_age_seconds", "How long the oldest message is due.", oldest)
    yield GaugeMetricFamily("discovervoice_cache_bytes", "What was computed from songs.", cache_bytes)
    yield GaugeMetricFamily("discovervoice_disk_free_bytes", "Room where the data is.", free_bytes)
