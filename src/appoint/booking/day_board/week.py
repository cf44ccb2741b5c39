"""One week for all doctors, as a table: a row for each doctor, a column for each day."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from ..model import LIVE
from .model import Board, BoardAppointment, BoardRange

Range = tuple[datetime, datetime]


class WeekCell(NamedTuple):
    """A doctor's day."""

    kind: Literal["open", "away", "closed"]
    reason: str | None
    """Why the doctor is away."""
    appointments: Sequence[BoardAppointment]
    """Excludes cancelled ones."""
    free_minutes: int
    start: datetime | None
    """The beginning of the first free time."""


class Week(NamedTuple):
    days: Sequence[date]
    cells: Mapping[tuple[UUID, date], WeekCell]


def week_of(board: Board) -> Week:
    days = [board.first + timedelta(days=number) for number in range((board.last - board.first).days + 1)]
    appointments: dict[tuple[UUID, date], list[BoardAppointment]] = defaultdict(list)
    for appointment in board.appointments:
        if appointment.status != "cancelled":
            appointments[appointment.doctor_id, appointment.day].append(appointment)
    cells = {
        (doctor.id, day): _cell(
            [stretch for stretch in board.times if stretch.doctor_id in (None, doctor.id) and _covers(stretch, day)],
            appointments[doctor.id, day],
        )
        for doctor in board.doctors
        for day in days
    }
    return Week(days, cells)


def _covers(stretch: BoardRange, day: date) -> bool:
    return stretch.start.date() <= day and stretch.end > datetime.combine(day, datetime.min.time())


def _cell(stretches: Sequence[BoardRange], appointments: Sequence[BoardAppointment]) -> WeekCell:
    hours = [(stretch.start, stretch.end) for stretch in stretches if not stretch.absence]
    absences = [stretch for stretch in stretches if stretch.absence]
    free = _subtract(hours, [(each.start, each.end) for each in appointments if each.status in LIVE])
    minutes = sum(((end - start) for start, end in free), timedelta()) // timedelta(minutes=1)
    return WeekCell(
        kind="open" if hours else "away" if absences else "closed",
        reason=absences[0].reason if absences and not hours else None,
        appointments=appointments,
        free_minutes=minutes,
        start=free[0][0] if free else None,
    )


def _subtract(ranges: Sequence[Range], others: Sequence[Range]) -> list[Range]:
    """Return the parts of the ranges that none of the others covers."""
    free = list(ranges)
    for start, end in others:
        free = [
            part for low, high in free for part in ((low, min(high, start)), (max(low, end), high)) if part[0] < part[1]
        ]
    return free
