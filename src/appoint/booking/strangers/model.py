"""Appointments that strangers booked, and requests to find and cancel them."""

from datetime import date, datetime
from typing import Annotated, ClassVar, Final, NamedTuple
from uuid import UUID

import msgspec

from ...kit import errors, fields
from ...kit.structs import PageQuery, RequestBody
from ..model import Status
from ..steps import UndoOffer

LABEL: Final = "[0-9a-f]{32}"
NetworkLabel = Annotated[
    str, msgspec.Meta(pattern=f"^{LABEL}" + fields.END_OF_TEXT, examples=["5f1d7a52c0c94e0a8f6d3b7e21c4a960"])
]


class StrangerAppointment(msgspec.Struct, rename="camel", frozen=True):
    """An appointment booked by someone who was not signed in."""

    id: UUID
    clinic_id: int
    doctor_id: UUID
    doctor_name: str
    customer_id: UUID
    name: str | None
    """The patient's name, unless the appointment has only ever been on hold."""
    sent_to: str | None
    """The patient's email address or phone number, mostly masked."""
    start_time: datetime
    end_time: datetime
    status: Status
    created_at: datetime
    networks: list[NetworkLabel]
    """Labels for the networks that contain the caller's address, narrowest first. The same label means the same
    network; the address itself is not stored."""


class StrangerFilter(PageQuery):
    EXAMPLE: ClassVar = {"from": "2027-02-28", "to": "2027-02-28"}

    network: NetworkLabel | None = None
    """Return only appointments booked from this network."""
    address: Annotated[str, msgspec.Meta(min_length=3, max_length=254)] | None = None
    """Return only appointments for this full email address or phone number in international format, or for addresses
    at this domain (`@example.org`)."""
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day on which the appointments were booked."""
    to: fields.Date | None = None
    """The last day on which they were booked."""
    live: bool = False
    """Return only appointments that still occupy their time."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class StrangerSelection(NamedTuple):
    """Criteria for finding a clinic's appointments that strangers booked before a given one. An appointment must meet
    all of them.
    """

    network: bytes | None
    address: str | None
    first: date | None
    last: date | None
    live: bool
    after: tuple[datetime, UUID] | None
    limit: int

    @classmethod
    def of(cls, query: StrangerFilter, after: tuple[datetime, UUID] | None) -> "StrangerSelection":
        return cls(
            bytes.fromhex(query.network) if query.network else None,
            query.address.strip().lower() if query.address else None,
            query.from_,
            query.to,
            query.live,
            after,
            query.limit,
        )


class BulkCancellation(RequestBody):
    """Appointments to cancel, and the reason for all of them."""

    EXAMPLE: ClassVar = {
        "appointmentIds": ["00000001-0197-818c-8c22-0201f9661508"],
        "reason": "Booked by a script",
    }

    appointment_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=200)]
    reason: fields.ShortText | None = None
    """Stored with each appointment. The patients' messages do not contain it."""


class BulkCancelled(msgspec.Struct, rename="camel"):
    """The outcome of a bulk cancellation."""

    cancelled: list[UUID]
    skipped: list[UUID]
    """Appointments that were not booked by a stranger, or that can no longer be cancelled."""
    count: int
    """How many were cancelled."""
    undo: UndoOffer | None
    """How to undo all of the cancellations, except for holds; null if there are none."""
