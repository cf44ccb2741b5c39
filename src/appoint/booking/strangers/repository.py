"""SQL for appointments that strangers booked."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ...database.pool import Row, Statements
from ...database.sql import load
from ..model import Status
from .model import StrangerAppointment, StrangerSelection

LIST_STRANGERS: Final = load(__name__, "list_strangers")


async def list_newest(db: Statements, clinic_id: int, selection: StrangerSelection) -> list[StrangerAppointment]:
    """Return a clinic's appointments booked by strangers, newest first, plus one beyond the limit if there are more.

    `db` must see all customers: the query matches full addresses, but returns only masked ones.
    """
    made_before, last_id = selection.after or (None, None)
    rows = await db.fetch(
        LIST_STRANGERS,
        clinic_id=clinic_id,
        network=selection.network,
        address=selection.address,
        first=selection.first,
        last=selection.last,
        live=selection.live,
        made_before=made_before,
        last_id=last_id,
        limit=selection.limit,
    )
    return [_appointment(clinic_id, row) for row in rows]


def _appointment(clinic_id: int, row: Row) -> StrangerAppointment:
    return StrangerAppointment(
        row.id,
        clinic_id,
        row.doctor_id,
        row.doctor_name,
        row.customer_id,
        row.name,
        row.sent_to,
        row.start_time,
        row.end_time,
        Status(row.status),
        row.created_at,
        [network.hex() for network in row.networks],
    )


async def keep_booked_by_strangers(db: Statements, *, clinic_id: int, appointment_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of the given appointments that strangers booked, in the order in which to lock them. Locking an
    appointment first locks its doctor.
    """
    rows = await db.fetch(
        """
        select a.id
          from stranger_appointment s
          join appointment a on a.clinic_id = $1 and a.id = s.appointment_id
         where s.clinic_id = $1 and s.appointment_id = any($2)
         order by a.doctor_id, a.id
        """,
        clinic_id,
        appointment_ids,
    )
    return [row.id for row in rows]
