"""What can be seen from outside while the service runs: figures for Prometheus, and whether a process is well.

Counters belong to the process that counts; nothing here changes a row.
"""

from metrics.endpoint import CannotListen, MetricsSettings, endpoint
from metrics.gateway import GatewayMetrics
from metrics.installation import InstallationCollector
from metrics.work import WorkMetrics

__all__ = [
    "CannotListen",
    "GatewayMetrics",
    "InstallationCollector",
    "MetricsSettings",
    "WorkMetrics",
    "endpoint",
]
