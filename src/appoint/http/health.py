"""/healthz, /readyz and /metrics, for monitoring."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import asyncpg
import msgspec
from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST

from ..database import migrate, upkeep
from ..database.pool import Database
from ..database.replicas import Replicas
from ..database.zone_rules import ZoneRules, describe
from ..kit import clock, errors, metrics
from ..kit.hosts import is_loopback
from ..kit.structs import RequestBody as Query
from .access import identify
from .request import Request
from .routes import route

DATABASE_TIMEOUT_SECONDS: Final = 2.0
MAX_WORKER_SILENCE_SECONDS: Final = 30.0
METRICS_SECONDS: Final = 1.0
MONITORING: Final[dict[str, Any]] = route(permission="public", rate_limit="monitoring")
ZONES: Final = "timeZones"
CLOCK: Final = "clock"
BACKUP: Final = "backup"
REPLICAS: Final = "replicas"
PAYMENTS: Final = "payments"
ADVISORY: Final = frozenset({ZONES, CLOCK, BACKUP, REPLICAS, PAYMENTS})
"""Parts that never make a server unready: most clinics can do without them, and a new server would have the same
problem.
"""
MAX_WAL_AGE: Final = timedelta(minutes=10)
MAX_BASE_AGE: Final = timedelta(days=2)
MAX_CLOCK_SKEW: Final = timedelta(seconds=5)
NO_STORE: Final = {"Cache-Control": "no-store"}


class PartHealth(msgspec.Struct, frozen=True):
    ok: bool
    detail: str | None = None


UNREACHABLE: Final = PartHealth(ok=False, detail="the database cannot be reached")


class PaymentHealth(NamedTuple):
    """The report about payments by card, which the package for payments registers when the application starts."""

    report: Callable[[Database], Awaitable[PartHealth | None]]


class Readiness(msgspec.Struct, frozen=True):
    ready: bool
    parts: dict[str, PartHealth]


class HealthQuery(Query):
    exclude: Literal["worker"] | None = None
    """For load balancers, because bookings also work without a worker."""


@get("/healthz", operation_id="healthz", opt=MONITORING, include_in_schema=False)
async def show_health() -> Response[dict[str, str]]:
    """Report that the process is alive."""
    return Response({"status": "ok"}, headers=NO_STORE)


@get("/readyz", operation_id="readyz", opt=MONITORING, include_in_schema=False)
async def show_readiness(request: Request, query: HealthQuery) -> Response[Readiness]:
    """Report whether everything that bookings need is available. A 503 lists what is missing."""
    parts = await _parts(request.db, request.services.get(ZoneRules))
    parts |= _replicas(request.services.replicas)
    parts |= await _payments(request.db, request.services.get(PaymentHealth))
    if query.exclude:
        parts.pop(query.exclude)
    readiness = Readiness(all(part.ok for name, part in parts.items() if name not in ADVISORY), parts)
    return Response(readiness, status_code=200 if readiness.ready else 503, headers=NO_STORE)


async def _parts(db: Database, zone_rules: ZoneRules) -> dict[str, PartHealth]:
    needed = migrate.newest()
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_SECONDS):
            revision = await migrate.revision(db)
            # during a rolling upgrade, the previous release works with the newer schema
            is_migrated = revision is not None and revision >= needed
            silence = await upkeep.worker_silence(db) if is_migrated else None
            differences = await zone_rules.differences(db, now=clock.now()) if is_migrated else []
            backups = await upkeep.read_backups(db.across()) if is_migrated else None
    except (errors.Unavailable, TimeoutError):
        return dict.fromkeys(("database", "migrations", "worker", ZONES, CLOCK), UNREACHABLE)
    return {
        "database": PartHealth(ok=True),
        "migrations": PartHealth(ok=True)
        if is_migrated
        else PartHealth(ok=False, detail=f"the database is at revision {revision}; this version needs {needed}"),
        "worker": PartHealth(ok=True)
        if silence is not None and silence < MAX_WORKER_SILENCE_SECONDS
        else PartHealth(ok=False, detail="no worker has been seen for 30 seconds"),
        ZONES: PartHealth(ok=False, detail=describe(differences)) if differences else PartHealth(ok=True),
        CLOCK: _clock(clock.CLOCK.skew),
        **({BACKUP: _backup(backups)} if backups else {}),
    }


def _clock(skew: timedelta) -> PartHealth:
    if abs(skew) <= MAX_CLOCK_SKEW:
        return PartHealth(ok=True)
    direction = "ahead of" if skew > timedelta() else "behind"
    seconds = round(abs(skew).total_seconds())
    return PartHealth(
        ok=False, detail=f"this machine's clock is {seconds} s {direction} the database's; Appoint uses the database's"
    )


def _backup(state: upkeep.BackupState) -> PartHealth:
    wal, base, check = (
        None if age is None else timedelta(seconds=round(age)) for age in (state.wal, state.base, state.check)
    )
    details = [
        "no changes stored yet" if wal is None else f"changes stored until {wal} ago",
        "no base backup yet" if base is None else f"base backup made {base} ago",
        f"verified {check} ago" if check is not None else "not verified yet",
    ]
    if state.open_since:
        details.append(f"changes since {_second(state.open_since)} cannot be restored until there is a new base backup")
    if state.last_began_at and state.last_ended_at:
        gap = f"{_second(state.last_began_at)} and {_second(state.last_ended_at)}"
        details.append(f"no moment between {gap} can be restored")
    is_recent = wal is not None and base is not None and wal < MAX_WAL_AGE and base < MAX_BASE_AGE
    return PartHealth(ok=is_recent and state.open_since is None, detail="; ".join(details))


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _replicas(replicas: Replicas) -> dict[str, PartHealth]:
    """Return the part about replicas, if there are any. It names those that get no reads, and says why."""
    faults = [f"{each.name}: {fault}" for each in replicas.replicas if (fault := replicas.fault_of(each))]
    return {REPLICAS: PartHealth(ok=not faults, detail="; ".join(faults) or None)} if replicas.replicas else {}


async def _payments(db: Database, health: PaymentHealth) -> dict[str, PartHealth]:
    """Return the part about payments by card, if any clinic can need it and the database can be reached."""
    try:
        async with asyncio.timeout(DATABASE_TIMEOUT_SECONDS):
            part = await health.report(db)
    except (errors.Unavailable, TimeoutError, asyncpg.PostgresError):  # other parts say what is wrong
        return {}
    return {PAYMENTS: part} if part else {}


@get("/metrics", operation_id="metrics", opt=MONITORING, include_in_schema=False)
async def show_metrics(request: Request) -> Response[bytes]:
    """Serve metrics for Prometheus that are at most a second old, or fresh ones for `Cache-Control: no-cache`."""
    await _expect_metrics_reader(request)
    is_fresh_needed = "no-cache" in request.headers.get("cache-control", "")
    text = await request.services.get(MetricsText).read(fresh=is_fresh_needed)
    return Response(text, media_type=CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8"), headers=NO_STORE)


async def _expect_metrics_reader(request: Request) -> None:
    """Raise `Unauthorized` or `Forbidden` unless the caller sent the token for metrics or is an administrator. In
    development mode without a token, anyone on this machine can read them.
    """
    token, mode = request.services.settings.metrics_token, request.services.settings.mode
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if token is None:
        if mode == "development" and is_loopback(request.user.address or ""):
            return
    elif scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.get_secret_value().encode()):
        return
    caller = await identify(request)
    if not caller.administrator:
        raise errors.Unauthorized if caller.is_anyone else errors.Forbidden


class MetricsText:
    """The metrics in Prometheus's format. Writing them takes a tenth of a second, so it is done in a thread, at most
    once a second.
    """

    def __init__(self, db: Database) -> None:
        self._db: Final = db
        self._lock: Final = asyncio.Lock()
        self._text = b""
        self._expires_at = 0.0

    async def read(self, *, fresh: bool) -> bytes:
        """Return the metrics, rewriting them if they must be `fresh`."""
        async with self._lock:
            if fresh or time.monotonic() >= self._expires_at:
                await self._measure()
                self._text = await asyncio.to_thread(metrics.exposition)
                self._expires_at = time.monotonic() + METRICS_SECONDS
            return self._text

    async def _measure(self) -> None:
        """Set the gauges. While the database is unreachable, queue lengths keep their last values."""
        self._db.measure()
        try:
            async with asyncio.timeout(DATABASE_TIMEOUT_SECONDS):
                queues = await upkeep.queue_lengths(self._db.across())
                backups = await upkeep.read_backups(self._db.across())
        except (errors.Unavailable, TimeoutError):
            return
        metrics.EVENT_BACKLOG.set(queues.events)
        metrics.EVENT_LAG.set(queues.event_lag)
        metrics.EVENTS_PARKED.set(queues.parked_events)
        metrics.WEBHOOKS_FAILING.set(queues.failing_webhooks)
        metrics.BROKER_BACKLOG.set(queues.broker_messages)
        metrics.JOBS_FAILED.set(queues.failed_jobs)
        metrics.PAYMENT_DRIFTS.set(queues.payment_drifts)
        metrics.INVARIANT_VIOLATIONS.set(queues.violations)
        _measure_backups(backups)
        metrics.AUDIT_UNSEALED.set(queues.unsealed)
        metrics.AUDIT_LAG.set(queues.unsealed_lag)
        metrics.DEAD_LETTERS.labels("email").set(queues.dead_email)
        metrics.DEAD_LETTERS.labels("sms").set(queues.dead_sms)
        metrics.NOTIFICATION_LAG.labels("email").set(queues.email_lag)
        metrics.NOTIFICATION_LAG.labels("sms").set(queues.sms_lag)


def _measure_backups(state: upkeep.BackupState | None) -> None:
    if state is None:
        return
    for part, age in (("wal", state.wal), ("base", state.base), ("check", state.check)):
        if age is not None:
            metrics.BACKUP_AGE.labels(part).set(age)
    metrics.BACKUP_GAPS.labels("open").set(state.open_since is not None)
    metrics.BACKUP_GAPS.labels("closed").set(state.gaps)


HEALTH: Final = [show_health, show_readiness, show_metrics]
