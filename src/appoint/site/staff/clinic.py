"""A clinic's settings, for managers; and the page for adding a clinic, for administrators."""

from typing import Any, Final, NamedTuple

from babel.units import format_unit
from litestar import Response, get
from litestar.params import FromPath

from ...clinics.clinics import service
from ...clinics.clinics.model import Clinic, Profile
from ...http.languages import language_for, language_names, language_tag_for
from ...http.request import Request
from ...http.routes import route
from ...kit import clock, money, phones, places, regions
from ...kit.fields import WEEKDAYS
from ..staff_frame import staff_page

MINUTES_PER_DAY: Final = 1440
MAP: Final = "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=15/{latitude}/{longitude}"
UNITS: Final = {1: "duration-minute", 60: "duration-hour", MINUTES_PER_DAY: "duration-day"}
REMINDERS: Final = (60, 120, 240, 720, 1440, 2880, 4320, 10080)
"""Reminder times to offer, in minutes before the appointment. A clinic's own times are added to them."""


class Duration(NamedTuple):
    """A number of minutes, expressed in the largest unit that divides it evenly."""

    number: int
    unit: int
    """In minutes: 1, 60 or 1440."""

    @classmethod
    def of(cls, minutes: int) -> "Duration":
        unit = next(
            (unit for unit in (MINUTES_PER_DAY, 60) if minutes and minutes % unit == 0), 60 if minutes == 0 else 1
        )
        return cls(minutes // unit, unit)

    def format(self, language: str) -> str:
        """Format the span: “2 days”."""
        return format_unit(self.number, UNITS[self.unit], locale=language)


@get(
    "/staff/{clinic_id:int}/clinic",
    operation_id="showClinicSettings",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def settings(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    clinic = await service.get(request.db, clinic_id)
    language = language_for(request)
    reminders = sorted({*REMINDERS, *clinic.notifications.reminder_minutes})
    return await staff_page(
        request,
        "staff/clinic/settings.html",
        clinic_id=clinic_id,
        place="clinic",
        settings=clinic,
        zones=[(zone, zone) for zone in sorted(clock.ZONES)],
        currencies=[(each.code, each.name) for each in money.currency_choices(language, clinic.currency)],
        locales=list(language_names(request).items()),
        span=Duration.of,
        reminders=[(minutes, Duration.of(minutes).format(language)) for minutes in reminders],
        address=request.services.settings.public_url or str(request.base_url).rstrip("/"),
    )


@get(
    "/staff/{clinic_id:int}/profile",
    operation_id="showClinicProfile",
    opt=route(permission="manage", page=True),
    include_in_schema=False,
)
async def profile(request: Request, clinic_id: FromPath[int]) -> Response[Any]:
    """Show what the clinic says about itself to patients."""
    clinic = await service.get(request.db, clinic_id)
    tag = language_tag_for(request, clinic.time_zone)
    names = regions.locale_of(tag).days["format"]["wide"]
    return await staff_page(
        request,
        "staff/clinic/profile.html",
        clinic_id=clinic_id,
        place="profile",
        settings=clinic,
        opening_hours=[
            (WEEKDAYS[number], names[number], _typed_hours(clinic.profile, WEEKDAYS[number]))
            for number in regions.week(tag)
        ],
        **_location(clinic),
    )


def _location(clinic: Clinic) -> dict[str, Any]:
    """Return where searches by place find the clinic: the place that its address names, or its own coordinates."""
    own = clinic.profile.location
    place = places.locate(clinic.address, phones.country_of_zone(clinic.time_zone)) if clinic.address else None
    point = own or place
    return {
        "place_found": None if own or place is None else place.name,
        "coordinates": f"{own.latitude}, {own.longitude}" if own else "",
        "map": MAP.format(latitude=point.latitude, longitude=point.longitude) if point else None,
    }


def _typed_hours(profile: Profile, weekday: str) -> str:
    times = sorted((each.from_, each.until) for each in profile.opening_hours if each.weekday == weekday)
    return ", ".join(f"{start}-{end}" for start, end in times)


@get(
    "/staff/clinics/new",
    operation_id="showNewClinic",
    opt=route(permission="administer", page=True),
    include_in_schema=False,
)
async def new(request: Request) -> Response[Any]:
    return await staff_page(
        request,
        "staff/clinic/new_clinic.html",
        clinic_id=None,
        zones=[(zone, zone) for zone in sorted(clock.ZONES)],
        currencies=[(each.code, each.name) for each in money.currency_choices(language_for(request), "EUR")],
        locales=list(language_names(request).items()),
    )


PAGES: Final = [settings, profile, new]
