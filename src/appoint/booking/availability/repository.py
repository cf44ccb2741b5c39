"""SQL for availability: published slots and claims, as ranges."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, CatalogueType, Length
from ...database.pool import Row, Statements
from ...database.sql import load
from ...kit import clock, ids
from .model import DoctorOffer, DoctorTime, PublishedSlot, SearchFilter, SearchPosition, SearchSlot, Terms

DOCTORS_TIME: Final = load(__name__, "doctors_time")
MANY_DOCTORS_TIME: Final = load(__name__, "many_doctors_time")
PUBLISHED_DAYS: Final = load(__name__, "published_days")
MANY_DOCTORS: Final = 300
"""From this number of doctors on, a statement that scans by start is faster than one that scans by doctor."""
NEXT_SLOTS: Final = load(__name__, "next_slots")


async def load_doctors_time(
    db: Statements,
    catalogue: Catalogue,
    *,
    doctors: Sequence[CatalogueDoctor],
    type: CatalogueType | None,
    first: date,
    last: date,
    before: timedelta,
    after: timedelta,
) -> list[DoctorTime]:
    """Return each doctor's published slots on the local dates `first…last` (inclusive), ordered by doctor id, and their
    claims from `before` the first date until `after` the last one.

    Omit inactive doctors, and doctors whose version in the catalogue is out of date. Return nothing if the clinic or
    the type is inactive or has changed. This reads two index ranges per doctor or, for many doctors, two per clinic,
    however many appointments there are.
    """
    values = {
        "clinic_id": catalogue.clinic_id,
        "clinic_version": catalogue.version,
        "type_id": type and type.id,
        "type_version": type and type.version,
        "doctor_ids": [doctor.id for doctor in doctors],
        "doctor_versions": [doctor.version for doctor in doctors],
        "time_zone": catalogue.time_zone,
        "first": first,
        "last": last,
        "before": before,
        "after": after,
    }
    if len(doctors) < MANY_DOCTORS:
        rows = await db.fetch(DOCTORS_TIME, **values)
    else:
        rows = await db.fetch(MANY_DOCTORS_TIME, **values)
    return [doctor_time(row) for row in rows]


async def list_published_days(db: Statements, clinic_id: int, *, first: date, last: date, now: datetime) -> list[date]:
    """Return the local dates on which at least one of the clinic's doctors has published hours that end after `now`."""
    rows = await db.fetch(PUBLISHED_DAYS, clinic_id=clinic_id, first=first, last=last, now=now)
    return [row.date for row in rows]


async def list_full_days(
    db: Statements, clinic_id: int, *, first: date, last: date, minutes: int | None
) -> dict[UUID, set[date]]:
    """Return the local dates on which doctors have no time left for an appointment of this length. A doctor with free
    time is never in the result, but one without may be missing.
    """
    full: defaultdict[UUID, set[date]] = defaultdict(set)
    for row in await db.fetch(
        "select doctor_id, date from full_days($1, $2, $3, $4)", clinic_id, first, last, minutes or 1
    ):
        full[row.doctor_id].add(row.date)
    return full


async def find_next_slots(
    db: Statements,
    query: SearchFilter,
    *,
    first: date,
    last: date,
    now: datetime,
    after: SearchPosition,
    place: SearchPosition,
    until: datetime,
    limit: int,
) -> list[SearchSlot]:
    """Return published slots across clinics on each clinic's own local dates, ordered by (since, clinic, doctor), after
    `place` and before `until`.

    `since` is the earliest start in the slot that the clinic's notice allows and that comes after the cursor `after`.
    Each slot includes the doctor's adjacent slots and claims. Because of the limit, the cost of a search page depends
    on what the page shows, not on how many slots exist.
    """
    type_id = query.appointment_type_id
    rows = await db.fetch(
        NEXT_SLOTS,
        clinic_id=ids.clinic_of(type_id) if type_id else query.clinic_id,
        specialty=query.specialty,
        type_id=type_id,
        minutes=query.minutes,
        first=first,
        last=last,
        now=now,
        after_start=after.start,
        after_clinic_id=after.clinic_id,
        after_doctor_id=after.doctor_id,
        place_start=place.start,
        place_clinic_id=place.clinic_id,
        place_doctor_id=place.doctor_id,
        until=until,
        limit=limit,
    )
    return [
        SearchSlot(row.clinic_name, row.doctor_name, row.specialty, row.since, _doctor_offer(row, now)) for row in rows
    ]


def doctor_time(row: Row) -> DoctorTime:
    """Return the published slots and claims in a row from `doctors_time` or another statement with the same columns."""
    slots = list(map(PublishedSlot, row["slot_ids"] or (), row["slot_starts"] or (), row["slot_ends"] or ()))
    claims = list(zip(row["claim_starts"] or (), row["claim_ends"] or (), strict=True))
    return DoctorTime(row["doctor_id"], slots, claims)


def _doctor_offer(row: Row, now: datetime) -> DoctorOffer:
    terms = Terms(
        row.time_zone,
        timedelta(minutes=row.slot_step_minutes),
        now + timedelta(minutes=row.min_notice_minutes),
        clock.local_date(now, row.time_zone) + timedelta(days=row.horizon_days),
    )
    length = Length(row.minutes, row.before, row.after) if row.minutes else None
    return DoctorOffer(row.clinic_id, terms, length, doctor_time(row))
