"""SQL for bookings: appointments grouped by `booking_id`."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from ...database.pool import Statements
from ..model import BookedAppointments, Selection
from ..repository import to_booked_appointments
from .model import BookingStart


async def list_for_clinic(db: Statements, clinic_id: int, selection: Selection) -> list[BookingStart]:
    """Return a clinic's bookings, earliest first, plus one beyond the limit if there is a next page.

    A booking's date and its place in the list depend on the start of its first appointment. The other criteria can
    match any of its appointments.
    """
    rows = await db.fetch(
        """
        select s.booking_id, s.start_time as start
          from shown_appointment s
         where s.clinic_id = $1 and s.position = 0
           and s.start_time >= greatest((select local_instant($2, 0, time_zone) from clinic where id = $1),
                                        $7, '-infinity')
           and s.start_time < coalesce((select local_instant($3::date + 1, 0, time_zone) from clinic where id = $1),
                                       'infinity')
           and exists (select from appointment a
                        where a.clinic_id = $1 and a.booking_id = s.booking_id
                          and ($4::uuid[] is null or a.doctor_id = any($4))
                          and ($5::uuid is null or $5 in (a.customer_id, a.booker_id))
                          and ($6::text is null or a.status = $6))
           and ($7::timestamptz is null or (s.start_time, s.booking_id) > ($7, $8::uuid))
         order by s.start_time, s.booking_id
         limit $9 + 1
        """,
        clinic_id,
        *selection.parameters,
    )
    return [BookingStart(row.booking_id, row.start) for row in rows]


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
        booking_id: to_booked_appointments(list(booking_rows))
        for booking_id, booking_rows in groupby(rows, key=attrgetter("booking_id"))
    }
