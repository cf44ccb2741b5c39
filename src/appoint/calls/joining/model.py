"""A video visit as seen by the people who join it."""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ..providers.model import CLOSES_AFTER, DOCTOR_OPENS_BEFORE, Gateway, Room, room_name
from ..rooms.model import State

Stage = Literal["off", "early", "preparing", "ready", "waiting", "admitted", "broken", "closed"]
"""`off`: the visit does not take place. `early`: the waiting room is not open yet. `preparing`: there is no call yet.
`ready`: the waiting room is open. `waiting`: the patient is in it. `admitted`: people can enter the call. `broken`:
there is no room. `closed`: the visit is over."""
LIVE: Final = ("booked", "arrived", "checked-in", "fulfilled")


class Call(msgspec.Struct, frozen=True):
    """An appointment's live call."""

    id: UUID
    gateway: Gateway
    state: State
    error: str | None
    waiting_since: datetime | None
    opened_at: datetime | None
    patient_joined_at: datetime | None
    doctor_joined_at: datetime | None
    delay_minutes: int | None


class BoardCall(msgspec.Struct, frozen=True):
    """A live call as the day board needs it."""

    appointment_id: UUID
    waiting_since: datetime | None
    """When the patient entered the waiting room; None once they have been let in."""
    failed: bool
    """Whether the room could not be created."""


class Opening(NamedTuple):
    """When an appointment's call opens for its patient, and when it closes."""

    appointment_id: UUID
    opens_at: datetime
    closes_at: datetime


class JoinLink(NamedTuple):
    """The page where a patient joins a call, and when it opens and closes."""

    path: str
    opens_at: datetime
    closes_at: datetime


class Visit(msgspec.Struct, frozen=True):
    """An online appointment with its call, and the names of those who take part."""

    appointment_id: UUID
    clinic_id: int
    status: str
    link_number: int
    """The number of the currently valid manage link."""
    start_time: datetime
    end_time: datetime
    time_zone: str
    clinic: str
    slug: str | None
    phone: str | None
    """The number to call if the video visit doesn't work."""
    opens_before_minutes: int
    doctor_id: UUID
    doctor: str
    type: str | None
    preparation: str | None
    is_online: bool
    patient: str | None
    patient_time_zone: str | None
    call: Call | None = None

    @property
    def opens_at(self) -> datetime:
        return self.start_time - timedelta(minutes=self.opens_before_minutes)

    @property
    def doctor_opens_at(self) -> datetime:
        return min(self.start_time - DOCTOR_OPENS_BEFORE, self.opens_at)

    @property
    def closes_at(self) -> datetime:
        return self.end_time + CLOSES_AFTER

    def stage(self, now: datetime) -> Stage:
        """Return how far the visit has come for its patient and their guests."""
        if not self.is_online or self.status not in LIVE:
            return "off"
        if now >= self.closes_at or (self.call is None and now >= self.end_time):
            return "closed"
        if now < self.opens_at:
            return "early"
        if self.call is None:
            return "preparing" if now < self.start_time else "broken"
        if self.call.state == "dead":
            return "broken"
        if self.call.state == "open":
            return "admitted"
        return "waiting" if self.call.waiting_since else "ready"

    def doctor_stage(self, now: datetime) -> Stage:
        """Return how far the visit has come for its doctor: `waiting` if the patient is, `admitted` once the doctor has
        let them in."""
        if self.doctor_opens_at <= now < self.opens_at and self.stage(now) == "early":
            return "broken" if self.call is None or self.call.state == "dead" else "ready"
        return self.stage(now)

    def waited(self, now: datetime) -> int | None:
        """Return how many minutes the patient has been in the waiting room; None if they are not there."""
        if self.call is None or self.call.waiting_since is None or self.call.state == "open":
            return None
        return max(now - self.call.waiting_since, timedelta()) // timedelta(minutes=1)

    def room(self, secret: str) -> Room:
        assert self.call, "callers check the stage"
        return Room(room_name(secret, self.call.id), self.call.id, self.doctor_id, self.start_time, self.end_time)
