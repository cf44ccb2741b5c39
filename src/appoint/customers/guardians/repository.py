"""SQL for guardianships. They belong to people, not to clinics, so only cross-clinic statements read them."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from ...database.pool import Statements, to
from .model import Guardianship


async def add(tx: Statements, *, guardian_id: UUID, ward_id: UUID, clinic_id: int | None, ends_on: date) -> UUID | None:
    """Add a guardianship, and append the event. Return None if the clinic has already granted it."""
    return await tx.fetchval(
        """
        with added as (
          insert into guardianship (guardian_id, ward_id, granting_clinic_id, ends_on) values ($1, $2, $3, $4)
          on conflict do nothing
          returning *
        ), events as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select coalesce(granting_clinic_id, 0), 'guardianship.added', id::text, version,
                 jsonb_build_object('guardianId', guardian_id, 'wardId', ward_id)
            from added
        )
        select id from added
        """,
        guardian_id,
        ward_id,
        clinic_id,
        ends_on,
    )


async def find(db: Statements, guardianship_id: UUID) -> Guardianship | None:
    """Return a guardianship, unless it has been ended."""
    rows = await _list(db, guardianship_id=guardianship_id)
    return rows[0] if rows else None


async def list_of_guardian(db: Statements, guardian_id: UUID, *, today: date) -> list[Guardianship]:
    """Return the guardianships that let someone book for others today, oldest first."""
    return await _list(db, guardian_id=guardian_id, today=today)


async def list_of_ward(db: Statements, ward_id: UUID, *, today: date) -> list[Guardianship]:
    """Return the guardianships that let others book for someone today, oldest first."""
    return await _list(db, ward_id=ward_id, today=today)


async def list_of_customer(db: Statements, customer_id: UUID) -> list[Guardianship]:
    """Return all of a customer's guardianships, both as guardian and as ward, including those that are over."""
    return [*await _list(db, guardian_id=customer_id), *await _list(db, ward_id=customer_id)]


async def _list(
    db: Statements,
    *,
    guardianship_id: UUID | None = None,
    guardian_id: UUID | None = None,
    ward_id: UUID | None = None,
    today: date | None = None,
) -> list[Guardianship]:
    rows = await db.fetch(
        """
        select g.id, g.guardian_id, a.name as guardian, g.ward_id, w.name as ward, w.birth_date,
               g.granting_clinic_id as clinic_id, c.name as clinic, g.ends_on, g.created_at
          from guardianship g
          join customer a on a.id = g.guardian_id and a.active
          join customer w on w.id = g.ward_id and w.active
          left join clinic c on c.id = g.granting_clinic_id
         where g.ended_at is null
           and ($1::uuid is null or g.id = $1)
           and ($2::uuid is null or g.guardian_id = $2)
           and ($3::uuid is null or g.ward_id = $3)
           and ($4::date is null or g.ends_on > $4)
         order by g.id
        """,
        guardianship_id,
        guardian_id,
        ward_id,
        today,
    )
    return [to(Guardianship, row) for row in rows]


async def list_expired(db: Statements, *, today: date, limit: int) -> list[UUID]:
    """Return the ids of guardianships whose last day has passed but that have not been ended yet, oldest first."""
    rows = await db.fetch(
        "select id from guardianship where ended_at is null and ends_on <= $1 order by id limit $2", today, limit
    )
    return [row.id for row in rows]


async def end(tx: Statements, guardianship_id: UUID, *, now: datetime, linked_since: datetime) -> bool:
    """End a guardianship, and append the event. The guardian is no longer the booker of the ward's appointments, and
    those that end after `linked_since` get a new manage link, because the guardian knows the current one. Return False
    if it has already been ended."""
    return await tx.fetchval(
        """
        with ended as (
          update guardianship set ended_at = $2, version = version + 1, updated_at = now()
           where id = $1 and ended_at is null
          returning *
        ), told as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select coalesce(granting_clinic_id, 0), 'guardianship.ended', id::text, version,
                 jsonb_build_object('guardianId', guardian_id, 'wardId', ward_id)
            from ended
        ), changed as (
          update appointment a
             set link_number = a.link_number + 1,
                 booker_id = nullif(a.booker_id, (select guardian_id from ended)),
                 version = a.version + 1, updated_at = now()
           where a.customer_id = (select ward_id from ended)
             and a.clinic_id = coalesce((select granting_clinic_id from ended), a.clinic_id)
             and upper(a.during) > $3
          returning a.clinic_id, a.id, a.version
        ), news as (
          insert into event (clinic_id, type, subject_id, subject_version, data)
          select clinic_id, 'appointment.changed', id::text, version, '{}' from changed
        )
        select exists (select from ended)
        """,
        guardianship_id,
        now,
        linked_since,
    )


async def are_patients(tx: Statements, clinic_id: int, customer_ids: Sequence[UUID]) -> bool:
    """Return whether all these active customers are the clinic's patients."""
    count = await tx.fetchval(
        """
        select count(*)
          from patient p
          join customer c on c.id = p.customer_id and c.active
         where p.clinic_id = $1 and p.customer_id = any($2)
        """,
        clinic_id,
        customer_ids,
    )
    return count == len(set(customer_ids))


async def delete_of_customer(tx: Statements, customer_id: UUID) -> None:
    """Delete all of a customer's guardianships, both as guardian and as ward."""
    await tx.execute("delete from guardianship where guardian_id = $1 or ward_id = $1", customer_id)
