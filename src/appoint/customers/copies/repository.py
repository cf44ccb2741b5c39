"""SQL for copies of customers. Only cross-clinic statements use them."""

from collections.abc import Sequence
from uuid import UUID

from ...database.pool import Statements, to
from ..model import Customer
from .model import CustomerRecord, DueCopy


class Copied(Exception):
    """The customer is at home in another cell, which is the only place to change them."""


async def lock_at_home(tx: Statements, customer_id: UUID) -> Customer | None:
    """Return the customer, locked against changes and bookings until the transaction ends. Raise `Copied` if they are
    at home in another cell."""
    row = await tx.fetchrow(
        """
        select c.*, exists (select from customer_home h where h.customer_id = c.id) as is_copy
          from customer c
         where c.id = $1
           for update of c
        """,
        customer_id,
    )
    if row and row.is_copy:
        raise Copied
    return to(Customer, row) if row else None


async def list_missing(db: Statements, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the customers whom this cell does not know."""
    rows = await db.fetch(
        """
        select requested.id
          from unnest($1::uuid[]) as requested(id)
         where not exists (select from customer c where c.id = requested.id)
         order by requested.id
        """,
        list(customer_ids),
    )
    return [row.id for row in rows]


async def lock_record(tx: Statements, customer_id: UUID) -> CustomerRecord | None:
    """Return an active customer who is at home in this cell, as other cells get them. Lock them against changes until
    the transaction ends."""
    row = await tx.fetchrow(
        """
        select * from customer c
         where c.id = $1 and c.active
           and not exists (select from customer_home h where h.customer_id = c.id)
           for update of c
        """,
        customer_id,
    )
    return to(CustomerRecord, row) if row else None


async def add_copy(tx: Statements, record: CustomerRecord, cell: int) -> None:
    """Note that the cell has a copy of this version."""
    await tx.execute(
        """
        insert into customer_copy (customer_id, cell, version) values ($1, $2, $3)
            on conflict (customer_id, cell) do update set version = excluded.version, is_due = false
        """,
        record.id,
        cell,
        record.version,
    )


async def insert(tx: Statements, record: CustomerRecord, cell: int) -> None:
    """Insert a customer who is at home in the cell, unless a concurrent request has done so."""
    await tx.execute(
        """
        with copied as (
          insert into customer (id, version, created_at, name, email, phone, locale, region, time_zone,
                                birth_date, postal_address, email_confirmed_at, phone_confirmed_at)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
              on conflict (id) do nothing
          returning id, version
        )
        insert into customer_home (customer_id, cell, version) select id, $14, version from copied
        """,
        record.id,
        record.version,
        record.created_at,
        *_details(record),
        cell,
    )


async def lock_copy(tx: Statements, customer_id: UUID) -> tuple[int, int] | None:
    """Return the number of the cell in which the customer is at home, and the last version from there, or None if this
    cell has no copy. Lock it until the transaction ends."""
    row = await tx.fetchrow("select cell, version from customer_home where customer_id = $1 for update", customer_id)
    return (row.cell, row.version) if row else None


async def update(tx: Statements, record: CustomerRecord) -> None:
    """Replace a copy's details, and append the event for this cell's clinics."""
    await tx.execute(
        """
        with changed as (
          update customer
             set name = $2, email = $3, phone = $4, locale = $5, region = $6, time_zone = $7, birth_date = $8,
                 postal_address = $9, email_confirmed_at = $10, phone_confirmed_at = $11,
                 active = $12::timestamptz is null, removed_at = $12, version = version + 1, updated_at = now()
           where id = $1 and erased_at is null
          returning id, version, active
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select 0, 'customer.changed', id::text, version, jsonb_build_object('customerId', id, 'active', active)
          from changed
        """,
        record.id,
        *_details(record),
        record.removed_at,
    )


async def note_version(tx: Statements, customer_id: UUID, version: int) -> None:
    """Note the version that has arrived from the customer's home."""
    await tx.execute("update customer_home set version = $2 where customer_id = $1", customer_id, version)


async def mark_due(tx: Statements, customer_ids: Sequence[UUID]) -> None:
    """Note that the customers have changed, so that the cells with copies get the changes."""
    await tx.execute("update customer_copy set is_due = true where customer_id = any($1)", list(customer_ids))


async def list_due(db: Statements, *, limit: int) -> list[DueCopy]:
    """Return copies that lack changes."""
    rows = await db.fetch(
        """
        select k.cell, c.*
          from customer_copy k
          join customer c on c.id = k.customer_id
         where k.is_due
         order by random()  -- so that those that cells refuse for now don't hold up others
         limit $1
        """,
        limit,
    )
    return [DueCopy(row.cell, to(CustomerRecord, row)) for row in rows]


async def note_sent(db: Statements, customer_id: UUID, cell: int, *, version: int) -> None:
    """Note that the cell has confirmed this version. The copy remains due if the customer has changed since."""
    await db.execute(
        """
        update customer_copy k
           set version = $3, is_due = (select c.version > $3 from customer c where c.id = k.customer_id)
         where k.customer_id = $1 and k.cell = $2
        """,
        customer_id,
        cell,
        version,
    )


async def delete_copy(db: Statements, customer_id: UUID, cell: int) -> None:
    """Note that the cell no longer has a copy."""
    await db.execute("delete from customer_copy where customer_id = $1 and cell = $2", customer_id, cell)


def _details(record: CustomerRecord) -> tuple[object, ...]:
    return (
        record.name,
        record.email,
        record.phone,
        record.locale,
        record.region,
        record.time_zone,
        record.birth_date,
        record.postal_address,
        record.email_confirmed_at,
        record.phone_confirmed_at,
    )
