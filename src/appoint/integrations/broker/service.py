"""What the relay leaves for the broker."""

from collections.abc import Sequence

from ...database.pool import Transaction
from ...events.model import Event, cloud_event
from . import repository


async def write_down(tx: Transaction, events: Sequence[Event]) -> None:
    """For the relay, where there is a broker: the events as messages, in the batch's order, published as soon as they
    are committed."""
    await repository.append(
        tx,
        clinic_ids=[event.clinic_id for event in events],
        event_ids=[event.id for event in events],
        types=[event.type for event in events],
        subject_ids=[event.subject_id for event in events],
        bodies=[cloud_event(event).decode() for event in events],
    )
