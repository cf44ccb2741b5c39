"""The grace period after booking, in which patients can change an appointment even within the notice period."""

from datetime import timedelta

import pytest

from appoint.booking import service, transitions
from appoint.booking.cancellation import ChangePolicy, last_change
from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.world import PATIENT, World, at, create_clinic

GRACE = timedelta(minutes=15)
A_YEAR = 525_600


@pytest.fixture
async def world(db):
    """A clinic that requires a year's notice, except in the 15 minutes after booking."""
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache, cancel_notice_minutes=A_YEAR, change_grace_minutes=15)


async def cancel(world, appointment, now):
    """Cancel an appointment as its patient. Return the reason for a refusal, if any."""
    try:
        await world.db.atomic(
            transitions.cancel, PATIENT, appointment_id=appointment.id, reason=None, if_match=None, now=now
        )
    except errors.Conflict as conflict:
        return conflict.type
    return None


@pytest.mark.parametrize(("late_by", "refusal"), [(timedelta(), None), (timedelta(microseconds=1), "too-late")])
async def test_patients_can_cancel_until_exactly_the_end_of_the_grace_period(world, late_by, refusal):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert await cancel(world, appointment, appointment.created_at + GRACE + late_by) == refusal
    assert ((await service.get(world.db, appointment.id)).status == "cancelled") == (refusal is None)


async def test_moving_an_appointment_does_not_start_the_grace_period_again(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await reschedule(
        world.db,
        PATIENT,
        appointment_id=appointment.id,
        to=RescheduleRequest(start_time=at(10)),
        if_match=None,
        now=appointment.created_at + GRACE,
    )
    assert await cancel(world, appointment, appointment.created_at + 2 * GRACE) == "too-late"


def test_the_grace_period_ends_when_the_appointment_starts():
    policy = ChangePolicy(notice_minutes=1440, grace_minutes=15)
    booked_at, start = at(9), at(9, 10)
    assert policy.deadline(start, booked_at) == start
    last = last_change(policy, start=start, booked_at=booked_at, needs_rebooking=False, now=at(9, 5))
    assert last == start


def test_a_grace_period_never_shortens_the_time_for_changes():
    policy = ChangePolicy(notice_minutes=60, grace_minutes=15)
    assert policy.deadline(at(14), booked_at=at(9)) == at(13)


async def test_clinics_can_change_and_reset_their_grace_period(client):
    await create_clinic(client)
    for value, minutes in ((0, 0), (60, 60), (None, 15)):
        change = {"policy": {"changeGraceMinutes": value}}
        clinic = (await client.patch("/api/clinics/1", json=change, headers=ADMIN)).json()
        assert clinic["policy"]["changeGraceMinutes"] == minutes
