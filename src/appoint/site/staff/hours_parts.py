"""Code shared by the pages for working hours."""

from typing import Any, Final
from uuid import UUID

from babel import Locale
from litestar import MediaType, Response

from ...clinics.doctors import service as doctors
from ...clinics.doctors.model import Doctor
from ...http.languages import language_for
from ...http.request import Request
from ...kit import errors, fields
from ...kit.ids import clinic_of
from ..rendering import NO_STORE

LINE_PROBLEMS: Final = ("schedule-lines-overlap", "appointments-stranded")


def weekday_names(request: Request, width: str = "wide") -> list[tuple[fields.Weekday, str]]:
    """Return the weekdays and their names in the visitor's language, starting with Monday."""
    names: Any = Locale.parse(language_for(request)).days["stand-alone"][width]
    return [(weekday, names[number]) for number, weekday in enumerate(fields.WEEKDAYS)]


def saved() -> Response[Any]:
    """Return the response to a form that a script sends."""
    return Response(b"{}", media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


async def doctor_of_clinic(request: Request, clinic_id: int, doctor_id: UUID) -> Doctor:
    """Return a doctor at the clinic in the URL. Raise `NotFound` if the clinic does not have a doctor with this id."""
    if clinic_of(doctor_id) != clinic_id:
        raise errors.NotFound
    return await doctors.get(request.db, doctor_id)
