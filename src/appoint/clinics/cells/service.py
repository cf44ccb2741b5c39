"""Add and list cells."""

import asyncpg

from ...database.pool import Transaction, violates
from ...kit.errors import StartupError
from . import repository
from .model import Cell


async def add(tx: Transaction, cell: Cell, *, own_name: str) -> None:
    """Add a cell, or change its URL. For this cell itself, from now on new clinics get numbers from its block.

    `tx` must belong to the owner of the tables. Raise `StartupError` if the number, name or URL is another cell's or is
    malformed, or if this cell has clinics whose numbers belong to other cells.
    """
    try:
        is_added = await repository.add_cell(tx, cell)
    except asyncpg.UniqueViolationError as error:
        what = "name" if violates(error, "cell_name_unique") else "address"
        raise StartupError(f"Another cell has this {what}. `appoint cell list` shows all of them.") from None
    except asyncpg.IntegrityConstraintViolationError as error:
        raise StartupError(_fault(error)) from None
    if not is_added:
        raise StartupError(f"Number {cell.number} belongs to another cell. `appoint cell list` shows all of them.")
    if cell.name != own_name:
        return
    if await repository.has_clinics_outside(tx, cell.number):
        raise StartupError(
            f"This installation has clinics whose numbers are not from the block of cell {cell.number}. One that had "
            "clinics before it became a cell has to be number 0, and only one cell can be."
        )
    await repository.reserve_numbers(tx, cell.number)


def _fault(error: asyncpg.PostgresError) -> str:
    if violates(error, "cell_url"):
        return "The address must be like https://north.example.org, without a path."
    if violates(error, "cell_name"):
        return "The name must consist of lowercase letters, digits and hyphens, at most 40."
    return "The number must be between 0 and 2047."
