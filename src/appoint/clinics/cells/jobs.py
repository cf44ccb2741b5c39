"""The worker's part: learn from the other cells which clinics they are home to."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
import structlog

from ...database.pool import Database, Transaction
from ...kit import errors
from . import repository
from .model import Cell, OwnClinics

if TYPE_CHECKING:
    from .gateway import CellGateway

log = structlog.get_logger()


async def follow(db: Database, gateway: "CellGateway | None", *, now: datetime) -> None:
    """Store the homes of the clinics that have changed in the other cells. The next run tries cells that do not respond
    again."""
    if gateway is None:
        return
    cells = [cell for cell in await repository.list_cells(db) if cell.name != gateway.name]
    await asyncio.gather(*(_follow_cell(db, gateway, cell, now=now) for cell in cells))


async def _follow_cell(db: Database, gateway: "CellGateway", cell: Cell, *, now: datetime) -> None:
    since = await repository.find_followed_until(db, cell.number)
    query = f"?{urlencode({'since': since.isoformat()})}" if since else ""
    try:
        content = await gateway.get(cell, f"/cells/clinics{query}")
    except errors.Unavailable:
        return
    own = msgspec.json.decode(content, type=OwnClinics)
    if (own.cell, own.number) != (cell.name, cell.number):
        log.warning("cell has another number there", cell=cell.name, number=cell.number, own_number=own.number)
        return

    async def save(tx: Transaction) -> None:
        await repository.save_homes(tx, own.clinics, now=now)
        await repository.note_followed(tx, cell.number, until=own.until)

    await db.atomic(save)
