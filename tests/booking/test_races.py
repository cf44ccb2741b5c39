"""Races over HTTP: a real server, many connections, and never more than one winner."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx2
import pytest

from support.app import ADMIN
from support.processes import appoint
from support.races import (
    DAY,
    ROUNDS,
    VIOLATIONS,
    add_customers,
    appointment_body,
    book_appointment,
    free_doctor,
    free_doctors,
    outcome_of,
    outcomes_of,
    race,
    race_bookings,
)
from support.world import create_clinic, create_customer

pytestmark = pytest.mark.xdist_group("races")
"""One worker runs all of these tests, so that the server starts only once."""


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[str]:
    with appoint("serve", database_url=database_url, pool_size=40, log_level="warning") as process:
        yield process.url
    assert "bug" not in process.output


@pytest.fixture
async def api(db, server: str) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx2.AsyncClient(base_url=server, headers=ADMIN, timeout=60, limits=limits) as api:
        await create_clinic(api)
        yield api


async def test_only_one_of_64_concurrent_requests_for_a_time_gets_it(db, api):
    doctor_id, _ = await free_doctor(api)
    customers = await add_customers(db, 64)
    outcomes = await outcomes_of(
        *(api.post("/api/appointments", json=appointment_body(doctor_id, customer_id)) for customer_id in customers)
    )
    assert Counter(outcomes) == {"201": 1, "taken": 63}
    assert [await db.fetchval(f"select count(*) from {table}") for table in ("appointment", "patient")] == [1, 1]
    assert await db.fetchval("select count(*) from event where type = 'appointment.booked'") == 1


async def test_concurrent_requests_for_overlapping_times_do_not_create_overlaps(db, api):
    doctor_id, _ = await free_doctor(api)
    customers = await add_customers(db, 64)
    starts = [DAY + timedelta(minutes=5 * number) for number in range(64)]
    outcomes = await outcomes_of(
        *(
            api.post("/api/appointments", json=appointment_body(doctor_id, customer_id, start))
            for customer_id, start in zip(customers, starts, strict=True)
        )
    )
    assert set(outcomes) == {"201", "taken"}
    assert await db.fetchval(VIOLATIONS) == 0
    assert await db.fetchval("select count(*) from appointment") == outcomes.count("201")


async def test_a_customer_who_books_32_doctors_concurrently_gets_one(db, api):
    ana = await create_customer(api)
    doctors = await free_doctors(api, 32)
    outcomes = await outcomes_of(
        *(api.post("/api/appointments", json=appointment_body(doctor_id, ana)) for doctor_id in doctors)
    )
    assert Counter(outcomes) == {"201": 1, "customer-busy": 31}


async def test_concurrent_requests_without_a_doctor_book_each_doctor_once(db, api):
    doctors = await free_doctors(api, 4)
    customers = await add_customers(db, 32)
    outcomes = await outcomes_of(
        *(api.post("/api/appointments", json=appointment_body(None, customer_id)) for customer_id in customers)
    )
    assert Counter(outcomes) == {"201": 4, "taken": 28}
    assert {str(row.doctor_id) for row in await db.fetch("select doctor_id from appointment")} == set(doctors)


async def test_competing_bookings_for_several_times_are_all_or_nothing(db, api):
    """Each customer requests the same three times, but in a different order."""
    doctor_id, _ = await free_doctor(api)
    customers = await add_customers(db, 24)
    starts = [DAY + timedelta(hours=hour) for hour in range(3)]
    order = random.Random(1)
    bookings = [
        {
            "clinicId": 1,
            "customerId": customer_id,
            "appointments": [appointment_body(doctor_id, customer_id, start) for start in order.sample(starts, 3)],
        }
        for customer_id in customers
    ]
    for part in (part for booking in bookings for part in booking["appointments"]):
        del part["clinicId"]
    outcomes = await outcomes_of(*(api.post("/api/bookings", json=booking) for booking in bookings))
    assert Counter(outcomes) == {"201": 1, "taken": 23}
    assert await db.fetchval("select count(*) from appointment") == 3


async def test_a_booking_sent_eight_times_at_once_books_once(db, api):
    doctor_id, _ = await free_doctor(api)
    ana = await create_customer(api)
    requests = (
        api.post("/api/appointments", json=appointment_body(doctor_id, ana), headers={"Idempotency-Key": "once"})
        for _ in range(8)
    )
    responses = await asyncio.gather(*requests)
    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["id"] for response in responses}) == 1
    assert [response.headers.get("Idempotent-Replayed") for response in responses].count("true") == 7
    assert await db.fetchval("select count(*) from appointment") == 1


async def test_any_other_request_sent_eight_times_at_once_runs_once(db, api):
    """Idempotency keys for other requests are stored separately from those for bookings, but they work the same way."""
    requests = (api.post("/api/customers", json={"name": "Ana"}, headers={"Idempotency-Key": "once"}) for _ in range(8))
    responses = await asyncio.gather(*requests)
    assert {response.status_code for response in responses} == {201}
    assert [response.headers.get("Idempotent-Replayed") for response in responses].count("true") == 7
    assert await db.fetchval("select count(*) from customer") == 1


async def test_only_one_of_two_concurrent_moves_gets_the_free_time(db, api):
    doctors = await free_doctors(api, 2)
    for hour in range(8):
        appointments = [await book_appointment(api, doctor_id, DAY + timedelta(hours=hour)) for doctor_id in doctors]
        to = {"startTime": (DAY + timedelta(hours=hour, minutes=30)).isoformat(), "doctorId": doctors[hour % 2]}
        moves = (api.put(f"/api/appointments/{appointment_id}", json=to) for appointment_id in appointments)
        assert sorted(await outcomes_of(*moves)) == ["200", "taken"]
    assert await db.fetchval(VIOLATIONS) == 0


async def test_concurrent_swaps_are_both_refused_without_a_deadlock(db, api):
    doctors = await free_doctors(api, 2)
    first, second = [await book_appointment(api, doctor_id, DAY) for doctor_id in doctors]
    for _ in range(8):
        outcomes = await outcomes_of(
            api.put(f"/api/appointments/{first}", json={"startTime": DAY.isoformat(), "doctorId": doctors[1]}),
            api.put(f"/api/appointments/{second}", json={"startTime": DAY.isoformat(), "doctorId": doctors[0]}),
        )
        assert outcomes == ["taken", "taken"]


async def test_after_crossing_moves_every_appointment_is_where_the_last_response_says(db, api):
    """Twelve clients move three doctors' twelve appointments back and forth, across each other's old and new times."""
    doctors = await free_doctors(api, 3)
    starts = [DAY + timedelta(minutes=15 * number) for number in range(14)]
    expected = {
        await book_appointment(api, doctor_id, start): (doctor_id, start)
        for doctor_id in doctors
        for start in starts[::4]
    }

    async def move_at_random(appointment_id: str, dice: random.Random) -> set[str]:
        outcomes = set()
        for _ in range(12):
            doctor_id, start = dice.choice(doctors), dice.choice(starts)
            response = await api.put(
                f"/api/appointments/{appointment_id}", json={"startTime": start.isoformat(), "doctorId": doctor_id}
            )
            if response.status_code == 200:
                expected[appointment_id] = (doctor_id, start)
            outcomes.add(outcome_of(response))
        return outcomes

    outcomes = await asyncio.gather(
        *(move_at_random(appointment_id, random.Random(number)) for number, appointment_id in enumerate(expected))
    )
    assert set().union(*outcomes) == {"200", "taken"}
    assert await db.fetchval(VIOLATIONS) == 0
    rows = await db.fetch("select id, doctor_id, lower(during) as start from appointment")
    assert {str(row.id): (str(row.doctor_id), row.start) for row in rows} == expected


def absence_body(doctor_id: str) -> dict[str, str]:
    """Return the body for an absence during the first hour of the day."""
    end = DAY + timedelta(hours=1)
    return {"doctorId": doctor_id, "startTime": DAY.isoformat(), "endTime": end.isoformat()}


async def test_a_booking_and_the_withdrawal_of_its_slot_do_not_both_succeed(db, api):
    outcomes = await race_bookings(api, lambda _, slot_id: api.delete(f"/api/bookingSlots/{slot_id}"))
    assert outcomes <= {("201", "slot-has-appointments"), ("outside-hours", "204")}
    assert await db.fetchval(VIOLATIONS) == 0


async def test_a_booking_and_a_change_to_its_slot_do_not_both_succeed(db, api):
    start, end = DAY + timedelta(minutes=10), DAY + timedelta(hours=8)
    body = {"startTime": start.isoformat(), "endTime": end.isoformat()}
    outcomes = await race_bookings(api, lambda _, slot_id: api.put(f"/api/bookingSlots/{slot_id}", json=body))
    assert outcomes <= {("201", "slot-has-appointments"), ("outside-hours", "200")}
    assert await db.fetchval(VIOLATIONS) == 0


async def test_a_booking_and_an_absence_do_not_both_succeed(db, api):
    outcomes = await race_bookings(
        api, lambda doctor_id, _: api.post("/api/clinics/1/absences", json=absence_body(doctor_id))
    )
    assert outcomes <= {("201", "appointments-in-the-way"), ("outside-hours", "201")}
    assert await db.fetchval(VIOLATIONS) == 0


async def test_a_booking_that_races_a_forced_absence_is_refused_or_needs_rebooking(db, api):
    outcomes = await race_bookings(
        api, lambda doctor_id, _: api.post("/api/clinics/1/absences?force=true", json=absence_body(doctor_id))
    )
    assert outcomes <= {("201", "201"), ("outside-hours", "201")}
    assert await db.fetchval(VIOLATIONS) == 0
    assert await db.fetchval("select count(*) from appointment where not needs_rebooking") == 0


async def test_a_booking_and_the_removal_of_its_doctor_do_not_both_succeed(db, api):
    outcomes = await race_bookings(api, lambda doctor_id, _: api.delete(f"/api/doctors/{doctor_id}"))
    assert outcomes <= {("201", "doctor-has-appointments"), ("doctor-inactive", "204"), ("outside-hours", "204")}
    assert await db.fetchval(VIOLATIONS) == 0
    inactive = "select count(*) from appointment a join doctor d on d.id = a.doctor_id where not d.active"
    assert await db.fetchval(inactive) == 0


async def test_a_booking_and_the_removal_of_its_customer_do_not_both_succeed(db, api):
    doctor_id, _ = await free_doctor(api)
    for number in ROUNDS:
        ana = await create_customer(api)
        body = appointment_body(doctor_id, ana, DAY + timedelta(minutes=30 * number))
        outcomes = await race(number, api.post("/api/appointments", json=body), api.delete(f"/api/customers/{ana}"))
        assert outcomes in {("201", "customer-has-appointments"), ("not-found", "204")}
    inactive = "select count(*) from appointment a join customer c on c.id = a.customer_id where not c.active"
    assert await db.fetchval(inactive) == 0


async def test_a_booking_and_the_deactivation_of_its_clinic_do_not_both_succeed(db, api):
    for number in ROUNDS:
        doctor_id, _ = await free_doctor(api)
        booking = api.post("/api/appointments", json=appointment_body(doctor_id, await create_customer(api)))
        outcomes = await race(number, booking, api.delete("/api/clinics/1?cascade=true"))
        assert outcomes in {
            ("201", "live-appointments"),
            ("clinic-inactive", "204"),
            ("doctor-inactive", "204"),
            ("outside-hours", "204"),
        }
        await db.execute("update appointment set status = 'cancelled'")
        await api.patch("/api/clinics/1", json={"active": True})
