"""Phone numbers: parsed as people write them, stored as E.164."""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

import phonenumbers
from babel.core import get_global

from .i18n import translatable
from .typed_text import DASHES, tidy, without_scheme

INVALID_PHONE_NUMBER: Final = translatable(
    "must be a valid phone number, in international format if the country is unknown, such as +493012345678"
)
MAX_DIGITS: Final = 15
EUROPE: Final = frozenset(
    {
        *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS"),
        *("IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
"""The European Economic Area, Switzerland and the United Kingdom: people there often have a number from another of
these countries.
"""
MOBILE: Final = frozenset({phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE})
"""In some countries, such as the United States, a number doesn't reveal whether it is mobile."""
FORM: Final = re.compile(r"\+?[\d ()./-]{3,}")
MEXICO: Final = 52
MEXICAN_MOBILE: Final = re.compile(r"(?:1|04[45])(\d{10})")
"""The prefixes for mobile numbers that Mexico abolished in 2019. Contact lists and messaging apps still contain them.
"""


def clean(text: str) -> str:
    """Extract the number from what people type and paste, with ordinary hyphens, and without `tel:`, invisible
    characters, or any surrounding spaces and punctuation."""
    return without_scheme(tidy(text), "tel:").translate(DASHES)


def check(text: str) -> str | None:
    """Return why the text cannot be a phone number, or None if it could be one. Whether it is one depends on the
    country."""
    return None if FORM.fullmatch(clean(text)) else "is not in the required format"


def to_e164(text: str, *, time_zone: str | None, locale: str | None = None) -> str | None:
    """Return the number in E.164 format, or None for an impossible number.

    A number without a country code is assumed to be in the country of the time zone, or else of the language. It must
    be valid there, because a wrong guess would reach a stranger. An international number only has to be possible,
    because new ones are issued every year.
    """
    try:
        number = phonenumbers.parse(clean(text), _default_country(time_zone, locale), keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None
    number = _without_abolished_prefix(number)
    national = number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    fits = possible and len(formatted) <= len("+") + MAX_DIGITS and not number.extension
    return formatted if fits and (not national or phonenumbers.is_valid_number(number)) else None


def national_readings(text: str, *, countries: Iterable[str]) -> set[str]:
    """Return the E.164 numbers that a number without a country code could stand for in any of the countries."""
    numbers: set[str] = set()
    for country in countries:
        with suppress(phonenumbers.NumberParseException):
            number = _without_abolished_prefix(phonenumbers.parse(clean(text), country))
            if phonenumbers.is_valid_number(number):
                numbers.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    return numbers


def country_of_zone(time_zone: str) -> str | None:
    """Return CLDR's country for the zone if phonenumbers supports it."""
    territories = get_global("zone_territories")
    country = territories.get(time_zone) or territories.get(get_global("zone_aliases").get(time_zone, ""))
    return str(country) if country in phonenumbers.SUPPORTED_REGIONS else None


def _without_abolished_prefix(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    if number.country_code == MEXICO:
        digits = phonenumbers.national_significant_number(number)
        if match := MEXICAN_MOBILE.fullmatch(digits):
            number.national_number, number.italian_leading_zero = int(match[1]), None
    return number


def format_international(number: str) -> str:
    """Return an E.164 number in international format, such as “+49 30 12345678”."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def format_local(number: str, country: str | None) -> str:
    """Return an E.164 number the way it is dialled within the country: “030 12345678”. Numbers from other countries are
    in international format."""
    parsed = phonenumbers.parse(number)
    is_local = country is not None and phonenumbers.region_code_for_number(parsed) == country
    style = phonenumbers.PhoneNumberFormat.NATIONAL if is_local else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def is_mobile(number: str) -> bool:
    """Return whether an E.164 number is, or may be, a mobile number."""
    return phonenumbers.number_type(phonenumbers.parse(number)) in MOBILE


def text_message_fault(number: str, countries: Collection[str]) -> str | None:
    """Return why text messages are not sent to an E.164 number, or None if they are.

    It has to be a mobile number in one of the countries. Premium, shared-cost, personal and satellite numbers would let
    strangers earn money from messages that they trigger.
    """
    if not is_mobile(number):
        return "the number is not a mobile number"
    if phonenumbers.region_code_for_number(phonenumbers.parse(number)) not in countries:
        return "text messages are not sent to this country"
    return None


def unknown_countries(codes: Collection[str]) -> list[str]:
    """Return the codes that do not belong to a country."""
    return [code for code in codes if code not in phonenumbers.SUPPORTED_REGIONS]


def local_countries(places: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the places' countries. Each place is a time zone and a language. If one is in Europe, include all
    of `EUROPE`.
    """
    countries = frozenset(filter(None, (_default_country(time_zone, locale) for time_zone, locale in places)))
    return countries | EUROPE if countries & EUROPE else countries


def _default_country(time_zone: str | None, locale: str | None) -> str | None:
    """Return CLDR's country for the zone or, if phonenumbers does not support that (as with UTC), for the language."""
    if country := time_zone and country_of_zone(time_zone):
        return country
    return str(get_global("likely_subtags")[locale]).rpartition("_")[2] if locale else None
