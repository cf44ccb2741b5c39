"""A video visit as seen by the people who join it."""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ..providers.failures import FailureCode
from ..providers.model import CLOSES_AFTER, DOCTOR_OPENS_BEFORE, Gateway, GatewayChoice, Room, room_name
from ..rooms.model import MIN_PERIOD, State

Stage = Literal["off", "unavailable", "early", "preparing", "ready", "waiting", "admitted", "broken", "ended", "closed"]
"""`off`: the visit does not take place. `unavailable`: the clinic no longer has video visits. `early`: the waiting room
is not open yet. `preparing`: there is no call yet. `ready`: the waiting room is open. `waiting`: the patient is in it.
`admitted`: people can enter the call. `broken`: there is no room. `ended`: staff have ended the call. `closed`: the
visit is over."""
LIVE: Final = ("booked", "arrived", "checked-in", "fulfilled")


class Call(msgspec.Struct, frozen=True):
    """An appointment's call at its current time."""

    id: UUID
    gateway: Gateway
    state: State
    error: FailureCode | None
    wanted_at: datetime
    """When Appoint began to create or end the room."""
    due_at: datetime | None
    """When a job will next try to create or end the room."""
    waiting_since: datetime | None
    opened_at: datetime | None
    patient_joined_at: datetime | None
    doctor_joined_at: datetime | None
    delay_minutes: int | None

    @property
    def is_over(self) -> bool:
        return self.state in ("ending", "ended")


class BoardCall(msgspec.Struct, frozen=True):
    """An appointment's latest call as the day board needs it."""

    appointment_id: UUID
    waiting_since: datetime | None
    """When the patient entered the waiting room; None once they have been let in or the call has ended."""
    failed: bool
    """Whether the room could not be created."""
    ended: bool
    """Whether the call has been ended, or is being ended."""


class JoinWindow(NamedTuple):
    """When a video visit opens for its patient, when it closes, and the number to call if it doesn't work."""

    appointment_id: UUID
    opens_at: datetime
    closes_at: datetime
    phone: str | None


class JoinLink(NamedTuple):
    """The page where a patient joins a call, when it opens and closes, and the number to call if it doesn't work."""

    path: str
    opens_at: datetime
    closes_at: datetime
    phone: str | None


class Visit(msgspec.Struct, frozen=True):
    """An online appointment with its call, and the names of those who take part."""

    appointment_id: UUID
    clinic_id: int
    status: str
    sequence: int
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
    customer_id: UUID
    doctor_id: UUID
    doctor: str
    type: str | None
    preparation: str | None
    is_online: bool
    choice: GatewayChoice | None
    """Where the clinic has chosen to hold its video visits."""
    arranged_at: datetime
    """When the visit got its current time."""
    patient: str | None
    patient_phone: str | None
    patient_email: str | None
    patient_time_zone: str | None
    call: Call | None = None

    @property
    def is_in_person(self) -> bool:
        """Whether the visit takes place, but no longer by video."""
        return not self.is_online and self.status in LIVE

    @property
    def opens_at(self) -> datetime:
        return self.start_time - timedelta(minutes=self.opens_before_minutes)

    @property
    def doctor_opens_at(self) -> datetime:
        return min(self.start_time - DOCTOR_OPENS_BEFORE, self.opens_at)

    @property
    def closes_at(self) -> datetime:
        return self.end_time + CLOSES_AFTER

    def needs_call(self, default_gateway: Gateway | None, now: datetime) -> bool:
        """Return whether a job has a call for the visit, or is about to."""
        has_place = (self.choice or default_gateway) not in (None, "off")
        return self.is_online and has_place and self.status in LIVE and now < self.end_time

    def stage(self, now: datetime) -> Stage:
        """Return how far the visit has come for its patient and their guests."""
        if not self.is_online or self.status not in LIVE:
            return "off"
        if now >= self.closes_at or (self.call is None and now >= self.end_time):
            return "closed"
        if self.choice == "off" and (self.call is None or self.call.is_over):
            return "unavailable"
        if self.call and self.call.is_over:
            return "ended"
        if now < self.opens_at:
            return "early"
        if self.call is None:
            is_new = now < max(self.start_time, self.arranged_at + MIN_PERIOD)
            return "preparing" if is_new else "broken"
        if self.call.state == "dead":
            return "broken"
        if self.call.state == "open":
            return "admitted"
        return "waiting" if self.call.waiting_since else "ready"

    def uses_room(self, call_id: UUID, gateway: Gateway) -> bool:
        """Return whether a call's room at this provider is the visit's current one, and not one from before the visit
        was rescheduled, cancelled or ended."""
        call = self.call
        is_current = call is not None and (call.id, call.gateway) == (call_id, gateway) and not call.is_over
        return is_current and self.is_online and self.status in LIVE

    def doctor_stage(self, now: datetime) -> Stage:
        """Return how far the visit has come for its doctor: `waiting` if the patient is, `admitted` once the doctor has
        let them in."""
        if self.doctor_opens_at <= now < self.opens_at and self.stage(now) == "early":
            return "broken" if self.call is None or self.call.state == "dead" else "ready"
        return self.stage(now)

    def waited(self, now: datetime) -> int | None:
        """Return how many minutes the patient has been in the waiting room; None if they are not there."""
        if self.call is None or self.call.waiting_since is None or self.call.is_over or self.call.state == "open":
            return None
        return max(now - self.call.waiting_since, timedelta()) // timedelta(minutes=1)

    def room(self, secret: str) -> Room:
        assert self.call, "callers check the stage"
        return Room(room_name(secret, self.call.id), self.call.id, self.doctor_id, self.start_time, self.end_time)
