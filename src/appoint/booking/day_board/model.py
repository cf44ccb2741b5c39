"""A clinic's days as shown on its board. Wall times are naive and in the clinic's zone."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from ...clinics.catalogue.model import CatalogueType
from ...kit import clock
from ..model import MOVABLE_BY_STAFF, TRANSITIONS, Status
from ..steps import UndoOffer
from ..undo.model import Undo, is_today

WAITING: Final = frozenset({Status.ARRIVED, Status.CHECKED_IN})
STEPS_OF_THE_DAY: Final = ("arrive", "checkIn", "enterRoom")
"""The steps for a patient who is at the clinic. Staff must confirm them if the appointment is on a different day."""


class DayAppointment(msgspec.Struct, frozen=True):
    """An appointment with its patient's name and its type's name."""

    id: UUID
    version: int
    doctor_id: UUID
    customer_id: UUID | None
    patient: str | None
    """None until a hold is confirmed, unless the customer is already the clinic's patient."""
    type_id: UUID | None
    type: str | None
    start_time: datetime
    end_time: datetime
    claimed_from: datetime
    claimed_until: datetime
    status: Status
    notes: str | None
    staff_notes: str | None
    cancel_reason: str | None
    needs_rebooking: bool
    arrived_at: datetime | None
    in_room_at: datetime | None
    undo_status: Status | None
    step_id: UUID | None
    stepped_at: datetime | None
    is_first: bool = False
    """Whether this is the patient's first visit: they have no earlier visit that counts, and the clinic has given them
    no record number.
    """

    def can_undo(self, now: datetime, time_zone: str) -> bool:
        """Return whether the clinic can take back its last step."""
        if self.undo_status is None or self.stepped_at is None:
            return False
        return Undo(self.undo_status, self.stepped_at).is_possible(now, time_zone)

    def can_take(self, step: str) -> bool:
        """Return whether the status allows the step."""
        return self.status in TRANSITIONS[step].sources and not (step == "enterRoom" and self.in_room_at)

    @property
    def is_waiting(self) -> bool:
        """Whether the patient is here, but not in the room yet."""
        return self.status in WAITING and self.in_room_at is None


class DayStretch(msgspec.Struct, frozen=True):
    """Published hours or an absence. A closure of the whole clinic has no doctor."""

    doctor_id: UUID | None
    absence: bool
    reason: str | None
    start_time: datetime
    end_time: datetime


class TypeChoice(NamedTuple):
    """An appointment type offered as a choice."""

    id: UUID
    name: str
    minutes: int


class TypeAppearance(NamedTuple):
    """How the board shows an appointment type."""

    hue: int
    """One of `HUES` colours."""
    video: bool


HUES: Final = 12


def appearances(types: Iterable[CatalogueType]) -> dict[UUID, TypeAppearance]:
    """Give each type its own colour, assigned in order of creation so that it never changes."""
    ordered = sorted(types, key=attrgetter("id"))
    return {type.id: TypeAppearance(index % HUES, type.mode == "online") for index, type in enumerate(ordered)}


class BoardChange(NamedTuple):
    """An event without its content."""

    clinic_id: int
    id: UUID
    type: str


class BoardItem(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An item on the board, from one wall time to another."""

    start: datetime
    end: datetime
    start_time: datetime
    end_time: datetime


class BoardAppointment(BoardItem, frozen=True, kw_only=True):
    """An appointment with the transitions that its status allows. A no-show can be recorded once the appointment has
    started."""

    id: UUID
    version: int
    claimed_from: datetime
    claimed_until: datetime
    """With `claimed_from`, the part of the doctor's time that the appointment occupies, including buffers."""
    doctor_id: UUID
    customer_id: UUID | None
    """None for an unconfirmed customer, because the clinic does not know them yet."""
    patient: str | None
    type_id: UUID | None
    type: str | None
    hue: int | None
    video: bool
    has_call: bool = False
    """Whether the video visit has a page. Loading the board leaves this to the board's page."""
    call_ended: bool = False
    """Whether the video visit's call has been ended, so that the patient's link leads nowhere."""
    call_failed: bool = False
    """Whether the video visit's room could not be made."""
    is_first: bool = False
    """Whether this is the patient's first visit to the clinic."""
    status: Status
    notes: str | None
    staff_notes: str | None
    cancel_reason: str | None
    needs_rebooking: bool
    arrived_at: datetime | None
    in_room_at: datetime | None
    waiting_minutes: int | None
    """How long the patient has been waiting; None if they are not waiting."""
    steps: list[str]
    steps_to_confirm: list[str]
    """The steps that staff must confirm, because the appointment is on a different day."""
    undo: UndoOffer | None
    movable: bool

    @property
    def day(self) -> date:
        return self.start.date()

    @classmethod
    def of(
        cls, stored: DayAppointment, time_zone: str, now: datetime, appearance: TypeAppearance | None = None
    ) -> "BoardAppointment":
        members = msgspec.structs.asdict(stored)
        if stored.patient is None:
            members["customer_id"] = None
            members["is_first"] = False
        members |= {name: _wall_time(members[name], time_zone) for name in ("claimed_from", "claimed_until")}
        steps = [name for name in TRANSITIONS if stored.can_take(name)]
        undo = None
        if stored.can_undo(now, time_zone):
            undo = stored.step_id and stored.stepped_at and UndoOffer.of(stored.step_id, stored.stepped_at)
            other_steps = {(Status.ARRIVED, Status.BOOKED), (Status.BOOKED, Status.CANCELLED)}
            if (stored.status, stored.undo_status) not in other_steps:  # unarrive and cancel do the same
                steps.append("undo")
        waiting = now - stored.arrived_at if stored.is_waiting and stored.arrived_at else None
        return cls(
            **{name: members[name] for name in members if name not in ("undo_status", "step_id", "stepped_at")},
            start=_wall_time(stored.start_time, time_zone),
            end=_wall_time(stored.end_time, time_zone),
            hue=appearance.hue if appearance else None,
            video=appearance is not None and appearance.video,
            waiting_minutes=max(waiting, timedelta()) // timedelta(minutes=1) if waiting is not None else None,
            steps=steps,
            steps_to_confirm=[]
            if is_today(stored.start_time, now, time_zone)
            else [name for name in STEPS_OF_THE_DAY if name in steps],
            undo=undo or None,
            movable=stored.status in MOVABLE_BY_STAFF,
        )

    def with_call(
        self, waiting_since: datetime | None, now: datetime, *, has_failed: bool, has_ended: bool
    ) -> "BoardAppointment":
        """Return the appointment with its video call. A patient in the call's waiting room is waiting."""
        waited = max(now - waiting_since, timedelta()) // timedelta(minutes=1) if waiting_since else None
        minutes = self.waiting_minutes if waited is None else waited
        arrived_at = waiting_since or self.arrived_at
        return msgspec.structs.replace(
            self,
            has_call=True,
            call_ended=has_ended,
            call_failed=has_failed,
            waiting_minutes=minutes,
            arrived_at=arrived_at,
        )


class BoardRange(BoardItem, frozen=True, kw_only=True):
    """A doctor's published hours, or an absence of a doctor or the whole clinic."""

    doctor_id: UUID | None
    absence: bool
    reason: str | None

    @classmethod
    def of(cls, stored: DayStretch, time_zone: str) -> "BoardRange":
        return cls(
            **msgspec.structs.asdict(stored),
            start=_wall_time(stored.start_time, time_zone),
            end=_wall_time(stored.end_time, time_zone),
        )


def _wall_time(instant: datetime, time_zone: str) -> datetime:
    return instant.astimezone(clock.zone(time_zone)).replace(tzinfo=None)


class BoardDoctor(msgspec.Struct, rename="camel", frozen=True):
    id: UUID
    name: str
    specialty: str | None
    active: bool
    portrait_hash: str | None = None


class WaitingCount(msgspec.Struct, rename="camel", frozen=True):
    """The number of patients waiting for a doctor, and how long the first of them has been waiting."""

    doctor_id: UUID
    patients: int
    longest_minutes: int

    @classmethod
    def of(cls, appointments: Iterable[BoardAppointment]) -> list["WaitingCount"]:
        """Return the count for each doctor with waiting patients, the longest wait first."""
        minutes: dict[UUID, list[int]] = {}
        for appointment in appointments:
            if appointment.waiting_minutes is not None:
                minutes.setdefault(appointment.doctor_id, []).append(appointment.waiting_minutes)
        counts = [cls(doctor_id, len(each), max(each)) for doctor_id, each in minutes.items()]
        return sorted(counts, key=lambda count: -count.longest_minutes)


class Board(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The board for a range of days. `offset` is the clinic's current offset from UTC."""

    first: date
    last: date
    today: date
    time_zone: str
    offset: str
    doctors: list[BoardDoctor]
    """The doctors with hours, absences or appointments on these days."""
    appointments: list[BoardAppointment]
    times: list[BoardRange]
    waiting: list[WaitingCount]
    """The doctors with waiting patients."""

    @property
    def waiting_count(self) -> int:
        """How many patients are waiting."""
        return sum(count.patients for count in self.waiting)

    @property
    def has_hours(self) -> bool:
        return any(not stretch.absence for stretch in self.times)

    @property
    def doctor_ids(self) -> set[UUID]:
        return {doctor.id for doctor in self.doctors}

    def name(self, doctor_id: UUID) -> str:
        return next(doctor.name for doctor in self.doctors if doctor.id == doctor_id)


def utc_offset(now: datetime, time_zone: str) -> str:
    """Return the zone's UTC offset, such as “+05:30”."""
    text = now.astimezone(clock.zone(time_zone)).strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def doctors_on_board(appointments: Iterable[BoardAppointment], times: Iterable[BoardRange]) -> set[UUID | None]:
    """Return the doctors who have anything to show; None stands for closures of the whole clinic."""
    return {item.doctor_id for item in (*appointments, *times)}
