"""The patients a doctor sees, or an appointment type is for: an age range, and new or known patients. Search and
booking share these rules."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Final, Literal, NamedTuple, Protocol, TypeVar
from uuid import UUID

from msgspec import Meta

from ..kit import errors

Age = Annotated[int, Meta(ge=0, le=150, examples=[18])]
Patients = Literal["everyone", "new", "known"]
Unfit = Literal["age-not-accepted", "patient-not-accepted"]
"""Why a doctor or an appointment type is not for a patient."""


class PatientFacts(NamedTuple):
    """Facts about a patient. None means unknown."""

    birth_date: date | None = None
    is_known: bool | None = None
    """Whether the patient has been to the clinic before."""


ADULT_AGE: Final = 18
UNKNOWN: Final = PatientFacts()
NO_FACTS: Final[Mapping[UUID, PatientFacts]] = {}


class Selective(Protocol):
    """A doctor or an appointment type."""

    @property
    def min_age(self) -> int | None: ...
    @property
    def max_age(self) -> int | None: ...
    @property
    def patients(self) -> Patients: ...


D = TypeVar("D", bound=Selective)


def check_ages(min_age: int | None, max_age: int | None) -> None:
    """Raise `Invalid` if the youngest age is above the oldest one."""
    if min_age is not None and max_age is not None and min_age > max_age:
        raise errors.Invalid(errors.Fault("#/maxAge", "must not be below the lowest age"))


def is_selective(each: Selective) -> bool:
    """Return whether there are patients that the doctor does not see, or that the type is not for."""
    return each.min_age is not None or each.max_age is not None or each.patients != "everyone"


def is_for_children(type: Selective | None, doctors: Iterable[Selective]) -> bool:
    """Return whether a type, or every doctor who offers it, is only for children."""

    def is_child_only(each: Selective) -> bool:
        return each.max_age is not None and each.max_age < ADULT_AGE

    limits = [is_child_only(doctor) for doctor in doctors]
    return (type is not None and is_child_only(type)) or (bool(limits) and all(limits))


def age_on(birth_date: date, day: date) -> int:
    """Return an age in whole years. Someone born on 29 February has their birthday on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def unfitness(each: Selective, patient: PatientFacts, day: date) -> Unfit | None:
    """Return why the patient cannot have an appointment on the day. Unknown facts don't count against them."""
    if patient.birth_date is not None:
        age = age_on(patient.birth_date, day)
        if (each.min_age is not None and age < each.min_age) or (each.max_age is not None and age > each.max_age):
            return "age-not-accepted"
    if each.patients != "everyone" and patient.is_known is not None and patient.is_known != (each.patients == "known"):
        return "patient-not-accepted"
    return None


def sees_strangers(each: Selective, patient: PatientFacts) -> bool:
    """Return whether the doctor sees the patient, assuming that a patient without a birth date is an adult, and that
    one who has not said otherwise is new."""
    sees_adults = each.max_age is None and (each.min_age or 0) <= ADULT_AGE
    sees_new = each.patients != "known"
    return (patient.birth_date is not None or sees_adults) and (patient.is_known is not None or sees_new)


def accepting(
    doctors: Iterable[D], type: Selective | None, patient: PatientFacts, day: date, *, is_named: bool
) -> list[D]:
    """Return the doctors that the patient can have an appointment with on the day.

    If the request names the doctor, unknown facts don't count against the patient. If it asks for any available doctor,
    they do, provided that some doctor sees adults and new patients: someone who leaves out their birth date must not be
    assigned to a paediatrician.
    """
    if type and unfitness(type, patient, day):
        return []
    fitting = [doctor for doctor in doctors if unfitness(doctor, patient, day) is None]
    if is_named:
        return fitting
    return [doctor for doctor in fitting if sees_strangers(doctor, patient)] or fitting


class Acceptance:
    """The doctors who can see a patient on each day."""

    def __init__(
        self,
        doctors: Iterable["IdentifiedDoctor"],
        type: Selective | None,
        patient: PatientFacts,
        *,
        is_named: bool,
        own_doctor: "IdentifiedDoctor | None" = None,
    ) -> None:
        """`own_doctor` already has an appointment with the patient, and always accepts them. If that doctor would not
        be assigned to strangers (a paediatrician, for example), unknown facts don't count against the patient."""
        self._doctors = list(doctors)
        self._type = type
        self._patient = patient
        self._own_doctor = own_doctor
        self._is_named = is_named or (own_doctor is not None and not sees_strangers(own_doctor, patient))
        self._accepts_all = not any(map(is_selective, self._doctors)) and not (type and is_selective(type))
        self._by_day: dict[date, frozenset[UUID]] = {}

    def accepts(self, doctor_id: UUID, day: date) -> bool:
        """Return whether the patient can see the doctor on the day."""
        if self._accepts_all or (self._own_doctor and doctor_id == self._own_doctor.id):
            return True
        if day not in self._by_day:
            doctors = accepting(self._doctors, self._type, self._patient, day, is_named=self._is_named)
            self._by_day[day] = frozenset(doctor.id for doctor in doctors)
        return doctor_id in self._by_day[day]


class IdentifiedDoctor(Selective, Protocol):
    @property
    def id(self) -> UUID: ...
