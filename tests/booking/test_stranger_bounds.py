"""Limits on how much of a clinic's time strangers can take, tested by trying to take more."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest

from appoint.booking.bounds import StrangerOrigin
from appoint.booking.holds import expire_holds
from appoint.kit.actors import Actor, Membership, Role
from appoint.kit.cache import ClinicCache
from support.app import ADMIN, settings
from support.rate_limits import limited_client
from support.scale import scaled
from support.stranger_bounds import BOOKABLE_MINUTES, HOLD, MINUTES, Clinic, free_times
from support.world import (
    at,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    publish_slot,
)


@pytest.fixture
async def clinic(db):
    async with ClinicCache(None) as cache:
        clinic = await Clinic.make(db, cache)
        await clinic.open()
        yield clinic


async def take_all(clinic: Clinic, addresses: Sequence[str], *, each: int) -> Counter[str]:
    """Book as many free times as possible, with `each` appointments per address in one request."""
    customers = await clinic.add_customers(len(addresses) * each)
    outcomes: Counter[str] = Counter()
    for first in range(0, len(addresses), 8):
        outcomes.update(
            await asyncio.gather(
                *(
                    clinic.attempt(
                        address,
                        free_times(clinic, each, after=number * each % (BOOKABLE_MINUTES // MINUTES - each)),
                        customers[number * each : (number + 1) * each],
                    )
                    for number, address in enumerate(addresses[first : first + 8], first)
                )
            )
        )
    return outcomes


async def test_one_network_can_take_at_most_four_hours_however_often_it_tries(clinic):
    outcomes = await take_all(clinic, ["203.0.113.1"] * 100, each=2)
    assert outcomes == {"booked": 6, "too-many-bookings": 94}
    assert await clinic.taken_minutes() == 240 <= 0.01 * BOOKABLE_MINUTES
    clinic.now += HOLD
    await expire_holds(clinic.db, now=clinic.now)
    assert await clinic.taken_minutes() == 0
    assert await take_all(clinic, ["203.0.113.1"] * 10, each=2) == {"too-many-bookings": 10}
    clinic.now += timedelta(hours=24)
    (ana,) = await clinic.add_customers(1)
    assert await clinic.attempt("203.0.113.1", free_times(clinic, 1, after=200), [ana]) == "booked"


async def test_hundreds_of_networks_can_take_a_tenth_of_two_weeks_for_ten_minutes(clinic):
    addresses = [f"198.{network // 250}.{network % 250}.7" for network in range(scaled(1000, 200))]
    outcomes = await take_all(clinic, addresses, each=12)
    assert set(outcomes) <= {"booked", "too-many-bookings", "taken"}
    assert await clinic.taken_minutes() <= 0.1 * BOOKABLE_MINUTES
    assert await clinic.taken_minutes() > 0.09 * BOOKABLE_MINUTES
    staff = Actor("user:1", memberships=(Membership(clinic.clinic, Role.RECEPTIONIST),))
    free = free_times(clinic, 1, after=1300)
    assert await clinic.attempt("203.0.113.1", free, [clinic.ana], actor=staff, hold=False) == "booked"
    clinic.now += HOLD
    await expire_holds(clinic.db, now=clinic.now)
    assert await clinic.taken_minutes() == MINUTES  # only the receptionist's booking


@pytest.mark.parametrize(
    ("pattern", "most"), [("203.0.113.{}", 960), ("2001:db8:0:{:x}::1", 480), ("2001:db8:0:{:x}00::1", 960)]
)
async def test_wider_networks_have_limits_too(clinic, pattern, most):
    await take_all(clinic, [pattern.format(number) for number in range(10)], each=10)
    assert await clinic.taken_minutes() <= most
    assert await clinic.taken_minutes() > most - 200


async def test_twenty_appointments_in_one_request_count_as_twenty(clinic):
    customers = await clinic.add_customers(20)
    assert await clinic.attempt("203.0.113.1", free_times(clinic, 13), customers[:13]) == "too-many-bookings"
    assert await clinic.taken_minutes() == 0
    assert await clinic.attempt("203.0.113.1", free_times(clinic, 12), customers[:12]) == "booked"


async def test_one_email_address_can_take_at_most_four_hours_from_any_number_of_networks(clinic):
    customers = await clinic.add_customers(20, email="max@example.org")
    outcomes = [
        await clinic.attempt(f"198.51.{number}.1", free_times(clinic, 1, after=number), [customers[number]])
        for number in range(20)
    ]
    assert outcomes == ["booked"] * 12 + ["too-many-bookings"] * 8


@pytest.mark.parametrize("policy", ["always", "never"])
async def test_bookings_in_someones_name_do_not_lock_them_out_once_they_have_proven_their_address(clinic, policy):
    await clinic.require_codes(policy)
    owner, *others = await clinic.add_customers(13, email="ana@example.org")
    for number, customer in enumerate(others):
        outcome = await clinic.attempt(
            f"198.51.{number}.1", free_times(clinic, 1, after=number), [customer], hold=policy == "always"
        )
        assert outcome == "booked"
    time = free_times(clinic, 1, after=20)
    assert await clinic.attempt("203.0.113.1", time, [owner]) == "too-many-bookings"
    signed_in = Actor(f"patient:{owner}", customer_id=owner)
    assert await clinic.attempt("203.0.113.1", time, [owner], actor=signed_in, hold=False) == "booked"


async def test_confirmed_bookings_still_count_against_the_address(clinic):
    await clinic.require_codes("always")
    owner, *others = await clinic.add_customers(13, email="ana@example.org")
    for number, customer in enumerate(others):
        await clinic.attempt(f"198.51.{number}.1", free_times(clinic, 1, after=number), [customer])
    await clinic.db.execute("update confirmation_code set confirmed_at = now()")
    signed_in = Actor(f"patient:{owner}", customer_id=owner)
    outcome = await clinic.attempt("203.0.113.1", free_times(clinic, 1, after=20), [owner], actor=signed_in)
    assert outcome == "too-many-bookings"


async def test_a_refusal_says_whether_to_try_again_in_minutes_or_tomorrow(clinic):
    holds = [f"198.51.{number}.1" for number in range(20)]
    await take_all(clinic, holds, each=12)
    ana, *others = await clinic.add_customers(4)
    for number, customer in enumerate(others):
        await clinic.attempt(f"203.0.{number}.1", free_times(clinic, 1, after=1200 + number), [customer])
    assert await clinic.limit_of("203.0.113.9", free_times(clinic, 1, after=1300), [ana]) == "holds"
    clinic.now += HOLD
    await expire_holds(clinic.db, now=clinic.now)
    assert await clinic.limit_of("198.51.0.1", free_times(clinic, 1, after=1300), [ana]) == "day"


async def test_a_cancelled_hold_still_counts_for_its_network(clinic):
    customers = await clinic.add_customers(13)
    assert await clinic.attempt("203.0.113.1", free_times(clinic, 12), customers[:12]) == "booked"
    await clinic.db.execute(
        "update appointment set status = 'cancelled', cancel_cause = 'request', hold_expires_at = null, only_held"
        " = true"
    )
    assert await clinic.attempt("203.0.113.1", free_times(clinic, 1), customers[12:]) == "too-many-bookings"


async def test_a_single_long_appointment_fits_only_if_it_is_the_first(clinic):
    ana, ben = await clinic.add_customers(2)
    await clinic.db.execute("update appointment_type set minutes = 300, version = version + 1")
    await clinic.cache.drop(clinic.clinic)
    assert await clinic.attempt("203.0.113.1", free_times(clinic, 1), [ana]) == "booked"
    assert await clinic.attempt("203.0.113.1", free_times(clinic, 1, after=1), [ben]) == "too-many-bookings"


async def test_concurrent_requests_do_not_exceed_their_networks_limit(clinic, many_connections):
    customers = await clinic.add_customers(40)
    outcomes = await asyncio.gather(
        *(
            clinic.attempt("203.0.113.1", free_times(clinic, 1, after=number), [customer])
            for number, customer in enumerate(customers)
        )
    )
    assert Counter(outcomes) == {"booked": 12, "too-many-bookings": 28}


async def test_a_clinic_with_few_hours_can_still_be_booked(clinic):
    await clinic.db.execute("delete from booking_slot where lower(during) > $1", at(17))
    customers = await clinic.add_customers(12)
    outcomes = [
        await clinic.attempt(f"198.51.{number}.1", free_times(clinic, 1, after=number), [customer])
        for number, customer in enumerate(customers)
    ]
    assert Counter(outcomes) == {"booked": 192 // MINUTES, "too-many-bookings": 12 - 192 // MINUTES}


async def test_bookings_without_a_hold_count_against_the_clinics_share_for_a_day(clinic):
    await clinic.db.execute("delete from booking_slot where lower(during) > $1", at(17))
    await clinic.set_clinic(clinic.clinic, confirm_address="never")
    await clinic.cache.drop(clinic.clinic)
    customers = await clinic.add_customers(11)

    async def book_from(number: int) -> str:
        return await clinic.attempt(
            f"198.51.{number}.1", free_times(clinic, 1, after=number), [customers[number]], hold=False
        )

    assert [await book_from(number) for number in range(10)] == ["booked"] * 9 + ["too-many-bookings"]
    await clinic.db.execute("update stranger_appointment set created_at = created_at - interval '24 hours'")
    assert await book_from(10) == "booked"


def test_networks_are_stored_as_digests_that_differ_between_clinics():
    (one, *_), *_ = StrangerOrigin.of("203.0.113.1", settings(), secret="secret", clinic_id=1, now=at(8))
    (two, *_), *_ = StrangerOrigin.of("203.0.113.1", settings(), secret="secret", clinic_id=2, now=at(8))
    assert one != two
    assert b"203" not in one


@pytest.mark.parametrize("operation", ["appointments", "bookings"])
@pytest.mark.usefixtures("still_clock")
async def test_the_api_limits_strangers_but_not_staff(db, database_url, operation):
    async with limited_client(database_url, stranger_minutes_per_network=60) as client:
        await create_clinic(client)
        doctor, start = await create_doctor(client), hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)
        await publish_slot(db, doctor, start, start + timedelta(hours=7))
        outcomes = []
        for number, headers in enumerate([{}, {}, {}, ADMIN]):
            time = {
                "startTime": (start + timedelta(minutes=30 * number)).isoformat(),
                "endTime": (start + timedelta(minutes=30 * number + 30)).isoformat(),
            }
            customer = await create_customer(client, email=f"ana{number}@example.org")
            body = {"clinicId": 1, "doctorId": doctor, "customerId": customer, **time}
            response = await client.post(f"/api/{operation}", json=body, headers=headers)
            outcomes.append(response.json().get("reason", response.status_code))
        assert outcomes == [201, 201, "too-many-bookings", 201]


@pytest.mark.usefixtures("still_clock")
async def test_a_booking_of_several_appointments_counts_as_several_against_the_rate_limit(db, database_url):
    async with limited_client(database_url, bookings_rate="10/minute") as client:
        parts = [{"startTime": "2027-03-01T09:00:00Z", "endTime": "2027-03-01T09:30:00Z"}] * 20
        body = {"clinicId": 1, "customerId": str(uuid4()), "appointments": parts}
        assert (await client.post("/api/bookings", json=body)).status_code == 429
