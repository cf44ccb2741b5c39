"""SQL for doctors and the appointment types that they offer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ...database.pool import Statements, to
from ...kit.ids import clinic_of, new_id
from .model import Doctor, DoctorContent


async def find(db: Statements, doctor_id: UUID) -> Doctor | None:
    row = await db.fetchrow(
        """
        select *, (select array_agg(appointment_type_id order by appointment_type_id) from doctor_appointment_type
                    where clinic_id = $1 and doctor_id = $2) as appointment_type_ids
          from doctor
         where clinic_id = $1 and id = $2
        """,
        clinic_of(doctor_id),
        doctor_id,
    )
    return to(Doctor, row) if row else None


async def lock(tx: Statements, doctor_id: UUID) -> bool:
    """Lock the doctor against changes, but not bookings, until the transaction ends. Return whether the doctor
    exists."""
    return bool(
        await tx.fetchval(
            "select true from doctor where clinic_id = $1 and id = $2 for no key update",
            clinic_of(doctor_id),
            doctor_id,
        )
    )


async def list_doctors(
    db: Statements, clinic_id: int, *, specialty: str | None, active: bool, after: tuple[UUID] | None, limit: int
) -> Sequence[Doctor]:
    """Return a clinic's doctors, oldest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        """
        select *, (select array_agg(appointment_type_id order by appointment_type_id) from doctor_appointment_type offer
                    where offer.clinic_id = $1 and offer.doctor_id = d.id) as appointment_type_ids
          from doctor d
         where clinic_id = $1
           and id > $2
           and active = $3
           and ($4::text is null or folded(specialty) = folded($4))
         order by id
         limit $5 + 1
        """,
        clinic_id,
        after[0] if after else UUID(int=0),
        active,
        specialty,
        limit,
    )
    return [to(Doctor, row) for row in rows]


async def add(tx: Statements, clinic_id: int, content: DoctorContent) -> UUID:
    """Insert a doctor. Raise `ForeignKeyViolationError` naming `doctor_active_clinic` if the clinic is inactive."""
    return await tx.fetchval(
        """
        insert into doctor (clinic_id, id, name, specialty, email, title, specialties, languages, min_age, max_age,
                            patients)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        returning id
        """,
        clinic_id,
        new_id(clinic_id),
        *_values(content),
    )


async def change(tx: Statements, doctor_id: UUID, content: DoctorContent, *, removed_at: datetime | None) -> None:
    """Update a doctor.

    Raise `ForeignKeyViolationError` naming `doctor_active_clinic` when restoring a doctor at an inactive clinic.
    """
    await tx.execute(
        """
        update doctor
           set name = $3, specialty = $4, email = $5, title = $6, specialties = $7, languages = $8, min_age = $9,
               max_age = $10, patients = $11, active = $12::timestamptz is null, removed_at = $12,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        clinic_of(doctor_id),
        doctor_id,
        *_values(content),
        removed_at,
    )


def _values(content: DoctorContent) -> tuple[object, ...]:
    return (
        content.name,
        content.specialty,
        content.email,
        content.title,
        content.specialties,
        content.languages,
        content.min_age,
        content.max_age,
        content.patients,
    )


async def set_offered_types(tx: Statements, doctor_id: UUID, appointment_type_ids: Sequence[UUID]) -> None:
    """Replace the appointment types that the doctor offers; an empty list means all types."""
    await tx.execute(
        """
        with deleted as (
          delete from doctor_appointment_type
           where clinic_id = $1 and doctor_id = $2 and appointment_type_id <> all($3::uuid[])
        )
        insert into doctor_appointment_type (clinic_id, doctor_id, appointment_type_id)
        select $1, $2, id from unnest($3::uuid[]) as id
        on conflict do nothing
        """,
        clinic_of(doctor_id),
        doctor_id,
        appointment_type_ids,
    )


async def filter_types(tx: Statements, clinic_id: int, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the given ids that identify the clinic's appointment types, whether active or removed."""
    return {
        row.id
        for row in await tx.fetch(
            "select id from appointment_type where clinic_id = $1 and id = any($2::uuid[])", clinic_id, ids
        )
    }


async def count_upcoming_appointments(tx: Statements, doctor_id: UUID, *, now: datetime) -> int:
    """Count the doctor's live appointments that end after now."""
    return await tx.fetchval(
        """
        select count(*) from appointment
         where clinic_id = $1 and doctor_id = $2
           and active_during && tstzrange($3, null)
           and active_claim && tstzrange($3, null)  -- implied by the line above, but indexed
        """,
        clinic_of(doctor_id),
        doctor_id,
        now,
    )
