"""Phone numbers: parsed as people write them, stored as E.164."""

from typing import Final

import phonenumbers
from babel.core import get_global

from .i18n import translatable

INVALID_PHONE_NUMBER: Final = translatable(
    "must be a valid phone number, in international format if the country is unknown, such as +493012345678"
)
MAX_DIGITS: Final = 15


def to_e164(text: str, *, time_zone: str | None, locale: str | None = None) -> str | None:
    """Return the number in E.164 format, or None for an impossible number.

    A number without a country code is assumed to be in the country of the time zone, or else of the language. It must
    be valid there, because a wrong guess would reach a stranger. An international number only has to be possible,
    because new ones are issued every year.
    """
    try:
        number = phonenumbers.parse(text, _default_country(time_zone, locale), keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None
    national = number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    fits = possible and len(formatted) <= len("+") + MAX_DIGITS and not number.extension
    return formatted if fits and (not national or phonenumbers.is_valid_number(number)) else None


def format_international(number: str) -> str:
    """Return an E.164 number in international format, such as “+49 30 12345678”."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _default_country(time_zone: str | None, locale: str | None) -> str | None:
    """Return CLDR's country for the zone or, if phonenumbers does not support that (as with UTC), for the language."""
    territories = get_global("zone_territories")
    place = time_zone and (territories.get(time_zone) or territories.get(get_global("zone_aliases").get(time_zone, "")))
    if place in phonenumbers.SUPPORTED_REGIONS:
        return str(place)
    return str(get_global("likely_subtags")[locale]).rpartition("_")[2] if locale else None
