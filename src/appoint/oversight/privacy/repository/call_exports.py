"""Read what is stored about a customer's video visits, for an export."""

from uuid import UUID

from ....database.pool import Statements, to
from ..exported import ExportedCall, ExportedConsent, ExportedGuest, ExportedRecording


async def calls(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedCall]:
    """Return the calls of the customer's own appointments, newest first."""
    rows = await db.fetch(
        """
        select c.clinic_id, c.appointment_id, lower(c.during) as start_time, c.waiting_since,
               c.patient_joined_at as joined_at, c.recording_requested_at
          from appointment a
          join call c on c.clinic_id = a.clinic_id and c.appointment_id = a.id
         where a.customer_id = $1
         order by start_time desc, c.id
         limit $2
        """,
        customer_id,
        limit,
    )
    return [to(ExportedCall, row) for row in rows]


async def guests(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedGuest]:
    """Return the guests whom the customer has brought to video visits, newest first."""
    rows = await db.fetch(
        """
        select g.clinic_id, g.appointment_id, g.name, g.created_at, g.revoked_at
          from appointment a
          join call_guest g on g.clinic_id = a.clinic_id and g.appointment_id = a.id
         where a.customer_id = $1
         order by g.created_at desc, g.id
         limit $2
        """,
        customer_id,
        limit,
    )
    return [to(ExportedGuest, row) for row in rows]


async def consents(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedConsent]:
    """Return the customer's consents to recordings, newest first."""
    rows = await db.fetch(
        """
        select r.clinic_id, r.appointment_id, r.words_version, r.language, r.given_by, r.given_at, r.withdrawn_at
          from appointment a
          join recording_consent r on r.clinic_id = a.clinic_id and r.appointment_id = a.id
         where a.customer_id = $1
         order by r.given_at desc, r.id
         limit $2
        """,
        customer_id,
        limit,
    )
    return [to(ExportedConsent, row) for row in rows]


async def recordings(db: Statements, customer_id: UUID, *, limit: int) -> list[ExportedRecording]:
    """Return the recordings of the customer's video visits, newest first."""
    rows = await db.fetch(
        """
        select r.clinic_id, c.appointment_id, r.state, r.bytes as size, r.created_at, r.delete_at
          from appointment a
          join call c on c.clinic_id = a.clinic_id and c.appointment_id = a.id
          join recording r on r.clinic_id = c.clinic_id and r.call_id = c.id
         where a.customer_id = $1
         order by r.created_at desc, r.id
         limit $2
        """,
        customer_id,
        limit,
    )
    return [to(ExportedRecording, row) for row in rows]
