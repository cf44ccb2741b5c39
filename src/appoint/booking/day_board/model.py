"""A clinic's days as its board shows them. Wall times are naive and in the clinic's zone."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from ...kit import clock
from ..model import MOVABLE, TRANSITIONS, Status


class Shown(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """An item of the board, from one wall time to another."""

    start: datetime
    end: datetime
    start_time: datetime
    end_time: datetime

    @staticmethod
    def when(row: Any, time_zone: str) -> dict[str, datetime]:
        zone = clock.zone(time_zone)
        walls = {name: row[f"{name}_time"].astimezone(zone).replace(tzinfo=None) for name in ("start", "end")}
        return {**walls, "start_time": row.start_time, "end_time": row.end_time}


class BoardAppointment(Shown, frozen=True, kw_only=True):
    """An appointment with the transitions that its status allows. A no-show can be recorded once it has started."""

    id: UUID
    version: int
    doctor_id: UUID
    customer_id: UUID
    patient: str
    type: str | None
    status: Status
    notes: str | None
    cancel_reason: str | None
    needs_rebooking: bool
    steps: list[str]
    movable: bool

    @property
    def day(self) -> date:
        return self.start.date()

    @classmethod
    def of(cls, row: Any, time_zone: str) -> "BoardAppointment":
        steps = [name for name, step in TRANSITIONS.items() if row.status in step.sources]
        known: dict[str, Any] = {**{name: row[name] for name in COLUMNS}, **cls.when(row, time_zone)}
        return cls(**known, steps=steps, movable=row.status in MOVABLE)


COLUMNS: Final = (
    "id",
    "version",
    "doctor_id",
    "customer_id",
    "patient",
    "type",
    "status",
    "notes",
    "cancel_reason",
    "needs_rebooking",
)


class Stretch(Shown, frozen=True, kw_only=True):
    """Published hours of a doctor; or an absence, of a doctor or of all."""

    doctor_id: UUID | None
    absence: bool
    reason: str | None

    @classmethod
    def of(cls, row: Any, time_zone: str) -> "Stretch":
        return cls(doctor_id=row.doctor_id, absence=row.absence, reason=row.reason, **cls.when(row, time_zone))


class BoardDoctor(msgspec.Struct, rename="camel", frozen=True):
    id: UUID
    name: str
    specialty: str | None
    active: bool


class Board(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The board of some days. `offset` is the clinic's current offset from UTC."""

    first: date
    last: date
    today: date
    time_zone: str
    offset: str
    doctors: list[BoardDoctor]
    """The doctors with hours, absences or appointments on these days."""
    appointments: list[BoardAppointment]
    times: list[Stretch]

    @property
    def has_hours(self) -> bool:
        return any(not each.absence for each in self.times)

    def name(self, doctor_id: UUID) -> str:
        return next(doctor.name for doctor in self.doctors if doctor.id == doctor_id)


def offset(now: datetime, time_zone: str) -> str:
    """“+05:30”"""
    text = now.astimezone(clock.zone(time_zone)).strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


def busy(appointments: Iterable[BoardAppointment], times: Iterable[Stretch]) -> set[UUID | None]:
    """Return the doctors that have anything to show; None stands for absences of the whole clinic."""
    return {each.doctor_id for each in (*appointments, *times)}
