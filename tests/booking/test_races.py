"""Who is first, decided by the database: a real server, many connections, and never more than one winner."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import httpx2
import pytest

from support.app import ADMIN
from support.processes import appoint
from support.rows import clinic, customer, doctor, later

DAY = later(24 * 7).replace(hour=8, minute=0, second=0)
DOUBLES = """
  select (select count(*) from appointment a join appointment b on a.doctor_id = b.doctor_id and a.id < b.id and a.active_claim && b.active_claim)
       + (select count(*) from appointment a join appointment b on a.customer_id = b.customer_id and a.id < b.id and a.active_during && b.active_during)
       + (select count(*) from appointment a
           where a.active_during is not null
             and not exists (select from booking_slot s where s.doctor_id = a.doctor_id and s.active_during @> a.active_during))
"""
"""Appointments that share a doctor's or a customer's time, and those that no published slot covers."""


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[str]:
    with appoint("serve", database_url=database_url, pool_size=40, log_level="warning") as process:
        yield process.url
    assert "bug" not in process.output


@pytest.fixture
async def http(db, server: str) -> AsyncIterator[httpx2.AsyncClient]:
    limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx2.AsyncClient(base_url=server, headers=ADMIN, timeout=60, limits=limits) as http:
        await clinic(http)
        yield http


async def free_doctor(http, *, hours: int = 8) -> tuple[str, str]:
    """A doctor, and the slot that they have published from eight on."""
    doctor_id = await doctor(http)
    slot = {"doctorId": doctor_id, "startTime": DAY.isoformat(), "endTime": (DAY + timedelta(hours=hours)).isoformat()}
    return doctor_id, (await http.post("/api/bookingSlots", json=slot)).json()["id"]


def wish(doctor_id: str | None, customer_id: str, start: datetime = DAY, minutes: int = 30) -> dict[str, object]:
    when = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=minutes)).isoformat()}
    return {"doctorId": doctor_id, "clinicId": 1, "customerId": customer_id} | when


def told(answer: httpx2.Response) -> str:
    """The reason of a refusal; otherwise the status."""
    return answer.json()["type"].removeprefix("/problems/") if answer.status_code >= 400 else str(answer.status_code)


async def at_once(*requests) -> list[str]:
    return [told(answer) for answer in await asyncio.gather(*requests)]


async def test_of_64_who_ask_for_one_time_one_gets_it(db, http):
    doctor_id, _ = await free_doctor(http)
    racers = [await customer(http) for _ in range(64)]
    answers = await at_once(*(http.post("/api/appointments", json=wish(doctor_id, racer)) for racer in racers))
    assert Counter(answers) == {"201": 1, "taken": 63}
    assert [await db.fetchval(f"select count(*) from {table}") for table in ("appointment", "patient")] == [1, 1]
    assert await db.fetchval("select count(*) from event where type = 'appointment.booked'") == 1


async def test_of_64_who_ask_for_overlapping_times_those_who_get_one_do_not_overlap(db, http):
    doctor_id, _ = await free_doctor(http)
    racers = [await customer(http) for _ in range(64)]
    starts = [DAY + timedelta(minutes=5 * number) for number in range(64)]
    answers = await at_once(
        *(
            http.post("/api/appointments", json=wish(doctor_id, racer, start))
            for racer, start in zip(racers, starts, strict=True)
        )
    )
    assert set(answers) == {"201", "taken"}
    assert await db.fetchval(DOUBLES) == 0
    assert await db.fetchval("select count(*) from appointment") == answers.count("201")


async def test_one_customer_who_asks_32_doctors_at_once_gets_one(db, http):
    ana = await customer(http)
    doctors = [(await free_doctor(http))[0] for _ in range(32)]
    answers = await at_once(*(http.post("/api/appointments", json=wish(doctor_id, ana)) for doctor_id in doctors))
    assert Counter(answers) == {"201": 1, "customer-busy": 31}


async def test_racers_for_any_doctor_fill_each_doctor_once(db, http):
    doctors = [(await free_doctor(http))[0] for _ in range(4)]
    racers = [await customer(http) for _ in range(32)]
    answers = await at_once(*(http.post("/api/appointments", json=wish(None, racer)) for racer in racers))
    assert Counter(answers) == {"201": 4, "taken": 28}
    assert {str(row.doctor_id) for row in await db.fetch("select doctor_id from appointment")} == set(doctors)


async def test_bookings_of_several_that_cross_are_whole_or_nothing(db, http):
    """Each wants the same three times, in another order."""
    doctor_id, _ = await free_doctor(http)
    racers = [await customer(http) for _ in range(24)]
    starts = [DAY + timedelta(hours=hour) for hour in range(3)]
    order = random.Random(1)
    bookings = [
        {
            "clinicId": 1,
            "customerId": racer,
            "appointments": [wish(doctor_id, racer, start) for start in order.sample(starts, 3)],
        }
        for racer in racers
    ]
    for part in (part for booking in bookings for part in booking["appointments"]):
        del part["clinicId"]
    answers = await at_once(*(http.post("/api/bookings", json=booking) for booking in bookings))
    assert Counter(answers) == {"201": 1, "taken": 23}
    assert await db.fetchval("select count(*) from appointment") == 3


async def test_the_same_request_eight_times_at_once_books_once_and_all_get_it(db, http):
    doctor_id, _ = await free_doctor(http)
    ana = await customer(http)
    requests = (
        http.post("/api/appointments", json=wish(doctor_id, ana), headers={"Idempotency-Key": "once"}) for _ in range(8)
    )
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count("true") == 7
    assert await db.fetchval("select count(*) from appointment") == 1


async def test_the_same_other_request_eight_times_at_once_makes_one(db, http):
    """Keys of requests that are not bookings live elsewhere, and mean the same."""
    requests = (
        http.post("/api/customers", json={"name": "Ana"}, headers={"Idempotency-Key": "once"}) for _ in range(8)
    )
    answers = await asyncio.gather(*requests)
    assert {answer.status_code for answer in answers} == {201}
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count("true") == 7
    assert await db.fetchval("select count(*) from customer") == 1


async def booked(http, doctor_id: str, start: datetime) -> str:
    return (await http.post("/api/appointments", json=wish(doctor_id, await customer(http), start))).json()["id"]


async def test_of_two_who_move_to_one_free_time_one_gets_it(db, http):
    doctors = [(await free_doctor(http))[0] for _ in range(2)]
    for hour in range(8):
        movers = [await booked(http, doctor_id, DAY + timedelta(hours=hour)) for doctor_id in doctors]
        to = {"startTime": (DAY + timedelta(hours=hour, minutes=30)).isoformat(), "doctorId": doctors[hour % 2]}
        assert sorted(await at_once(*(http.put(f"/api/appointments/{mover}", json=to) for mover in movers))) == [
            "200",
            "taken",
        ]
    assert await db.fetchval(DOUBLES) == 0


async def test_two_who_swap_places_are_both_refused_and_nobody_waits_for_ever(db, http):
    doctors = [(await free_doctor(http))[0] for _ in range(2)]
    here, there = [await booked(http, doctor_id, DAY) for doctor_id in doctors]
    for _ in range(8):
        answers = await at_once(
            http.put(f"/api/appointments/{here}", json={"startTime": DAY.isoformat(), "doctorId": doctors[1]}),
            http.put(f"/api/appointments/{there}", json={"startTime": DAY.isoformat(), "doctorId": doctors[0]}),
        )
        assert answers == ["taken", "taken"]


async def test_crossing_moves_end_with_everybody_where_they_were_told(db, http):
    """Twelve appointments of three doctors, moved to and fro by twelve clients, over each other's old and new times."""
    doctors = [(await free_doctor(http))[0] for _ in range(3)]
    starts = [DAY + timedelta(minutes=15 * number) for number in range(14)]
    where = {await booked(http, doctor_id, start): (doctor_id, start) for doctor_id in doctors for start in starts[::4]}

    async def wander(appointment_id: str, way: random.Random) -> set[str]:
        seen = set()
        for _ in range(12):
            doctor_id, start = way.choice(doctors), way.choice(starts)
            answer = await http.put(
                f"/api/appointments/{appointment_id}", json={"startTime": start.isoformat(), "doctorId": doctor_id}
            )
            if answer.status_code == 200:
                where[appointment_id] = (doctor_id, start)
            seen.add(told(answer))
        return seen

    seen = await asyncio.gather(
        *(wander(appointment_id, random.Random(number)) for number, appointment_id in enumerate(where))
    )
    assert set().union(*seen) == {"200", "taken"}
    assert await db.fetchval(DOUBLES) == 0
    rows = await db.fetch("select id, doctor_id, lower(during) as start from appointment")
    assert {str(row.id): (str(row.doctor_id), row.start) for row in rows} == where


ROUNDS = range(8)
"""Of two at once; who comes first varies."""


async def one_of_two(number: int, booking, other) -> tuple[str, str]:
    """Both at once; every other time the second is sent first."""
    first, second = (booking, other) if number % 2 else (other, booking)
    answers = await at_once(first, second)
    return (answers[0], answers[1]) if number % 2 else (answers[1], answers[0])


async def test_a_booking_and_a_withdrawal_of_its_slot_do_not_both_succeed(db, http):
    for number in ROUNDS:
        doctor_id, slot_id = await free_doctor(http)
        ana = await customer(http)
        answers = await one_of_two(
            number,
            http.post("/api/appointments", json=wish(doctor_id, ana)),
            http.delete(f"/api/bookingSlots/{slot_id}"),
        )
        assert answers in {("201", "slot-has-appointments"), ("outside-hours", "204")}
    assert await db.fetchval(DOUBLES) == 0


async def test_a_booking_and_new_bounds_of_its_slot_do_not_both_succeed(db, http):
    for number in ROUNDS:
        doctor_id, slot_id = await free_doctor(http)
        ana = await customer(http)
        bounds = {
            "startTime": (DAY + timedelta(minutes=10)).isoformat(),
            "endTime": (DAY + timedelta(hours=8)).isoformat(),
        }
        answers = await one_of_two(
            number,
            http.post("/api/appointments", json=wish(doctor_id, ana)),
            http.put(f"/api/bookingSlots/{slot_id}", json=bounds),
        )
        assert answers in {("201", "slot-has-appointments"), ("outside-hours", "200")}
    assert await db.fetchval(DOUBLES) == 0


async def test_a_booking_and_an_absence_do_not_both_succeed(db, http):
    for number in ROUNDS:
        doctor_id, _ = await free_doctor(http)
        ana = await customer(http)
        away = {"doctorId": doctor_id, "startTime": DAY.isoformat(), "endTime": (DAY + timedelta(hours=1)).isoformat()}
        answers = await one_of_two(
            number,
            http.post("/api/appointments", json=wish(doctor_id, ana)),
            http.post("/api/clinics/1/absences", json=away),
        )
        assert answers in {("201", "appointments-in-the-way"), ("outside-hours", "201")}
    assert await db.fetchval(DOUBLES) == 0


async def test_a_booking_and_an_absence_that_keeps_appointments_leave_it_covered_or_not_there(db, http):
    for number in ROUNDS:
        doctor_id, _ = await free_doctor(http)
        ana = await customer(http)
        away = {"doctorId": doctor_id, "startTime": DAY.isoformat(), "endTime": (DAY + timedelta(hours=1)).isoformat()}
        answers = await one_of_two(
            number,
            http.post("/api/appointments", json=wish(doctor_id, ana)),
            http.post("/api/clinics/1/absences?force=true", json=away),
        )
        assert answers in {("201", "201"), ("outside-hours", "201")}
    assert await db.fetchval(DOUBLES) == 0
    assert await db.fetchval("select count(*) from appointment where not needs_rebooking") == 0


async def test_a_booking_and_the_end_of_its_doctor_do_not_both_succeed(db, http):
    for number in ROUNDS:
        doctor_id, _ = await free_doctor(http)
        ana = await customer(http)
        answers = await one_of_two(
            number, http.post("/api/appointments", json=wish(doctor_id, ana)), http.delete(f"/api/doctors/{doctor_id}")
        )
        assert answers in {("201", "doctor-has-appointments"), ("doctor-inactive", "204"), ("outside-hours", "204")}
    assert await db.fetchval(DOUBLES) == 0
    assert (
        await db.fetchval("select count(*) from appointment a join doctor d on d.id = a.doctor_id where not d.active")
        == 0
    )


async def test_a_booking_and_the_removal_of_its_customer_do_not_both_succeed(db, http):
    doctor_id, _ = await free_doctor(http)
    for number in ROUNDS:
        ana = await customer(http)
        booking = http.post("/api/appointments", json=wish(doctor_id, ana, DAY + timedelta(minutes=30 * number)))
        answers = await one_of_two(number, booking, http.delete(f"/api/customers/{ana}"))
        assert answers in {("201", "customer-has-appointments"), ("not-found", "204")}
    assert (
        await db.fetchval(
            "select count(*) from appointment a join customer c on c.id = a.customer_id where not c.active"
        )
        == 0
    )


async def test_a_booking_and_the_end_of_its_clinic_do_not_both_succeed(db, http):
    for number in ROUNDS:
        doctor_id, _ = await free_doctor(http)
        ana = await customer(http)
        answers = await one_of_two(
            number,
            http.post("/api/appointments", json=wish(doctor_id, ana)),
            http.delete("/api/clinics/1?cascade=true"),
        )
        assert answers in {
            ("201", "live-appointments"),
            ("clinic-inactive", "204"),
            ("doctor-inactive", "204"),
            ("outside-hours", "204"),
        }
        await db.execute("update appointment set status = 'cancelled'")
        await http.patch("/api/clinics/1", json={"active": True})
