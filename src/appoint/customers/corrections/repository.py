"""SQL for corrections."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from ...database.pool import Statements, to
from .model import ClinicsKnowledge, Correction


class Details(NamedTuple):
    """The details that staff can correct."""

    name: str
    email: str | None
    phone: str | None
    locale: str | None
    birth_date: date | None
    postal_address: str | None


async def correct(tx: Statements, customer_id: UUID, details: Details) -> None:
    """Change the customer's details. If only the customer may change them, store them only for the transaction's clinic
    instead. The clinic cannot remove a detail that belongs to the customer."""
    await tx.execute("select correct_patient($1, $2, $3, $4, $5, $6, $7)", customer_id, *details)


async def add(
    tx: Statements,
    *,
    clinic_id: int,
    customer_id: UUID,
    actor: str,
    corrections: Sequence[tuple[str, str | None, str | None]],
) -> None:
    """Record corrections, as tuples of detail, old value and new value, and append the event."""
    details, old_values, new_values = zip(*corrections, strict=True)
    await tx.execute(
        """
        with correction as (
          select mint_id($1) as id
        ), added as (
          insert into patient_correction (clinic_id, id, detail, customer_id, actor, old_value, new_value)
          select $1, k.id, c.detail, $2, $3, c.old_value, c.new_value
            from correction k
           cross join unnest($4::text[], $5::text[], $6::text[]) as c (detail, old_value, new_value)
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select p.clinic_id, 'patient.corrected', p.customer_id::text, p.version,
               jsonb_build_object('customerId', p.customer_id, 'correctionId', k.id, 'details', $4)
          from correction k
          join patient p on p.clinic_id = $1 and p.customer_id = $2
        """,
        clinic_id,
        customer_id,
        actor,
        details,
        old_values,
        new_values,
    )


async def list_newest(db: Statements, *, clinic_id: int, customer_id: UUID, limit: int) -> list[Correction]:
    """Return the corrections to a patient's details in any of their joined records, newest first."""
    rows = await db.fetch(
        """
        select id, customer_id, created_at, actor, detail, old_value, new_value
          from patient_correction
         where clinic_id = $1 and customer_id = any(array(select customers_joined($1, $2)))
         order by created_at desc, id desc, detail
         limit $3
        """,
        clinic_id,
        customer_id,
        limit,
    )
    return [to(Correction, row) for row in rows]


async def list_everywhere(db: Statements, customer_id: UUID) -> list[Correction]:
    """Return all clinics' corrections to the customer's details, newest first."""
    rows = await db.fetch(
        """
        select id, customer_id, created_at, actor, detail, old_value, new_value
          from patient_correction
         where customer_id = $1
         order by created_at desc, id desc, detail
        """,
        customer_id,
    )
    return [to(Correction, row) for row in rows]


async def list_clinics(db: Statements, customer_id: UUID) -> list[ClinicsKnowledge]:
    """Return what each clinic knows about the customer that differs from their own details, ordered by name."""
    rows = await db.fetch(
        """
        select p.clinic_id, c.name as clinic, c.slug, c.active, p.created_at as since, c.time_zone,
               c.profile ->> 'privacyUrl' as privacy_url,
               p.corrected_name as name, p.corrected_email as email, p.corrected_phone as phone,
               p.corrected_locale as locale, p.corrected_birth_date as birth_date,
               p.corrected_postal_address as postal_address,
               num_nonnulls(p.record_number, p.notes) > 0 as has_notes
          from patient p
          join clinic c on c.id = p.clinic_id
         where p.customer_id = $1
         order by c.name, c.id
        """,
        customer_id,
    )
    return [to(ClinicsKnowledge, row) for row in rows]


async def clear_superseded(tx: Statements, customer_id: UUID, details: Sequence[str]) -> None:
    """Drop all clinics' own values for the details that the customer has just changed: the latest change applies."""
    await tx.execute(
        """
        update patient
           set corrected_name = case when 'name' <> all($2) then corrected_name end,
               corrected_email = case when 'email' <> all($2) then corrected_email end,
               corrected_phone = case when 'phone' <> all($2) then corrected_phone end,
               corrected_locale = case when 'locale' <> all($2) then corrected_locale end,
               corrected_birth_date = case when 'birthDate' <> all($2) then corrected_birth_date end,
               corrected_postal_address = case when 'postalAddress' <> all($2) then corrected_postal_address end
         where customer_id = $1 and corrected_id is not null
        """,
        customer_id,
        details,
    )


async def erase(tx: Statements, customer_id: UUID) -> None:
    """Erase all clinics' corrections to a customer's details."""
    await tx.execute("delete from patient_correction where customer_id = $1", customer_id)
    await tx.execute(
        """
        update patient
           set corrected_name = null, corrected_email = null, corrected_phone = null, corrected_locale = null,
               corrected_birth_date = null, corrected_postal_address = null
         where customer_id = $1 and corrected_id is not null
        """,
        customer_id,
    )


async def newest_address_correction(db: Statements, customer_id: UUID) -> datetime | None:
    """Return when a clinic last corrected the customer's email address or phone number."""
    return await db.fetchval(
        """
        select max(created_at) from patient_correction
         where customer_id = $1 and detail in ('email', 'phone') and new_value is not null
        """,
        customer_id,
    )


async def list_address_correctors(db: Statements, customer_id: UUID, *, since: datetime) -> list[int]:
    """Return the clinics that have corrected the customer's email address or phone number since the given time."""
    rows = await db.fetch(
        """
        select distinct clinic_id from patient_correction
         where customer_id = $1 and detail in ('email', 'phone') and new_value is not null and created_at > $2
         order by clinic_id
        """,
        customer_id,
        since,
    )
    return [row.clinic_id for row in rows]
