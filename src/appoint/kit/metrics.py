"""What `/metrics` shows. Labels are names of routes, statements and outcomes: never ids, never a person."""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

disable_created_metrics()  # each would double a counter's lines

REQUESTS: Final = Counter("appoint_requests_total", "Requests answered", ["operation", "status"])
REQUEST_SECONDS: Final = Histogram(
    "appoint_request_seconds", "From a request's arrival to its answer", ["operation"], buckets=SECONDS
)
BOOKINGS: Final = Counter(
    "appoint_bookings_total", "Bookings by outcome: booked, replayed, or the reason of the refusal", ["outcome"]
)
LIMITED: Final = Counter(
    "appoint_limited_total", "Requests refused because there were too many, by the limit", ["limit"]
)
QUERY_SECONDS: Final = Histogram(
    "appoint_query_seconds", "Statements, by the function that holds them", ["statement"], buckets=SECONDS
)
POOL_WAIT: Final = Histogram("appoint_pool_wait_seconds", "Waiting for a database connection", buckets=SECONDS)
POOL_CONNECTIONS: Final = Gauge(
    "appoint_pool_connections",
    "Database connections: idle, in use, and requests that wait for one",
    ["state"],
    multiprocess_mode="livesum",
)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    """One that is the database's, so that the last process to look is right for all."""
    return Gauge(name, meaning, labels, multiprocess_mode="livemostrecent")


EVENT_BACKLOG: Final = _gauge("appoint_event_backlog", "Events in the outbox, not counted beyond 100,000")
EVENT_LAG: Final = _gauge("appoint_event_lag_seconds", "Age of the oldest event that has not been told")
EVENTS_PARKED: Final = _gauge(
    "appoint_events_parked", "Events that could not be told after all their tries, with those behind them"
)
DEAD_LETTERS: Final = _gauge("appoint_dead_letters", "Notifications that could not be sent", "channel")
NOTIFICATION_LAG: Final = _gauge(
    "appoint_notification_lag_seconds", "How late the oldest notification is that is due", "channel"
)
WEBHOOKS_FAILING: Final = _gauge("appoint_webhooks_failing", "Webhooks whose last delivery failed")
BROKER_BACKLOG: Final = _gauge(
    "appoint_broker_backlog", "Events that the broker has not taken, not counted beyond 100,000"
)
JOBS_FAILED: Final = _gauge("appoint_jobs_failed", "Nightly jobs that failed after all their attempts")
AUDIT_UNSEALED: Final = _gauge(
    "appoint_audit_unsealed", "Entries of the audit that are not sealed, not counted beyond 100,000"
)
AUDIT_LAG: Final = _gauge("appoint_audit_unsealed_seconds", "Age of the oldest of them")


@contextmanager
def shared() -> Generator[None]:
    """Server processes that are started meanwhile count together: each answers `/metrics` for all."""
    folder = tempfile.mkdtemp(prefix="appoint-metrics-")
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        del os.environ[FOLDER]
        shutil.rmtree(folder, ignore_errors=True)


def forget(process: int) -> None:
    """A process has ended: its connections are no more; its requests stay counted."""
    mark_process_dead(process)


def exposition() -> bytes:
    """All of it, as Prometheus reads it."""
    if FOLDER not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)
