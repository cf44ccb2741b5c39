"""SQL for clinics, and for the parts that are deactivated with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from ...database.pool import Row, Statements, to
from ...database.sql import load
from ...kit.fields import format_wall_time, parse_wall_time
from .model import Clinic, ClinicContent, Notifications, Policy, Profile

WITHDRAW_FUTURE_SLOTS: Final = load(__name__, "withdraw_future_slots")


class Usage(msgspec.Struct, frozen=True):
    """How many active doctors and time slots a clinic has, and how many live appointments from now on."""

    doctors: int
    time_slots: int
    appointments: int


class ClinicChoice(msgspec.Struct, frozen=True):
    """A clinic in a list that staff choose from."""

    id: int
    name: str
    active: bool
    time_zone: str


class UnlocatedClinic(msgspec.Struct, frozen=True):
    """A clinic with an address but without coordinates."""

    id: int
    address: str
    time_zone: str


COLUMNS = tuple(field for field in Clinic.__struct_fields__ if field not in ("policy", "notifications", "profile"))


class SlugElsewhere(Exception):
    """A clinic in another cell has the slug. The change has to be rolled back."""


def _clinic(row: Row) -> Clinic:
    times = (
        None if minutes is None else format_wall_time(minutes)
        for minutes in (row.quiet_from, row.quiet_until, row.agenda_minute)
    )
    return Clinic(
        **{name: row[name] for name in COLUMNS},
        policy=to(Policy, row),
        notifications=Notifications(row.reminder_minutes, *times),
        profile=msgspec.json.decode(row.profile, type=Profile),
    )


async def find(db: Statements, clinic_id: int) -> Clinic | None:
    row = await db.fetchrow("select * from clinic where id = $1", clinic_id)
    return _clinic(row) if row else None


async def lock(tx: Statements, clinic_id: int) -> Clinic | None:
    """Return the clinic and lock it against changes until the transaction ends, without blocking bookings."""
    row = await tx.fetchrow("select * from clinic where id = $1 for no key update", clinic_id)
    return _clinic(row) if row else None


async def list_active(db: Statements, *, q: str | None, after: tuple[int] | None, limit: int) -> Sequence[Clinic]:
    """Return active clinics, oldest first, plus one beyond `limit` if there is a next page."""
    rows = await db.fetch(
        """
        select * from clinic
         where active
           and ($1::text is null or position(folded($1) in folded(name)) > 0)
           and id > $2
         order by id
         limit $3 + 1
        """,
        q,
        after[0] if after else 0,
        limit,
    )
    return [_clinic(row) for row in rows]


async def add(tx: Statements, content: ClinicContent) -> Clinic:
    """Insert a clinic. Raise `UniqueViolationError` naming `clinic_slug` if another clinic has the slug, or
    `SlugElsewhere` if that clinic is in another cell."""
    row = await tx.fetchrow(
        """
        insert into clinic (name, time_zone, slug, locale, currency, phone, email, address,
                            slot_step_minutes, min_notice_minutes, horizon_days, cancel_notice_minutes,
                            require_version, doctor_choice, retain_patients_months, retain_messages_days,
                            confirm_address, change_grace_minutes, queue, reminder_minutes, quiet_from, quiet_until,
                            agenda_minute, profile, latitude, longitude)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                $23, $24, $25, $26)
        returning *, exists (select from clinic_home h where h.slug = clinic.slug and h.clinic_id <> clinic.id)
                     as is_slug_elsewhere
        """,
        *_values(content),
    )
    assert row
    if row.is_slug_elsewhere:
        raise SlugElsewhere
    return _clinic(row)


async def change(tx: Statements, clinic_id: int, content: ClinicContent, *, removed_at: datetime | None) -> Clinic:
    """Update a clinic.

    Raise `UniqueViolationError` naming `clinic_slug`, `SlugElsewhere`, or `ForeignKeyViolationError` when
    deactivating a clinic that has active doctors or time slots.
    """
    row = await tx.fetchrow(
        """
        update clinic
           set name = $2, time_zone = $3, slug = $4, locale = $5, currency = $6, phone = $7, email = $8, address = $9,
               slot_step_minutes = $10, min_notice_minutes = $11, horizon_days = $12, cancel_notice_minutes = $13,
               require_version = $14, doctor_choice = $15, retain_patients_months = $16, retain_messages_days = $17,
               confirm_address = $18, change_grace_minutes = $19, queue = $20, reminder_minutes = $21,
               quiet_from = $22, quiet_until = $23, agenda_minute = $24, profile = $25, latitude = $26,
               longitude = $27, active = $28::timestamptz is null, removed_at = $28, version = version + 1,
               updated_at = now()
         where id = $1
        returning *, exists (select from clinic_home h where h.slug = clinic.slug and h.clinic_id <> clinic.id)
                     as is_slug_elsewhere
        """,
        clinic_id,
        *_values(content),
        removed_at,
    )
    assert row
    if row.is_slug_elsewhere:
        raise SlugElsewhere
    return _clinic(row)


def _values(content: ClinicContent) -> tuple[object, ...]:
    return (
        content.name,
        content.time_zone,
        content.slug,
        content.locale,
        content.currency,
        content.phone,
        content.email,
        content.address,
        *msgspec.structs.astuple(content.policy),
        content.notifications.reminder_minutes,
        *(
            time and parse_wall_time(time)
            for time in (
                content.notifications.quiet_from,
                content.notifications.quiet_until,
                content.notifications.agenda_time,
            )
        ),
        msgspec.json.encode(content.profile).decode(),
        *content.coordinates,
    )


async def load_usage(tx: Statements, clinic_id: int, *, now: datetime) -> Usage:
    """Count what prevents a clinic from being deactivated."""
    row = await tx.fetchrow(
        """
        select (select count(*) from doctor where clinic_id = $1 and active) as doctors,
               (select count(*) from time_slot where clinic_id = $1 and active) as time_slots,
               (select count(*) from appointment
                 where clinic_id = $1 and active_during && tstzrange($2, null)) as appointments
        """,
        clinic_id,
        now,
    )
    assert row
    return to(Usage, row)


async def has_future_slots(tx: Statements, clinic_id: int, *, now: datetime) -> bool:
    return await tx.fetchval(
        "select exists (select from booking_slot where clinic_id = $1 and active_during && tstzrange($2, null))",
        clinic_id,
        now,
    )


async def deactivate_parts(tx: Statements, clinic_id: int, *, now: datetime) -> None:
    """Deactivate the clinic's time slots, schedule lines and doctors, and withdraw its future booking slots.

    Raise `ForeignKeyViolationError` if a slot has a live appointment.
    """
    await tx.execute(
        """
        update doctor_slot set active = false, removed_at = $2, version = version + 1, updated_at = now()
         where clinic_id = $1 and active
        """,
        clinic_id,
        now,
    )
    await tx.execute(
        """
        update time_slot set active = false, removed_at = $2, version = version + 1, updated_at = now()
         where clinic_id = $1 and active
        """,
        clinic_id,
        now,
    )
    await tx.execute(
        """
        update doctor set active = false, removed_at = $2, version = version + 1, updated_at = now()
         where clinic_id = $1 and active
        """,
        clinic_id,
        now,
    )
    await withdraw_future_slots(tx, clinic_id, doctor_id=None, now=now)


async def withdraw_future_slots(tx: Statements, clinic_id: int, *, doctor_id: UUID | None, now: datetime) -> None:
    """Withdraw the slots published from now on, for one doctor or for all. A slot in progress is cut short.

    Raise `ForeignKeyViolationError` if a slot has a live appointment.
    """
    await tx.execute(WITHDRAW_FUTURE_SLOTS, clinic_id=clinic_id, doctor_id=doctor_id, now=now)


async def list_time_zones(db: Statements) -> list[str]:
    """Return the time zones of active clinics."""
    return [row.time_zone for row in await db.fetch("select distinct time_zone from clinic where active order by 1")]


async def list_unlocated(db: Statements) -> list[UnlocatedClinic]:
    """Return active clinics that have an address but no coordinates."""
    rows = await db.fetch(
        "select id, address, time_zone from clinic where active and address is not null and latitude is null order by 1"
    )
    return [to(UnlocatedClinic, row) for row in rows]


async def set_coordinates(db: Statements, clinic_id: int, *, latitude: float, longitude: float) -> None:
    """Store where the clinic is, unless someone else already has. The clinic's version stays the same."""
    await db.execute(
        "update clinic set latitude = $2, longitude = $3 where id = $1 and latitude is null",
        clinic_id,
        latitude,
        longitude,
    )


async def list_choices(db: Statements, *, clinic_ids: Sequence[int] | None) -> list[ClinicChoice]:
    """Return the clinics with these ids, or all clinics: active ones first, ordered by name, at most 500."""
    rows = await db.fetch(
        """
        select id, name, active, time_zone from clinic
         where $1::integer[] is null or id = any($1)
         order by active desc, name, id
         limit 500
        """,
        clinic_ids,
    )
    return [to(ClinicChoice, row) for row in rows]
