"""The metrics at `/metrics`. Labels name routes, statements and outcomes, and never contain ids or personal data."""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, cast

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)

BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FOLDER_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

disable_created_metrics()  # these would double the number of lines for every counter

REQUESTS: Final = Counter("appoint_requests_total", "Requests served", ["operation", "status"])
REQUEST_SECONDS: Final = Histogram(
    "appoint_request_seconds", "Time from a request's arrival to its response", ["operation"], buckets=BUCKETS
)
BOOKINGS: Final = Counter(
    "appoint_bookings_total", "Bookings by outcome: booked, replayed, or the reason for refusal", ["outcome"]
)
RATE_LIMITED: Final = Counter("appoint_limited_total", "Requests refused by a rate limit, by limit", ["limit"])
QUERY_SECONDS: Final = Histogram(
    "appoint_query_seconds",
    "Statement duration, by the function that runs the statement",
    ["statement"],
    buckets=BUCKETS,
)
POOL_WAIT: Final = Histogram(
    "appoint_pool_wait_seconds", "Time spent waiting for a database connection", buckets=BUCKETS
)
POOL_CONNECTIONS: Final = Gauge(
    "appoint_pool_connections",
    "Database connections: idle, in use, and requests waiting for one",
    ["state"],
    multiprocess_mode="livesum",
)
STALE_READS: Final = Counter(
    "appoint_stale_reads_total", "Statements whose data may be two seconds old, by the server that ran them", ["target"]
)


def _database_gauge(name: str, meaning: str, *labels: str) -> Gauge:
    """Return a gauge for a database value. The most recent reading from any process is the right one."""
    return Gauge(name, meaning, labels, multiprocess_mode="livemostrecent")


REPLICA_LAG: Final = _database_gauge(
    "appoint_replica_lag_seconds", "Greatest possible age of a replica's data, or +Inf if it is unknown", "replica"
)
EVENT_BACKLOG: Final = _database_gauge("appoint_event_backlog", "Events in the outbox, counted up to 100,000")
EVENT_LAG: Final = _database_gauge("appoint_event_lag_seconds", "Age of the oldest event that has not been relayed")
EVENTS_PARKED: Final = _database_gauge(
    "appoint_events_parked",
    "Events that could not be relayed after all attempts, plus the events waiting behind them",
)
DEAD_LETTERS: Final = _database_gauge("appoint_dead_letters", "Notifications that could not be sent", "channel")
NOTIFICATION_LAG: Final = _database_gauge(
    "appoint_notification_lag_seconds", "How late the oldest due notification is", "channel"
)
WEBHOOKS_FAILING: Final = _database_gauge("appoint_webhooks_failing", "Webhooks whose last delivery failed")
BROKER_BACKLOG: Final = _database_gauge(
    "appoint_broker_backlog", "Events that the broker has not accepted, counted up to 100,000"
)
JOBS_FAILED: Final = _database_gauge("appoint_jobs_failed", "Nightly jobs that failed after all their attempts")
PAYMENT_DRIFTS: Final = _database_gauge(
    "appoint_payment_drifts", "Unresolved differences between our books and the payment provider's"
)
INVARIANT_VIOLATIONS: Final = _database_gauge(
    "appoint_invariant_violations", "Records that violated a rule in the nightly check of all data"
)
AUDIT_UNSEALED: Final = _database_gauge("appoint_audit_unsealed", "Unsealed audit entries, counted up to 100,000")
UNREADABLE_VALUES: Final = Counter(
    "appoint_unreadable_values_total", "Encrypted values that could not be decrypted, by column", ["column"]
)
BACKUP_AGE: Final = _database_gauge(
    "appoint_backup_age_seconds",
    "Age of the newest stored change (wal), the last base backup (base) and the last verified restore (check)",
    "part",
)
BACKUP_GAPS: Final = _database_gauge(
    "appoint_backup_gaps",
    "Periods that no backup can restore: closed by a later base backup, or still open",
    "state",
)
AUDIT_LAG: Final = _database_gauge("appoint_audit_unsealed_seconds", "Age of the oldest unsealed audit entry")


@contextmanager
def shared_between_processes() -> Generator[None]:
    """Share metrics between the server processes started inside the block: each serves `/metrics` for all of them."""
    folder = tempfile.mkdtemp(prefix="appoint-metrics-")
    os.environ[FOLDER_VARIABLE] = folder
    try:
        yield
    finally:
        del os.environ[FOLDER_VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)


def forget_process(process: int) -> None:
    """Drop the gauges of a process that has ended, such as its connections. Its counters remain."""
    cast("Any", multiprocess).mark_process_dead(process)  # the library has no types for it


def exposition() -> bytes:
    """Return all metrics in Prometheus's text format."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)
