"""A step: one action by a clinic's staff, which books, moves, cancels or changes the status of one or more
appointments."""

from datetime import datetime, timedelta
from typing import Annotated, Final, Self
from uuid import UUID

import msgspec

UNDO_WINDOW: Final = timedelta(seconds=8)
"""How long messages about a step wait, so that nothing is sent if staff undo it."""

STEP_TTL: Final = timedelta(days=2)
"""How long Appoint keeps what is needed to undo a step. Staff can undo only today's steps."""


class UndoOffer(msgspec.Struct, frozen=True, rename="camel"):
    """How staff can undo their last step for an appointment, until the end of the day."""

    url: Annotated[str, msgspec.Meta(examples=["/api/steps/00000001-0197-8f5b-8c22-02e1f966150a/undo"])]
    """Send a POST request here. This undoes the step for all of its appointments."""
    taken_at: datetime
    messages_held_until: datetime
    """If the step is undone before this time, no message about it is sent."""

    @classmethod
    def of(cls, step_id: UUID, taken_at: datetime) -> Self:
        return cls(f"/api/steps/{step_id}/undo", taken_at, taken_at + UNDO_WINDOW)
