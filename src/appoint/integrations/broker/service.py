"""Store events as messages for the broker."""

from collections.abc import Sequence

from ...database.pool import Transaction
from ...events.model import Event, cloud_event
from . import repository


async def store(tx: Transaction, events: Sequence[Event]) -> None:
    """Event subscriber: store events as messages, in order. They are published once the transaction has committed."""
    await repository.append(
        tx,
        clinic_ids=[event.clinic_id for event in events],
        event_ids=[event.id for event in events],
        types=[event.type for event in events],
        subject_ids=[event.subject_id for event in events],
        bodies=[cloud_event(event).decode() for event in events],
    )
