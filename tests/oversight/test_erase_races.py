"""Changes that race with a customer's erasure don't leave any data behind."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from appoint.booking import service as appointments
from appoint.booking.model import AppointmentPatch, RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.database.pool import Transaction
from appoint.kit import errors
from appoint.kit.actors import SYSTEM
from appoint.messaging.channels.gateway import DevMailbox
from appoint.messaging.channels.model import Message
from appoint.messaging.notifications import service as planning
from appoint.messaging.notifications.model import Preferences
from appoint.messaging.notifications.repository import preferences as notifications
from appoint.oversight.privacy import service
from support.app import ADMIN
from support.database import wait_for_lock
from support.erasure import LATER, add_data_about_ana, erase
from support.world import NOW, World, at


async def race(world: World, other) -> list[object]:
    """Start an erasure, run `other` until it waits for a lock, commit the erasure, and return the result of `other`."""
    async with world.db.connection() as connection:
        await connection.execute("begin")
        await service.erase(Transaction(connection), SYSTEM, customer_id=world.ana, now=LATER)
        task = asyncio.create_task(other)
        await wait_for_lock(world.db)
        await connection.execute("commit")
    return (await asyncio.gather(task, return_exceptions=True))[0]


async def has_no_data_about_ana(world: World) -> bool:
    appointment = await world.db.fetchval("select bool_and(notes is null and cancel_reason is null) from appointment")
    patient = await world.db.fetchval("select bool_and(notes is null) from patient")
    others = [await world.count(table) for table in ("session", "notification_preference", "dev_message")]
    return bool(appointment) and bool(patient) and others == [0, 0, 0]


async def test_a_concurrent_booking_does_not_find_the_customer(world):
    await add_data_about_ana(world)
    response = await race(world, world.book(world.dr_shah, at(11), world.ana, notes="again"))
    assert (type(response), await world.count("appointment"), await has_no_data_about_ana(world)) == (
        errors.NotFound,
        1,
        True,
    )


async def test_a_concurrent_note_is_rejected(world):
    await add_data_about_ana(world)
    change = world.db.atomic(
        appointments.change, SYSTEM, appointment_id=world.visit.id, change=AppointmentPatch(notes="tea"), if_match=None
    )
    response = await race(world, change)
    assert (response.type, await has_no_data_about_ana(world)) == ("customer-erased", True)


async def test_a_concurrent_note_about_the_patient_is_rejected(client, world):
    await add_data_about_ana(world)
    response = await race(
        world, client.patch(f"/api/clinics/{world.clinic}/patients/{world.ana}", json={"notes": "tea"}, headers=ADMIN)
    )
    assert (response.status_code, await has_no_data_about_ana(world)) == (409, True)


async def test_a_concurrent_move_does_not_find_the_customer(world):
    await add_data_about_ana(world)
    to = RescheduleRequest(start_time=at(11), end_time=at(11, 30))
    response = await race(
        world, reschedule(world.db, SYSTEM, appointment_id=world.visit.id, to=to, if_match=None, now=NOW)
    )
    assert (type(response), await has_no_data_about_ana(world)) == (errors.NotFound, True)


async def test_a_move_that_commits_first_prevents_the_erasure(world):
    await add_data_about_ana(world)
    await world.publish(world.dr_shah, at(8) + timedelta(days=7), at(16) + timedelta(days=7))
    async with world.db.connection() as connection:
        await connection.execute("begin")
        await connection.execute("select from appointment for no key update")
        erasing = asyncio.create_task(erase(world, world.ana))
        await wait_for_lock(world.db)
        next_week = "tstzrange(lower(during) + interval '7 days', upper(during) + interval '7 days')"
        await connection.execute(f"update appointment set during = {next_week}, claimed = {next_week}")
        await connection.execute("commit")
    with pytest.raises(errors.Conflict):
        await erasing


async def test_concurrent_preferences_are_not_stored(world):
    await add_data_about_ana(world)
    await race(
        world,
        world.db.atomic(
            planning.replace_preferences, SYSTEM, customer_id=world.ana, replacement=Preferences(email=True, sms=False)
        ),
    )
    assert await has_no_data_about_ana(world)


async def test_a_concurrent_unsubscription_is_not_stored(world):
    await add_data_about_ana(world)
    assert await race(world, notifications.unsubscribe(world.db, world.ana, "sms")) is False


async def test_a_concurrent_sign_in_is_rejected_by_the_database(world):
    await add_data_about_ana(world)
    signing_in = world.db.execute(
        "insert into session (token_hash, customer_id, expires_at) values (sha256('y'), $1, now())", world.ana
    )
    response = await race(world, signing_in)
    assert (type(response), await has_no_data_about_ana(world)) == (asyncpg.ForeignKeyViolationError, True)


async def test_a_message_sent_concurrently_is_not_stored(world):
    await add_data_about_ana(world)
    message = Message("t2", "email", "ana@example.org", "Your appointment", "Dear Ana", customer_id=world.ana)
    await race(world, DevMailbox(world.db).send(message))
    assert await has_no_data_about_ana(world)
