"""Phone numbers: read as people write them, kept as E.164."""

from typing import Final

import phonenumbers
from babel.core import get_global

from .i18n import translatable

UNREADABLE: Final = translatable(
    "must be a valid phone number; without a known country, in international format such as +493012345678"
)
MOST_DIGITS: Final = 15


def e164(text: str, *, time_zone: str | None, locale: str | None = None) -> str | None:
    """The number as E.164, or None when there can be no such number.

    A number without its country's code is read in the country of the time zone, or else of the language. Such a number
    must be one that is in use there: a wrong guess would call a stranger. An international number need only be
    possible, since new ones appear every year.
    """
    try:
        number = phonenumbers.parse(text, _country(time_zone, locale), keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None
    national = number.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    fits = possible and len(written) <= len("+") + MOST_DIGITS and not number.extension
    return written if fits and (not national or phonenumbers.is_valid_number(number)) else None


def readable(number: str) -> str:
    """“+49 30 12345678”, of a number in E.164."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _country(time_zone: str | None, locale: str | None) -> str | None:
    """As CLDR places zones and languages; phonenumbers knows nothing of those that lie in no country, such as UTC."""
    territories = get_global("zone_territories")
    place = time_zone and (territories.get(time_zone) or territories.get(get_global("zone_aliases").get(time_zone, "")))
    if place in phonenumbers.SUPPORTED_REGIONS:
        return str(place)
    return str(get_global("likely_subtags")[locale]).rpartition("_")[2] if locale else None
