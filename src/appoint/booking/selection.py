"""Filters for lists of appointments."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import msgspec

from ..kit import errors, fields
from ..kit.structs import PageQuery
from .model import Status


class AppointmentFilter(PageQuery):
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: fields.Date | None = None
    """The last day."""
    doctor_id: UUID | None = None
    """Return only this doctor's appointments."""
    customer_id: UUID | None = None
    """Return only this customer's appointments."""
    status: Annotated[list[Status], msgspec.Meta(max_length=len(Status))] | None = None
    """Return only appointments with this status. Repeat the parameter to allow several."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class AppointmentListFilter(AppointmentFilter):
    updated_since: fields.Instant | None = None
    """Return only appointments that changed at this time or later, ordered by their last change instead of their start.
    Cancelled appointments are included. To stay up to date, send the time just before your previous first request,
    minus a minute to allow for changes that were still being saved then.
    """


class Selection(NamedTuple):
    """A clinic's appointments that match all of these criteria and come after a given position."""

    first: date | None
    last: date | None
    doctor_ids: Sequence[UUID] | None
    customer_id: UUID | None
    statuses: Sequence[Status] | None
    after: tuple[datetime, UUID] | None
    limit: int

    @property
    def parameters(self) -> tuple[object, ...]:
        """The statement's parameters; the position takes up two of them."""
        start, last_id = self.after or (None, None)
        return (
            self.first,
            self.last,
            self.doctor_ids,
            self.customer_id,
            self.statuses,
            start,
            last_id,
            self.limit,
        )

    @property
    def parameters_of_changes(self) -> dict[str, object]:
        """The named parameters of statements that list changes. The position consists of the time of a change and an
        id."""
        after_change, after_id = self.after or (None, None)
        criteria = {name: value for name, value in self._asdict().items() if name != "after"}
        return {**criteria, "after_change": after_change, "after_id": after_id}
