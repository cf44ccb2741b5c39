"""Parse forms and page queries, as browsers send them, leniently."""

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.exceptions import HTTPException

from ..kit import errors
from ..kit.fields import FIRST_YEAR, LAST_YEAR, is_whole_minute
from .url_encoding import parse_pairs

AnyRequest = Request[Any, Any, Any]
MAX_FORM_BYTES: Final = 16 * 1024
MAX_FORM_FIELDS: Final = 600
MAX_FIELD_LENGTH: Final = 5000


def query_params(request: AnyRequest) -> dict[str, str]:
    """Return the query's parameters. If a name is repeated, the last value wins. Ignore unreadable queries."""
    state = request.scope["state"]
    if "query_params" not in state:  # a page reads them several times
        state["query_params"] = _fields(request.scope["query_string"])
    return state["query_params"]


async def parse_form(request: AnyRequest) -> dict[str, str]:
    """Return a form's fields. If a name is repeated, the last value wins. An empty body is an empty form. Raise
    `Invalid` for a body that no browser would send.
    """
    state = request.scope["state"]
    if "typed" in state:
        return state["typed"]
    body = await request.body()
    if body and request.content_type[0] != "application/x-www-form-urlencoded":
        raise HTTPException(status_code=415)
    try:
        fields = dict(parse_pairs(body, max_fields=MAX_FORM_FIELDS))
    except ValueError:
        raise errors.Invalid(errors.Fault("#", "is not valid")) from None
    if any("\0" in value or len(value) > MAX_FIELD_LENGTH for value in fields.values()):
        raise errors.Invalid(errors.Fault("#", "is not valid"))
    state["typed"] = fields
    return fields


def _fields(query: bytes) -> dict[str, str]:
    try:
        return {
            name: value
            for name, value in parse_pairs(query, errors="replace")
            if value and "\0" not in value and len(value) <= MAX_FIELD_LENGTH
        }
    except ValueError:
        return {}


def parse_date(text: str | None) -> date | None:
    """Parse an ISO date. Return None for anything else."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def parse_instant(text: str | None) -> datetime | None:
    """Parse a date and time with an offset, within the years that the API accepts. Return None for anything else."""
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return instant if instant.tzinfo and FIRST_YEAR <= instant.year <= LAST_YEAR else None


def parse_minute(text: str | None) -> datetime | None:
    """Parse a date and time as `parse_instant` does, but return None if it is not on a whole minute."""
    instant = parse_instant(text)
    return instant if instant and is_whole_minute(instant) else None


def parse_id(text: str | None) -> UUID | None:
    """Parse a UUID. Return None for anything else."""
    try:
        return UUID(text or "")
    except ValueError:
        return None
