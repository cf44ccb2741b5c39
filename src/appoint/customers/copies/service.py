"""Copy customers to the cells where they book."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import msgspec

from ... import audit
from ...clinics.cells.model import Cell
from ...clinics.cells.network import Cells
from ...database.pool import Database, Transaction
from ...events.facts import CustomerChanged, CustomerErased, CustomerRemoved
from ...events.model import Event
from ...kit import errors
from ...kit.actors import Actor
from ...kit.ids import PLATFORM
from . import repository
from .model import CustomerRecord

CHANGES: Final = (CustomerChanged, CustomerErased, CustomerRemoved)


async def copy_missing(cells: Cells, db: Database, customer_ids: Iterable[UUID]) -> None:
    """Copy those of the customers whom this cell does not know from their homes. The caller has checked that someone
    may book for them here.

    Customers who are at home in no cell remain unknown. Raise `Unavailable` if a cell does not respond that could be
    the home of one of them.
    """
    for customer_id in await repository.list_missing(db, list(customer_ids)):
        others = cells.table.others
        records = await asyncio.gather(*(_request_copy(cells, cell, customer_id) for cell in others))
        for cell, record in zip(others, records, strict=True):
            if isinstance(record, CustomerRecord):
                await db.atomic(_insert, record, cell)
                break
        else:
            if any(isinstance(record, errors.Unavailable) for record in records):
                raise errors.Unavailable


async def _request_copy(cells: Cells, cell: Cell, customer_id: UUID) -> CustomerRecord | errors.Unavailable | None:
    """Return the customer if they are at home in the cell, or the error if it cannot be reached."""
    try:
        answer = await cells.gateway.call(cell, "POST", f"/cells/customers/{customer_id}/copies")
    except errors.Unavailable as error:
        return error
    if answer.status == 404:
        return None
    if answer.status != 200:
        return errors.Unavailable()
    return msgspec.json.decode(answer.body, type=CustomerRecord)


async def _insert(tx: Transaction, record: CustomerRecord, home: Cell) -> None:
    await repository.insert(tx, record, home.number)
    await audit.record(tx, actor_of(home, "createCustomer"), clinic_id=PLATFORM, subjects=[record.id])


async def give_copy(tx: Transaction, customer_id: UUID, *, to: Cell) -> CustomerRecord:
    """Return a customer who is at home here, and note that the other cell has a copy from now on. Raise `NotFound`."""
    record = await repository.lock_record(tx, customer_id)
    if record is None:
        raise errors.NotFound
    await repository.add_copy(tx, record, to.number)
    await audit.record(tx, actor_of(to, "getCustomer"), clinic_id=PLATFORM, subjects=[customer_id])
    return record


async def change_copy(tx: Transaction, record: CustomerRecord, *, home: Cell) -> bool:
    """Adopt a customer's changes from their home. Return whether there are any. An earlier version changes nothing.

    Raise `NotFound` if this cell has no copy, and `Forbidden` if the customer is at home in a third cell.
    """
    copy = await repository.lock_copy(tx, record.id)
    if copy is None:
        raise errors.NotFound
    number, version = copy
    if number != home.number:
        raise errors.Forbidden
    if record.version <= version:
        return False
    await repository.note_version(tx, record.id, record.version)
    if record.erased_at is None:
        await repository.update(tx, record)
        await audit.record(tx, actor_of(home, "updateCustomer"), clinic_id=PLATFORM, subjects=[record.id])
    return True


async def mark_due(tx: Transaction, events: Sequence[Event]) -> None:
    """Event subscriber: note that changed customers have to be sent to the cells with copies of them."""
    if customer_ids := {event.fact.customer_id for event in events if isinstance(event.fact, CHANGES)}:
        await repository.mark_due(tx, sorted(customer_ids))


def actor_of(cell: Cell, operation: str) -> Actor:
    """Return the actor for what another cell does here."""
    return Actor(f"cell:{cell.name}", operation=operation)
