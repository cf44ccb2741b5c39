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


async def has_video_visits(db: Statements, clinic_id: int) -> bool:
    """Return whether the clinic can offer online types."""
    return not await db.fetchval(
        "select exists (select from call_settings where clinic_id = $1 and gateway = 'off')", clinic_id
    )


async def lock_video_visits(tx: Statements, clinic_id: int) -> None:
    """Make transactions that change where the clinic's video visits take place wait for this one."""
    await tx.execute("select from call_settings where clinic_id = $1 for share", clinic_id)


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


async def lock_active(tx: Statements, clinic_id: int) -> list[UUID]:
    """Return the clinic's active types, and lock them against changes without blocking bookings."""
    rows = await tx.fetch(
        "select id from appointment_type where clinic_id = $1 and active order by id for no key update", clinic_id
    )
    return [row.id for row in rows]


async def put_in_order(tx: Statements, clinic_id: int, ids: Sequence[UUID]) -> None:
    """Number the clinic's types in this order, and append an event for each type whose position changes."""
    await tx.execute(
        """
        with changed as (
          update appointment_type t
             set position = place.number, version = t.version + 1, updated_at = now()
            from unnest($2::uuid[]) with ordinality as place (id, number)
           where t.clinic_id = $1 and t.id = place.id and t.position <> place.number
          returning t.clinic_id, t.id, t.version, t.active
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, 'appointment-type.changed', id::text, version, jsonb_build_object('active', active)
          from changed
        """,
        clinic_id,
        ids,
    )


async def add(tx: Statements, clinic_id: int, content: AppointmentTypeContent) -> AppointmentType:
    row = await tx.fetchrow(
        """
        insert into appointment_type (clinic_id, id, name, minutes, description,
                                      buffer_before_minutes, buffer_after_minutes, price_amount, price_currency, mode,
                                      min_age, max_age, patients, preparation, position)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                (select coalesce(nullif(max(position), 0) + 1, 0)  -- last, if the clinic has put its types in order
                   from appointment_type
                  where clinic_id = $1 and active))
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
