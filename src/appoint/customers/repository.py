"""Everything the customer table is asked. Events about customers are the platform's, and name nobody."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ..database.pool import Row, Statements, to
from .model import EVERYBODY, Customer, CustomerContent, FoundCustomer, Patient, SearchTerms


async def find(db: Statements, customer_id: UUID) -> Customer | None:
    row = await db.fetchrow("select * from customer where id = $1", customer_id)
    return to(Customer, row) if row else None


async def lock(tx: Statements, customer_id: UUID) -> Customer | None:
    """The customer, whom nobody else changes and for whom nobody books until the transaction ends."""
    row = await tx.fetchrow("select * from customer where id = $1 for update", customer_id)
    return to(Customer, row) if row else None


async def registered(
    db: Statements, *, words: Sequence[str], after: tuple[UUID] | None, limit: int
) -> Sequence[Customer]:
    """Oldest first; one more than `limit` when the list goes on. Tries one customer after the other, which is quick for
    what many of them have."""
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


async def matching(
    db: Statements, *, words: Sequence[str], rare: str, after: tuple[UUID] | None, limit: int
) -> Sequence[Customer]:
    """The same by the index of words, which is quick for what few of them have: the `rare` one of the words."""
    rows = await db.fetch(
        """
        with found as materialized (  -- else the planner would go by the order of the list
          select * from customer
           where words like folded($1)
             and words like all (array(select folded(word) from unnest($2::text[]) as word))
             and active
        )
        select * from found where id > $3 order by id limit $4 + 1
        """,
        rare,
        words,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [to(Customer, row) for row in rows]


async def at_address(db: Statements, *, email: str | None, phone: str | None, most: int) -> list[UUID]:
    """The ids of those who have exactly that e-mail address, whatever its case, or that phone number in E.164. Where
    they are too many, those who have booked, and the newest: anyone can register others with the address, and nobody is
    to be crowded out by that."""
    rows = await db.fetch(
        """
        select id from customer c
         where active and (lower(email) = lower($1) or phone = $2)
         order by exists (select from appointment a where a.customer_id = c.id) desc, id desc
         limit $3
        """,
        email,
        phone,
        most,
    )
    return sorted(row.id for row in rows)


async def found(
    db: Statements, *, clinic_id: int, email: str | None, phone: str | None, most: int
) -> list[FoundCustomer]:
    """The same as one clinic finds them."""
    rows = await db.fetch(
        """
        select c.id as customer_id, c.name, p.customer_id is not null as is_patient
          from customer c left join patient p on p.clinic_id = $1 and p.customer_id = c.id
         where c.active and (lower(c.email) = lower($2) or c.phone = $3)
         order by is_patient desc, exists (select from appointment a where a.customer_id = c.id) desc, c.id
         limit $4
        """,
        clinic_id,
        email,
        phone,
        most,
    )
    return [to(FoundCustomer, row) for row in rows]


async def unchanged(db: Statements, customer_ids: Sequence[UUID], *, since: datetime) -> list[Row]:
    """Those of the customers, `id`, `name`, `email` and `phone`, of whom nothing has changed since."""
    return await db.fetch(
        "select id, name, email, phone from customer where id = any($1) and active and updated_at <= $2 order by id",
        customer_ids,
        since,
    )


async def add(tx: Statements, content: CustomerContent) -> Customer:
    row = await tx.fetchrow(
        """
        with made as (
          insert into customer (name, email, phone, locale, time_zone, birth_date) values ($1, $2, $3, $4, $5, $6)
          returning *
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select 0, 'customer.registered', id::text, version, jsonb_build_object('customerId', id) from made
        )
        select * from made
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
                 active = $8::timestamptz is null, removed_at = $8, version = version + 1, updated_at = now()
           where id = $1
          returning *
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select 0, 'customer.changed', id::text, version, jsonb_build_object('customerId', id, 'active', active) from changed
        )
        select * from changed
        """,
        customer_id,
        *msgspec.structs.astuple(content),
        removed_at,
    )
    assert row
    return to(Customer, row)


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


async def appointments_to_come(tx: Statements, customer_id: UUID, *, now: datetime) -> int:
    """The customer's live appointments that end after now, at all clinics."""
    return await tx.fetchval(
        "select count(*) from appointment where customer_id = $1 and active_during && tstzrange($2, null)",
        customer_id,
        now,
    )


async def patient(db: Statements, clinic_id: int, customer_id: UUID) -> Patient | None:
    row = await db.fetchrow(
        """
        select customer_id as id, customer_id, clinic_id, record_number, notes, p.created_at,
               p.version + c.version - 1 as version, greatest(p.updated_at, c.updated_at) as updated_at,
               name, email, phone, locale, time_zone, birth_date, active
          from patient p join clinic_customer c on c.id = p.customer_id
         where clinic_id = $1 and customer_id = $2
        """,
        clinic_id,
        customer_id,
    )
    return to(Patient, row) if row else None


async def patients(
    db: Statements,
    clinic_id: int,
    *,
    doctor_id: UUID | None,
    wanted: SearchTerms | None,
    after: tuple[UUID] | None,
    limit: int,
) -> Sequence[Patient]:
    """A clinic's patients, all or a doctor's, in the order in which they registered; one more than `limit` when the
    list goes on."""
    rows = await db.fetch(
        """
        select customer_id as id, customer_id, clinic_id, record_number, notes, p.created_at,
               p.version + c.version - 1 as version, greatest(p.updated_at, c.updated_at) as updated_at,
               name, email, phone, locale, time_zone, birth_date, active
          from patient p join clinic_customer c on c.id = p.customer_id,
               lateral (select concat_ws(' ', c.words, folded(p.record_number), translate(p.record_number, ' ()./+-', '')) as found) as searched
         where clinic_id = $1
           and ($2::text[] = '{}' or found like all (array(select folded(word) from unnest($2) as word)))
           and ($4 = '%' or birth_date = any($3::date[]) or found like folded($4))
           and customer_id > $5
           and ($7::uuid is null
                or exists (select from appointment a where a.clinic_id = $1 and a.customer_id = p.customer_id and a.doctor_id = $7))
         order by customer_id
         limit $6 + 1
        """,
        clinic_id,
        *(wanted or EVERYBODY),
        after[0] if after else UUID(int=0),
        limit,
        doctor_id,
    )
    return [to(Patient, row) for row in rows]


async def names(db: Statements, clinic_id: int, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What patients of the clinic are called."""
    rows = await db.fetch(
        "select c.id, c.name from patient p join clinic_customer c on c.id = p.customer_id where p.clinic_id = $1 and c.id = any($2)",
        clinic_id,
        customer_ids,
    )
    return {row.id: row.name for row in rows}


async def lock_patient(tx: Statements, clinic_id: int, customer_id: UUID) -> None:
    """Nobody else changes what the clinic knows of the patient until the transaction ends; bookings go on."""
    await tx.execute(
        "select from patient where clinic_id = $1 and customer_id = $2 for no key update", clinic_id, customer_id
    )


async def change_patient(
    tx: Statements, clinic_id: int, customer_id: UUID, *, record_number: str | None, notes: str | None
) -> None:
    """Raises `UniqueViolationError` naming `patient_record_number` when another patient of the clinic has the number,
    and `ForeignKeyViolationError` naming `patient_noted` when the customer was erased."""
    await tx.execute(
        """
        update patient set record_number = $3, notes = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and customer_id = $2
        """,
        clinic_id,
        customer_id,
        record_number,
        notes,
    )
