"""SQL for customers and patients. Events about customers belong to the platform and contain no personal data."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ..database.pool import Row, Statements, to
from ..kit.key_ring import EncryptedField, is_unreadable
from .model import Customer, CustomerContent, Patient


class Contact(msgspec.Struct, frozen=True):
    """A customer's name and contact details."""

    id: UUID
    name: str
    email: str | None
    phone: str | None


async def find(db: Statements, customer_id: UUID) -> Customer | None:
    row = await db.fetchrow("select * from customer where id = $1", customer_id)
    return to(Customer, row) if row else None


async def lock(tx: Statements, customer_id: UUID) -> Customer | None:
    """Return the customer, locked against changes and bookings until the transaction ends."""
    row = await tx.fetchrow("select * from customer where id = $1 for update", customer_id)
    return to(Customer, row) if row else None


async def list_registered(
    db: Statements, *, words: Sequence[str], after: tuple[UUID] | None, limit: int
) -> Sequence[Customer]:
    """Return matching active customers, oldest first, plus one beyond `limit` if there is a next page.

    This scans the customers in order, which is fast for words that match many of them.
    """
    rows = await db.fetch(
        """
        select * from customer
         where active
           and ($1::text[] = '{}' or words like all (array(select folded(word) from unnest($1) as word)))
           and id > $2
         order by id
         limit $3 + 1
        """,
        words,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [to(Customer, row) for row in rows]


async def list_matching(
    db: Statements, *, words: Sequence[str], rare: str, after: tuple[UUID] | None, limit: int
) -> Sequence[Customer]:
    """Return the same customers as `list_registered`, using the word index.

    This is fast for words that match few customers, because the index finds those with the `rare` word.
    """
    rows = await db.fetch(
        """
        with matches as materialized (  -- otherwise the planner would scan in list order
          select * from customer
           where words like folded($1)
             and words like all (array(select folded(word) from unnest($2::text[]) as word))
             and active
        )
        select * from matches where id > $3 order by id limit $4 + 1
        """,
        rare,
        words,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [to(Customer, row) for row in rows]


async def list_unchanged(db: Statements, customer_ids: Sequence[UUID], *, since: datetime) -> list[Contact]:
    """Return the given customers who are active and have not changed since the given time."""
    rows = await db.fetch(
        "select id, name, email, phone from customer where id = any($1) and active and updated_at <= $2 order by id",
        customer_ids,
        since,
    )
    return [to(Contact, row) for row in rows]


async def list_confirmed_since(db: Statements, customer_id: UUID, *, since: datetime) -> list[Contact]:
    """Return the other active customers who share an address with a customer, if both have confirmed it since the given
    time."""
    rows = await db.fetch(
        """
        select other.id, other.name, other.email, other.phone
          from customer own
          join customer other
            on other.active and other.id <> own.id
           and ((lower(other.email) = lower(own.email)
                 and own.email_confirmed_at >= $2 and other.email_confirmed_at >= $2)
                or (other.phone = own.phone and own.phone_confirmed_at >= $2 and other.phone_confirmed_at >= $2))
         where own.id = $1
         order by other.id
        """,
        customer_id,
        since,
    )
    return [to(Contact, row) for row in rows]


async def add(tx: Statements, content: CustomerContent) -> Customer:
    row = await tx.fetchrow(
        """
        with created as (
          insert into customer (name, email, phone, locale, time_zone, birth_date, postal_address)
          values ($1, $2, $3, $4, $5, $6, $7)
          returning *
        ), events as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select 0, 'customer.registered', id::text, version, jsonb_build_object('customerId', id) from created
        )
        select * from created
        """,
        *msgspec.structs.astuple(content),
    )
    assert row
    return to(Customer, row)


async def change(
    tx: Statements, customer_id: UUID, content: CustomerContent, *, removed_at: datetime | None
) -> Customer:
    row = await tx.fetchrow(
        """
        with changed as (
          update customer
             set name = $2, email = $3, phone = $4, locale = $5, time_zone = $6, birth_date = $7,
                 postal_address = $8,
                 email_confirmed_at = case when lower(email) = lower($3) then email_confirmed_at end,
                 phone_confirmed_at = case when phone = $4 then phone_confirmed_at end,
                 active = $9::timestamptz is null, removed_at = $9, version = version + 1, updated_at = now()
           where id = $1
          returning *
        ), events as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select 0, 'customer.changed', id::text, version, jsonb_build_object('customerId', id, 'active', active)
            from changed
        )
        select * from changed
        """,
        customer_id,
        *msgspec.structs.astuple(content),
        removed_at,
    )
    assert row
    return to(Customer, row)


async def change_region(tx: Statements, customer_id: UUID, region: str | None) -> None:
    await tx.execute(
        """
        update customer
           set region = $2, version = version + 1, updated_at = now()
         where id = $1 and region is distinct from $2
        """,
        customer_id,
        region,
    )


async def remove(tx: Statements, customer_id: UUID, *, now: datetime) -> None:
    await tx.execute(
        """
        with removed as (
          update customer set active = false, removed_at = $2, version = version + 1, updated_at = now() where id = $1
          returning *
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select 0, 'customer.removed', id::text, version, jsonb_build_object('customerId', id) from removed
        """,
        customer_id,
        now,
    )


async def find_patient(db: Statements, clinic_id: int, customer_id: UUID) -> Patient | None:
    """Return a patient or, if the record is joined with others, their main record."""
    row = await db.fetchrow(
        """
        select p.customer_id as id, p.customer_id, p.clinic_id, p.record_number, p.notes, p.created_at,
               p.version + c.version - 1 as version, greatest(p.updated_at, c.updated_at) as updated_at,
               c.name, c.email, c.phone, c.locale, c.time_zone, c.birth_date, c.postal_address, c.active,
               array(select o.customer_id
                       from patient o
                      where o.clinic_id = $1 and o.main_id = p.main_id and o.customer_id <> p.customer_id
                      order by o.customer_id) as joined_ids
          from patient requested
          join patient p
            on p.clinic_id = $1 and p.customer_id = coalesce(requested.main_id, requested.customer_id)
          join clinic_customer c on c.id = p.customer_id
         where requested.clinic_id = $1 and requested.customer_id = $2
        """,
        clinic_id,
        customer_id,
    )
    return to_patient(db, row) if row else None


def to_patient(db: Statements, row: Row) -> Patient:
    """Convert a row with encrypted notes."""
    notes = db.keys.decrypt(row.notes, EncryptedField.PATIENT_NOTES, f"{row.clinic_id}/{row.customer_id}")
    return to(Patient, row, notes=notes)


async def add_patient(tx: Statements, content: CustomerContent) -> UUID:
    """Register a customer as a patient at the clinic that the transaction names. Return their id."""
    return await tx.fetchval("select add_patient($1, $2, $3, $4, $5, $6, $7)", *msgspec.structs.astuple(content))


async def find_patient_id(db: Statements, clinic_id: int, detail: str) -> UUID | None:
    """Return the id of the clinic's patient with exactly this record number or, ignoring case, email address."""
    return await db.fetchval(
        """
        select coalesce(p.main_id, p.customer_id)
          from listed_patient p join clinic_customer c on c.id = p.customer_id
         where p.clinic_id = $1 and (p.record_number = $2 or lower(c.email) = lower($2))
         order by p.record_number = $2 desc nulls last, p.customer_id
         limit 1
        """,
        clinic_id,
        detail,
    )


async def load_patient_names(db: Statements, clinic_id: int, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of the clinic's patients, by id."""
    rows = await db.fetch(
        """
        select c.id, c.name from patient p join clinic_customer c on c.id = p.customer_id
         where p.clinic_id = $1 and c.id = any($2)
        """,
        clinic_id,
        customer_ids,
    )
    return {row.id: row.name for row in rows}


async def has_erased(tx: Statements, customer_ids: Sequence[UUID]) -> bool:
    """Return whether any of the customers has been erased."""
    return await tx.fetchval(
        "select exists (select from customer where id = any($1) and erased_at is not null)", customer_ids
    )


async def lock_patient(tx: Statements, clinic_id: int, customer_id: UUID) -> None:
    """Lock the patient, and the main record if theirs is joined with others, against changes until the transaction
    ends, without blocking bookings."""
    await tx.execute(
        """
        select from patient
         where clinic_id = $1
           and customer_id = any(select unnest(array[customer_id, main_id]) from patient
                                  where clinic_id = $1 and customer_id = $2)
         order by customer_id
           for no key update
        """,
        clinic_id,
        customer_id,
    )


async def change_patient(
    tx: Statements, clinic_id: int, customer_id: UUID, *, record_number: str | None, notes: str | None
) -> None:
    """Update the clinic's record of a patient. Notes that cannot be decrypted stay as they are unless they are
    replaced.

    Raise `UniqueViolationError` naming `patient_record_number` if another of the clinic's patients has the number, and
    `ForeignKeyViolationError` naming `patient_noted` if the customer was erased, even if earlier notes remain.
    """
    await tx.execute(
        """
        update patient
           set record_number = $3, notes = case when $5 then notes else $4 end, outlives_customer = false,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and customer_id = $2
        """,
        clinic_id,
        customer_id,
        record_number,
        tx.keys.encrypt(notes, EncryptedField.PATIENT_NOTES, f"{clinic_id}/{customer_id}"),
        is_unreadable(notes),
    )
