"""News that customers have not received yet: steps by staff, and messages that became outdated before they were
sent."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class StepEffect(NamedTuple):
    """What an event's step, or its undo, means for the messages about the appointment."""

    event_id: UUID
    held_until: datetime
    """Messages about the step wait until then."""
    is_undo: bool
    was_announced: bool
    """For an undo: whether a message about the step has gone out."""
    unsent_kind: str | None
    """For an undo: the kind of the message that the step made outdated before it was sent."""
    unsent_event_id: UUID | None

    @property
    def unsent(self) -> tuple[str, UUID | None] | None:
        """The message that the customer still needs after the undo."""
        return (self.unsent_kind, self.unsent_event_id) if self.unsent_kind and not self.was_announced else None


class SupersededNotification(NamedTuple):
    """A notification that became outdated before it was sent."""

    clinic_id: int
    subject_id: str
    kind: str
    event_id: UUID | None
