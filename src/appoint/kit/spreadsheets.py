"""CSV files (RFC 4180) that spreadsheet programs open as tables."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from .regions import csv_delimiter

BYTE_ORDER_MARK: Final = "\ufeff"


def csv_file(rows: Iterable[Sequence[object]], *, language: str, time_zone: str | None = None) -> str:
    """Return the rows as a file for a reader with this language tag. Without a region, the time zone's country decides.

    Spreadsheet programs recognise UTF-8 by the mark at the start, and expect the column separator that is usual in the
    reader's region. They run text that looks like a formula, unless it begins with an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, delimiter=csv_delimiter(language, time_zone))
    writer.writerows([_cell(value) for value in row] for row in rows)
    return BYTE_ORDER_MARK + text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
