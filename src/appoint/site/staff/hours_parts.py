"""Code shared by the pages for working hours."""

from typing import Any, Final
from uuid import UUID

from litestar import MediaType, Response

from ...clinics.doctors import service as doctors
from ...clinics.doctors.model import Doctor
from ...http.languages import language_tag_for
from ...http.request import Request
from ...kit import errors, fields, regions
from ...kit.ids import clinic_of
from ..rendering import NO_STORE

LINE_PROBLEMS: Final = ("schedule-lines-overlap", "appointments-stranded")


def weekday_names(request: Request, time_zone: str, width: str = "wide") -> list[tuple[fields.Weekday, str]]:
    """Return the weekdays and their names in the visitor's language, starting with the first one in their region, or
    else in the country of the clinic's time zone."""
    tag = language_tag_for(request, time_zone)
    names: Any = regions.locale_of(tag).days["stand-alone"][width]
    return [(fields.WEEKDAYS[number], names[number]) for number in regions.week(tag)]


def saved() -> Response[Any]:
    """Return the response to a form that a script sends."""
    return Response(b"{}", media_type=MediaType.JSON, headers={"Cache-Control": NO_STORE})


async def doctor_of_clinic(request: Request, clinic_id: int, doctor_id: UUID) -> Doctor:
    """Return a doctor at the clinic in the URL. Raise `NotFound` if the clinic does not have a doctor with this id."""
    if clinic_of(doctor_id) != clinic_id:
        raise errors.NotFound
    return await doctors.get(request.db, doctor_id)
