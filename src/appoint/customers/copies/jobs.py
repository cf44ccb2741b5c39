"""The worker's part: send customers' changes to the cells with copies of them."""

from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from ...clinics.cells import repository as cell_rows
from ...database.pool import Database
from ...kit import errors
from . import repository
from .model import DueCopy

if TYPE_CHECKING:
    from ...clinics.cells.gateway import CellGateway
    from ...clinics.cells.model import Cell

log = structlog.get_logger()

BATCH_SIZE: Final = 200
CONFIRMED: Final = 204
NO_COPY: Final = 404


async def send_changes(db: Database, gateway: "CellGateway | None") -> None:
    """Send changed customers to the cells with copies of them. A change remains due until the cell has confirmed it: a
    cell that is down gets it later, and one where an erased customer still has appointments refuses it until these are
    over."""
    if gateway is None:
        return
    due = await repository.list_due(db, limit=BATCH_SIZE)
    cells = {cell.number: cell for cell in await cell_rows.list_cells(db)} if due else {}
    unreachable = set[int]()
    for copy in due:
        if copy.cell in unreachable:
            continue
        try:
            await _send(db, gateway, cells[copy.cell], copy)
        except errors.Unavailable:
            unreachable.add(copy.cell)


async def _send(db: Database, gateway: "CellGateway", cell: "Cell", copy: DueCopy) -> None:
    record = copy.record
    answer = await gateway.call(cell, "PUT", f"/cells/customers/{record.id}", msgspec.json.encode(record))
    if answer.status == CONFIRMED:
        await repository.note_sent(db, record.id, cell.number, version=record.version)
    elif answer.status == NO_COPY:
        await repository.delete_copy(db, record.id, cell.number)
    else:
        log.info("cell has not confirmed a change", cell=cell.name, status=answer.status)
