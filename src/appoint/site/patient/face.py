"""What pages show about the clinic itself: its opening hours, its location and its own colour."""

import colorsys
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import urlencode

from babel.lists import format_list

from ...clinics.audience import Selective
from ...clinics.catalogue.model import Catalogue, CatalogueDoctor
from ...clinics.clinics.model import OpeningTime, Profile
from ...clinics.doctors import languages
from ...clinics.doctors.specialties import names_of
from ...kit import clock
from ...kit.fields import WEEKDAYS, parse_wall_time
from ...kit.i18n import translate
from ...kit.regions import locale_of, week
from ..filters import wall_time

MAP_SEARCH: Final = "https://www.openstreetmap.org/search"
MIN_CONTRAST: Final = 5.0
"""The minimum contrast with the background. A little higher than WCAG's 4.5, because some backgrounds are tinted."""
LIGHT_BACKGROUND, DARK_BACKGROUND = (1.0, 1.0, 1.0), (0.14, 0.155, 0.17)
ACCENT_STYLE: Final = (
    "@media not (prefers-contrast:more){{:root{{--accent:{light};--on-accent:#fff;"
    "--accent-shade:color-mix(in oklch,{light} 9%,#fff)}}"
    "@media (prefers-color-scheme:dark){{:root{{--accent:{dark};--on-accent:#15181b;"
    "--accent-shade:color-mix(in oklch,{dark} 16%,#1b1e20)}}}}}}"
)
Rgb = tuple[float, float, float]


class DoctorFace(NamedTuple):
    """A doctor as patients see them."""

    specialty: str
    languages: str
    sees: str
    """The patients the doctor sees; empty for everyone."""


def opening_state(profile: Profile, time_zone: str, language: str, now: datetime) -> tuple[bool, str] | None:
    """Return whether the clinic is open, and when it closes or next opens. None if it does not state its hours."""
    local = now.astimezone(clock.zone(time_zone))
    minute, today = local.hour * 60 + local.minute, local.weekday()
    for days_ahead in range(8):
        weekday = (today + days_ahead) % 7
        for start, end in _times_on(profile.opening_hours, weekday):
            opens = wall_time(start, language)
            if days_ahead == 1:
                return False, translate(language, "Opens tomorrow at {time}", time=opens)
            if days_ahead:
                day = locale_of(language).days["format"]["wide"][weekday]
                return False, translate(language, "Opens on {day} at {time}", day=day, time=opens)
            if parse_wall_time(start) > minute:
                return False, translate(language, "Opens at {time}", time=opens)
            if minute < parse_wall_time(end):
                return True, translate(language, "Open until {time}", time=wall_time(end, language))
    return None


def opening_lines(profile: Profile, language: str) -> list[tuple[str, str]]:
    """Return each weekday's name and its hours, or nothing if the clinic does not state them."""
    if not profile.opening_hours:
        return []
    names = locale_of(language).days["format"]["wide"]
    closed = translate(language, "closed")
    return [
        (names[day], ", ".join(wall_time(*times) for times in _with_language(profile, day, language)) or closed)
        for day in week(language)
    ]


def _with_language(profile: Profile, weekday: int, language: str) -> Iterator[tuple[str, str, str]]:
    return ((start, language, end) for start, end in _times_on(profile.opening_hours, weekday))


def _times_on(hours: list[OpeningTime], weekday: int) -> list[tuple[str, str]]:
    return sorted((each.from_, each.until) for each in hours if each.weekday == WEEKDAYS[weekday])


def map_url(catalogue: Catalogue) -> str | None:
    """Return the clinic's own map link, or else one that searches for its address."""
    if catalogue.profile.map_url or not catalogue.address:
        return catalogue.profile.map_url
    return f"{MAP_SEARCH}?{urlencode({'query': ', '.join(catalogue.address.splitlines())})}"


def doctor_face(doctor: CatalogueDoctor, language: str) -> DoctorFace:
    spoken = [languages.name_of(code, language) for code in doctor.languages]
    return DoctorFace(
        names_of(doctor.specialties, doctor.specialty, language),
        format_list(spoken, locale=locale_of(language)) if spoken else "",
        describe_audience(doctor, language),
    )


def describe_audience(each: Selective, language: str) -> str:
    """Describe the patients that a doctor sees or a type is for: “up to 17 years, new patients only”. Empty for
    everyone.
    """
    parts: list[str] = []
    if each.min_age is not None and each.max_age is not None:
        parts.append(translate(language, "{min}–{max} years", min=each.min_age, max=each.max_age))
    elif each.max_age is not None:
        parts.append(translate(language, "up to {max} years", max=each.max_age))
    elif each.min_age is not None:
        parts.append(translate(language, "from {min} years", min=each.min_age))
    if each.patients == "new":
        parts.append(translate(language, "new patients only"))
    elif each.patients == "known":
        parts.append(translate(language, "existing patients only"))
    return ", ".join(parts)


@cache
def accent_style(colour: str | None) -> str:
    """Return a style sheet that makes the clinic's colour the accent, at a lightness that keeps text legible. Empty if
    the clinic has no colour."""
    if colour is None:
        return ""
    rgb = (int(colour[1:3], 16) / 255, int(colour[3:5], 16) / 255, int(colour[5:7], 16) / 255)
    return ACCENT_STYLE.format(light=legible(rgb, LIGHT_BACKGROUND), dark=legible(rgb, DARK_BACKGROUND))


def legible(rgb: Rgb, background: Rgb) -> str:
    """Return the colour, made darker or lighter until text in it is legible on the background."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*rgb)
    step = -0.01 if luminance(background) > 0.5 else 0.01
    while contrast(rgb, background) < MIN_CONTRAST and 0 < lightness + step < 1:
        lightness += step
        rgb = colorsys.hls_to_rgb(hue, lightness, saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in rgb)


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast ratio as defined in WCAG 2.2."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(rgb: Rgb) -> float:
    """Return the relative luminance as defined in WCAG 2.2."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
