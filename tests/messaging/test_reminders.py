"""When reminders are sent."""

import asyncio
from datetime import timedelta

import pytest

from appoint.messaging.notifications import jobs
from appoint.messaging.notifications import service as planning
from support.notifications import NEXT_WEEK, TOMORROW, move, statuses
from support.transitions import cancel
from support.world import at


async def test_reminders_are_sent_a_day_and_two_hours_before_an_appointment(world, office, post):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan_and_send(world.now)
    lead_times = []
    while world.now < at(9, day=NEXT_WEEK):
        await office.remind(world.now, timedelta(minutes=1))
        await office.send(world.now)
        if len(post.messages) > len(lead_times) + 1:
            lead_times.append(at(9, day=NEXT_WEEK) - world.now)
        is_close = at(9, day=NEXT_WEEK) - world.now <= timedelta(hours=32)
        world.now += timedelta(minutes=10) if is_close else timedelta(hours=6)
    assert [round(before / timedelta(hours=1)) for before in lead_times] == [24, 2]


async def test_concurrent_workers_plan_each_reminder_only_once(world, office):
    await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await office.plan(world.now)
    now = at(9, day=NEXT_WEEK) - timedelta(hours=24)
    await asyncio.gather(*(office.remind(now) for _ in range(5)))
    assert await statuses(world.db) == ["confirmation queued", "reminder-1440 queued"]


async def test_a_reminder_due_before_its_appointment_was_booked_is_not_sent(world, office):
    await world.db.execute("update clinic set reminder_minutes = '{1440, 120}'")
    appointment = await world.book(world.dr_shah, at(12), world.ana)
    await world.db.execute("update appointment set created_at = $1 where id = $2", world.now, appointment.id)
    assert await office.remind(world.now) == 0
    assert await office.remind(at(10)) == 1


async def test_a_reminder_is_sent_late_if_no_worker_was_running(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=NEXT_WEEK), world.ana)
    await world.db.execute("update appointment set created_at = $1 where id = $2", world.now, appointment.id)
    world.now = at(9, day=NEXT_WEEK) - timedelta(hours=20)
    await office.remind(world.now)
    await office.send(world.now)
    assert len(post.messages) == 1


async def test_customers_without_contact_details_do_not_block_reminders_to_others(world, office, monkeypatch):
    monkeypatch.setattr(planning, "REMINDER_BATCH_SIZE", 1)
    cy = await world.add_customer("Cy")
    for minute, customer in ((0, cy), (30, world.ana)):
        appointment = await world.book(world.dr_shah, at(9, minute, day=TOMORROW), customer)
        await world.db.execute(
            "update appointment set created_at = $1 where id = $2", world.now - timedelta(days=3), appointment.id
        )
    assert await office.remind(at(8, 45)) == 1


async def test_a_moved_appointment_gets_reminders_only_for_its_new_time(world, office, post):
    appointment = await world.book(world.dr_shah, at(9, day=TOMORROW), world.ana)
    await world.db.execute(
        "update appointment set created_at = $1 where id = $2", world.now - timedelta(days=3), appointment.id
    )
    await office.remind(at(8))
    await move(world, appointment, at(9, day=NEXT_WEEK))
    await world.db.execute("update appointment set rescheduled_at = $1 where id = $2", world.now, appointment.id)
    await office.plan_and_send(at(8))
    await office.remind(at(9, day=NEXT_WEEK) - timedelta(hours=24))
    assert await statuses(world.db) == [
        "reminder-1440 superseded",
        "confirmation superseded",
        "confirmation sent",
        "reminder-1440 queued",
    ]


@pytest.mark.parametrize("change", [cancel, lambda world, appointment: move(world, appointment, at(11, day=TOMORROW))])
async def test_a_reminder_is_not_sent_once_the_appointment_has_changed(world, office, post, change):
    appointment = await world.book(world.dr_shah, at(9, day=TOMORROW), world.ana)
    await world.db.execute(
        "update appointment set created_at = $1 where id = $2", world.now - timedelta(days=3), appointment.id
    )
    await office.remind(at(8))
    leased = await office.lease(at(9))  # about to be sent
    await change(world, appointment)
    for channel, attempt in leased:
        await jobs.send(world.db, office.sending, channel, attempt)
    assert (post.messages, await statuses(world.db)) == ([], ["reminder-1440 superseded"])


async def test_nothing_is_sent_after_the_appointment_starts(world, office, post):
    await world.book(world.dr_shah, at(9), world.ana)
    await office.plan(world.now)
    world.now = at(9)
    await office.send(world.now)
    (row,) = await world.db.fetch("select status, reason from notification")
    assert (post.messages, row.status, row.reason) == ([], "dead", "it expired before it was sent")
