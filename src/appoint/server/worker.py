"""The worker: what happens without anybody asking. It composes; what is done lies in the features' `jobs.py`.

Any number may run at once. What is due every few seconds is done by each, in statements that do not mind company. What
is due every night is put into PgQueuer's queue by one of them, done by one of them, tried again when it fails, and kept
as failed when it goes on failing. Notifications go through the same queue, one job each. Events are relayed by all, and
webhooks and the broker are served as long as the worker runs.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple

import asyncpg
import structlog
from pgqueuer import PgQueuer, models
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.queries import Queries

from ..audit import jobs as audit
from ..audit.model import Key
from ..booking.service import expire_holds
from ..database import queue, upkeep
from ..database.pool import ACROSS, AWAY, Database, Transaction, connect
from ..events import repository as events
from ..events.model import Event
from ..events.service import Subscriber, relay
from ..http.repository import forget_requests
from ..identity.sessions import repository as sessions
from ..identity.sign_in_codes.repository import forget as forget_codes
from ..integrations.broker import jobs as broker
from ..integrations.broker import service as broker_messages
from ..integrations.broker.gateway import check as check_broker
from ..integrations.webhooks import jobs as webhooks
from ..integrations.webhooks import repository as deliveries
from ..integrations.webhooks.service import fan_out
from ..kit import clock, errors
from ..kit.errors import StartupError
from ..messaging.channels.gateway import gateways
from ..messaging.channels.model import Channel
from ..messaging.notifications import jobs as notifications
from ..messaging.notifications import service as planning
from ..messaging.notifications.gateway import Links, compose
from ..oversight.privacy import jobs as privacy
from ..oversight.privacy.service import erase_copies
from ..oversight.reports import service as numbers
from ..scheduling.slots.jobs import nightly
from ..settings import Settings
from .startup import check_secrets

log = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 5.0
RECONNECT_SECONDS: Final = 2.0
JOB_SECONDS: Final = 600.0
KEYS_LAST: Final = timedelta(hours=24)
JOBS_LAST: Final = timedelta(days=3)
PATIENTLY: Final = partial(DatabaseRetryEntrypointExecutor, max_attempts=8, initial_delay=timedelta(seconds=10))
"""Over about twenty minutes; then the job is kept as failed."""


class Work(NamedTuple):
    """What the worker's jobs do it with."""

    db: Database
    settings: Settings
    sending: notifications.Sending
    subscribers: Sequence[Subscriber]
    """Whom the relay tells of events, in this order."""

    @property
    def secret(self) -> str:
        assert self.settings.secret_key, "made at start"
        return self.settings.secret_key.get_secret_value()

    @property
    def channels(self) -> list[Channel]:
        return list(self.sending.gateways)


Job = Callable[[Work], Awaitable[object]]
OFTEN: Final[dict[str, tuple[float, Job]]] = {
    "relay": (0.5, lambda work: relay_all(work)),  # noqa: PLW0108  defined below
    "hand-over": (1.0, lambda work: notifications.hand_over(work.db, work.sending, now=clock.now())),
    "expire-holds": (2.0, lambda work: expire_holds(work.db, now=clock.now())),
    "sum-up": (2.0, lambda work: numbers.sum_up(work.db)),
    "seal-audit": (3.0, lambda work: audit.seal(work.db, Key(work.secret), now=clock.now)),
    "remind": (
        60.0,
        lambda work: planning.remind(work.db, channels=work.channels, spread=spread(work.settings), now=clock.now()),
    ),
    "plan-agendas": (60.0, lambda work: planning.plan_agendas(work.db, channels=work.channels, now=clock.now())),
}
"""Name, seconds between, and what."""
NIGHTLY: Final[dict[str, tuple[str, Job]]] = {
    "publish-slots": ("15 0 * * *", lambda work: nightly(work.db, now=clock.now())),
    "forget-requests": ("45 0 * * *", lambda work: forget_requests(work.db, before=clock.now() - KEYS_LAST)),
    "forget-codes": ("0 1 * * *", lambda work: forget_codes(work.db, now=clock.now())),
    "forget-events": (
        "15 1 * * *",
        lambda work: forget_events(work, before=clock.now() - timedelta(days=work.settings.event_log_days)),
    ),
    "forget-sessions": (
        "45 1 * * *",
        lambda work: sessions.forget(
            work.db, idle=timedelta(minutes=work.settings.session_idle_minutes), now=clock.now()
        ),
    ),
    "forget-people": ("45 1 * * *", lambda work: privacy.forget(work.db, now=clock.now())),
}
"""Name, when (cron, in UTC), and what. Each may run twice, and may be late."""


async def relay_all(work: Work) -> None:
    """Relay until nothing is left that may be told now."""
    while await relay(work.db, work.subscribers, now=clock.now()):
        pass


async def forget_events(work: Work, *, before: datetime) -> None:
    """Forget events that were told before then, what was sent of them, and what the queue remembers of its jobs."""
    await deliveries.forget(work.db, before=before)
    await events.forget(work.db, before=before)
    await upkeep.forget_jobs(work.db, before=clock.now() - JOBS_LAST)


def spread(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.reminder_spread_minutes)


def prepared(settings: Settings, db: Database) -> Work:
    """The worker's tools, as the settings say. Raises `StartupError` for an address that no provider can have."""
    ways = gateways(settings, db)
    per_second: dict[Channel, int] = {"email": settings.mails_per_second, "sms": settings.sms_per_second}
    assert settings.secret_key, "made at start"
    links = Links(settings.links_url, settings.secret_key.get_secret_value(), settings.mail_from)
    sending = notifications.Sending(ways, per_second, partial(compose, links=links))

    async def plan(tx: Transaction, batch: Sequence[Event]) -> None:
        await planning.plan(tx, batch, channels=list(ways), now=clock.now())

    subscribers: list[Subscriber] = [plan, fan_out, erase_copies, numbers.note]
    if settings.broker_url:
        subscribers.append(broker_messages.write_down)
    return Work(db, settings, sending, subscribers)


def check(settings: Settings) -> None:
    """Raises `StartupError` for an address that no provider, and no broker, can have, and for what nobody should go into
    production with."""
    check_secrets(settings)
    gateways(settings, connect("", size=1, wait_seconds=1, statement_seconds=1))
    if settings.mode == "production" and (settings.smtp_url or settings.sms_url) and not settings.public_url:
        raise StartupError("Messages have links in them: set APPOINT_PUBLIC_URL to where people reach the server.")
    if settings.mode == "production" and settings.smtp_url and "mail_from" not in settings.model_fields_set:
        raise StartupError("Set APPOINT_MAIL_FROM to the address that mails come from.")
    if settings.broker_url:
        check_broker(settings.broker_url.get_secret_value())


async def run(settings: Settings, database_url: str, stop: asyncio.Event) -> None:
    """Work until `stop`. A database that goes away is waited for. What runs at the end has `shutdown_seconds` to
    finish; then it is undone, and done later."""
    worker = f"{socket.gethostname()}/{os.getpid()}"
    db = connect(
        database_url, size=8, wait_seconds=settings.pool_timeout_seconds, statement_seconds=JOB_SECONDS, role=ACROSS
    )
    work = prepared(settings, db)
    tasks = [
        asyncio.create_task(_often(stop, HEARTBEAT_SECONDS, "heartbeat", partial(upkeep.beat, db, worker=worker))),
        *(
            asyncio.create_task(_often(stop, seconds, name, partial(job, work)))
            for name, (seconds, job) in OFTEN.items()
        ),
        asyncio.create_task(_queue(stop, work, database_url)),
        # these go on until they are stopped; one that a fault of ours has ended begins anew
        asyncio.create_task(
            _often(
                stop,
                RECONNECT_SECONDS,
                "webhooks",
                partial(webhooks.deliver, db, stop, private_addresses=settings.webhook_private_addresses),
            )
        ),
    ]
    if settings.broker_url:
        url = settings.broker_url.get_secret_value()
        tasks.append(
            asyncio.create_task(_often(stop, RECONNECT_SECONDS, "broker", partial(broker.publish, db, url, stop)))
        )
    if not work.channels:
        log.warning("nobody is told anything: neither a mail server nor a gateway for text messages is set up")
    try:
        await stop.wait()
        await asyncio.wait(tasks, timeout=settings.shutdown_seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(errors.Unavailable):
            await upkeep.leave(db, worker=worker)
        await db.close()


def beside(settings: Settings, database_url: str) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """The worker in a server's process, for as long as the server runs."""

    @asynccontextmanager
    async def working(_: object) -> AsyncGenerator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(run(settings, database_url, stop), name="worker")
        try:
            yield
        finally:
            stop.set()
            await task

    return working


async def _often(stop: asyncio.Event, seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
    """The job again and again, whatever becomes of it."""
    well = True
    while not stop.is_set():
        try:
            await job()
            well = True
        except errors.Unavailable:
            if well:
                log.warning("database away", job=name)
            well = False
        except Exception:  # one fault must not end the worker
            log.exception("job failed", job=name)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


async def _queue(stop: asyncio.Event, work: Work, database_url: str) -> None:
    """PgQueuer, on a connection of its own, and on another one when that is lost."""
    while not stop.is_set():
        try:
            connection = await asyncpg.connect(
                database_url,
                timeout=10,
                command_timeout=30,
                server_settings={"application_name": "appoint worker", "role": ACROSS},
            )
            try:
                await _drive(stop, work, connection)
            finally:
                await connection.close(timeout=5)
        except (*AWAY, asyncpg.PostgresError) as error:
            log.warning("queue lost its connection", error=type(error).__name__)
        except Exception:  # one fault must not end the worker
            log.exception("queue failed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)


async def _drive(stop: asyncio.Event, work: Work, connection: Any) -> None:
    queries = queue.queries(connection)
    pgq = PgQueuer(queries.driver, queries=queries)
    for name, (when, job) in NIGHTLY.items():
        _register(pgq, queries, name, when, partial(job, work))
    await notifications.set_up(work.db, work.sending)
    for channel in work.channels:
        pgq.entrypoint(f"send-{channel}", concurrency_limit=notifications.IN_FLIGHT, accepts_context=False)(
            partial(_send, work, channel)
        )
    running = asyncio.create_task(pgq.run())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        pgq.shutdown.set()
        await running  # jobs that have begun end
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.wait({running})


async def _send(work: Work, channel: Channel, job: models.Job) -> None:
    try:
        await notifications.send(work.db, work.sending, channel, job.payload or b"")
    except errors.Unavailable:
        log.warning("database away", job=f"send-{channel}")
    except Exception:  # what was leased is handed over again
        log.exception("job failed", job=f"send-{channel}")


def _register(pgq: PgQueuer, queries: Queries, name: str, when: str, job: Callable[[], Awaitable[object]]) -> None:
    """When it is due, one worker puts the job into the queue, from which a failed one is taken again."""

    async def enqueue(_: models.Schedule) -> None:
        await queries.enqueue(name, None, dedupe_key=name, on_conflict="skip")

    async def perform(_: models.Job) -> None:
        try:
            await job()
        except asyncio.CancelledError:
            raise RetryRequested(reason="the worker had to stop") from None
        except Exception:
            log.exception("job failed", job=name)
            raise
        log.info("job done", job=name)

    pgq.schedule(name, when, accepts_context=False)(enqueue)
    pgq.entrypoint(name, concurrency_limit=1, on_failure="hold", accepts_context=False, executor_factory=PATIENTLY)(
        perform
    )
