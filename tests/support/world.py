"""Test data: a small named world for use cases, records created through the API, and rows written directly."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from appoint.booking.book import book
from appoint.booking.model import Appointment, AppointmentRequest
from appoint.booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from appoint.booking.time_rules import Override
from appoint.database.pool import Database
from appoint.kit import errors, ids
from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache
from support.app import ADMIN
from support.run_clock import START

NOW: Final = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
"""The time in a `World`."""
MONDAY: Final = date(2027, 3, 1)
RUN_START: Final = START.replace(microsecond=0)
RECEPTION: Final = Actor("reception", administrator=True)
PATIENT: Final = Actor("patient")


def at(hour: int, minute: int = 0, *, day: date = MONDAY) -> datetime:
    """Return a time in UTC. Berlin is an hour ahead."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def hours_ahead(hours: float) -> datetime:
    """Return a time after the start of the run, for records that the API creates."""
    return RUN_START + timedelta(hours=hours)


async def create_clinic(client, **members: Any) -> int:
    """Create a clinic where strangers book without a code, unless its policy says otherwise."""
    policy = {"confirmAddress": "never", **members.pop("policy", {})}
    body = {"name": "Lakeside Clinic", "timeZone": "Europe/Berlin", "policy": policy, **members}
    return (await client.post("/api/clinics", json=body, headers=ADMIN)).json()["id"]


async def create_doctor(client, clinic_id: int = 1, **members: Any) -> str:
    body = {"name": "Dr Shah", **members}
    return (await client.post(f"/api/clinics/{clinic_id}/doctors", json=body, headers=ADMIN)).json()["id"]


async def create_appointment_type(client, clinic_id: int = 1, **members: Any) -> str:
    body = {"name": "Check-up", "minutes": 30, **members}
    return (await client.post(f"/api/clinics/{clinic_id}/appointmentTypes", json=body, headers=ADMIN)).json()["id"]


async def create_customer(client, **members: Any) -> str:
    return (await client.post("/api/customers", json={"name": "Ana", **members})).json()["id"]


async def publish_slot(db: Database, doctor_id: UUID | str, start: datetime, end: datetime) -> UUID:
    """Write a slot for a doctor."""
    return await db.fetchval(
        """
        insert into booking_slot (clinic_id, id, doctor_id, date, during)
        select id, mint_id(id), $2, ($3::timestamptz at time zone time_zone)::date, tstzrange($3, $4)
          from clinic where id = $1
        returning id
        """,
        ids.clinic_of(UUID(str(doctor_id))),
        doctor_id,
        start,
        end,
    )


async def ensure_clinic(db: Database, clinic_id: int) -> None:
    """Create the clinic if it does not exist. The platform, 0, is not a clinic."""
    await db.execute(
        """
        insert into clinic (id, name, time_zone)
        select $1::integer, 'Harbor Street', 'UTC' where $1 > 0 and not exists (select from clinic where id = $1)
            on conflict do nothing
        """,
        clinic_id,
    )


async def insert_appointment(
    db: Database, doctor_id: UUID | str, customer_id: UUID | str, start: datetime, end: datetime, *, status="booked"
) -> None:
    """Write an appointment as another program could, bypassing the product's rules."""
    clinic_id = ids.clinic_of(UUID(str(doctor_id)))
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


class World:
    """A clinic in Berlin with two customers and a doctor who has published hours on a Monday.

    The clock stands still. Methods write rows directly, except bookings, which go through the product.
    """

    def __init__(self, db: Database, cache: ClinicCache) -> None:
        self.db = db
        self.cache = cache
        self.now = NOW

    @classmethod
    async def make(cls, db: Database, cache: ClinicCache, **clinic: Any) -> "World":
        self = cls(db, cache)
        self.clinic = await self.add_clinic(**clinic)
        self.dr_shah = await self.add_doctor("Dr Shah")
        self.ana = await self.add_customer("Ana")
        self.ben = await self.add_customer("Ben")
        await self.publish(self.dr_shah, at(8), at(16))
        return self

    async def add_clinic(self, *, time_zone: str = "Europe/Berlin", **columns: Any) -> int:
        clinic = await self.db.fetchval(
            "insert into clinic (name, time_zone) values ('Lakeside', $1) returning id", time_zone
        )
        await self.set_clinic(clinic, **columns)
        return clinic

    async def set_clinic(self, clinic: int, **columns: Any) -> None:
        for name, value in columns.items():
            await self.db.execute(f"update clinic set {name} = $2, version = version + 1 where id = $1", clinic, value)

    async def add_doctor(self, name: str, *, clinic: int | None = None) -> UUID:
        clinic = clinic or self.clinic
        id = ids.new_id(clinic)
        await self.db.execute("insert into doctor (clinic_id, id, name) values ($1, $2, $3)", clinic, id, name)
        await self.cache.drop(clinic)
        return id

    async def add_type(
        self, minutes: int, *, before: int = 0, after: int = 0, name: str = "Check-up", clinic: int | None = None
    ) -> UUID:
        clinic = clinic or self.clinic
        id = ids.new_id(clinic)
        await self.db.execute(
            """
            insert into appointment_type (clinic_id, id, name, minutes, buffer_before_minutes, buffer_after_minutes)
            values ($1, $2, $3, $4, $5, $6)
            """,
            clinic,
            id,
            name,
            minutes,
            before,
            after,
        )
        await self.cache.drop(clinic)
        return id

    async def add_customer(self, name: str) -> UUID:
        return await self.db.fetchval("insert into customer (name) values ($1) returning id", name)

    async def publish(self, doctor: UUID, start: datetime, end: datetime) -> UUID:
        return await publish_slot(self.db, doctor, start, end)

    async def book(
        self,
        doctor: UUID | None,
        start: datetime,
        customer: UUID,
        *,
        minutes: int = 30,
        key: str | None = None,
        caller: Actor = RECEPTION,
        override: Override | None = None,
        **members: Any,
    ) -> Appointment | errors.Conflict:
        """Book an appointment. Return it, or the conflict."""
        if not {"appointment_type_id", "booking_slot_id"} & set(members):
            members["end_time"] = start + timedelta(minutes=minutes)
        when = {} if "booking_slot_id" in members else {"start_time": start}
        request = AppointmentRequest(customer_id=customer, clinic_id=self.clinic, doctor_id=doctor, **when, **members)
        result = await self.book_all([(customer, request)], key=key, caller=caller, override=override)
        return result if isinstance(result, errors.Conflict) else result[0]

    async def book_all(
        self,
        requests: list[tuple[UUID, AppointmentRequest]],
        *,
        key: str | None = None,
        caller: Actor = RECEPTION,
        override: Override | None = None,
    ) -> list[Appointment] | errors.Conflict:
        command = BookingCommand(
            self.clinic,
            [CustomerRequest(*request) for request in requests],
            caller,
            timedelta(minutes=10),
            self.now,
            idempotency=IdempotencyKey("reception", key, str(requests).encode()) if key else None,
            override=override,
        )
        try:
            booked = await book(self.db, self.cache, command)
        except errors.Conflict as conflict:
            return conflict
        return booked.booking.appointments

    async def count(self, table: str) -> int:
        return await self.db.fetchval(f"select count(*) from {table}")
