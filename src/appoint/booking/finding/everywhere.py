"""Search for clinics in all cells, and merge what they find."""

import re
from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from ...clinics.cells.everywhere import ask_everywhere
from ...clinics.cells.network import Cells
from ...database.pool import Statements
from ...kit.ids import MAX_CLINIC_ID
from . import service
from .model import Criteria, FoundClinic
from .service import Findings

PATH: Final = "/cells/clinicSearch"
Position = Mapping[int, int]
"""Where the next page starts in each cell: after the clinic with this number. Cells that have no more clinics are at
`END`, and those that are missing start at the beginning."""
END: Final = -1
MAX_CELLS: Final = 2048
NUMBER: Final = re.compile("-1|[0-9]{1,10}")


class CellSearch(msgspec.Struct, frozen=True):
    """What a cell asks the others."""

    criteria: Criteria
    after: int | None
    limit: int


class MergedFindings(NamedTuple):
    clinics: list[FoundClinic]
    after: dict[int, int] | None
    """Where the next page starts; None on the last page."""
    silent: list[str]
    """The names of the cells that did not answer."""


async def find(
    cells: Cells, db: Statements, criteria: Criteria, *, after: Position, limit: int, now: datetime, address: str
) -> MergedFindings:
    """Return the clinics of all cells that match, in the order of `service.find`.

    `address` is the caller's, against whose limit the other cells count the search.
    """
    own_number = cells.table.own.number if cells.table.own else 0
    numbers = [each.number for each in cells.table.others if after.get(each.number) != END]
    questions = {number: msgspec.json.encode(CellSearch(criteria, after.get(number), limit)) for number in numbers}
    own = _find_here(db, criteria, after=after.get(own_number), limit=limit, now=now)
    answers = await ask_everywhere(cells, PATH, questions, own, Findings, address=address)
    return _merge(answers.by_cell, after, limit=limit)._replace(silent=answers.silent)


async def _find_here(db: Statements, criteria: Criteria, *, after: int | None, limit: int, now: datetime) -> Findings:
    if after == END:
        return service.NOTHING
    return await service.find(db, criteria, after=after, limit=limit, now=now)


def _merge(by_cell: Mapping[int, Findings], before: Position, *, limit: int) -> MergedFindings:
    """Merge the sorted results of the cells into one page."""
    results = sorted(
        (
            (rank, name, clinic.clinic_id, number, clinic)
            for number, findings in by_cell.items()
            for (rank, name), clinic in zip(findings.order, findings.clinics, strict=True)
        ),
        key=itemgetter(0, 1, 2),
    )
    page = results[:limit]
    after = dict(before)
    for number, findings in by_cell.items():
        shown_ids = [clinic.clinic_id for *_, cell, clinic in page if cell == number]
        if len(shown_ids) == len(findings.clinics):
            after[number] = END if findings.after is None else findings.after
        elif shown_ids:
            after[number] = shown_ids[-1]
    is_last = all(after.get(number) == END for number in by_cell)
    return MergedFindings([clinic for *_, clinic in page], None if is_last else after, [])


def write_position(position: Position) -> str:
    """Return a position as text for a page's address, such as `0:12,1:1048580`."""
    return ",".join(f"{cell}:{clinic_id}" for cell, clinic_id in sorted(position.items()))


def read_position(text: str | None) -> dict[int, int]:
    """Return the position in a page's address, or the beginning if there is none or it is damaged."""
    pairs = [part.partition(":") for part in (text or "").split(",")][:MAX_CELLS]
    return {
        int(cell): int(clinic_id)
        for cell, _, clinic_id in pairs
        if NUMBER.fullmatch(cell) and NUMBER.fullmatch(clinic_id) and int(clinic_id) <= MAX_CLINIC_ID
    }
