"""Patients and strangers can choose only what a clinic offers; its staff and partner systems can choose freely."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from appoint.booking.book import book
from appoint.booking.links import holder
from appoint.booking.model import Appointment, RescheduleRequest
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.reschedule import reschedule
from appoint.booking.time_rules import TimeRequest
from appoint.kit import errors
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.cache import ClinicCache
from support.world import World, at

STRANGER = Actor("open:1")
MINUTE = timedelta(minutes=1)


def patient(world: World) -> Actor:
    return Actor("patient:1", customer_id=world.ana)


def staff(world: World) -> Actor:
    return Actor("user:1", memberships=(Membership(world.clinic, Role.RECEPTIONIST),))


def partner(world: World) -> Actor:
    return Actor("key:1", memberships=(Membership(world.clinic, Role.PARTNER),))


def staff_elsewhere(world: World) -> Actor:
    return Actor("user:2", memberships=(Membership(world.clinic + 1, Role.RECEPTIONIST),))


def anyone(_world: World) -> Actor:
    return STRANGER


RESTRICTED = [anyone, patient, staff_elsewhere]
FREE = [staff, partner]


@pytest.fixture
async def world(db):
    """A clinic with a step of 15 minutes and a 30-minute type."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        world.check_up = await world.add_type(30)
        yield world


async def request(world: World, actor: Actor, **members) -> Appointment | str:
    """Book as the actor. Return the appointment, or the reason for the refusal."""
    command = BookingCommand(
        world.clinic,
        [CustomerRequest(world.ana, TimeRequest(**{"doctor_id": world.dr_shah, **members}))],
        actor,
        timedelta(minutes=10),
        world.now,
    )
    try:
        return (await book(world.db, world.cache, command)).booking.appointments[0]
    except errors.Conflict as conflict:
        return conflict.type


async def move(
    world: World, actor: Actor, appointment: Appointment, start: datetime, end: datetime | None = None
) -> Appointment | str:
    to = RescheduleRequest(start_time=start, end_time=end)
    try:
        return await reschedule(world.db, actor, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    except (errors.Conflict, errors.Invalid) as refusal:
        return refusal.type


@pytest.mark.parametrize("caller", RESTRICTED)
@pytest.mark.parametrize("minutes", [1, 30, 480])
async def test_patients_and_strangers_must_choose_a_type_if_the_clinic_has_any(world, caller, minutes):
    assert await request(world, caller(world), start_time=at(8), end_time=at(8) + minutes * MINUTE) == "type-required"
    assert isinstance(
        await request(world, caller(world), start_time=at(8), appointment_type_id=world.check_up), Appointment
    )


@pytest.mark.parametrize("caller", RESTRICTED)
async def test_booking_a_whole_slot_does_not_lengthen_a_typed_appointment(world, caller):
    slot_id: UUID = await world.db.fetchval("select id from booking_slot")
    outcomes = [
        await request(world, caller(world), booking_slot_id=slot_id, **type)
        for type in ({}, {"appointment_type_id": world.check_up})
    ]
    assert outcomes == ["type-required"] * 2


@pytest.mark.parametrize("caller", FREE)
async def test_staff_and_partners_can_choose_any_minute_and_length(world, caller):
    booked = await request(world, caller(world), start_time=at(8, 7), end_time=at(9, 52))
    assert isinstance(booked, Appointment)
    assert isinstance(await move(world, caller(world), booked, at(10, 3), at(10, 4)), Appointment)


@pytest.mark.parametrize("caller", RESTRICTED)
@pytest.mark.parametrize("named", [True, False])
async def test_patients_and_strangers_can_book_only_offered_starts(world, caller, named):
    doctor = {} if named else {"doctor_id": None}
    times = [at(8, 7), at(8, 1), at(8, 15)]
    outcomes = [
        await request(world, caller(world), start_time=start, appointment_type_id=world.check_up, **doctor)
        for start in times
    ]
    assert outcomes[:2] == ["start-not-offered"] * 2
    assert isinstance(outcomes[2], Appointment)


async def test_steps_are_counted_from_the_slots_start(world):
    await world.db.execute("update booking_slot set during = tstzrange($1, $2)", at(8, 10), at(16))
    assert (
        await request(world, STRANGER, start_time=at(8, 30), appointment_type_id=world.check_up) == "start-not-offered"
    )
    assert isinstance(
        await request(world, STRANGER, start_time=at(8, 40), appointment_type_id=world.check_up), Appointment
    )


async def test_without_types_strangers_can_choose_the_length_but_not_the_start(world):
    await world.db.execute("update appointment_type set active = false, removed_at = now(), version = 2")
    await world.cache.drop(world.clinic)
    assert await request(world, STRANGER, start_time=at(8, 7), end_time=at(8, 27)) == "start-not-offered"
    assert isinstance(await request(world, STRANGER, start_time=at(8, 15), end_time=at(8, 35)), Appointment)


@pytest.mark.parametrize("by_link", [True, False])
async def test_links_and_patients_cannot_change_the_length_by_moving(world, by_link):
    booked = await request(world, staff(world), start_time=at(8), appointment_type_id=world.check_up)
    actor = holder(booked.id) if by_link else patient(world)
    assert await move(world, actor, booked, at(9), at(16)) == "invalid-request"
    assert await move(world, actor, booked, at(8), at(16)) == "invalid-request"
    assert await move(world, actor, booked, at(9, 7)) == "start-not-offered"
    moved = await move(world, actor, booked, at(9), at(9, 30))
    assert (moved.start_time, moved.end_time) == (at(9), at(9, 30))
    moved = await move(world, actor, booked, at(10))
    assert (moved.start_time, moved.end_time) == (at(10), at(10, 30))


async def test_at_a_clinic_with_types_moving_an_untyped_appointment_keeps_its_length(world):
    booked = await request(world, staff(world), start_time=at(8), end_time=at(8, 40))
    assert await move(world, holder(booked.id), booked, at(9), at(9, 45)) == "fixed-length"
    moved = await move(world, holder(booked.id), booked, at(9))
    assert moved.end_time == at(9, 40)


async def test_without_types_a_link_can_move_to_a_whole_slot_with_a_different_length(world):
    await world.db.execute("update appointment_type set active = false, removed_at = now(), version = 2")
    booked = await request(world, staff(world), start_time=at(8), end_time=at(9))
    await world.publish(world.dr_shah, at(16, 30), at(18))
    assert await move(world, holder(booked.id), booked, at(16, 30), at(17, 45)) == "fixed-length"
    moved = await move(world, holder(booked.id), booked, at(16, 30), at(18))
    assert (moved.start_time, moved.end_time) == (at(16, 30), at(18))


async def test_a_start_between_two_steps_can_stay_if_nothing_changes(world):
    booked = await request(world, staff(world), start_time=at(8, 7), end_time=at(8, 37))
    moved = await move(world, holder(booked.id), booked, at(8, 7), at(8, 37))
    assert moved.start_time == at(8, 7)
