"""When many messages are due at once, they are spread out, stay within the rate limit and let urgent ones go first."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from appoint.kit.cache import ClinicCache
from appoint.messaging.notifications.repository import delivery
from appoint.server import schedule, worker
from support.app import settings
from support.post import Office, Post
from support.processes import eventually_async
from support.scale import scaled
from support.workers import running_worker
from support.world import MONDAY, World, at

REMINDERS = scaled(50_000, 6_000)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
async def world(db):
    return await World.make(db, ClinicCache(None), agenda_minute=None)


async def add_appointments(world: World, count: int) -> None:
    """Add appointments at ten on Tuesday in Berlin, booked a month earlier, each with its own customer and doctor.
    Insert them in batches so that no statement takes long.
    """
    for first in range(1, count + 1, 5000):
        await world.db.execute(
            """
            with customers as (
                insert into customer (name, email)
                select 'C ' || n, n || '@example.org' from generate_series($2::int, $3::int) as n
                returning id
            ), numbered as (
                select id, row_number() over () as n, mint_id($1) as doctor_id, mint_id($1) as appointment_id
                  from customers
            ), doctors as (
                insert into doctor (clinic_id, id, name) select $1, doctor_id, 'Dr ' || n from numbered
            ), patients as (
                insert into patient (clinic_id, customer_id) select $1, id from numbered
            ), slots as (
                insert into booking_slot (clinic_id, id, doctor_id, date, during)
                select $1, mint_id($1), doctor_id, $4::timestamptz::date, tstzrange($4, $5) from numbered
            )
            insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed, created_at)
            select $1, appointment_id, appointment_id, doctor_id, id, tstzrange($4, $5), tstzrange($4, $5),
                   $4::timestamptz - interval '30 days'
              from numbered
            """,
            world.clinic,
            first,
            min(first + 4999, count),
            at(9, day=TUESDAY),
            at(10, day=TUESDAY),
        )


async def test_many_reminders_are_spread_over_the_hour_before_they_are_due(world):
    await add_due_notifications(world, REMINDERS)
    await world.db.execute("analyze")  # as in a clinic that has sent many messages
    office = Office(world.db, Post())
    due, plans = at(9), 0  # a day before the appointments
    for minute in range(-70, 1):
        plans += await office.remind(due + timedelta(minutes=minute))
    rows = await world.db.fetch("select due_at from notification where kind = 'reminder-1440'")
    minutes = Counter(int((due - row.due_at) / timedelta(minutes=1)) for row in rows)
    assert (plans, len(rows)) == (REMINDERS, REMINDERS)
    assert (min(minutes), max(minutes), len(minutes)) == (0, 59, 60)
    mean = REMINDERS / 60
    assert max(minutes.values()) < mean + 5 * mean**0.5  # five standard deviations


async def test_three_workers_together_stay_below_the_rate_limit(world, database_url, monkeypatch):
    limit, times = 25, []

    class Provider:
        async def send(self, _) -> None:
            times.append(time.monotonic())
            await asyncio.sleep(0.01)

    monkeypatch.setattr(worker, "create_gateways", lambda *_: {"email": Provider()})
    monkeypatch.setattr(schedule, "FREQUENT", {})
    await add_due_notifications(world, 100)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(running_worker(database_url, settings(mails_per_second=limit)))
        await eventually_async(
            lambda: world.db.fetchval("select not exists (select from notification where status <> 'sent')")
        )
    assert len(times) == 100
    assert max(sum(start <= other < start + 1 for other in times) for start in times) <= limit


async def add_due_notifications(world: World, count: int, *, urgent: bool = False) -> None:
    """Add notifications that are due now."""
    await add_appointments(world, count)
    await world.db.execute(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, urgent,
                                  due_at, expires_at)
        select clinic_id, mint_id(clinic_id), 'confirmation', id::text, 0, 'customer', customer_id::text, 'email', $1,
               now(), lower(during)
          from appointment
        on conflict do nothing
        """,
        urgent,
    )


async def test_an_urgent_message_jumps_a_long_queue(world):
    await add_due_notifications(world, 500)
    post = Post()
    office = Office(world.db, post, per_second=10)
    now = await world.db.fetchval("select now()")
    first = await office.lease(now)
    await world.db.execute(
        """
        update notification set urgent = true
         where id = (select id from notification where status = 'queued' order by due_at desc, id desc limit 1)
        """
    )
    urgent = await world.db.fetchval("select id from notification where urgent")
    await world.db.execute(
        "update notification set status = 'sent', sent_at = now(), leased_until = null where status = 'leased'"
    )
    await world.db.execute("update send_token set free_at = now()")
    second = await office.lease(now)
    assert len(first) == len(second) == 10
    assert second[0][1].notification_id == urgent


async def test_a_lease_stays_within_the_rate_limit(world):
    await add_due_notifications(world, 500)
    office = Office(world.db, Post(), per_second=2)
    now = await world.db.fetchval("select now()")
    assert [len(await office.lease(now)) for _ in range(2)] == [2, 0]


async def test_the_setting_determines_the_number_of_send_tokens(world):
    for per_second, expected in ((5, 5), (2, 2), (4, 4)):
        await delivery.set_token_count(world.db, channel="sms", per_second=per_second)
        assert await world.db.fetchval("select count(*) from send_token where channel = 'sms'") == expected
