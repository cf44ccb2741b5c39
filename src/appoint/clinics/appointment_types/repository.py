"""SQL for appointment types."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...database.pool import Row, Statements
from ...kit.ids import clinic_of, new_id
from ...kit.money import Money
from .model import AppointmentType, AppointmentTypeContent

COLUMNS = tuple(field for field in AppointmentType.__struct_fields__ if field != "price")


def _type(row: Row) -> AppointmentType:
    price = Money(row.price_amount, row.price_currency) if row.price_currency else None
    return AppointmentType(**{name: row[name] for name in COLUMNS}, price=price)


async def find(db: Statements, id: UUID) -> AppointmentType | None:
    row = await db.fetchrow("select * from appointment_type where clinic_id = $1 and id = $2", clinic_of(id), id)
    return _type(row) if row else None


async def lock(tx: Statements, id: UUID) -> AppointmentType | None:
    """Return the type and lock it against changes until the transaction ends, without blocking bookings."""
    row = await tx.fetchrow(
        "select * from appointment_type where clinic_id = $1 and id = $2 for no key update", clinic_of(id), id
    )
    return _type(row) if row else None


async def list_types(
    db: Statements, clinic_id: int, *, active: bool, after: tuple[UUID] | None, limit: int
) -> Sequence[AppointmentType]:
    """Return a clinic's types, oldest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        """
        select * from appointment_type
         where clinic_id = $1
           and id > $2
           and active = $3
         order by id
         limit $4 + 1
        """,
        clinic_id,
        after[0] if after else UUID(int=0),
        active,
        limit,
    )
    return [_type(row) for row in rows]


async def add(tx: Statements, clinic_id: int, content: AppointmentTypeContent) -> AppointmentType:
    row = await tx.fetchrow(
        """
        insert into appointment_type (clinic_id, id, name, minutes, description,
                                      buffer_before_minutes, buffer_after_minutes, price_amount, price_currency, mode,
                                      min_age, max_age, patients, preparation)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        returning *
        """,
        clinic_id,
        new_id(clinic_id),
        *_values(content),
    )
    assert row
    return _type(row)


async def change(
    tx: Statements, id: UUID, content: AppointmentTypeContent, *, removed_at: datetime | None
) -> AppointmentType:
    row = await tx.fetchrow(
        """
        update appointment_type
           set name = $3, minutes = $4, description = $5, buffer_before_minutes = $6, buffer_after_minutes = $7,
               price_amount = $8, price_currency = $9, mode = $10, min_age = $11, max_age = $12, patients = $13,
               preparation = $14, active = $15::timestamptz is null, removed_at = $15,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        returning *
        """,
        clinic_of(id),
        id,
        *_values(content),
        removed_at,
    )
    assert row
    return _type(row)


def _values(content: AppointmentTypeContent) -> tuple[object, ...]:
    price = content.price
    return (
        content.name,
        content.minutes,
        content.description,
        content.buffer_before_minutes,
        content.buffer_after_minutes,
        price and price.amount,
        price and price.currency,
        content.mode,
        content.min_age,
        content.max_age,
        content.patients,
        content.preparation,
    )
