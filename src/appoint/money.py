"""Money: whole minor units and a currency."""

from typing import Annotated, Final

import msgspec
from babel import Locale

CURRENCIES: Final = frozenset(code for code in Locale("en").currencies if len(str(code)) == 3)
"""ISO 4217 codes, past and present, as CLDR lists them."""


def _exists(code: str) -> str | None:
    return None if code in CURRENCIES else "must be an ISO 4217 currency such as EUR"


Currency = Annotated[str, msgspec.Meta(extra={"check": _exists}, extra_json_schema={"format": "currency"}, examples=["EUR"])]


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` minor units (cents) of `currency`."""

    amount: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    currency: Currency
