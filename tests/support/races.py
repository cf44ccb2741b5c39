"""HTTP requests that compete for the time of one clinic's doctors, and the states that they must never leave behind."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx2

from support.world import create_customer, create_doctor, hours_ahead

DAY = hours_ahead(24 * 7).replace(hour=8, minute=0, second=0)
VIOLATIONS = """
with double_booking_of_doctors as (
  select from appointment a join appointment b on a.doctor_id = b.doctor_id and a.id < b.id
   where a.active_claim && b.active_claim
), double_booking_of_customers as (
  select from appointment a join appointment b on a.customer_id = b.customer_id and a.id < b.id
   where a.active_during && b.active_during
), uncovered as (
  select from appointment a
   where a.active_during is not null
     and not exists (select from booking_slot s where s.doctor_id = a.doctor_id and s.active_during @> a.active_during)
)
select (select count(*) from double_booking_of_doctors)
     + (select count(*) from double_booking_of_customers)
     + (select count(*) from uncovered)
"""
"""Counts pairs of appointments that share a doctor's or a customer's time, and appointments that no slot covers."""
ROUNDS = range(8)
"""Each two-request race is repeated, because the winner varies."""


async def free_doctor(api, *, hours: int = 8) -> tuple[str, str]:
    """Add a doctor with a published slot that starts at eight. Return the ids of the doctor and the slot."""
    doctor_id = await create_doctor(api)
    slot = {"doctorId": doctor_id, "startTime": DAY.isoformat(), "endTime": (DAY + timedelta(hours=hours)).isoformat()}
    return doctor_id, (await api.post("/api/bookingSlots", json=slot)).json()["id"]


async def free_doctors(api, count: int) -> list[str]:
    return [doctor_id for doctor_id, _ in await asyncio.gather(*(free_doctor(api) for _ in range(count)))]


async def add_customers(db, count: int) -> list[str]:
    rows = await db.fetch(
        "insert into customer (name) select 'Ana ' || n from generate_series(1, $1) n returning id", count
    )
    return [str(row.id) for row in rows]


def appointment_body(
    doctor_id: str | None, customer_id: str, start: datetime = DAY, minutes: int = 30
) -> dict[str, object]:
    when = {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=minutes)).isoformat()}
    return {"doctorId": doctor_id, "clinicId": 1, "customerId": customer_id} | when


def outcome_of(response: httpx2.Response) -> str:
    """Return the reason for a refusal, or otherwise the status."""
    if response.status_code >= 400:
        return response.json()["type"].removeprefix("/problems/")
    return str(response.status_code)


async def outcomes_of(*requests) -> list[str]:
    return [outcome_of(response) for response in await asyncio.gather(*requests)]


async def book_appointment(api, doctor_id: str, start: datetime) -> str:
    body = appointment_body(doctor_id, await create_customer(api), start)
    return (await api.post("/api/appointments", json=body)).json()["id"]


async def race(number: int, booking, other) -> tuple[str, str]:
    """Send both requests at once and return their outcomes. In every other round, `other` is sent first."""
    first, second = (booking, other) if number % 2 else (other, booking)
    outcomes = await outcomes_of(first, second)
    return (outcomes[0], outcomes[1]) if number % 2 else (outcomes[1], outcomes[0])


async def race_bookings(api, other: Callable[[str, str], Awaitable[httpx2.Response]]) -> set[tuple[str, str]]:
    """Race bookings with new doctors against another request, which gets the ids of the doctor and the slot."""
    outcomes = set()
    for number in ROUNDS:
        doctor_id, slot_id = await free_doctor(api)
        booking = api.post("/api/appointments", json=appointment_body(doctor_id, await create_customer(api)))
        outcomes.add(await race(number, booking, other(doctor_id, slot_id)))
    return outcomes
