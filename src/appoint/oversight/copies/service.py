"""Adopt what happens to customers in their home, another cell."""

from datetime import datetime

from ...clinics.cells.model import Cell
from ...customers.copies import service as copies
from ...customers.copies.model import CustomerRecord
from ...database.pool import Transaction
from ..privacy import service as privacy


async def adopt(tx: Transaction, record: CustomerRecord, *, home: Cell, now: datetime) -> None:
    """Change or erase this cell's copy of a customer. An earlier version changes nothing.

    Raise the same errors as `copies.change_copy`, and a `customer-has-appointments` `Conflict` while an erased customer
    has upcoming appointments here.
    """
    if await copies.change_copy(tx, record, home=home) and record.erased_at:
        await privacy.erase_copy(tx, copies.actor_of(home, "eraseCustomer"), customer_id=record.id, now=now)
