"""SQL for joined records."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Statements, to
from ...database.sql import load
from ...kit.key_ring import EncryptedField
from .model import JoinedRecord, PatientSketch, SimilarPatient

LIST_SIMILAR: Final = load(__name__, "list_similar")


class LockedRecord(NamedTuple):
    """A patient record, locked until the transaction ends."""

    customer_id: UUID
    main_id: UUID | None


async def lock(tx: Statements, *, clinic_id: int, customer_ids: Sequence[UUID]) -> list[LockedRecord]:
    """Lock these patients' records and all that are joined with them, in id order, against changes and bookings."""
    rows = await tx.fetch(
        """
        select p.customer_id, p.main_id
          from patient p
         where p.clinic_id = $1
           and (p.customer_id = any($2)
                or p.main_id = any(array(select main_id from patient where clinic_id = $1 and customer_id = any($2))))
         order by p.customer_id
           for update
        """,
        clinic_id,
        customer_ids,
    )
    return [LockedRecord(row.customer_id, row.main_id) for row in rows]


async def change_main(
    tx: Statements,
    *,
    clinic_id: int,
    customer_ids: Sequence[UUID],
    main_id: UUID | None,
    event: str,
    now: datetime,
) -> None:
    """Join these locked records under a main record, or separate them if it is None, and their appointments with them.
    Append an event for each record.

    Raise `ExclusionViolationError` naming `person_free` if live appointments overlap.
    """
    await tx.execute(
        """
        with changed as (
          update patient
             set main_id = $3, joined_at = case when $3::uuid is not null then coalesce(joined_at, $4) end,
                 version = version + 1, updated_at = now()
           where clinic_id = $1 and customer_id = any($2) and main_id is distinct from $3
          returning clinic_id, customer_id, version
        )
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select clinic_id, $5, customer_id::text, version,
               jsonb_build_object('customerId', customer_id) || case when $3 is null then '{}'
                                                                     else jsonb_build_object('mainId', $3) end
          from changed
        """,
        clinic_id,
        customer_ids,
        main_id,
        now,
        event,
    )
    await tx.execute(
        """
        update appointment
           set person_id = coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
         where clinic_id = $1 and customer_id = any($2)
        """,
        clinic_id,
        customer_ids,
        main_id,
    )


async def list_past_overlaps(
    tx: Statements, *, clinic_id: int, customer_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """Return the past appointments that overlap another of these customers' appointments, one from each pair."""
    rows = await tx.fetch(
        """
        select distinct a.id
          from appointment a
          join appointment o
            on o.clinic_id = $1 and o.customer_id = any($2) and o.customer_id <> a.customer_id
           and o.customer_during && a.customer_during
         where a.clinic_id = $1 and a.customer_id = any($2) and upper(a.during) <= $3
           and (upper(o.during) > $3 or o.customer_id < a.customer_id)
        """,
        clinic_id,
        customer_ids,
        now,
    )
    return [row.id for row in rows]


async def allow_overlaps(tx: Statements, *, clinic_id: int, appointment_ids: Sequence[UUID]) -> None:
    """Exempt these appointments from the rule that a person cannot have two at the same time."""
    await tx.execute(
        """
        update appointment
           set overridden = overridden || '{customer-busy}',
               override_reason = coalesce(override_reason, 'joined records')
         where clinic_id = $1 and id = any($2)
        """,
        clinic_id,
        appointment_ids,
    )


async def list_joined(db: Statements, *, clinic_id: int, customer_id: UUID) -> list[JoinedRecord]:
    """Return the records joined with a main record, oldest first."""
    rows = await db.fetch(
        """
        select p.customer_id, c.name, c.email, c.phone, c.birth_date, p.record_number, p.notes, p.joined_at
          from patient p
         cross join lateral (select * from clinic_customer where id = p.customer_id offset 0) c
         where p.clinic_id = $1 and p.main_id = $2 and p.customer_id <> $2
         order by p.customer_id
        """,
        clinic_id,
        customer_id,
    )
    return [
        to(
            JoinedRecord,
            row,
            notes=db.keys.decrypt(row.notes, EncryptedField.PATIENT_NOTES, f"{clinic_id}/{row.customer_id}"),
        )
        for row in rows
    ]


async def list_similar(
    db: Statements, *, clinic_id: int, sketch: PatientSketch, excluding: Sequence[UUID], limit: int
) -> list[SimilarPatient]:
    """Return the clinic's patients who are probably the same person, most likely first."""
    rows = await db.fetch(
        LIST_SIMILAR,
        clinic_id=clinic_id,
        name=sketch.name,
        email=sketch.email,
        phone=sketch.phone,
        birth_date=sketch.birth_date,
        excluding=excluding,
        limit=limit,
    )
    return [to(SimilarPatient, row) for row in rows]


async def add_difference(tx: Statements, *, clinic_id: int, customer_id: UUID, other_id: UUID) -> None:
    """Mark two patients as different people."""
    await tx.execute(
        """
        insert into patient_difference (clinic_id, customer_id, other_id)
        values ($1, least($2::uuid, $3::uuid), greatest($2::uuid, $3::uuid))
        on conflict do nothing
        """,
        clinic_id,
        customer_id,
        other_id,
    )


async def list_different(db: Statements, *, clinic_id: int, customer_id: UUID) -> list[UUID]:
    """Return the patients whom the clinic's staff have marked as different people from this one."""
    rows = await db.fetch(
        """
        select other_id as id from patient_difference where clinic_id = $1 and customer_id = $2
        union
        select customer_id from patient_difference where clinic_id = $1 and other_id = $2
        """,
        clinic_id,
        customer_id,
    )
    return [row.id for row in rows]


async def list_clinics(tx: Statements, customer_id: UUID) -> list[int]:
    """Return the clinics that have joined the customer's record with others."""
    rows = await tx.fetch("select clinic_id from patient where customer_id = $1 and main_id is not null", customer_id)
    return [row.clinic_id for row in rows]
