"""Refusals identify the appointment that is really in the way, and suggest only times that can be booked."""

from datetime import timedelta
from itertools import permutations

import pytest

from appoint.booking.model import AppointmentRequest, RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from support.notifications import move
from support.world import MONDAY, PATIENT, RECEPTION, World, at


@pytest.fixture
async def world(db):
    """Dr Shah and Dr Okafor work from eight to four on Monday."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        world.dr_okafor = await world.add_doctor("Dr Okafor")
        await world.publish(world.dr_okafor, at(8), at(16))
        yield world


def request(world, doctor, start, *, customer=None, minutes=30):
    return AppointmentRequest(
        customer_id=customer or world.ana,
        clinic_id=world.clinic,
        doctor_id=doctor,
        start_time=start,
        end_time=start + timedelta(minutes=minutes),
    )


async def book_for_several(world, *times):
    """Book each appointment for a different customer."""
    customers = [await world.add_customer(f"Customer {n}") for n in range(len(times))]
    requests = [
        request(world, doctor, start, customer=customer)
        for customer, (doctor, start) in zip(customers, times, strict=True)
    ]
    return await world.book_all(list(zip(customers, requests, strict=True)))


async def test_an_appointment_with_any_doctor_does_not_block_another_ones_only_doctor(world):
    for order in permutations([(None, at(8)), (world.dr_shah, at(8)), (world.dr_shah, at(17))]):
        refusal = await book_for_several(world, *order)
        assert (refusal.type, refusal.facts["index"]) == ("outside-hours", order.index((world.dr_shah, at(17))))


async def test_any_doctor_avoids_the_only_doctor_for_another_appointment(world):
    """Dr Okafor works only from nine, so the appointment at eight must be with Dr Shah."""
    await world.db.execute("delete from booking_slot")
    for first, second in ((world.dr_shah, world.dr_okafor), (world.dr_okafor, world.dr_shah)):
        await world.publish(first, at(8), at(9))
        await world.publish(second, at(8), at(10))
        for _ in range(4):
            customers = [await world.add_customer(f"Customer {n}") for n in range(2)]
            starts = (at(8), at(8, 30))
            booked = await world.book_all(
                [
                    (customer, request(world, None, start, customer=customer, minutes=60))
                    for customer, start in zip(customers, starts, strict=True)
                ]
            )
            assert not isinstance(booked, errors.Conflict), booked.facts
            assert [appointment.doctor_id for appointment in booked] == [first, second]
            await world.db.execute("delete from appointment")
        await world.db.execute("delete from booking_slot")


async def test_alternatives_avoid_the_other_appointments_in_the_same_request(world):
    await world.db.execute("delete from booking_slot where doctor_id = $1", world.dr_okafor)
    await world.book(world.dr_shah, at(9), world.ben)
    requests = [
        (world.ana, request(world, world.dr_shah, at(9))),
        (world.ana, request(world, world.dr_shah, at(9, 30))),
    ]
    refusal = await world.book_all(requests)
    assert (refusal.type, refusal.facts["index"]) == ("taken", 0)
    for offer in refusal.facts["alternatives"]:
        requests[0] = (world.ana, request(world, world.dr_shah, offer.start_time))
        assert not isinstance(await world.book_all(requests), errors.Conflict), offer
        await world.db.execute("delete from appointment where customer_id = $1", world.ana)


async def test_the_index_points_to_the_first_of_several_refused_appointments(world):
    await world.book(world.dr_shah, at(10), world.ben)
    refusal = await book_for_several(world, (None, at(8)), (None, at(20)), (world.dr_shah, at(10)))
    assert (refusal.type, refusal.facts["index"]) == ("outside-hours", 1)


async def test_the_later_of_two_overlapping_appointments_for_one_customer_is_refused(world):
    requests = [request(world, None, at(9)), request(world, world.dr_shah, at(9, 15))]
    refusal = await world.book_all([(world.ana, each) for each in requests])
    assert (refusal.type, refusal.facts["index"]) == ("customer-busy", 1)


@pytest.mark.parametrize("wish", [at(9, day=MONDAY + timedelta(days=200)), at(9, day=MONDAY - timedelta(days=200))])
async def test_alternatives_to_a_distant_time_avoid_the_customers_other_appointments(world, wish):
    """The alternatives are close to today or the horizon, far from the requested time."""
    await world.set_clinic(world.clinic, horizon_days=1)
    await world.book(world.dr_shah, at(8), world.ana)
    refusal = await world.book(world.dr_okafor, wish, world.ana, caller=PATIENT)
    alternatives = refusal.facts["alternatives"]
    assert len(alternatives) == 5
    for offer in alternatives:
        booked = await world.book(offer.doctor_id, offer.start_time, world.ana)
        assert not isinstance(booked, errors.Conflict), (offer, booked)
        await world.db.execute("delete from appointment where id = $1", booked.id)


async def test_a_booking_from_an_outdated_board_is_refused_with_the_nearest_times(world):
    """The board still shows the time as free, because someone else has only just booked it."""
    assert (await world.book(world.dr_shah, at(10), world.ana)).status == "booked"
    refusal = await world.book(world.dr_shah, at(10, 10), world.ben)
    nearest = [offer.start_time for offer in refusal.facts["alternatives"]]
    assert (refusal.type, at(10, 30) in nearest, at(10) in nearest) == ("taken", True, False)


async def test_a_move_from_an_outdated_board_is_refused_as_outdated(world):
    appointment = await world.book(world.dr_shah, at(10), world.ana)
    await move(world, appointment, at(11))
    with pytest.raises(errors.VersionMismatch):
        await reschedule(
            world.db,
            RECEPTION,
            appointment_id=appointment.id,
            to=RescheduleRequest(start_time=at(12)),
            if_match='"v1"',
            now=world.now,
        )
