"""What a clinic's staff can do with its queue: see it, open and end it, and announce when booking opens."""

from datetime import datetime

import msgspec

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ..clinics import service as clinics
from . import repository
from .line import Queues
from .model import Queue, QueuePatch


async def get(db: Statements, clinic_id: int) -> Queue:
    """Return the clinic's queue. Raise `NotFound` if the clinic does not exist."""
    await clinics.get(db, clinic_id)
    return Queue.of(await repository.find(db, clinic_id))


async def change(
    tx: Transaction, actor: Actor, *, clinic_id: int, change: QueuePatch, queues: Queues, now: datetime
) -> Queue:
    """Open or end the clinic's queue, or announce when booking opens.

    Raise a `Conflict`: `queues-off` if the server has no queues, or `queue-open` for an announcement while the queue
    for an earlier one is open. Raise `Invalid` for an opening in the past.
    """
    await clinics.lock_active(tx, clinic_id)
    if queues.mode == "never" and (change.open is True or isinstance(change.opens_at, datetime)):
        raise errors.Conflict("queues-off")
    if change.open is False:
        await repository.close(tx, clinic_id)
    if change.opens_at is not msgspec.UNSET:
        await _announce(tx, clinic_id, change.opens_at, now)
    if change.open is True:
        await repository.open_queue(tx, clinic_id, "staff")
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[clinic_id])
    return Queue.of(await repository.find(tx, clinic_id))


async def _announce(tx: Transaction, clinic_id: int, opens_at: datetime | None, now: datetime) -> None:
    if opens_at is not None and opens_at <= now:
        raise errors.Invalid(errors.Fault("#/opensAt", "must be in the future"))
    current = await repository.find(tx, clinic_id)
    if current and current.is_open and current.opens_at and current.opens_at <= now:
        raise errors.Conflict("queue-open")
    await repository.announce(tx, clinic_id, opens_at)
