"""Appointment statuses: which can follow which, cancellation, and expiring holds."""

import asyncio
from datetime import timedelta

import pytest

from appoint.booking import holds, service
from appoint.booking.model import TRANSITIONS, Status
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.transitions import cancel, step
from support.world import NOW, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


ALLOWED_TRANSITIONS = {
    Status.PENDING: {Status.BOOKED, Status.CANCELLED},
    Status.BOOKED: {Status.ARRIVED, Status.CHECKED_IN, Status.CANCELLED, Status.NOSHOW},
    Status.ARRIVED: {Status.CHECKED_IN, Status.FULFILLED, Status.CANCELLED, Status.BOOKED},
    Status.CHECKED_IN: {Status.CHECKED_IN, Status.FULFILLED, Status.CANCELLED},  # in the room
    Status.NOSHOW: {Status.ARRIVED},
    Status.FULFILLED: set(),
    Status.CANCELLED: set(),
}
"""The statuses that can follow each status."""


async def apply_step(world, appointment, name, *, now=None):
    try:
        return await step(world, appointment, name, now)
    except errors.Conflict as refusal:
        return refusal


async def test_a_cancelled_appointment_frees_its_time(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await cancel(world, appointment, reason="ill")
    assert (await world.book(world.dr_shah, at(9), world.ben)).status == "booked"
    assert (await service.get(world.db, appointment.id)).cancel_reason == "ill"


async def test_cancelling_twice_changes_the_appointment_once(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    for _ in range(2):
        await cancel(world, appointment)
    assert (await service.get(world.db, appointment.id)).version == 2


async def test_only_allowed_status_transitions_happen(world):
    """The table of steps, the table of transitions and the service agree about every step from every status."""
    steps = [(status, name) for status in Status for name in TRANSITIONS]
    succeeded = []
    for status, name in steps:
        appointment = await world.book(world.dr_shah, at(9), world.ana)
        expires_at = NOW + timedelta(days=1) if status == Status.PENDING else None
        await world.db.execute("update appointment set status = $1, hold_expires_at = $2", status, expires_at)
        if await succeeds(world, appointment, status, name):
            succeeded.append((status, name))
        await world.db.execute("delete from appointment")
    assert succeeded == [(status, name) for status, name in steps if status in TRANSITIONS[name].sources]
    assert {(status, TRANSITIONS[name].target) for status, name in succeeded} <= {
        (source, target) for source, targets in ALLOWED_TRANSITIONS.items() for target in targets
    }


async def succeeds(world, appointment, status, name) -> bool:
    """Apply the step, and return whether it changed the status. Cancelling an appointment again changes nothing."""
    if name != "cancel":
        return not isinstance(await apply_step(world, appointment, name, now=at(9)), errors.Conflict)
    try:
        await cancel(world, appointment)
    except errors.Conflict:
        return False
    return status != Status.CANCELLED


async def test_every_allowed_status_transition_has_a_named_step():
    by_steps = {(source, transition.target) for transition in TRANSITIONS.values() for source in transition.sources}
    assert by_steps == {(source, target) for source, targets in ALLOWED_TRANSITIONS.items() for target in targets}


async def test_the_database_constraint_lists_exactly_the_known_statuses(world):
    check = await world.db.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'appointment_status'"
    )
    assert set(check.split("'")[1::2]) == {str(status) for status in ALLOWED_TRANSITIONS}


async def test_an_appointment_cannot_be_a_no_show_before_it_starts(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await apply_step(world, appointment, "noShow")).type == "not-started"


async def test_a_no_show_cannot_arrive_once_the_time_is_taken(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await apply_step(world, appointment, "noShow", now=at(9, 10))
    await world.book(world.dr_shah, at(9), world.ben)
    assert (await apply_step(world, appointment, "arrive", now=at(9, 20))).type == "taken"


async def test_a_hold_blocks_its_time_and_can_be_confirmed(world):
    hold = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    assert (hold.status, hold.hold_expires_at) == ("pending", NOW + timedelta(minutes=10))
    assert (await world.book(world.dr_shah, at(9), world.ben)).type == "taken"
    assert (await apply_step(world, hold, "confirm")).status == "booked"


async def test_an_expired_hold_cannot_be_confirmed(world):
    hold = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    expiry = NOW + timedelta(minutes=10)
    assert (await apply_step(world, hold, "confirm", now=expiry)).type == "hold-expired"
    assert await holds.expire_holds(world.db, now=expiry) == 1
    assert (await apply_step(world, hold, "confirm", now=expiry)).type == "hold-expired"
    assert (await world.book(world.dr_shah, at(9), world.ben)).status == "booked"


async def test_concurrent_workers_expire_each_hold_once(world):
    for hour in range(8, 16):
        await world.book(world.dr_shah, at(hour), world.ana, hold=True)
    counts = await asyncio.gather(*(holds.expire_holds(world.db, now=NOW + timedelta(hours=1)) for _ in range(4)))
    assert sum(counts) == 8
    assert await world.db.fetchval("select count(*) from event where type = 'appointment.hold-expired'") == 8
