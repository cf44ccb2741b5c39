"""Booking against the real database: what is accepted, what is refused, and who wins a race."""

import asyncio
from datetime import timedelta

import pytest

from appoint.booking.model import AppointmentRequest
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.world import MONDAY, NOW, PATIENT, World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


def request_for(world, customer, start, *, doctor="dr_shah"):
    doctor_id = getattr(world, doctor) if doctor else None
    return customer, AppointmentRequest(
        customer_id=customer,
        clinic_id=world.clinic,
        doctor_id=doctor_id,
        start_time=start,
        end_time=start + timedelta(minutes=30),
    )


async def test_a_free_time_can_be_booked(world):
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    assert (appointment.status, appointment.start_time, appointment.end_time, appointment.time_zone) == (
        "booked",
        at(9),
        at(9, 30),
        "Europe/Berlin",
    )


async def test_a_taken_time_is_refused(world):
    await world.book(world.dr_shah, at(9), world.ana)
    refusal = await world.book(world.dr_shah, at(9), world.ben)
    assert refusal.type == "taken"


async def test_a_refusal_offers_the_five_nearest_times(world):
    await world.book(world.dr_shah, at(9), world.ana)
    refusal = await world.book(world.dr_shah, at(9), world.ben)
    assert [offer.start_time for offer in refusal.facts["alternatives"]] == [
        at(8, 30),
        at(9, 30),
        at(8, 15),
        at(9, 45),
        at(8),
    ]


async def test_only_one_of_64_concurrent_bookings_for_the_same_time_writes_anything(world, many_connections):
    customers = [await world.add_customer(f"Customer {n}") for n in range(64)]
    results = await asyncio.gather(*(world.book(world.dr_shah, at(9), customer) for customer in customers))
    assert sorted(getattr(result, "type", "booked") for result in results) == ["booked"] + ["taken"] * 63
    assert [await world.count(table) for table in ("appointment", "patient", "event")] == [1, 1, 1]


async def test_unpublished_time_is_refused_as_outside_hours(world):
    assert (await world.book(world.dr_shah, at(15, 45), world.ana)).type == "outside-hours"


async def test_an_appointment_can_span_adjacent_slots(world):
    await world.publish(world.dr_shah, at(16), at(17))
    assert (await world.book(world.dr_shah, at(15, 45), world.ana)).status == "booked"


async def test_a_customer_cannot_have_two_appointments_at_once(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    await world.book(world.dr_shah, at(9), world.ana)
    refusal = await world.book(dr_okafor, at(9, 15), world.ana)
    assert refusal.type == "customer-busy"
    assert at(9) not in [offer.start_time for offer in refusal.facts["alternatives"]]


async def test_times_in_the_past_within_the_notice_period_or_beyond_the_horizon_are_refused(world):
    await world.set_clinic(world.clinic, min_notice_minutes=180, horizon_days=7)
    starts = {"in-the-past": NOW - timedelta(minutes=1), "too-soon": at(8, 59), "too-far": at(9) + timedelta(days=8)}
    refusals = {
        reason: await world.book(world.dr_shah, start, world.ana, caller=PATIENT) for reason, start in starts.items()
    }
    assert {reason: refusal.type for reason, refusal in refusals.items()} == {reason: reason for reason in starts}


async def test_an_appointment_cannot_cross_midnight(world):
    night = at(22, day=MONDAY)
    await world.publish(world.dr_shah, night, night + timedelta(hours=1))
    await world.publish(world.dr_shah, night + timedelta(hours=1), night + timedelta(hours=3))
    assert (await world.book(world.dr_shah, night + timedelta(minutes=45), world.ana)).type == "crosses-midnight"
    assert (await world.book(world.dr_shah, night + timedelta(minutes=30), world.ana)).status == "booked"


async def test_buffers_keep_the_doctor_free_around_an_appointment(world):
    with_buffers = await world.add_type(30, before=10, after=20)
    await world.book(world.dr_shah, at(9), world.ana, appointment_type_id=with_buffers)
    assert (await world.book(world.dr_shah, at(9, 30), world.ben)).type == "taken"
    assert (await world.book(world.dr_shah, at(9, 50), world.ben)).status == "booked"


async def test_a_doctor_cannot_be_booked_for_a_type_they_do_not_offer(world):
    check_up, operation = await world.add_type(30), await world.add_type(60)
    await world.db.execute(
        "insert into doctor_appointment_type values ($1, $2, $3)", world.clinic, world.dr_shah, check_up
    )
    await world.cache.drop(world.clinic)
    assert (await world.book(world.dr_shah, at(9), world.ana, appointment_type_id=operation)).type == "not-offered"


async def test_a_stale_catalogue_is_reloaded_before_booking(world):
    check_up = await world.add_type(30)
    await world.book(world.dr_shah, at(9), world.ana, appointment_type_id=check_up)
    # a change that does not invalidate the cache
    await world.db.execute("update appointment_type set minutes = 45, version = version + 1")
    appointment = await world.book(world.dr_shah, at(10), world.ben, appointment_type_id=check_up)
    assert appointment.end_time == at(10, 45)


async def test_several_appointments_are_booked_together_or_not_at_all(world):
    await world.book(world.dr_shah, at(10), world.ben)
    requests = [request_for(world, world.ana, at(hour)) for hour in (9, 10, 11)]
    refusal = await world.book_all(requests)
    assert (refusal.type, refusal.facts["index"], await world.count("appointment")) == ("taken", 1, 1)


async def test_appointments_in_one_booking_share_its_id_and_keep_their_order(world):
    appointments = await world.book_all([request_for(world, world.ana, at(hour)) for hour in (11, 9, 10)])
    assert len({appointment.booking_id for appointment in appointments}) == 1
    assert [appointment.start_time for appointment in appointments] == [at(11), at(9), at(10)]


async def test_a_repeated_request_returns_the_original_appointment(world):
    first = await world.book(world.dr_shah, at(9), world.ana, key="once")
    assert await world.book(world.dr_shah, at(9), world.ana, key="once") == first


async def test_identical_concurrent_requests_all_get_the_same_appointment(world):
    results = await asyncio.gather(*(world.book(world.dr_shah, at(9), world.ana, key="once") for _ in range(8)))
    assert {result.id for result in results} == {results[0].id}


async def test_an_idempotency_key_cannot_be_reused_for_another_request(world):
    await world.book(world.dr_shah, at(9), world.ana, key="once")
    with pytest.raises(errors.KeyReused):
        await world.book(world.dr_shah, at(10), world.ana, key="once")


async def test_a_refused_request_does_not_use_up_its_idempotency_key(world):
    await world.book(world.dr_shah, at(9), world.ben)
    await world.book(world.dr_shah, at(9), world.ana, key="again")
    await world.db.execute("update appointment set status = 'cancelled'")
    assert (await world.book(world.dr_shah, at(9), world.ana, key="again")).status == "booked"


async def test_a_booking_without_a_doctor_gets_a_free_one(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    await world.book(world.dr_shah, at(9), world.ana)
    assert (await world.book(None, at(9), world.ben)).doctor_id == dr_okafor


async def test_concurrent_bookings_without_a_doctor_book_each_doctor_once(world):
    doctors = {world.dr_shah, *[await world.add_doctor(f"Dr {n}") for n in range(3)]}
    for doctor in doctors - {world.dr_shah}:
        await world.publish(doctor, at(8), at(16))
    customers = [await world.add_customer(f"Customer {n}") for n in range(16)]
    results = await asyncio.gather(*(world.book(None, at(9), customer) for customer in customers))
    assert {result.doctor_id for result in results if not isinstance(result, errors.Conflict)} == doctors
    assert sum(isinstance(result, errors.Conflict) for result in results) == 12


async def test_family_members_at_the_same_time_get_different_doctors(world):
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    appointments = await world.book_all(
        [request_for(world, customer, at(9), doctor=None) for customer in (world.ana, world.ben)]
    )
    assert {appointment.doctor_id for appointment in appointments} == {world.dr_shah, dr_okafor}


async def test_a_doctor_is_kept_free_for_the_appointment_only_they_can_take(world):
    """Dr Okafor offers everything and Dr Shah only check-ups, so there is only one way to fit in an operation and a
    check-up at the same time.
    """
    check_up, operation = await world.add_type(30), await world.add_type(30, name="Operation")
    await world.db.execute(
        "insert into doctor_appointment_type values ($1, $2, $3)", world.clinic, world.dr_shah, check_up
    )
    dr_okafor = await world.add_doctor("Dr Okafor")
    await world.publish(dr_okafor, at(8), at(16))
    for hour in range(8, 14):
        requests = [
            (
                customer,
                AppointmentRequest(
                    customer_id=customer, clinic_id=world.clinic, start_time=at(hour), appointment_type_id=type
                ),
            )
            for customer, type in ((world.ana, check_up), (world.ben, operation))
        ]
        appointments = await world.book_all(requests)
        assert [appointment.doctor_id for appointment in appointments] == [world.dr_shah, dr_okafor]


async def test_a_removed_customer_cannot_be_booked(world):
    await world.db.execute("update customer set active = false, removed_at = now() where id = $1", world.ana)
    with pytest.raises(errors.NotFound):
        await world.book(world.dr_shah, at(9), world.ana)


async def test_a_whole_slot_can_be_booked_by_its_id(world):
    slot = await world.publish(world.dr_shah, at(17), at(18))
    appointment = await world.book(None, at(17), world.ana, booking_slot_id=slot)
    assert (appointment.start_time, appointment.end_time, appointment.doctor_id) == (at(17), at(18), world.dr_shah)
