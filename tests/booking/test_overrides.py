"""Overrides: staff can break a rule by giving a reason, and only the rules that they actually break are recorded."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from appoint.booking import book as booking
from appoint.booking import holds, service
from appoint.booking.model import AppointmentRequest, RescheduleRequest
from appoint.booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from appoint.booking.reschedule import reschedule
from appoint.booking.time_rules import Override
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.hours import generate_slots, list_published, set_weekly_hours
from support.scheduling import add_absence
from support.statements import StatementCounter
from support.transitions import cancel
from support.world import MONDAY, RECEPTION, World, at

REASON = "Ana is in pain"
UNUSED_REMNANTS = """
select count(*) from booking_slot s
 where remnant and not exists (select from appointment a where a.during @> s.during)
"""
ALL = ["too-soon", "too-far", "outside-hours", "customer-busy", "too-late", "in-the-past"]


@pytest.fixture
async def world(db):
    """Dr Shah works from eight to four (UTC) on Monday. It is now six o'clock."""
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def book(world, start, customer, *, allow=ALL, doctor="dr_shah", minutes=30, key=None, **members):
    doctor_id = getattr(world, doctor) if doctor else None
    request = AppointmentRequest(
        customer_id=customer,
        clinic_id=world.clinic,
        doctor_id=doctor_id,
        start_time=start,
        end_time=start + timedelta(minutes=minutes),
        **members,
    )
    return await book_all(world, [request], allow=allow, key=key)


async def book_all(world, requests, *, allow=ALL, key=None):
    command = BookingCommand(
        world.clinic,
        [CustomerRequest(request.customer_id, request) for request in requests],
        RECEPTION,
        timedelta(minutes=10),
        world.now,
        idempotency=IdempotencyKey("reception", key, str(requests).encode()) if key else None,
        override=Override(allow=allow, reason=REASON) if allow else None,
    )
    try:
        result = await booking.book(world.db, world.cache, command)
    except errors.Conflict as refusal:
        return refusal
    appointments = result.booking.appointments
    return appointments[0] if len(appointments) == 1 else appointments


async def move(world, appointment, start, *, allow=ALL, doctor=None, minutes=30):
    to = RescheduleRequest(
        start_time=start,
        end_time=start + timedelta(minutes=minutes),
        doctor_id=doctor,
        override=Override(allow=allow, reason=REASON) if allow else None,
    )
    try:
        return await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    except errors.Conflict as refusal:
        return refusal


async def published_hours(world):
    return await list_published(world.db, world.dr_shah)


async def event_types(db):
    return [row.type for row in await db.fetch("select type from event order by id")]


async def test_booking_outside_hours_publishes_exactly_the_uncovered_time(world):
    appointment = await book(world, at(15, 45), world.ana, allow=["outside-hours"])
    assert appointment.status == "booked"
    assert (appointment.overrides, appointment.override_reason) == (["outside-hours"], REASON)
    assert await published_hours(world) == ["Mon 1 09:00-17:00", "Mon 1 17:00-17:15"]
    row = await world.db.fetchrow("select source, remnant from booking_slot where source = 'manual'")
    assert (row.source, row.remnant) == ("manual", True)
    assert sorted(await event_types(world.db)) == ["appointment.booked", "slot.published"]


async def test_a_booking_across_two_slots_fills_the_gap_between_them(world):
    await world.publish(world.dr_shah, at(17), at(18))
    appointment = await book(world, at(15, 30), world.ana, minutes=120)
    assert appointment.overrides == ["outside-hours"]
    assert await published_hours(world) == ["Mon 1 09:00-17:00", "Mon 1 17:00-18:00", "Mon 1 18:00-19:00"]


async def test_cancelling_withdraws_the_time_published_for_the_appointment(world):
    appointment = await book(world, at(15, 45), world.ana)
    await cancel(world, appointment)
    assert await published_hours(world) == ["Mon 1 09:00-17:00"]
    assert (await event_types(world.db))[-2:] == ["appointment.cancelled", "slot.withdrawn"]


async def test_an_expired_hold_outside_hours_leaves_nothing_published(world):
    hold = await book(world, at(17), world.ana, hold=True)
    assert hold.status == "pending"
    assert await holds.expire_holds(world.db, now=world.now + timedelta(hours=1)) == 1
    assert await published_hours(world) == ["Mon 1 09:00-17:00"]
    assert Counter(await event_types(world.db))["slot.withdrawn"] == 1


async def test_time_published_for_one_appointment_cannot_be_booked_for_another(world):
    await book(world, at(17), world.ana)
    assert (await world.book(world.dr_shah, at(17), world.ben)).type == "taken"
    assert (await world.book(world.dr_shah, at(17, 15), world.ben)).type == "outside-hours"
    assert (await book(world, at(17), world.ben)).type == "taken"


async def test_concurrent_bookings_outside_hours_publish_only_for_the_winners(world):
    for hour in range(17, 21):
        customers = (world.ana, world.ben, world.ana)
        bookings = (book(world, at(hour, 10 * number), customer) for number, customer in enumerate(customers))
        results = await asyncio.gather(*bookings)
        kinds = Counter(result.type if isinstance(result, errors.Conflict) else "booked" for result in results)
        assert kinds["taken"] >= 1
        assert kinds["booked"] >= 1
        assert await world.db.fetchval(UNUSED_REMNANTS) == 0


async def test_a_refused_booking_publishes_nothing(world):
    await world.book(world.dr_shah, at(15, 30), world.ben)
    assert (await book(world, at(15, 45), world.ana)).type == "taken"
    assert await published_hours(world) == ["Mon 1 09:00-17:00"]
    assert await event_types(world.db) == ["appointment.booked"]


async def test_a_repeated_request_returns_the_original_appointment(world):
    first = await book(world, at(17), world.ana, key="once")
    repeats = await asyncio.gather(*(book(world, at(17), world.ana, key="once") for _ in range(4)))
    assert {each.id for each in repeats} == {first.id}
    assert await world.count("booking_slot") == 2


async def test_rules_that_were_not_broken_are_not_recorded(world):
    appointment = await book(world, at(9), world.ana)
    assert (appointment.overrides, appointment.override_reason) == ([], None)
    assert await published_hours(world) == ["Mon 1 09:00-17:00"]


async def test_a_broken_rule_that_is_not_overridden_is_refused(world):
    assert (await book(world, at(17), world.ana, allow=["too-soon", "customer-busy"])).type == "outside-hours"


@pytest.mark.parametrize(
    ("start", "minutes", "reason"),
    [(at(5, day=MONDAY - timedelta(days=32)), 30, "in-the-past"), (at(22, 30), 60, "crosses-midnight")],
)
async def test_some_rules_cannot_be_overridden(world, start, minutes, reason):
    assert (await book(world, start, world.ana, minutes=minutes)).type == reason


async def test_an_override_cannot_book_an_inactive_doctor_or_clinic(world):
    await world.db.execute("update doctor set active = false, removed_at = now(), version = version + 1")
    assert (await book(world, at(17), world.ana)).type == "doctor-inactive"
    await world.db.execute("update clinic set active = false, removed_at = now(), version = version + 1")
    assert (await book(world, at(17), world.ana)).type == "clinic-inactive"
    assert await world.count("booking_slot") == 1


async def test_hours_can_be_overridden_only_for_a_named_doctor(world):
    assert (await book(world, at(17), world.ana, doctor=None)).type == "outside-hours"


async def test_a_customer_can_be_booked_in_parallel_with_another_appointment(world):
    world.okafor = await world.add_doctor("Dr Okafor")
    await world.publish(world.okafor, at(8), at(16))
    await world.book(world.dr_shah, at(9), world.ana)
    assert (await book(world, at(9, 15), world.ana, doctor="okafor", allow=None)).type == "customer-busy"
    assert (await book(world, at(9, 15), world.ana, doctor="okafor")).overrides == ["customer-busy"]


async def test_a_parallel_appointment_occupies_the_customers_time(world):
    world.okafor, world.moreau = await world.add_doctor("Dr Okafor"), await world.add_doctor("Dr Moreau")
    for each in (world.okafor, world.moreau):
        await world.publish(each, at(8), at(16))
    first = await world.book(world.dr_shah, at(9), world.ana)
    parallel = await book(world, at(9, 15), world.ana, doctor="okafor")
    await cancel(world, first)
    assert (await world.book(world.moreau, at(9, 30), world.ana)).type == "customer-busy"
    other_appointment = await world.book(world.moreau, at(11), world.ana)
    assert (await move(world, other_appointment, at(9, 30), allow=None)).type == "customer-busy"
    assert (await move(world, parallel, at(12), allow=None)).overrides == []
    assert (await world.book(world.dr_shah, at(9, 30), world.ana)).status == "booked"
    assert (await world.book(world.dr_shah, at(12), world.ana)).type == "customer-busy"


async def test_each_appointment_in_a_booking_lists_its_own_overrides(world):
    request = {"clinic_id": world.clinic, "doctor_id": world.dr_shah}
    requests = [
        AppointmentRequest(customer_id=customer, start_time=start, end_time=start + timedelta(minutes=30), **request)
        for customer, start in ((world.ana, at(9)), (world.ben, at(16)), (world.ana, at(16, 30)))
    ]
    appointments = await book_all(world, requests)
    assert [each.overrides for each in appointments] == [[], ["outside-hours"], ["outside-hours"]]
    assert await published_hours(world) == ["Mon 1 09:00-17:00", "Mon 1 17:00-17:30", "Mon 1 17:30-18:00"]


async def test_a_refused_booking_with_several_appointments_publishes_nothing(world):
    await world.book(world.dr_shah, at(9), world.ben)
    request = {"clinic_id": world.clinic, "doctor_id": world.dr_shah, "customer_id": world.ana}
    requests = [
        AppointmentRequest(start_time=start, end_time=start + timedelta(minutes=30), **request)
        for start in (at(17), at(9))
    ]
    refusal = await book_all(world, requests)
    assert (refusal.type, refusal.facts["index"]) == ("taken", 1)
    assert (await published_hours(world), await world.count("appointment")) == (["Mon 1 09:00-17:00"], 1)


async def test_a_move_records_its_own_overrides_and_moves_the_published_time(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (await move(world, appointment, at(17), allow=None)).type == "outside-hours"
    assert (await move(world, appointment, at(17))).overrides == ["outside-hours"]
    assert await published_hours(world) == ["Mon 1 09:00-17:00", "Mon 1 18:00-18:30"]
    assert (await move(world, appointment, at(17, 15), allow=None)).type == "outside-hours"
    assert (await move(world, appointment, at(17, 15), allow=["outside-hours"])).overrides == ["outside-hours"]
    assert await published_hours(world) == ["Mon 1 09:00-17:00", "Mon 1 18:15-18:45"]
    result = await move(world, appointment, at(10))
    assert (result.overrides, result.override_reason) == ([], None)
    assert await published_hours(world) == ["Mon 1 09:00-17:00"]
    types = [type for type in await event_types(world.db) if type.startswith("slot.")]
    assert types == ["slot.published", "slot.withdrawn", "slot.published", "slot.withdrawn"]


async def test_a_move_to_the_same_time_keeps_the_overrides(world):
    appointment = await book(world, at(17), world.ana)
    result = await move(world, appointment, at(17), allow=None)
    assert (result.overrides, result.override_reason) == (["outside-hours"], REASON)
    assert await published_hours(world) == ["Mon 1 09:00-17:00", "Mon 1 18:00-18:30"]


async def test_a_move_to_another_doctor_publishes_time_for_that_doctor(world):
    other = await world.add_doctor("Dr Okafor")
    appointment = await book(world, at(17), world.ana)
    assert (await move(world, appointment, at(18), doctor=other)).doctor_id == other
    assert await published_hours(world) == ["Mon 1 09:00-17:00"]
    assert await list_published(world.db, other) == ["Mon 1 19:00-19:30"]


async def test_an_absence_strands_an_appointment_outside_hours(world):
    appointment = await book(world, at(17), world.ana)
    with pytest.raises(errors.Conflict, match="appointments-in-the-way"):
        await add_absence(world, "17:00", "20:00")
    await add_absence(world, "17:00", "20:00", force=True)
    assert (await service.get(world.db, appointment.id)).needs_rebooking is True
    await cancel(world, appointment)
    assert await published_hours(world) == ["Mon 1 09:00-17:00"]


async def test_generation_turns_time_from_a_cancelled_override_into_regular_hours(world):
    await world.db.execute("delete from booking_slot")
    appointment = await book(world, at(9), world.ana)
    await set_weekly_hours(world, world.dr_shah, monday="09:00-17:00")
    await generate_slots(world, MONDAY, MONDAY)
    assert await published_hours(world) == ["Mon 1 09:00-10:00", "Mon 1 10:00-10:30", "Mon 1 10:30-17:00"]
    await cancel(world, appointment)
    await generate_slots(world, MONDAY, MONDAY)
    assert await published_hours(world) == ["Mon 1 09:00-10:00", "Mon 1 10:00-10:30", "Mon 1 10:30-17:00"]
    assert await list_published(world.db, world.dr_shah, remnants=True) == []


async def test_a_booking_without_overrides_runs_one_statement(world, monkeypatch):
    await world.book(world.dr_shah, at(9), world.ana)
    statements = StatementCounter(monkeypatch)
    await world.book(world.dr_shah, at(10), world.ana)
    assert statements.count == 1
