"""SQL for coupons."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from ...database.pool import Row, Statements, affected
from ...database.sql import load
from ...kit.ids import clinic_of, new_id
from .model import Coupon, CouponContent

TAKE_USE: Final = load(__name__, "take_use")
LIST_COUPONS: Final = load(__name__, "list_coupons")
FIND_COUPON: Final = load(__name__, "find_coupon")
COPIED: Final = (
    "version", "created_at", "updated_at", "id", "clinic_id", "code", "description", "percent", "amount", "max_uses",
    "max_uses_per_customer", "first_visit_only", "appointment_type_ids", "use_count", "active", "removed_at",
)  # fmt: skip


def to_coupon(row: Row) -> Coupon:
    valid: asyncpg.Range[datetime] = row.valid
    return Coupon(**{name: row[name] for name in COPIED}, valid_from=valid.lower, valid_until=valid.upper)


async def find(db: Statements, clinic_id: int, *, id: UUID | None = None, code: str | None = None) -> Coupon | None:
    """Return the coupon with this id, or the active one with this code."""
    row = await db.fetchrow(FIND_COUPON, clinic_id=clinic_id, id=id, code=code)
    return to_coupon(row) if row else None


async def lock(tx: Statements, id: UUID) -> None:
    """Lock a coupon until the transaction ends."""
    await tx.execute("select from coupon where clinic_id = $1 and id = $2 for no key update", clinic_of(id), id)


async def list_coupons(
    db: Statements, clinic_id: int, *, active: bool, after: tuple[UUID] | None, limit: int
) -> list[Coupon]:
    """Return a clinic's coupons, newest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        LIST_COUPONS, clinic_id=clinic_id, active=active, before=after[0] if after else None, limit=limit
    )
    return [to_coupon(row) for row in rows]


async def add(tx: Statements, clinic_id: int, content: CouponContent) -> UUID | None:
    """Add a coupon. Return its id, or None if another active coupon has the same code."""
    return await tx.fetchval(
        """
        insert into coupon (clinic_id, id, code, description, percent, amount, valid, max_uses, max_uses_per_customer,
                            first_visit_only)
        values ($1, $2, upper($3), $4, $5, $6, tstzrange($7, $8), $9, $10, $11)
        on conflict do nothing
        returning id
        """,
        clinic_id,
        new_id(clinic_id),
        content.code,
        content.description,
        content.percent,
        content.amount,
        content.valid_from,
        content.valid_until,
        content.max_uses,
        content.max_uses_per_customer,
        content.first_visit_only,
    )


async def change(tx: Statements, id: UUID, content: CouponContent) -> None:
    """Change everything but a coupon's code and discount. The database refuses fewer uses than have been taken."""
    await tx.execute(
        """
        update coupon
           set description = $3, valid = tstzrange($4, $5), max_uses = $6, max_uses_per_customer = $7,
               first_visit_only = $8, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        clinic_of(id),
        id,
        content.description,
        content.valid_from,
        content.valid_until,
        content.max_uses,
        content.max_uses_per_customer,
        content.first_visit_only,
    )


async def set_types(tx: Statements, id: UUID, type_ids: list[UUID]) -> None:
    clinic_id = clinic_of(id)
    await tx.execute("delete from coupon_type where clinic_id = $1 and coupon_id = $2", clinic_id, id)
    await tx.execute(
        """
        insert into coupon_type (clinic_id, coupon_id, appointment_type_id)
        select distinct $1::integer, $2::uuid, type_id from unnest($3::uuid[]) as type_id
        """,
        clinic_id,
        id,
        type_ids,
    )


async def remove(tx: Statements, id: UUID, *, now: datetime) -> None:
    await tx.execute(
        """
        update coupon set active = false, removed_at = $3, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and active
        """,
        clinic_of(id),
        id,
        now,
    )


async def take_use(
    tx: Statements,
    coupon_id: UUID,
    *,
    customer_id: UUID,
    appointment_id: UUID | None,
    reserved_until: datetime | None = None,
) -> UUID | None:
    """Take one of a coupon's uses for a customer. Return its id, or None if all are taken."""
    return await tx.fetchval(
        TAKE_USE,
        clinic_id=clinic_of(coupon_id),
        coupon_id=coupon_id,
        customer_id=customer_id,
        appointment_id=appointment_id,
        reserved_until=reserved_until,
    )


async def attach_use(tx: Statements, use_id: UUID, *, appointment_id: UUID) -> bool:
    """Give a reserved use to an appointment. Return False if the use has been released."""
    command_tag = await tx.execute(
        "update coupon_use set appointment_id = $3 where clinic_id = $1 and id = $2 and released_at is null",
        clinic_of(use_id),
        use_id,
        appointment_id,
    )
    return affected(command_tag) > 0


async def release_reservation(db: Statements, use_id: UUID, *, now: datetime) -> None:
    """Release a reserved use that no appointment has."""
    await db.execute(
        """
        update coupon_use set released_at = $3
         where clinic_id = $1 and id = $2 and appointment_id is null and released_at is null
        """,
        clinic_of(use_id),
        use_id,
        now,
    )


async def release_of_appointment(tx: Statements, appointment_id: UUID, *, now: datetime) -> None:
    """Release the coupon of an appointment that does not take place, unless an issued invoice has used it."""
    await tx.execute(
        """
        update coupon_use u set released_at = $3
         where u.clinic_id = $1 and u.appointment_id = $2 and u.released_at is null
           and not exists (select
                             from invoice_line l
                            where l.clinic_id = $1 and l.coupon_use_id = u.id and l.invoice_status = 'issued')
        """,
        clinic_of(appointment_id),
        appointment_id,
        now,
    )


async def release_expired(db: Statements, *, now: datetime) -> None:
    """Release the uses that were reserved for bookings that never happened, at all clinics."""
    await db.execute(
        """
        update coupon_use u set released_at = $1
         where reserved_until < $1 and appointment_id is null and released_at is null
           and exists (select from clinic c where c.id = u.clinic_id)  -- has not moved
        """,
        now,
    )


async def find_booked(tx: Statements, appointment_id: UUID, *, invoice_id: UUID) -> tuple[UUID, UUID] | None:
    """Return the use and the coupon that an appointment was booked with, unless a different invoice has taken it off
    already."""
    row = await tx.fetchrow(
        """
        select u.id, u.coupon_id
          from coupon_use u
         where u.clinic_id = $1 and u.active_appointment_id = $2 and u.reserved_until is not null
           and not exists (select
                             from invoice_line l
                            where l.clinic_id = $1 and l.coupon_use_id = u.id and l.invoice_id <> $3)
        """,
        clinic_of(appointment_id),
        appointment_id,
        invoice_id,
    )
    return (row.id, row.coupon_id) if row else None


async def release_uses(tx: Statements, invoice_id: UUID, *, now: datetime) -> None:
    """Release the uses of coupons on a draft's lines, except for those that appointments were booked with."""
    await tx.execute(
        """
        update coupon_use u set released_at = $3
          from invoice_line l
         where u.clinic_id = $1 and l.clinic_id = $1 and l.invoice_id = $2 and l.coupon_use_id = u.id
           and u.released_at is null and u.reserved_until is null
        """,
        clinic_of(invoice_id),
        invoice_id,
        now,
    )


async def has_visited(db: Statements, clinic_id: int, customer_id: UUID) -> bool:
    """Return whether a customer has been to the clinic."""
    return await db.fetchval(
        """
        select exists (select from appointment
                        where clinic_id = $1 and customer_id = $2 and status = 'fulfilled')
        """,
        clinic_id,
        customer_id,
    )


async def list_codes(db: Statements, invoice_id: UUID) -> dict[UUID, str]:
    """Return the codes of the coupons on a draft's lines, by the ids of their uses."""
    rows = await db.fetch(
        """
        select u.id, c.code
          from invoice_line l
          join coupon_use u on u.clinic_id = $1 and u.id = l.coupon_use_id
          join coupon c on c.clinic_id = $1 and c.id = u.coupon_id
         where l.clinic_id = $1 and l.invoice_id = $2
        """,
        clinic_of(invoice_id),
        invoice_id,
    )
    return {row.id: row.code for row in rows}
