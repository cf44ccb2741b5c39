"""Booking slots published, moved and removed manually."""

import asyncio
from datetime import timedelta

import pytest

from appoint.clinics.doctors import service as doctors
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.scheduling.slots import service
from appoint.scheduling.slots.model import BookingSlotContent
from support.hours import generate_slots, list_published, local, set_weekly_hours
from support.scheduling import (
    SUNDAY,
    events_of_type,
    find_slot_id,
    move_slot,
    publish_slot,
    remove_slot,
    unpublished_world,
)
from support.world import MONDAY, RECEPTION


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await unpublished_world(db, cache)


async def test_a_slot_can_be_published_manually(world):
    slot = await publish_slot(world, MONDAY, "18:00", "19:00")
    assert (slot.source, slot.date, slot.active, slot.version) == ("manual", MONDAY, True, 1)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 18:00-19:00"]
    assert [event.subject_id for event in await events_of_type(world.db, "slot.published")] == [str(slot.id)]


async def test_overlapping_slots_are_refused(world):
    await publish_slot(world, MONDAY, "09:00", "12:00")
    with pytest.raises(errors.Conflict) as error:
        await publish_slot(world, MONDAY, "11:00", "13:00")
    assert error.value.type == "slots-overlap"


async def test_adjacent_slots_are_allowed(world):
    await publish_slot(world, MONDAY, "09:00", "12:00")
    await publish_slot(world, MONDAY, "12:00", "13:00")
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-12:00", "Mon 1 12:00-13:00"]


async def test_only_one_of_several_concurrent_publications_succeeds(world):
    results = await asyncio.gather(
        *(publish_slot(world, MONDAY, "09:00", "12:00") for _ in range(8)), return_exceptions=True
    )
    assert sorted(getattr(result, "type", "published") for result in results) == ["published"] + ["slots-overlap"] * 7


async def test_a_slot_cannot_cross_midnight_at_the_clinic(world):
    await publish_slot(world, MONDAY, "23:00", "24:00")
    over_midnight = BookingSlotContent(
        doctor_id=world.dr_shah, start_time=local(SUNDAY, "23:00"), end_time=local(SUNDAY + timedelta(days=1), "01:00")
    )
    with pytest.raises(errors.Conflict) as error:
        await world.db.atomic(service.publish, RECEPTION, content=over_midnight)
    assert error.value.type == "crosses-midnight"
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 23:00-24:00"]


async def test_a_slot_for_a_removed_doctor_cannot_be_published(world):
    await world.db.atomic(doctors.remove, RECEPTION, doctor_id=world.dr_shah, if_match=None, now=world.now)
    with pytest.raises(errors.Conflict) as error:
        await publish_slot(world, MONDAY, "09:00", "12:00")
    assert error.value.type == "doctor-inactive"


async def test_publishing_removed_time_restores_only_that_time(world):
    """The rest of the removed slot stays removed."""
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await generate_slots(world, MONDAY)
    await remove_slot(world, await find_slot_id(world, MONDAY, "09:00"))
    slot = await publish_slot(world, MONDAY, "10:00", "11:00")
    await remove_slot(world, slot.id)
    await publish_slot(world, MONDAY, "10:30", "11:00")
    await set_weekly_hours(world, world.dr_shah, monday="08:00-13:00")
    await generate_slots(world, MONDAY)
    assert await list_published(world.db, world.dr_shah) == [
        "Mon 1 08:00-09:00",
        "Mon 1 10:30-11:00",
        "Mon 1 12:00-13:00",
    ]


async def test_a_removed_slot_is_withdrawn_but_stays_readable(world):
    slot = await publish_slot(world, MONDAY, "09:00", "12:00")
    await remove_slot(world, slot.id)
    await remove_slot(world, slot.id)
    assert await list_published(world.db, world.dr_shah) == []
    removed_slot = await service.get(world.db, slot.id)
    assert (removed_slot.active, removed_slot.removed_at, removed_slot.version) == (False, world.now, 2)
    assert len(await events_of_type(world.db, "slot.withdrawn")) == 1


async def test_a_slot_with_an_appointment_cannot_be_withdrawn(world):
    slot = await publish_slot(world, MONDAY, "09:00", "12:00")
    await world.book(world.dr_shah, local(MONDAY, "10:00"), world.ana)
    with pytest.raises(errors.Conflict) as error:
        await remove_slot(world, slot.id)
    assert error.value.type == "slot-has-appointments"


async def test_neither_of_two_slots_that_an_appointment_spans_can_be_withdrawn(world):
    first, second = (
        await publish_slot(world, MONDAY, "09:00", "12:00"),
        await publish_slot(world, MONDAY, "12:00", "13:00"),
    )
    await world.book(world.dr_shah, local(MONDAY, "11:45"), world.ana)
    for slot in (first, second):
        with pytest.raises(errors.Conflict) as error:
            await remove_slot(world, slot.id)
        assert error.value.type == "slot-has-appointments"


async def test_a_booking_and_a_concurrent_withdrawal_do_not_both_succeed(world):
    for n in range(12):
        day = MONDAY + timedelta(days=n)
        slot = await publish_slot(world, day, "09:00", "10:00")
        booking, removal = await asyncio.gather(
            world.book(world.dr_shah, local(day, "09:00"), world.ana, minutes=60),
            remove_slot(world, slot.id),
            return_exceptions=True,
        )
        outcome = (getattr(booking, "type", "booked"), getattr(removal, "type", "withdrawn"))
        assert outcome in (("booked", "slot-has-appointments"), ("outside-hours", "withdrawn"))


async def test_a_slot_can_be_moved(world):
    slot = await publish_slot(world, MONDAY, "09:00", "12:00")
    result = await move_slot(world, slot.id, MONDAY + timedelta(days=1), "10:00", "13:00")
    assert (result.id, result.date, result.version) == (slot.id, MONDAY + timedelta(days=1), 2)
    assert await list_published(world.db, world.dr_shah) == ["Tue 2 10:00-13:00"]
    assert [event.subject_id for event in await events_of_type(world.db, "slot.moved")] == [str(slot.id)]


async def test_time_vacated_by_a_moved_slot_is_not_published_again(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await generate_slots(world, MONDAY)
    await move_slot(world, await find_slot_id(world, MONDAY, "09:00"), MONDAY, "10:00", "11:00")
    await generate_slots(world, MONDAY)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 10:00-11:00"]


async def test_time_taken_by_a_moved_slot_no_longer_counts_as_removed(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await generate_slots(world, MONDAY)
    slot = await find_slot_id(world, MONDAY, "09:00")
    await move_slot(world, slot, MONDAY, "10:00", "11:00")
    await move_slot(world, slot, MONDAY, "09:00", "10:30")
    await generate_slots(world, MONDAY)
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-10:30"]
    total = await world.db.fetchval("select sum(upper(during) - lower(during)) from booking_slot")
    assert total == timedelta(hours=3)  # no minute is both published and removed


async def test_a_shortened_slot_keeps_its_source_and_an_extended_one_becomes_manual(world):
    await set_weekly_hours(world, world.dr_shah, monday="09:00-12:00")
    await generate_slots(world, MONDAY)
    slot = await find_slot_id(world, MONDAY, "09:00")
    assert (await move_slot(world, slot, MONDAY, "09:00", "11:00")).source == "schedule"
    assert (await move_slot(world, slot, MONDAY, "09:00", "11:30")).source == "manual"


async def test_moving_a_removed_slot_publishes_it_again(world):
    slot = await publish_slot(world, MONDAY, "09:00", "12:00")
    await remove_slot(world, slot.id)
    assert (await move_slot(world, slot.id, MONDAY, "09:00", "10:00")).active
    assert await list_published(world.db, world.dr_shah) == ["Mon 1 09:00-10:00"]


async def test_a_slot_cannot_move_away_from_its_appointments(world):
    slot = await publish_slot(world, MONDAY, "09:00", "12:00")
    await world.book(world.dr_shah, local(MONDAY, "10:00"), world.ana)
    with pytest.raises(errors.Conflict) as error:
        await move_slot(world, slot.id, MONDAY, "10:15", "12:00")
    assert error.value.type == "slot-has-appointments"
    assert (await move_slot(world, slot.id, MONDAY, "10:00", "10:30")).version == 2


async def test_a_slot_cannot_move_onto_another(world):
    slot = await publish_slot(world, MONDAY, "09:00", "12:00")
    await publish_slot(world, MONDAY, "13:00", "15:00")
    with pytest.raises(errors.Conflict) as error:
        await move_slot(world, slot.id, MONDAY, "10:00", "13:30")
    assert error.value.type == "slots-overlap"


async def test_slots_that_concurrently_move_onto_each_other_do_not_deadlock(world):
    first, second = (
        await publish_slot(world, MONDAY, "09:00", "10:00"),
        await publish_slot(world, MONDAY, "11:00", "12:00"),
    )
    moves = [
        move_slot(world, slot.id, MONDAY, start, end)
        for slot, start, end in ((first, "10:30", "11:30"), (second, "09:30", "10:30"))
        for _ in range(4)
    ]
    results = await asyncio.gather(*moves, return_exceptions=True)
    assert {getattr(result, "type", "moved") for result in results} <= {"moved", "slots-overlap"}


async def test_moving_an_outdated_version_of_a_slot_is_refused(world):
    slot = await publish_slot(world, MONDAY, "09:00", "12:00")
    await move_slot(world, slot.id, MONDAY, "09:00", "11:00")
    with pytest.raises(errors.VersionMismatch):
        await move_slot(world, slot.id, MONDAY, "09:00", "10:00", if_match='"v1"')
