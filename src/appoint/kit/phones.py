"""Phone numbers: parsed as people write them, stored as E.164."""

import re
from collections.abc import Iterable
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
FORM: Final = re.compile(r"\+?[\d ()./-]{3,}")
MEXICO: Final = 52
MEXICAN_MOBILE: Final = re.compile(r"(?:1|04[45])(\d{10})")
"""The prefixes for mobile numbers that Mexico abolished in 2019. Contacts and messengers still contain them."""


def clean(text: str) -> str:
    """Return the number in what people type and paste: without `tel:`, invisible characters, and spaces and punctuation
    around it, and with ordinary hyphens."""
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
    """Return what a number without a country code can mean in E.164 format, in any of the countries."""
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


def _default_country(time_zone: str | None, locale: str | None) -> str | None:
    """Return CLDR's country for the zone or, if phonenumbers does not support that (as with UTC), for the language."""
    if country := time_zone and country_of_zone(time_zone):
        return country
    return str(get_global("likely_subtags")[locale]).rpartition("_")[2] if locale else None
