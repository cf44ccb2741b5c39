"""Read appointments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from ...database.pool import Row, Statements, to
from ...database.sql import load
from ...kit.key_ring import KeyRing
from ...kit.money import Money
from ..confirmation.message import Confirmation
from ..model import (
    Appointment,
    AppointmentDetails,
    BookedAppointments,
    CancelCause,
    CustomerVisit,
    StoredAppointment,
)
from ..selection import Selection
from ..steps import UNDO_WINDOW, UndoOffer
from .encrypted_columns import ENCRYPTED_COLUMNS, decrypted

LIST_CHANGED: Final = load(__name__.rpartition(".")[0], "list_changed")
LIST_VISITS: Final = load(__name__.rpartition(".")[0], "list_visits")
COMPUTED_FIELDS: Final = frozenset({"price", "manage_token", "confirmation", "payment", "advisories", "undo"})
COLUMNS: Final = tuple(name for name in Appointment.__struct_fields__ if name not in COMPUTED_FIELDS)
DETAIL_COLUMNS: Final = (
    *COLUMNS,
    *(name for name in AppointmentDetails.__struct_fields__ if name not in Appointment.__struct_fields__),
)


def to_appointment(row: Row, keys: KeyRing) -> Appointment:
    """Convert a row from `shown_appointment` or from the insert statement."""
    undo = UndoOffer.of(row.step_id, row.stepped_at) if row.step_id else None
    columns: dict[str, Any] = {name: row[name] for name in COLUMNS} | decrypted(row, keys, *ENCRYPTED_COLUMNS)
    return Appointment(**columns, price=_price(row), undo=undo)


def _price(row: Row) -> Money | None:
    amount = row["price_amount"]
    return None if amount is None else Money(amount, row["price_currency"])


def to_booked_appointments(rows: Sequence[Row], keys: KeyRing) -> BookedAppointments:
    """Convert one booking's rows, in order."""
    return BookedAppointments([to_appointment(row, keys) for row in rows], rows[0].booker_id)


def to_new_appointments(rows: Sequence[Row], keys: KeyRing) -> BookedAppointments:
    """Convert the rows of one booking, in order, including where the code was sent."""
    booking = to_booked_appointments(rows, keys)
    return booking._replace(
        appointments=[
            msgspec.structs.replace(
                appointment, confirmation=Confirmation.to(row.code_sent_to, appointment.hold_expires_at)
            )
            if row.code_sent_to and appointment.hold_expires_at
            else appointment
            for appointment, row in zip(booking.appointments, rows, strict=True)
        ]
    )


async def find(db: Statements, *, clinic_id: int, appointment_id: UUID) -> StoredAppointment | None:
    row = await db.fetchrow(
        "select * from shown_appointment where clinic_id = $1 and id = $2", clinic_id, appointment_id
    )
    if row is None:
        return None
    claim = (row.claimed.lower, row.claimed.upper)
    return StoredAppointment(
        to_appointment(row, db.keys), claim, row.version, row.cancel_cause and CancelCause(row.cancel_cause)
    )


async def has_link(db: Statements, *, clinic_id: int, appointment_id: UUID, number: int, ended_after: datetime) -> bool:
    """Return whether this is the appointment's valid manage link, and the appointment ends after the given time."""
    return bool(
        await db.fetchval(
            """
            select link_number = $3 and upper(during) > $4
              from appointment
             where clinic_id = $1 and id = $2
            """,
            clinic_id,
            appointment_id,
            number,
            ended_after,
        )
    )


async def find_details(db: Statements, *, clinic_id: int, appointment_id: UUID) -> AppointmentDetails | None:
    """Return the appointment with the details that its manage link shows, which include neither notes nor reasons."""
    row = await db.fetchrow(
        """
        select s.*, a.sequence, c.name as clinic, c.slug, c.address, c.phone, c.email, d.name as doctor, t.name as type,
               coalesce(t.mode, 'inPerson') as mode, t.preparation,
               (select coalesce(u.email, u.phone) from clinic_customer u where u.id = s.customer_id) as sent_to,
               (select masked_address(k.customer_id)
                  from confirmation_code k
                 where k.clinic_id = s.clinic_id and k.booking_id = s.booking_id and k.confirmed_at is null
                   and s.status = 'pending') as code_sent_to
          from shown_appointment s
          join appointment a on a.clinic_id = s.clinic_id and a.id = s.id
          join clinic c on c.id = s.clinic_id
          join doctor d on d.clinic_id = s.clinic_id and d.id = s.doctor_id
          left join appointment_type t on t.clinic_id = s.clinic_id and t.id = s.appointment_type_id
         where s.clinic_id = $1 and s.id = $2
        """,
        clinic_id,
        appointment_id,
    )
    if row is None:
        return None
    columns: dict[str, Any] = {name: row[name] for name in DETAIL_COLUMNS} | dict.fromkeys(ENCRYPTED_COLUMNS)
    return AppointmentDetails(**columns, price=_price(row))


async def find_by_idempotency_key(
    db: Statements, *, clinic_id: int, caller: str, key: str, ttl: timedelta
) -> tuple[bytes, BookedAppointments] | None:
    """Return the digest of an earlier request with the same caller and key, and the appointments that it booked. If
    the request is older than `ttl`, free its key instead.

    If the server has synchronous standbys, also write a message to its write-ahead log, so that the statement returns
    only after a standby has stored it, and with it the appointments. Otherwise a booking whose own wait for the
    standby was cut short could be acknowledged here and then lost in a failover.
    """
    rows = await db.fetch(
        """
        with expired as (
          update appointment set idempotency_caller = null, idempotency_key = null, request_digest = null
           where clinic_id = $1 and idempotency_caller = $2 and idempotency_key = $3
             and created_at <= now() - $4::interval
        )
        select s.*, a.request_digest, masked_address(k.customer_id) as code_sent_to,
               case when current_setting('synchronous_standby_names') <> ''
                    then pg_logical_emit_message(true, 'appoint', 'repeated request') end as message_position
          from appointment a
          join shown_appointment s on s.clinic_id = a.clinic_id and s.id = a.id
          left join confirmation_code k
            on k.clinic_id = a.clinic_id and k.booking_id = a.booking_id and k.confirmed_at is null
         where a.clinic_id = $1 and a.idempotency_caller = $2 and a.idempotency_key = $3
           and a.created_at > now() - $4::interval
         order by a.position
        """,
        clinic_id,
        caller,
        key,
        ttl,
    )
    return (rows[0].request_digest, to_new_appointments(rows, db.keys)) if rows else None


async def find_latest_by_callers(
    db: Statements, *, clinic_id: int, callers: Sequence[str], since: datetime
) -> Appointment | None:
    """Return the latest live appointment that one of these callers booked with an idempotency key."""
    row = await db.fetchrow(
        """
        select s.*
          from appointment a
          join shown_appointment s on s.clinic_id = a.clinic_id and s.id = a.id
         where a.clinic_id = $1 and a.idempotency_caller = any($2) and a.created_at >= $3
           and a.active_during is not null
         order by a.created_at desc, a.id desc
         limit 1
        """,
        clinic_id,
        callers,
        since,
    )
    return to_appointment(row, db.keys) if row else None


async def list_for_clinic(db: Statements, clinic_id: int, selection: Selection) -> list[Appointment]:
    """Return a clinic's appointments on local dates, earliest first, plus one beyond the limit if there is a next
    page."""
    rows = await db.fetch(
        """
        select * from shown_appointment s
         where s.clinic_id = $1
           and s.start_time >= greatest((select local_instant($2, 0, time_zone) from clinic where id = $1),
                                        $7, '-infinity')
           and s.start_time < coalesce((select local_instant($3::date + 1, 0, time_zone) from clinic where id = $1),
                                       'infinity')
           and ($4::uuid[] is null or s.doctor_id = any($4))
           and ($5::uuid is null or s.customer_id = any(array(select customers_joined($1, $5))))
           and ($6::text[] is null or s.status = any($6))
           and ($7::timestamptz is null or (s.start_time, s.id) > ($7, $8::uuid))
         order by s.start_time, s.id
         limit $9 + 1
        """,
        clinic_id,
        *selection.parameters,
    )
    return [to_appointment(row, db.keys) for row in rows]


async def list_changed_for_clinic(
    db: Statements, clinic_id: int, selection: Selection, *, since: datetime
) -> list[Appointment]:
    """Return the appointments in the selection that changed at `since` or later, ordered by their last change, plus one
    beyond the limit if there is a next page. The selection's position consists of the time of a change and an id."""
    rows = await db.fetch(LIST_CHANGED, clinic_id=clinic_id, since=since, **selection.parameters_of_changes)
    return [to_appointment(row, db.keys) for row in rows]


async def list_for_customer(
    db: Statements, *, customer_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[Appointment]:
    """Return a customer's appointments at all clinics, earliest first, plus one beyond `limit` if there is a next
    page."""
    start, last_id = after or (None, None)
    rows = await db.fetch(
        """
        select * from shown_appointment
         where customer_id = $1
           and start_time >= coalesce($2::timestamptz, '-infinity')
           and ($2::timestamptz is null or (start_time, id) > ($2, $3::uuid))
         order by start_time, id
         limit $4 + 1
        """,
        customer_id,
        start,
        last_id,
        limit,
    )
    return [to_appointment(row, db.keys) for row in rows]


async def list_visits(
    db: Statements,
    *,
    customer_ids: Sequence[UUID],
    wards: Sequence[tuple[UUID, int | None]],
    now: datetime,
    limit: int,
) -> list[CustomerVisit]:
    """Return the customers' own appointments, those that they booked for others, and their wards' appointments, at all
    clinics: at most `limit` upcoming and `limit` past ones, preferring those nearest to now. For each ward, pass the
    only clinic to include, or None to include all clinics.
    """
    rows = await db.fetch(
        LIST_VISITS,
        customer_ids=customer_ids,
        ward_ids=[ward_id for ward_id, _ in wards],
        ward_clinic_ids=[clinic_id for _, clinic_id in wards],
        now=now,
        limit=limit,
        undo_window=UNDO_WINDOW,
    )
    return [to(CustomerVisit, row) for row in rows]
