"""Webhooks, events for them, and workers that deliver them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

from appoint.database.pool import Database, Row
from appoint.events import repository as events
from appoint.events.service import relay
from appoint.integrations.webhooks import jobs, service
from appoint.integrations.webhooks.model import WebhookContent
from appoint.kit import clock
from appoint.kit.actors import SYSTEM
from support.partner import Partner


class Clock:
    """The workers' clock, which only `forward` moves. It starts a minute after all the test's events."""

    def __init__(self) -> None:
        self.now = clock.now() + timedelta(minutes=1)

    def __call__(self):
        return self.now

    async def forward(self, db: Database, **time: float) -> None:
        """Move the clock once no worker holds a lease. Otherwise the lease would expire, and two turns would send the
        same delivery.
        """
        await until(lambda: db.fetchval("select not exists(select from webhook where leased_until > $1)", self.now))
        self.now += timedelta(**time)


async def webhook(db: Database, partner: Partner, *types: str, clinic_id: int = 1):
    return await db.atomic(
        service.add, SYSTEM, clinic_id=clinic_id, content=WebhookContent(url=partner.url, event_types=list(types))
    )


async def log_entry(db: Database, id: str) -> Row:
    row = await db.fetchrow("select * from event_log where id = $1", UUID(id))
    assert row is not None
    return row


async def add_events(
    db: Database, count: int = 1, *, clinic_id: int = 1, type: str = "appointment.changed", data: str = "{}"
) -> list[str]:
    """Add events, relay them together with earlier ones, and return their ids."""
    for version in range(1, count + 1):
        await events.append_event(
            db, clinic_id=clinic_id, type=type, subject_id=f"{type} {version}", subject_version=version, data=data
        )
    ids = [str(row.id) for row in await db.fetch("select id from event order by id")]
    while await relay(db, [service.fan_out], now=clock.now()):
        pass
    return ids


@asynccontextmanager
async def working(
    db: Database, now: Callable[[], datetime] | None = None, *, response_seconds: float = 5
) -> AsyncGenerator[None]:
    """Run a worker. `now` is looked up here, because this module is imported before the run's clock is set."""
    stop = asyncio.Event()
    task = asyncio.create_task(
        jobs.deliver(db, stop, private_addresses=True, response_seconds=response_seconds, now=now or clock.now)
    )
    try:
        yield
    finally:
        stop.set()
        await task


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition is true. It can be a coroutine function."""
    async with asyncio.timeout(20):
        while True:
            result = condition()
            if await result if isinstance(result, Awaitable) else result:
                return
            await asyncio.sleep(0.01)


async def wait_for_attempts(db: Database, attempts: int = 1) -> Row:
    """Wait until the only delivery has had this many attempts, and return it."""
    deliveries = []

    async def enough():
        deliveries[:] = await db.fetch("select * from webhook_delivery")
        return deliveries[0].attempts >= attempts

    await until(enough)
    (delivery,) = deliveries
    return delivery


async def wait_for_deliveries(db: Database, count: int) -> None:
    async def enough():
        return await db.fetchval("select count(*) from webhook_delivery where status = 'delivered'") >= count

    await until(enough)


async def close(writer):
    writer.close()
