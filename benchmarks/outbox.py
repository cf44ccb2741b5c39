"""A full outbox, and the rate at which a worker relays its events."""

import time
from functools import partial

import asyncpg

from appoint.database.pool import ACROSS, SERVER, connect
from appoint.events.service import BATCH_SIZE, relay
from appoint.integrations.webhooks.service import fan_out
from appoint.kit import clock
from appoint.messaging.notifications import service as planning
from appoint.oversight.reports.service import note

from .world import World

FULL = 1_000_000
RELAYED_EVENTS = 50_000

FILL = """
insert into event (clinic_id, type, subject_id, subject_version, data)
select clinic_id, 'appointment.booked', id::text, version,
       jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id,
                          'startTime', lower(during), 'endTime', upper(during), 'sequence', 0)
  from appointment
 limit $1
"""
TAKE = """
with first as (
  select clinic_id, id from event order by id limit $1 for update skip locked
)
delete from event e using first where e.clinic_id = first.clinic_id and e.id = first.id
returning e.*
"""


async def fill(world: World, count: int) -> None:
    """Replace the outbox's contents with `count` events, each for a different appointment."""
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute("truncate event, event_log, notification, unsummed")
        await connection.execute(FILL, count)
        await connection.execute("vacuum analyze event")
    finally:
        await connection.close()


async def prepare_second(world: World, count: int) -> None:
    """Set aside an outbox with `count` events, and leave an empty one in use."""
    await fill(world, count)
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute(
            "alter table event rename to event_aside; create table event (like event_aside including all)"
        )
        # `like` does not copy privileges.
        await connection.execute(f"grant select, insert, update, delete on event to {SERVER}, {ACROSS}")
    finally:
        await connection.close()


async def switch(world: World) -> None:
    """Swap the two outboxes. Filling one each time would leave the database with work that slows down the next
    measurement."""
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute(
            "alter table event rename to event_before;"
            "alter table event_aside rename to event;"
            "alter table event_before rename to event_aside"
        )
    finally:
        await connection.close()


async def relay_rate(world: World) -> float:
    """Return how many events per second a worker relays to the log, notifications, webhooks and sums."""
    await fill(world, RELAYED_EVENTS)
    db = connect(world.url, size=1, wait_seconds=5, statement_seconds=60)

    async def plan(tx, events) -> None:
        await planning.plan(tx, events, channels=["email", "sms"], now=clock.now())

    try:
        return await _rate(partial(relay, db, [plan, fan_out, note]))
    finally:
        await db.close()


async def delete_rate(world: World) -> float:
    """Return how many of the same rows per second a plain `delete … returning` can process, in batches of the same
    size.
    """
    await fill(world, RELAYED_EVENTS)
    connection = await asyncpg.connect(world.url)

    async def delete(**_) -> int:
        return len(await connection.fetch(TAKE, BATCH_SIZE))

    try:
        return await _rate(delete)
    finally:
        await connection.close()


async def _rate(step) -> float:
    start, events = time.perf_counter(), 0
    while batch := await step(now=clock.now()):
        events += batch
    return events / (time.perf_counter() - start)
