"""A small named world to tell stories in: one clinic in Berlin, a few doctors and customers, and a clock that stands
still."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from appoint.booking.book import book
from appoint.booking.model import Appointment, AppointmentRequest
from appoint.booking.planning import BookingCommand, CustomerRequest, IdempotencyKey
from appoint.database.pool import Database
from appoint.kit import errors, ids
from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache

NOW = datetime(2027, 3, 1, 6, 0, tzinfo=UTC)
MONDAY = date(2027, 3, 1)
RECEPTION = Actor("reception", administrator=True)


def at(hour: int, minute: int = 0, *, day: date = MONDAY) -> datetime:
    """An instant, given in UTC; Berlin is an hour ahead."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


class World:
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
        id = ids.new_id(clinic or self.clinic)
        await self.db.execute(
            "insert into doctor (clinic_id, id, name) values ($1, $2, $3)", clinic or self.clinic, id, name
        )
        await self.cache.drop(clinic or self.clinic)
        return id

    async def add_type(
        self, minutes: int, *, before: int = 0, after: int = 0, name: str = "Check-up", clinic: int | None = None
    ) -> UUID:
        id = ids.new_id(clinic or self.clinic)
        await self.db.execute(
            "insert into appointment_type (clinic_id, id, name, minutes, buffer_before_minutes, buffer_after_minutes) values ($1, $2, $3, $4, $5, $6)",
            clinic or self.clinic,
            id,
            name,
            minutes,
            before,
            after,
        )
        await self.cache.drop(clinic or self.clinic)
        return id

    async def add_customer(self, name: str) -> UUID:
        return await self.db.fetchval("insert into customer (name) values ($1) returning id", name)

    async def publish(self, doctor: UUID, start: datetime, end: datetime) -> UUID:
        id = ids.new_id(ids.clinic_of(doctor))
        await self.db.execute(
            """
            insert into booking_slot (clinic_id, id, doctor_id, date, during)
            select $1, $2, $3, ($4::timestamptz at time zone time_zone)::date, tstzrange($4, $5) from clinic where id = $1
            """,
            ids.clinic_of(doctor),
            id,
            doctor,
            start,
            end,
        )
        return id

    async def book(
        self,
        doctor: UUID | None,
        start: datetime,
        customer: UUID,
        *,
        minutes: int = 30,
        key: str | None = None,
        **wish: Any,
    ) -> Appointment | errors.Conflict:
        """Book, and return the appointment or the refusal."""
        if "appointment_type_id" not in wish and "booking_slot_id" not in wish:
            wish["end_time"] = start + timedelta(minutes=minutes)
        when = {} if "booking_slot_id" in wish else {"start_time": start}
        request = AppointmentRequest(customer_id=customer, clinic_id=self.clinic, doctor_id=doctor, **when, **wish)
        made = await self.book_all([(customer, request)], key=key)
        return made if isinstance(made, errors.Conflict) else made[0]

    async def book_all(
        self, wishes: list[tuple[UUID, AppointmentRequest]], *, key: str | None = None
    ) -> list[Appointment] | errors.Conflict:
        command = BookingCommand(
            self.clinic,
            [CustomerRequest(*each) for each in wishes],
            RECEPTION,
            timedelta(minutes=10),
            self.now,
            idempotency=IdempotencyKey("reception", key, str(wishes).encode()) if key else None,
        )
        try:
            booked = await book(self.db, self.cache, command)
        except errors.Conflict as refusal:
            return refusal
        return booked.booking.appointments

    async def count(self, table: str) -> int:
        return await self.db.fetchval(f"select count(*) from {table}")
