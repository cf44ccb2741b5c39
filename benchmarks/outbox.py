"""Events in the outbox: very many, and how fast they are told."""

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
TOLD = 50_000

FILL = """
insert into event (clinic_id, type, subject_id, subject_version, data)
select clinic_id, 'appointment.booked', id::text, version,
       jsonb_build_object('bookingId', booking_id, 'doctorId', doctor_id, 'customerId', customer_id, 'startTime', lower(during), 'endTime', upper(during), 'sequence', 0)
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
    """So many events in the outbox, one for each of as many appointments."""
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute("truncate event, event_log, notification, unsummed")
        await connection.execute(FILL, count)
        await connection.execute("vacuum analyze event")
    finally:
        await connection.close()


async def another(world: World, count: int) -> None:
    """A second outbox with so many events beside the one that is used, which is emptied."""
    await fill(world, count)
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute(
            "alter table event rename to event_aside; create table event (like event_aside including all)"
        )
        await connection.execute(
            f"grant select, insert, update, delete on event to {SERVER}, {ACROSS}"
        )  # which `like` leaves behind
    finally:
        await connection.close()


async def change_over(world: World) -> None:
    """Use the other one of two outboxes. Filling it each time would leave work to the server that what is measured next
    would pay for."""
    connection = await asyncpg.connect(world.url)
    try:
        await connection.execute(
            "alter table event rename to event_was; alter table event_aside rename to event; alter table event_was rename to event_aside"
        )
    finally:
        await connection.close()


async def relayed(world: World) -> float:
    """Events a second, told as the worker tells them: into the log, to the planning of notifications, to webhooks and
    to the sums of days."""
    await fill(world, TOLD)
    db = connect(world.url, size=1, wait_seconds=5, statement_seconds=60)

    async def plan(tx, events) -> None:
        await planning.plan(tx, events, channels=["email", "sms"], now=clock.now())

    try:
        return await _rate(partial(relay, db, [plan, fan_out, note]))
    finally:
        await db.close()


async def deleted(world: World) -> float:
    """The same rows a second, deleted in batches of the same size and returned."""
    await fill(world, TOLD)
    connection = await asyncpg.connect(world.url)

    async def delete(*, now) -> int:
        return len(await connection.fetch(TAKE, BATCH_SIZE))

    try:
        return await _rate(delete)
    finally:
        await connection.close()


async def _rate(step) -> float:
    began, done = time.perf_counter(), 0
    while told := await step(now=clock.now()):
        done += told
    return done / (time.perf_counter() - began)
