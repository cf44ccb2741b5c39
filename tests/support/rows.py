"""A small world for tests: what the API sets up, and rows that are written by plain SQL, as any other program could."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from appoint.kit import ids
from support.app import ADMIN
from support.run_clock import START

NOW = START.replace(microsecond=0)


def later(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


async def clinic(client, **more) -> int:
    made = await client.post(
        "/api/clinics", json={"name": "Lakeside Clinic", "timeZone": "Europe/Berlin", **more}, headers=ADMIN
    )
    return made.json()["id"]


async def doctor(client, clinic_id=1, **more) -> str:
    made = await client.post(f"/api/clinics/{clinic_id}/doctors", json={"name": "Dr Shah", **more}, headers=ADMIN)
    return made.json()["id"]


async def appointment_type(client, clinic_id=1, **more) -> str:
    made = await client.post(
        f"/api/clinics/{clinic_id}/appointmentTypes", json={"name": "Check-up", "minutes": 30, **more}, headers=ADMIN
    )
    return made.json()["id"]


async def customer(client, **more) -> str:
    return (await client.post("/api/customers", json={"name": "Ana", **more})).json()["id"]


async def publish(db, doctor_id: str, start: datetime, end: datetime) -> None:
    clinic_id = ids.clinic_of(UUID(doctor_id))
    await db.execute(
        "insert into booking_slot (clinic_id, id, doctor_id, date, during) values ($1, mint_id($1), $2, ($3 at time zone 'UTC')::date, tstzrange($3, $4))",
        clinic_id,
        doctor_id,
        start,
        end,
    )


async def book(db, doctor_id: str, customer_id: str, start: datetime, end: datetime, *, status="booked") -> None:
    clinic_id = ids.clinic_of(UUID(doctor_id))
    await db.execute(
        "insert into patient (clinic_id, customer_id) values ($1, $2) on conflict do nothing", clinic_id, customer_id
    )
    await db.execute(
        """
        insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed, status)
        values ($1, mint_id($1), mint_id($1), $2, $3, tstzrange($4, $5), tstzrange($4, $5), $6)
        """,
        clinic_id,
        doctor_id,
        customer_id,
        start,
        end,
        status,
    )


async def someone_waits(db) -> None:
    """Until a statement in this database waits for a lock."""
    async with asyncio.timeout(10):
        while not await db.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0.01)


async def wins(booking) -> bool:
    """Whether a booking by plain SQL was written; one that no published time covers is not."""
    try:
        await booking
    except asyncpg.ForeignKeyViolationError:
        return False
    return True
