"""All problem types, in the order in which the documentation lists them."""

from typing import Final

from .accounts import ACCOUNTS
from .booking import BOOKING
from .documents import Problem
from .general import GENERAL
from .money import MONEY
from .records import RECORDS

PROBLEMS: Final[dict[str, Problem]] = {**GENERAL, **BOOKING, **RECORDS, **ACCOUNTS, **MONEY}
