"""What Prometheus reads at /metrics; with several workers, their sums."""

from __future__ import annotations

import os
import time
from collections import Counter as Counts
from collections import deque

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics import disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY

#: where workers leave their numbers for each other; prometheus_client reads it when it is imported
SHARED = "PROMETHEUS_MULTIPROC_DIR"

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double what is read, and a restart shows in the counters themselves
REQUESTS = Counter("mep3m_requests", "Requests answered.", ["path", "status"])
SECONDS = Histogram(
    "mep3m_request_seconds",
    "From the first byte of a request to the last of its answer.",
    ["path"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
PRODUCTS = Counter("mep3m_products", "Products answered.", ["decision"])
BATCHED = Histogram(
    "mep3m_batch_requests", "Requests in one call of the model.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
READING = Gauge(
    "mep3m_waiting_bytes", "Bytes of requests that are being read or wait.", multiprocess_mode="livesum"
)


class Throughput:
    """How many products this process answered in each of the last `MINUTES`, by decision, and in all."""

    MINUTES = 60

    def __init__(self) -> None:
        self.began = time.time()
        self.all: Counts[str] = Counts()
        self._minutes: deque[tuple[int, Counts[str]]] = deque(maxlen=self.MINUTES + 1)

    def count(self, decisions: Counts[str], now: float | None = None) -> None:
        """Count some answers; `now` is a time in seconds (default: that of the clock)."""
        minute = _minute(now)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counts()))
        self._minutes[-1][1].update(decisions)
        self.all.update(decisions)

    def last(self, minutes: int, now: float | None = None) -> Counts[str]:
        """Return what was answered in this minute and those before it, so many in all."""
        since = _minute(now) - minutes
        found: Counts[str] = Counts()
        for minute, decisions in list(self._minutes):
            if minute > since:
                found.update(decisions)
        return found


def _minute(now: float | None) -> int:
    return int((time.time() if now is None else now) // 60)


def exposition() -> bytes:
    """Return all numbers in the text format of Prometheus."""
    if SHARED not in os.environ:
        return bytes(generate_latest(REGISTRY))
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return bytes(generate_latest(registry))
