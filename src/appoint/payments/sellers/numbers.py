"""Check VAT IDs, IBANs and BICs, and write them without separators."""

from collections.abc import Callable
from typing import Final

from stdnum import bic, iban
from stdnum.exceptions import ValidationError
from stdnum.util import clean, get_cc_module

SEPARATORS: Final = " -./"
OTHER_COUNTRY_CODES: Final = {"EL": "gr", "XI": "gb"}
"""The codes in VAT IDs that are not those of ISO 3166: for Greece and Northern Ireland."""


def parse_iban(text: str) -> str | None:
    """Return an IBAN in its electronic form, or None if its length, format or check digits are wrong."""
    return _try_validate(iban.validate, text)


def parse_bic(text: str) -> str | None:
    """Return a BIC in capital letters, or None if its format is wrong."""
    return _try_validate(bic.validate, text)


def parse_vat_id(text: str) -> str | None:
    """Return a VAT ID with its country code and without separators, or None if it is wrong for its country."""
    compact: str = clean(text, SEPARATORS).upper()
    country = compact[:2]
    checker = get_cc_module(OTHER_COUNTRY_CODES.get(country, country.lower()), "vat") if country.isalpha() else None
    if checker is None:
        return None
    number = _try_validate(checker.validate, compact)
    return number if number is None or number.startswith(country) else country + number


def _try_validate(validate: Callable[[str], str], text: str) -> str | None:
    try:
        return validate(text)
    except ValidationError:
        return None
