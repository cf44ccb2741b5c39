"""Guardians, their wards, and how long they can book for them."""

from datetime import date, datetime
from typing import ClassVar, Final
from uuid import UUID

import msgspec

from ...kit import errors, fields
from ...kit.structs import RequestBody

ADULT_AGE: Final = 18
"""The age at which children begin to book for themselves."""
MAX_YEARS: Final = 5
"""How long someone can book for an adult before the guardianship has to be renewed."""
MAX_WARDS: Final = 20
"""The maximum number of people that someone can book for. More would be a mistake or an attack."""


class NewWard(RequestBody):
    """A child, or someone else whom the caller cares for, without a record of their own."""

    EXAMPLE: ClassVar = {"name": "Mia Souza", "birthDate": "2019-05-01"}

    name: fields.PersonName
    birth_date: fields.Date
    ends_on: fields.Date | None = None
    """The first day on which the caller can no longer book for them. By default, a child's 18th birthday or, for an
    adult, a year from today. It cannot be later than that birthday or, for an adult, five years from today."""


class NewGuardian(RequestBody):
    EXAMPLE: ClassVar = {"guardianId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d", "endsOn": "2028-03-01"}

    guardian_id: UUID
    """Another of the clinic's patients."""
    ends_on: fields.Date | None = None
    """The first day on which they can no longer book. Has the same default and limit as for a new ward."""


class Guardianship(msgspec.Struct, rename="camel", frozen=True):
    """Someone's right to book for someone else."""

    EXAMPLE: ClassVar = {
        "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5f",
        "guardianId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "guardian": "Ana Souza",
        "wardId": "01978a5c-7d3e-7a63-84f7-074d226b3d5e",
        "ward": "Mia Souza",
        "birthDate": "2019-05-01",
        "clinicId": None,
        "clinic": None,
        "endsOn": "2037-05-01",
        "createdAt": "2027-02-28T07:31:00Z",
    }

    id: UUID
    guardian_id: UUID
    guardian: str
    ward_id: UUID
    ward: str
    birth_date: date | None
    """The ward's date of birth."""
    clinic_id: int | None
    """The clinic that granted it, and the only one where it applies. null if the guardian registered the ward, in which
    case it applies everywhere.
    """
    clinic: str | None
    ends_on: date
    """The first day on which it no longer applies."""
    created_at: datetime


def end_of(birth_date: date | None, ends_on: date | None, *, today: date) -> date:
    """Return when a guardianship ends. Raise `Invalid` for a day that is in the past or too far ahead."""
    birthday = _birthday(birth_date, ADULT_AGE) if birth_date else None
    is_child = birthday is not None and birthday > today
    latest = birthday if birthday and is_child else _birthday(today, MAX_YEARS)
    default = latest if is_child else _birthday(today, 1)
    end = ends_on or default
    if not today < end <= latest:
        fault = errors.Fault("#/endsOn", "must be after today, and no later than {date}", date=latest.isoformat())
        raise errors.Invalid(fault)
    return end


def _birthday(born: date, years: int) -> date:
    """Return a birthday. In other years, someone born on 29 February turns a year older on 1 March."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)
