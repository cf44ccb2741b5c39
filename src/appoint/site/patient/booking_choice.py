"""The time that a visitor is about to book, whether it is still available, and what to offer instead."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import UUID

from ...booking.alternatives import Alternative
from ...booking.availability import service as availability
from ...booking.availability.model import DayFilter, OfferedTime
from ...booking.model import Appointment, AppointmentDetails
from ...booking.time_rules import TimeRequest
from ...clinics.catalogue.model import CatalogueDoctor, CatalogueType
from ...http.forms import parse_id, parse_minute
from ...http.problems.catalogue import PROBLEMS
from ...kit import clock, errors
from ...kit.fields import FIRST_YEAR, LAST_YEAR
from ...kit.i18n import translate
from ..filters import iso_instant
from .clinic_visit import ClinicVisit

MAX_TOGETHER: Final = 5
"""How many appointments can be booked together."""
PARTS: Final = ("type", "doctor", "start", "end", "whose")
"""The query parameters of a choice, in the order in which `also` lists them."""
MAX_SLOT_LENGTH: Final = timedelta(days=1)


class BookingChoice(NamedTuple):
    """The time that a visitor is about to book."""

    visit: ClinicVisit
    type: CatalogueType | None
    """None for a whole slot, which belongs to a doctor."""
    doctor: CatalogueDoctor | None
    """The appointment's doctor, or None for any available doctor."""
    start: datetime
    end: datetime
    preferred_doctor: CatalogueDoctor | None
    """The doctor that the visitor picked, or None for any doctor, even if the slot belongs to one."""

    @property
    def query(self) -> dict[str, Any]:
        """The choice as query parameters."""
        query = {
            "type": self.type and self.type.id,
            "doctor": self.preferred_doctor and self.preferred_doctor.id,
            "start": iso_instant(self.start),
        }
        if self.type:
            return query
        return {**query, "end": iso_instant(self.end), "whose": self.doctor and self.doctor.id}

    @property
    def address_of_next(self) -> str:
        """The address for choosing another time for the same visit."""
        others = (choice.query for choice in (*read_others(self.visit), self))
        return self.visit._replace(also=_join(others)).address()

    def time_request(self, notes: str | None) -> TimeRequest:
        """Return the request for the time. It identifies slots by doctor and time, because their ids may have changed
        in the meantime.
        """
        return TimeRequest(
            doctor_id=self.doctor and self.doctor.id,
            start_time=self.start,
            end_time=None if self.type else self.end,
            appointment_type_id=self.type and self.type.id,
            notes=notes,
        )


class UnavailableTime(NamedTuple):
    """A time that cannot be booked: the reason, and what to offer instead."""

    title: str
    text: str
    others: Sequence[OfferedTime | Alternative]
    names: Mapping[UUID, str]
    """The doctors' names."""


def read_choice(visit: ClinicVisit, query: Mapping[str, str]) -> BookingChoice | None:
    """Read a choice from a URL's query.

    For an appointment type, the query contains `start`, and `doctor` if the visitor picked one. For a whole slot, it
    contains `start`, `end`, the doctor `whose` slot it is, and `doctor` if the visitor picked that doctor.
    """
    type, start = visit.type(query.get("type")), parse_minute(query.get("start"))
    if start is None or not FIRST_YEAR < start.year < LAST_YEAR:
        return None
    preferred = visit.doctor(query.get("doctor"), type)
    if type:
        return BookingChoice(visit, type, preferred, start, start + timedelta(minutes=type.minutes), preferred)
    return _whole_slot(visit, query, start, preferred)


def read_others(visit: ClinicVisit) -> list[BookingChoice]:
    """Return the other times that the visitor has chosen for the same visit, leaving out those that no longer exist."""
    texts = visit.also.split(",")[: MAX_TOGETHER - 1] if visit.also else []
    queries = (dict[str, str](zip(PARTS, text.split("_"), strict=False)) for text in texts)
    return [choice for query in queries if (choice := read_choice(visit, query))]


def without(choice: BookingChoice, other: BookingChoice, *, held_token: str) -> str:
    """Return the form's address for a choice without one of the other times."""
    rest = (each.query for each in read_others(choice.visit) if each != other)
    return choice.visit._replace(also=_join(rest)).address("/details", hold=held_token or None, **choice.query)


def address_for(visit: ClinicVisit, hold: AppointmentDetails, others: Iterable[Appointment], *, token: str) -> str:
    """Return the form's address for changing the details of appointments on hold. The token's link holds the first."""
    return visit._replace(also=_join(map(_query_of, others))).address("/details", hold=token, **_query_of(hold))


def _query_of(appointment: Appointment | AppointmentDetails) -> dict[str, Any]:
    """Return an appointment's time as a choice's query parameters."""
    query = {
        "type": appointment.appointment_type_id,
        "doctor": appointment.doctor_id,
        "start": iso_instant(appointment.start_time),
    }
    if appointment.appointment_type_id:
        return query
    return {**query, "end": iso_instant(appointment.end_time), "whose": appointment.doctor_id}


def _join(queries: Iterable[Mapping[str, Any]]) -> str:
    return ",".join("_".join(str(query.get(part) or "") for part in PARTS) for query in queries)


def _whole_slot(
    visit: ClinicVisit, query: Mapping[str, str], start: datetime, preferred: CatalogueDoctor | None
) -> BookingChoice | None:
    doctors = visit.catalogue.doctors
    doctor_id, end = parse_id(query.get("whose")), parse_minute(query.get("end"))
    if not visit.whole_slots or doctor_id is None or doctor_id not in doctors or end is None:
        return None
    return (
        BookingChoice(visit, None, doctors[doctor_id], start, end, preferred)
        if start < end <= start + MAX_SLOT_LENGTH
        else None
    )


def instead(visit: ClinicVisit, query: Mapping[str, str], other_time: str) -> dict[str, str]:
    """Return the query with its time replaced by the one on a different button: `start [doctor]`, or `start end whose`
    for a whole slot."""
    names = ("start", "doctor") if visit.type(query.get("type")) else ("start", "end", "whose")
    return {**query, **dict(zip(names, other_time.split(), strict=False))}


async def check_time(choice: BookingChoice) -> UnavailableTime | None:
    """Return None while the time is available, or else the reason why it isn't."""
    request = choice.visit.request
    is_free = await availability.is_free(
        request.services.db,
        request.cache,
        clinic_id=choice.visit.catalogue.clinic_id,
        query=DayFilter(
            appointment_type_id=choice.type and choice.type.id, doctor_id=choice.doctor and choice.doctor.id
        ),
        start=choice.start,
        end=choice.end,
        now=clock.now(),
    )
    return None if is_free else describe_unavailable(choice, "taken", await _nearest_times(choice))


async def _nearest_times(choice: BookingChoice) -> list[OfferedTime]:
    request, doctor = choice.visit.request, choice.preferred_doctor
    return await availability.find_nearest_free(
        request.services.db,
        request.cache,
        clinic_id=choice.visit.catalogue.clinic_id,
        query=DayFilter(appointment_type_id=choice.type and choice.type.id, doctor_id=doctor and doctor.id),
        start=choice.start,
        now=clock.now(),
    )


def describe_unavailable(
    choice: BookingChoice,
    reason: str,
    others: Sequence[OfferedTime | Alternative],
    *,
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> UnavailableTime:
    problem, language = PROBLEMS[reason], choice.visit.language
    text = (
        translate(language, "This time is no longer available.")
        if reason == "taken"
        else translate(language, problem.texts("stranger", facts)[0])
    )
    # the catalogue may be older than the offered times
    names = {id: doctor.name for id, doctor in choice.visit.catalogue.doctors.items()}
    return UnavailableTime(translate(language, problem.title), text, others, names)


async def alternatives(choice: BookingChoice, refusal: errors.Conflict) -> Sequence[OfferedTime | Alternative]:
    """Return the times to offer instead of a refused one."""
    suggested: list[Alternative] = refusal.facts.get("alternatives", [])
    if choice.type or refusal.type.startswith("too-many"):
        return suggested
    # the suggested times are parts of slots, so offer whole slots instead
    return [
        slot
        for slot in await _nearest_times(choice)
        if refusal.type != "customer-busy" or slot.start_time != choice.start
    ]
