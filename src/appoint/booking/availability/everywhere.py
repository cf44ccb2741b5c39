"""Find free times in all cells, and merge them."""

from datetime import datetime
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

from ...clinics.cells.everywhere import ask_everywhere
from ...clinics.cells.network import Cells
from ...database.pool import Statements
from .model import FoundTime, SearchFilter, SearchPosition
from .responses import dates
from .search import search

PATH: Final = "/cells/availabilitySearch"


class TimeSearch(msgspec.Struct, frozen=True):
    """What a cell asks the others."""

    query: SearchFilter
    after: SearchPosition | None


class FoundTimes(NamedTuple):
    times: list[FoundTime]
    silent: list[str]
    """The names of the cells that did not answer."""


async def find(cells: Cells, db: Statements, time_search: TimeSearch, *, now: datetime, address: str) -> FoundTimes:
    """Return the same times as `search.search`, but of all cells.

    `address` is the caller's, against whose limit the other cells count the search.
    """
    question = msgspec.json.encode(time_search)
    questions = {cell.number: question for cell in cells.table.others}
    own = find_here(db, time_search, now=now)
    answers = await ask_everywhere(cells, PATH, questions, own, list[FoundTime], address=address)
    times = sorted((time for each in answers.by_cell.values() for time in each), key=attrgetter("place"))
    return FoundTimes(times[: time_search.query.limit + 1], answers.silent)


async def find_here(db: Statements, time_search: TimeSearch, *, now: datetime) -> list[FoundTime]:
    """Return the times in this cell."""
    first, last = dates(time_search.query)
    return await search(db, query=time_search.query, after=time_search.after, first=first, last=last, now=now)
