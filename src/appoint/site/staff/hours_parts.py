"""Code shared by the pages for working hours."""

from typing import Any
from uuid import UUID

from babel import Locale

from ...clinics.doctors import service as doctors
from ...clinics.doctors.model import Doctor
from ...http.languages import language_for
from ...http.request import Request
from ...kit import errors, fields
from ...kit.ids import clinic_of


def weekday_names(request: Request, width: str = "wide") -> list[tuple[fields.Weekday, str]]:
    """Return the weekdays and their names in the visitor's language, starting with Monday."""
    names: Any = Locale.parse(language_for(request)).days["stand-alone"][width]
    return [(weekday, names[number]) for number, weekday in enumerate(fields.WEEKDAYS)]


async def doctor_of_clinic(request: Request, clinic_id: int, doctor_id: UUID) -> Doctor:
    """Return a doctor at the clinic in the URL. Raise `NotFound` if the clinic does not have a doctor with this id."""
    if clinic_of(doctor_id) != clinic_id:
        raise errors.NotFound
    return await doctors.get(request.db, doctor_id)
