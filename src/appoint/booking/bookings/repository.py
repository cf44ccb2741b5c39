"""SQL for bookings: appointments grouped by `booking_id`."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final
from uuid import UUID

from ...database.pool import Statements
from ...database.sql import load
from ..model import Appointment, BookedAppointments
from ..repository import to_appointment, to_booked_appointments
from ..selection import Selection
from .model import BookingPlace

LIST_CHANGED: Final = load(__name__, "list_changed_bookings")


async def list_for_clinic(db: Statements, clinic_id: int, selection: Selection) -> list[BookingPlace]:
    """Return a clinic's bookings, earliest first, plus one beyond the limit if there is a next page.

    A booking is included if any of its appointments matches all criteria, dates included, and is sorted by the start of
    the first one that does.
    """
    rows = await db.fetch(
        """
        select s.booking_id, s.start_time as start
          from shown_appointment s
         where s.clinic_id = $1
           and s.start_time >= greatest((select local_instant($2, 0, time_zone) from clinic where id = $1),
                                        $7, '-infinity')
           and s.start_time < coalesce((select local_instant($3::date + 1, 0, time_zone) from clinic where id = $1),
                                       'infinity')
           and ($4::uuid[] is null or s.doctor_id = any($4))
           and ($5::uuid is null or $5 in (s.customer_id, s.booker_id))
           and ($6::text[] is null or s.status = any($6))
           and not exists (  -- an earlier appointment in the booking that matches too
                 select
                   from appointment e
                  where e.clinic_id = $1 and e.booking_id = s.booking_id
                    and (lower(e.during), e.id) < (s.start_time, s.id)
                    and lower(e.during)
                        >= coalesce((select local_instant($2, 0, time_zone) from clinic where id = $1), '-infinity')
                    and ($4::uuid[] is null or e.doctor_id = any($4))
                    and ($5::uuid is null or $5 in (e.customer_id, e.booker_id))
                    and ($6::text[] is null or e.status = any($6)))
           and ($7::timestamptz is null or (s.start_time, s.booking_id) > ($7, $8::uuid))
         order by s.start_time, s.booking_id
         limit $9 + 1
        """,
        clinic_id,
        *selection.parameters,
    )
    return [BookingPlace(row.booking_id, row.start) for row in rows]


async def list_changed_for_clinic(
    db: Statements, clinic_id: int, selection: Selection, *, since: datetime
) -> list[BookingPlace]:
    """Return a clinic's bookings with a matching appointment that changed at `since` or later, ordered by that
    appointment's last change, plus one beyond the limit if there is a next page."""
    rows = await db.fetch(LIST_CHANGED, clinic_id=clinic_id, since=since, **selection.parameters_of_changes)
    return [BookingPlace(row.booking_id, row.changed_at) for row in rows]


async def list_by_ids(db: Statements, *, clinic_id: int, ids: Sequence[UUID]) -> list[Appointment]:
    """Return the clinic's appointments with these ids."""
    rows = await db.fetch("select * from shown_appointment where clinic_id = $1 and id = any($2)", clinic_id, ids)
    return [to_appointment(row, db.keys) for row in rows]


async def load_bookings(
    db: Statements, *, clinic_id: int, booking_ids: Sequence[UUID]
) -> dict[UUID, BookedAppointments]:
    """Return each booking's appointments, in request order."""
    rows = await db.fetch(
        "select * from shown_appointment where clinic_id = $1 and booking_id = any($2) order by booking_id, position",
        clinic_id,
        booking_ids,
    )
    return {
        booking_id: to_booked_appointments(list(booking_rows), db.keys)
        for booking_id, booking_rows in groupby(rows, key=attrgetter("booking_id"))
    }
