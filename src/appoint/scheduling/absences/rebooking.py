"""Find new times, and colleagues, for appointments that cannot keep their time or doctor."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from ...booking.availability import repository as availability
from ...booking.availability.model import DoctorTime, OfferedTime, Range, Terms, nearest, starts
from ...booking.availability.service import MAX_BUFFER
from ...booking.repository import find_patient_facts
from ...booking.time_rules import buffers, covers, overlaps
from ...clinics.audience import NO_FACTS, UNKNOWN, Acceptance, PatientFacts
from ...clinics.catalogue import repository as catalogues
from ...clinics.catalogue.model import Catalogue, Length
from ...database.pool import Statements
from ...kit import clock, errors
from . import repository
from .model import (
    AffectedAppointment,
    AppointmentToRebook,
    AwayPeriod,
    Colleague,
    PossibleColleague,
    RebookingList,
    RebookingOptions,
)

SEARCH_RADIUS: Final = timedelta(days=14)
"""How far before and after an appointment to search for a different time."""
MAX_SEARCH_SPAN: Final = timedelta(days=120)
MAX_TO_REBOOK: Final = 50
"""The maximum number of appointments listed with new times. More appear once these are rebooked."""
SHORT_NOTICE: Final = timedelta(hours=24)
"""How far ahead an appointment must be for its patient to be offered an earlier time."""
MAX_OPTIONS: Final = 3
"""The maximum number of free times to offer for each appointment: this many with its own doctor, and the same number
with others."""


async def find_rebooking_options(
    db: Statements,
    clinic_id: int,
    appointments: Sequence[AffectedAppointment],
    *,
    away: AwayPeriod | None,
    now: datetime,
) -> dict[UUID, RebookingOptions]:
    """Return, for each appointment, the nearest times that it could move to: outside the absence `away`, and with
    doctors who accept the patient. No two appointments get the same time.

    The appointments must be in chronological order. This reads all doctors' time once, however many appointments there
    are. Raise `NotFound` for an unknown clinic.
    """
    search = await _prepare(db, clinic_id, appointments, away=away, now=now)
    return {appointment.id: search.options(appointment) for appointment in appointments} if search else {}


async def load_rebooking_list(
    db: Statements, clinic_id: int, *, doctor_id: UUID | None, now: datetime
) -> RebookingList:
    """Return the upcoming appointments that need rebooking, with one doctor or with all. Raise `NotFound` for an
    unknown clinic."""
    rows = await repository.list_to_rebook(db, clinic_id, doctor_id=doctor_id, now=now, limit=MAX_TO_REBOOK + 1)
    appointments = rows[:MAX_TO_REBOOK]
    options = await find_rebooking_options(db, clinic_id, appointments, away=None, now=now)
    colleagues = await find_colleagues(db, clinic_id, appointments, now=now)
    return RebookingList(
        [AppointmentToRebook.of(appointment, options[appointment.id]) for appointment in appointments],
        [
            PossibleColleague(each.doctor_id, [appointment.id for appointment in each.appointments])
            for each in colleagues
        ],
        len(rows) > MAX_TO_REBOOK,
    )


async def find_colleagues(
    db: Statements, clinic_id: int, appointments: Sequence[AffectedAppointment], *, now: datetime
) -> list[Colleague]:
    """Return the doctors who could take over appointments at the same times, because they offer the type, see the
    patient and are free. Those who could take over the most come first. Raise `NotFound` for an unknown clinic."""
    search = await _prepare(db, clinic_id, appointments, away=None, now=now)
    return search.colleagues(appointments) if search else []


async def _prepare(
    db: Statements,
    clinic_id: int,
    appointments: Sequence[AffectedAppointment],
    *,
    away: AwayPeriod | None,
    now: datetime,
) -> "_RebookingSearch | None":
    """Load what the search needs. Return None if there are no appointments."""
    catalogue = await catalogues.load(db, clinic_id)
    if catalogue is None:
        raise errors.NotFound
    if not appointments:
        return None
    terms = Terms.for_staff(catalogue, now)
    first, last = _search_dates(appointments, terms, today=clock.local_date(now, catalogue.time_zone))
    times = await availability.load_doctors_time(
        db,
        catalogue,
        doctors=catalogue.doctors_for(None),
        type=None,
        first=first,
        last=last,
        before=MAX_BUFFER,
        after=MAX_BUFFER,
    )
    facts = (
        await find_patient_facts(db, clinic_id=clinic_id, customer_ids=[each.customer_id for each in appointments])
        if catalogue.is_selective
        else NO_FACTS
    )
    return _RebookingSearch(catalogue, terms, {time.doctor_id: time for time in times}, away, facts)


def _search_dates(appointments: Sequence[AffectedAppointment], terms: Terms, *, today: date) -> tuple[date, date]:
    first = max(clock.local_date(appointments[0].start_time, terms.time_zone) - SEARCH_RADIUS, today)
    last = min(
        clock.local_date(appointments[-1].start_time, terms.time_zone) + SEARCH_RADIUS,
        terms.last_date,
        first + MAX_SEARCH_SPAN,
    )
    return first, max(first, last)


class _RebookingSearch:
    """Finds new times for appointments. Computes the available times for each doctor and length only once."""

    def __init__(
        self,
        catalogue: Catalogue,
        terms: Terms,
        times: Mapping[UUID, DoctorTime],
        away: AwayPeriod | None,
        facts: Mapping[UUID, PatientFacts],
    ) -> None:
        self._catalogue: Final = catalogue
        self._terms: Final = terms
        self._times: Final = times
        self._away: Final = away
        self._facts: Final = facts
        self._acceptances: Final[dict[UUID, Acceptance]] = {}
        self._free: Final[dict[tuple[UUID, Length], list[tuple[date, OfferedTime]]]] = {}
        self._offered: Final[dict[UUID, list[Range]]] = {}
        """The times already offered for other appointments, with their buffers."""

    def options(self, appointment: AffectedAppointment) -> RebookingOptions:
        type_id, length = appointment.appointment_type_id, self._length(appointment)
        # people cannot come earlier at short notice
        is_soon = appointment.start_time < self._terms.earliest + SHORT_NOTICE
        earliest = appointment.start_time if is_soon else self._terms.earliest
        acceptance = self._acceptance(appointment)
        same: list[OfferedTime] = []
        others: list[OfferedTime] = []
        for doctor in self._catalogue.doctors_for(type_id):
            if doctor.id in self._times:
                times = [
                    offer
                    for day, offer in self._not_offered(doctor.id, length)
                    if offer.start_time >= earliest and acceptance.accepts(doctor.id, day)
                ]
                (same if doctor.id == appointment.doctor_id else others).extend(times)
        options = RebookingOptions(
            nearest(same, appointment.start_time, limit=MAX_OPTIONS),
            nearest(others, appointment.start_time, limit=MAX_OPTIONS),
        )
        for offer in (*options.same, *options.others):
            claim = offer.start_time - length.before, offer.end_time + length.after
            self._offered.setdefault(offer.doctor_id, []).append(claim)
        return options

    def colleagues(self, appointments: Sequence[AffectedAppointment]) -> list[Colleague]:
        """Return the doctors who could take over appointments at the same times."""
        colleagues = [
            Colleague(id, [each for each in appointments if self._can_take_over(id, each)]) for id in self._times
        ]
        return sorted(
            (colleague for colleague in colleagues if colleague.appointments),
            key=lambda colleague: -len(colleague.appointments),
        )

    def _can_take_over(self, doctor_id: UUID, appointment: AffectedAppointment) -> bool:
        doctor, time = self._catalogue.doctors[doctor_id], self._times[doctor_id]
        length = self._length(appointment)
        start, end = appointment.start_time, appointment.end_time
        return (
            doctor_id != appointment.doctor_id
            and doctor.offers(appointment.appointment_type_id)
            and self._acceptance(appointment).accepts(doctor_id, clock.local_date(start, self._terms.time_zone))
            and covers(time, start, end)
            and not overlaps(time.claims, start - length.before, end + length.after)
        )

    def _acceptance(self, appointment: AffectedAppointment) -> Acceptance:
        """Return which doctors see the patient. The patient's own doctor always does. The type must suit the patient,
        because they already have an appointment of that type.
        """
        if appointment.id not in self._acceptances:
            own_doctor = self._catalogue.doctors[appointment.doctor_id]
            others = [
                each for each in self._catalogue.doctors_for(appointment.appointment_type_id) if each != own_doctor
            ]
            patient = self._facts.get(appointment.customer_id, UNKNOWN)
            self._acceptances[appointment.id] = Acceptance(others, None, patient, is_named=False, own_doctor=own_doctor)
        return self._acceptances[appointment.id]

    def _length(self, appointment: AffectedAppointment) -> Length:
        type_id = appointment.appointment_type_id
        type = self._catalogue.types.get(type_id) if type_id else None
        minutes = int((appointment.end_time - appointment.start_time) / timedelta(minutes=1))
        return Length(minutes, *buffers(type))

    def _not_offered(self, doctor_id: UUID, length: Length) -> list[tuple[date, OfferedTime]]:
        """Return the doctor's free times, except for those already offered for other appointments."""
        offers = self._offered.get(doctor_id, ())
        return [
            (day, offer)
            for day, offer in self._free_times(doctor_id, length)
            if not overlaps(offers, offer.start_time - length.before, offer.end_time + length.after)
        ]

    def _free_times(self, doctor_id: UUID, length: Length) -> list[tuple[date, OfferedTime]]:
        if (doctor_id, length) not in self._free:
            self._free[doctor_id, length] = [
                (day, offer)
                for day, offer in starts(self._times[doctor_id], length, self._terms)
                if offer.available and not (self._away and self._away.contains(offer))
            ]
        return self._free[doctor_id, length]
