"""A queue's state, the visitors' places in it, and how fast it moves."""

import math
import secrets
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

import msgspec

from ...kit import errors, fields
from ...kit.structs import RequestBody
from .shuffle import Shuffle

OpenedBy = Literal["staff", "load", "opening"]
PASS_SECONDS: Final = 600
"""How long a visitor can use the booking pages once it is their turn."""
FORM_SECONDS: Final = 600
"""How much longer they can send a form that they have begun to fill in."""
TICKET_SECONDS: Final = 12 * 60 * 60
LOBBY: Final = timedelta(minutes=30)
"""How long before an announced opening visitors can take tickets, instead of using the booking pages."""
REFRESH_SECONDS: Final = 22.5
"""How often a visitor's page refreshes on average. Times are spread from two thirds to four thirds of the average, so
that visitors who have come together do not come back together."""
NEAR_REFRESH_SECONDS: Final = 7.5
"""The same for visitors whose turn is near."""
MAX_REFRESH_SECONDS: Final = 300
REFRESHES_PER_SECOND: Final = 1000
"""If so many people are waiting that their pages would refresh more often than this, each refreshes less often."""
SPREAD: Final = (math.sqrt(5) - 1) / 2
"""Multiples of the golden ratio, without their whole part, spread evenly however many there are."""
RETRY_SECONDS: Final = (1, 2, 3)
"""How long visitors wait for their pass if too many others have come in the same second."""


class QueueState(msgspec.Struct, frozen=True):
    """A queue's state in the database."""

    clinic_id: int
    """0 for the queue in front of all clinics."""
    name: str | None
    slug: str | None
    time_zone: str | None
    opened_at: datetime | None
    opened_by: OpenedBy | None
    opens_at: datetime | None
    issued: int
    served: int
    missed: int
    shuffled_after: int | None
    shuffled_until: int | None

    @property
    def is_open(self) -> bool:
        return self.opened_at is not None

    @property
    def waiting(self) -> int:
        return max(self.issued - self.served, 0)

    def is_lobby(self, now: datetime) -> bool:
        """Return whether visitors are taking tickets for an opening that has not begun."""
        return self.opens_at is not None and self.opens_at > now and self.shuffled_after is not None

    def place_of(self, number: int, shuffle: Shuffle) -> int | None:
        """Return the place of the ticket with this number, or None while the tickets have not been shuffled yet."""
        if self.shuffled_after is None or number <= self.shuffled_after:
            return number
        if self.shuffled_until is None:
            return None
        if number > self.shuffled_until:
            return number
        size = self.shuffled_until - self.shuffled_after
        return self.shuffled_after + 1 + shuffle.place(number - self.shuffled_after - 1, size)


class Wait(NamedTuple):
    """What a visitor learns about their wait."""

    ahead: int | None
    """The number of people ahead, plus one. None before an opening, or if there is no ticket."""
    seconds: int | None
    """An estimate, or None if there is none."""
    refresh_seconds: int

    @classmethod
    def of(cls, state: QueueState, number: int, place: int | None, per_second: float | None) -> "Wait":
        """Return the wait for a ticket's number and place, at the speed at which the queue has recently moved."""
        ahead = None if place is None else max(place - state.served, 1)
        seconds = math.ceil(ahead / per_second) if ahead and per_second else None
        return cls(ahead, seconds, refresh_seconds(number, seconds, state.waiting))

    @classmethod
    def for_pass(cls) -> "Wait":
        """Return the short wait of visitors whose turn it is while too many others have just come."""
        return cls(1, max(RETRY_SECONDS), secrets.choice(RETRY_SECONDS))


NO_WAIT_KNOWN: Final = Wait(None, None, round(REFRESH_SECONDS))


def refresh_seconds(number: int, seconds: int | None, waiting: int) -> int:
    """Return how long the page of the ticket with this number waits before it refreshes. If the turn is expected in
    `seconds`, it refreshes after about half of them, or earlier."""
    average = min(max(waiting / REFRESHES_PER_SECOND, REFRESH_SECONDS), MAX_REFRESH_SECONDS)
    if seconds is not None:
        average = min(average, max(seconds / 2, NEAR_REFRESH_SECONDS))
    return round(average * (1 + number * SPREAD % 1) * 2 / 3)


class Queue(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The queue in front of a clinic's booking pages."""

    open: bool
    """Whether visitors wait in the queue now."""
    opened_at: datetime | None
    opened_by: OpenedBy | None
    """`staff`, `load` if the server could not keep up, or `opening` before an announced opening."""
    opens_at: datetime | None
    """The announced opening."""
    waiting: int
    """How many tickets have been issued to people who have not had their turn. Some may have given up."""
    admitted: int
    """How many people have had their turn since the clinic's first queue."""

    @classmethod
    def of(cls, state: QueueState | None) -> "Queue":
        if state is None:
            return cls(open=False, opened_at=None, opened_by=None, opens_at=None, waiting=0, admitted=0)
        return cls(
            open=state.is_open,
            opened_at=state.opened_at,
            opened_by=state.opened_by,
            opens_at=state.opens_at,
            waiting=state.waiting if state.is_open else 0,
            admitted=state.served,
        )


class QueuePatch(RequestBody):
    """Opens or ends the queue, or announces when booking opens."""

    open: bool | msgspec.UnsetType = msgspec.UNSET
    """True to make visitors wait in the queue from now on; false to let everyone in."""
    opens_at: fields.Instant | None | msgspec.UnsetType = msgspec.UNSET
    """When booking opens. From half an hour before, visitors take tickets instead of booking; tickets from before the
    opening are then shuffled. Null withdraws the announcement."""

    def __post_init__(self) -> None:
        if self.open is msgspec.UNSET and self.opens_at is msgspec.UNSET:
            raise errors.Invalid(errors.Fault("#", "must contain at least one member"))
