"""SQL for finding clinics."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ...database.pool import Row, Statements
from ...database.sql import load
from ...kit import clock
from ..availability.model import Terms
from ..availability.repository import doctor_time
from .model import CandidateDoctor, Criteria, Match, OfferedType, SuggestedName

FIND_CLINICS: Final = load(__name__, "find_clinics")
SUGGEST_NAMES: Final = load(__name__, "suggest_names")
READ_DOCTORS_TIME: Final = load(__name__, "read_doctors_time")
MAX_DOCTORS: Final = 20
"""Per clinic."""
MAX_TYPES: Final = 30
"""Per doctor."""


async def find_clinics(
    db: Statements, criteria: Criteria, *, after: int | None, limit: int, now: datetime
) -> list[Match]:
    """Return clinics, nearest or best match first, starting after clinic number `after`, plus one beyond `limit` if
    there is a next page."""
    place = criteria.place
    rows = await db.fetch(
        FIND_CLINICS,
        text=criteria.text,
        codes=list(criteria.codes),
        latitude=place and place.latitude,
        longitude=place and place.longitude,
        within_km=criteria.within_km,
        specialty=criteria.specialty,
        language=criteria.language,
        age=criteria.age,
        patients=None if criteria.is_new is None else "new" if criteria.is_new else "known",
        after=after,
        limit=limit,
        max_doctors=MAX_DOCTORS,
        now=now,
    )
    return [Match(*row.values()) for row in rows]


async def read_doctors_time(
    db: Statements, matches: Sequence[Match], criteria: Criteria, *, days: int, max_doctors: int, now: datetime
) -> list[CandidateDoctor]:
    """Return up to `max_doctors` doctors of each match, with their time on the visitor's day or on `days` days starting
    today."""
    pairs = [(match.id, doctor_id) for match in matches for doctor_id in match.doctor_ids[:max_doctors]]
    rows = await db.fetch(
        READ_DOCTORS_TIME,
        clinic_ids=[clinic_id for clinic_id, _ in pairs],
        doctor_ids=[doctor_id for _, doctor_id in pairs],
        type_ids=[type_id for match in matches for type_id in match.type_ids or ()],
        on=criteria.on,
        days=days,
        max_types=MAX_TYPES,
        now=now,
    )
    return [_candidate(row, now) for row in rows]


async def suggest_names(db: Statements, text: str, *, limit: int, now: datetime) -> list[SuggestedName]:
    """Return bookable doctors and clinics whose names the text can be the beginning of, the most similar first."""
    rows = await db.fetch(SUGGEST_NAMES, text=text, limit=limit, now=now)
    return [SuggestedName(*row.values()) for row in rows]


async def list_specialties(db: Statements) -> list[str]:
    """Return the codes of all active doctors' specialties."""
    rows = await db.fetch("select distinct unnest(d.specialties) as code from doctor d where d.active limit 200")
    return [row.code for row in rows]


async def list_languages(db: Statements) -> list[str]:
    """Return the languages that active doctors speak."""
    rows = await db.fetch("select distinct unnest(d.languages) as code from doctor d where d.active limit 200")
    return [row.code for row in rows]


def _candidate(row: Row, now: datetime) -> CandidateDoctor:
    return CandidateDoctor(
        row.clinic_id,
        row.doctor_id,
        row.name,
        row.title,
        row.specialty,
        row.specialties,
        row.languages,
        row.min_age,
        row.max_age,
        row.patients,
        msgspec.json.decode(row.types or "[]", type=list[OfferedType]),
        row.whole_slots,
        Terms(
            row.time_zone,
            timedelta(minutes=row.slot_step_minutes),
            now + timedelta(minutes=row.min_notice_minutes),
            clock.local_date(now, row.time_zone) + timedelta(days=row.horizon_days),
        ),
        doctor_time(row),
    )
