"""`appoint cell …`: the cells that together serve one platform. Commands import what they need when they run."""
# ruff: noqa: PLC0415

import asyncio
from typing import Annotated, Final

from cyclopts import App, Parameter, validators

from ..settings import Settings
from .output import echo, minute, table
from .session import session

cell = App(name="cell", help="Cells: installations that together serve one platform. Each is home to some clinics.")
GROUPS: Final = (cell,)
CellNumber = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=2047))]


@cell.command
def add(name: str, url: str, *, number: CellNumber) -> None:
    """Add a cell, or change the address of one. Every cell needs an entry in each of the cells, itself included, with
    the same name, address and number.

    For this cell itself (`APPOINT_CELL`), new clinics get numbers from its block from then on. This needs the database
    login that owns the tables.

    Parameters
    ----------
    name
        The cell's APPOINT_CELL.
    url
        The public address at which people and the other cells reach it.
    number
        A number that no other cell has. It can't be changed. An installation that had clinics before is number 0.
    """
    from ..clinics.cells import service
    from ..clinics.cells.model import Cell
    from ..database.pool import connect
    from ..server import startup

    settings = Settings()
    new = Cell(number, name, url.rstrip("/"))

    async def run(owner_url: str) -> None:
        await startup.expect_migrated(database)
        db = connect(owner_url, size=1, wait_seconds=10, statement_seconds=60)
        try:
            await db.atomic(service.add, new, own_name=settings.cell)
        finally:
            await db.close()

    with startup.database(settings, say=echo) as database:
        asyncio.run(run(database.owner_url))
    echo(f"Cell {name} is at {new.url}{', and it is this one' if name == settings.cell else ''}.")


@cell.command(name="list")
def list_cells() -> None:
    """List the cells, with the number of clinics that this cell knows in each of the others, and when it last learned
    about them."""
    from ..clinics.cells import repository

    own_name = Settings().cell
    with session() as run:
        cells = run(repository.summarise)
    table(
        ["number", "name", "address", "clinics", "updated"],
        [
            (row.number, row.name, row.url, row.clinics, "this cell" if row.name == own_name else minute(row.until))
            for row in cells
        ],
    )
