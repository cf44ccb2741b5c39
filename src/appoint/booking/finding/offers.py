"""Choose the times to offer to someone who searches, without a database or a clock."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from itertools import islice
from uuid import UUID

import msgspec

from ...clinics.audience import accepting
from ..availability.model import starts, without_full_slots
from .model import CandidateDoctor, Criteria, FoundClinic, FoundDoctor, Match, NextTime, OfferedType


def offer(
    match: Match, doctors: Iterable[CandidateDoctor], criteria: Criteria, *, now: datetime, limit: int
) -> FoundClinic | None:
    """Return the clinic with its next free times for the patient, or None if none of its doctors sees them."""
    today = now.date()
    patient = criteria.facts(today)
    names_match: Collection[UUID] = match.named_ids or ()
    candidates = list(doctors)
    accepted = accepting(
        candidates, None, patient, today, is_named=any(doctor.id in names_match for doctor in candidates)
    )
    offers: list[NextTime] = []
    faces: list[FoundDoctor] = []
    for doctor in accepted:
        type = doctor.type_for(patient, today)
        if type or doctor.whole_slots:
            faces.append(
                FoundDoctor(
                    doctor.id, doctor.name, doctor.title, doctor.specialty, doctor.specialties, doctor.languages
                )
            )
            offers += _first_times(doctor, type, criteria.on, limit)
    if not faces:
        return None
    by_start = {each.start_time: each for each in sorted(offers, key=lambda each: (each.start_time, each.doctor))[::-1]}
    return FoundClinic(
        match.id,
        match.name,
        match.slug,
        match.address,
        match.time_zone,
        None if match.km is None else round(match.km, 1),
        faces,
        [by_start[start] for start in sorted(by_start)[:limit]],
    )


def with_later_times(clinic: FoundClinic, later: FoundClinic, *, limit: int) -> FoundClinic:
    """Return the clinic with times from a search that covers more days, but perhaps fewer of its doctors."""
    by_start = {time.start_time: time for time in (*later.times, *clinic.times)}
    return msgspec.structs.replace(clinic, times=[by_start[start] for start in sorted(by_start)[:limit]])


def _first_times(doctor: CandidateDoctor, type: OfferedType | None, on: date | None, limit: int) -> Iterable[NextTime]:
    free = (
        NextTime(
            offer.start_time, offer.end_time, doctor.id, doctor.name, type and type.id, type.name if type else None
        )
        for day, offer in starts(without_full_slots(doctor.time), type and type.length, doctor.terms)
        if offer.available and on in (None, day)
    )
    return islice(free, limit)
