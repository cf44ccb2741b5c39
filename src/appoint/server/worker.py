"""The worker: all work that isn't triggered by a request. It runs the jobs; their code is in the features' `jobs.py`.

Any number of workers can run at once. Each runs the frequent jobs every few seconds, with statements that tolerate
concurrency. Workers use leases to share out notifications, webhooks and nightly jobs, so that only one worker at a time
handles each of them. A single worker publishes to the broker.
"""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Final

import structlog

from ..calls.providers.gateway import create_providers, default_gateway
from ..calls.recordings import jobs as recording_jobs
from ..calls.recordings.gateway import open_store
from ..calls.rooms import jobs as call_jobs
from ..calls.rooms import service as calls
from ..clinics.cells.network import gateway_of
from ..customers.copies import service as copies
from ..database import upkeep
from ..database.pool import ACROSS, Database, Transaction, connect
from ..events.model import Event
from ..events.service import Subscriber
from ..integrations.broker import jobs as broker_jobs
from ..integrations.broker import service as broker
from ..integrations.webhooks import jobs as webhook_jobs
from ..integrations.webhooks.service import fan_out
from ..kit import clock, errors, phones
from ..messaging.channels.gateway import create_gateways
from ..messaging.channels.model import Channel
from ..messaging.notifications import jobs as notification_jobs
from ..messaging.notifications import service as notifications
from ..messaging.notifications.gateway import compose
from ..messaging.notifications.links import MessageLinks
from ..oversight.backups import jobs as backup_jobs
from ..oversight.privacy.service import erase_copies
from ..oversight.reports import service as reports
from ..payments.billing import service as billing
from ..payments.documents.service import request_pdfs
from ..payments.receipts.service import request_receipts
from ..settings import Settings
from . import nightly, schedule, timekeeping
from .schedule import Work
from .startup import read_keys

log = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 5.0
RESTART_SECONDS: Final = 2.0
SECONDS: Final = 20.0
"""How long a statement of a job that others wait for can run. If its connection goes silent, the job starts again
after that."""
LONG_SECONDS: Final = 600.0
CANCEL_SECONDS: Final = 2.0


def prepare(settings: Settings, db: Database) -> Work:
    """Return what the worker's jobs need. Raise `StartupError` if a message provider's address or a country is
    invalid."""
    by_channel = create_gateways(settings, db)
    per_second: dict[Channel, int] = {"email": settings.mails_per_second, "sms": settings.sms_per_second}
    assert settings.secret_key, "created at startup"
    links = MessageLinks(
        settings.links_url,
        settings.secret_key.get_secret_value(),
        settings.mail_from,
        settings.privacy_url,
        settings.imprint_url,
    )
    if unknown := phones.unknown_countries(settings.sms_countries):
        raise errors.StartupError(f"APPOINT_SMS_COUNTRIES: {', '.join(unknown)} is not a country's code")
    sms_countries = settings.sms_countries if settings.sms_url else None
    sending = notification_jobs.Sender(
        by_channel, per_second, partial(compose, links=links), sms_countries, default_gateway(settings)
    )

    async def plan(tx: Transaction, batch: Sequence[Event]) -> None:
        await notifications.plan(tx, batch, channels=list(by_channel), now=clock.now())

    providers = create_providers(settings)

    async def follow(tx: Transaction, batch: Sequence[Event]) -> None:
        await calls.follow(tx, batch, default_gateway=providers.default_gateway, now=clock.now())

    async def bill(tx: Transaction, batch: Sequence[Event]) -> None:
        await billing.follow(tx, batch, now=clock.now())

    # calls and bills come first, so that messages can mention them
    subscribers: list[Subscriber] = [
        follow, bill, plan, fan_out, erase_copies, reports.note, request_pdfs, request_receipts,
    ]  # fmt: skip
    if settings.cell:
        subscribers.append(copies.mark_due)
    if settings.broker_url:
        subscribers.append(broker.store)
    return Work(db, settings, sending, subscribers, providers, cells=gateway_of(settings))


async def run(settings: Settings, database_url: str, stop: asyncio.Event) -> None:
    """Run all jobs until `stop` is set, waiting whenever the database is unreachable. Running jobs then have
    `shutdown_seconds` to finish before they are cancelled. Cancelled jobs run again later."""
    worker = f"{socket.gethostname()}/{os.getpid()}"
    db, db_for_long_jobs = (
        connect(
            database_url,
            size=8,
            wait_seconds=settings.pool_timeout_seconds,
            statement_seconds=seconds,
            role=ACROSS,
            keys=read_keys(settings),
        )
        for seconds in (SECONDS, LONG_SECONDS)
    )
    work = prepare(settings, db)._replace(database_url=database_url)
    long_work = work._replace(db=db_for_long_jobs)
    if not work.channels:
        log.warning("no messages are sent: neither a mail server nor a text message gateway is configured")
    await timekeeping.wait_for_clock(db, stop)
    tasks = [
        asyncio.create_task(_repeat(stop, timekeeping.SECONDS, "clock", partial(timekeeping.set_clock, db))),
        asyncio.create_task(_repeat(stop, HEARTBEAT_SECONDS, "heartbeat", partial(upkeep.beat, db, worker=worker))),
        *(
            asyncio.create_task(_repeat(stop, job.seconds, name, partial(job.run, long_work if job.is_long else work)))
            for name, job in schedule.frequent_jobs(settings).items()
        ),
        *(
            asyncio.create_task(_repeat(stop, RESTART_SECONDS, name, job))
            for name, job in _continuous_jobs(work, long_work, stop).items()
        ),
    ]
    try:
        await stop.wait()
        await asyncio.wait(tasks, timeout=settings.shutdown_seconds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
        with suppress(errors.Unavailable, TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                await upkeep.leave(db, worker=worker)
        await asyncio.gather(db.close(), db_for_long_jobs.close())


def _continuous_jobs(work: Work, long_work: Work, stop: asyncio.Event) -> dict[str, Callable[[], Awaitable[object]]]:
    """Return the jobs that run until `stop` is set, by name. Jobs that fail are restarted."""
    db, settings = work.db, work.settings
    jobs: dict[str, Callable[[], Awaitable[object]]] = {
        "nightly": partial(nightly.run, long_work, stop),
        "calls": partial(
            call_jobs.run, call_jobs.RoomMaker(db, work.providers), stop, per_second=settings.call_requests_per_second
        ),
        "recordings": partial(
            recording_jobs.run, recording_jobs.RecordingCopier(db, work.providers, open_store(settings)), stop
        ),
        "webhooks": partial(webhook_jobs.deliver, db, stop, private_addresses=settings.webhook_private_addresses),
    }
    if schedule.makes_backups(settings):
        jobs["store-wal"] = partial(backup_jobs.store_wal, db, settings, schedule.backup_origin(work), stop)
    for channel in work.channels:
        jobs[f"send-{channel}"] = partial(notification_jobs.deliver, db, work.sending, channel, stop)
    if settings.broker_url:
        jobs["broker"] = partial(broker_jobs.publish, db, settings.broker_url.get_secret_value(), stop)
    return jobs


async def _repeat(stop: asyncio.Event, seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
    """Run the job repeatedly until `stop` is set, with a pause after each run, even if it fails."""
    is_reachable = True
    while not stop.is_set():
        try:
            await job()
            is_reachable = True
        except errors.Unavailable:
            if is_reachable:
                log.warning("database away", job=name)
            is_reachable = False
        except Exception:  # one failure must not stop the worker
            log.exception("job failed", job=name)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)


def in_server(settings: Settings, database_url: str) -> Callable[[object], AbstractAsyncContextManager[None]]:
    """Return a context in which the worker runs inside a server process."""

    @asynccontextmanager
    async def running(_: object) -> AsyncGenerator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(run(settings, database_url, stop), name="worker")
        try:
            yield
        finally:
            stop.set()
            await task

    return running
