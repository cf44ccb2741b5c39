"""Document numbers."""

from typing import NamedTuple


class DocumentNumber(NamedTuple):
    series: str
    number: int


def format_number(series: str, number: int) -> str:
    """Return the number as documents show it: “2027-000123”."""
    return f"{series}-{number:06}"
