"""Time slots and weekly schedules, as local wall times. Publishing converts them to UTC."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, NamedTuple
from uuid import UUID

import msgspec

from ...kit import errors, fields
from ...kit.structs import RequestBody, Resource

Minutes = tuple[int, int]
"""Start and end in minutes after local midnight, half-open."""


def minutes_between(start_time: str, end_time: str) -> Minutes:
    """Convert wall times to minutes. Raise `Invalid` for `endTime` unless the end is after the start."""
    starts, ends = fields.parse_wall_time(start_time), fields.parse_wall_time(end_time)
    if ends <= starts:
        raise errors.Invalid(errors.Fault("#/endTime", "must be after the start"))
    return starts, ends


class TimeSlotContent(RequestBody):
    """A time slot to save."""

    start_time: fields.WallTime
    end_time: fields.WallTimeEnd
    """24:00 is the end of the day."""
    name: Annotated[fields.Name, msgspec.Meta(examples=["Morning"])] | None = None

    def __post_init__(self) -> None:
        minutes_between(self.start_time, self.end_time)


class TimeSlot(Resource):
    """A named part of a clinic's day. A clinic's active time slots do not overlap."""

    id: UUID
    clinic_id: int
    name: str | None
    start_time: fields.WallTime
    end_time: fields.WallTimeEnd
    active: bool
    removed_at: datetime | None


class Hours(RequestBody):
    """Part of a day: a start and an end, or one of the clinic's time slots."""

    EXAMPLE: ClassVar = {"startTime": "09:00", "endTime": "12:30"}

    start_time: fields.WallTime | None = None
    end_time: fields.WallTimeEnd | None = None
    time_slot_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.time_slot_id:
            if self.start_time or self.end_time:
                raise errors.Invalid(errors.Fault("#/timeSlotId", "already determines the start and end"))
        elif not (self.start_time and self.end_time):
            raise errors.Invalid(
                errors.Fault("#/startTime", "is required with an end time unless you choose a time slot")
            )
        else:
            minutes_between(self.start_time, self.end_time)


class DoctorSlotContent(Hours, kw_only=True):
    """A schedule line to save. Both dates are inclusive; without them, the line is valid indefinitely."""

    EXAMPLE: ClassVar = {"weekday": "monday", **Hours.EXAMPLE}

    weekday: fields.Weekday
    valid_from: fields.Date | None = None
    valid_until: fields.Date | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise errors.Invalid(errors.Fault("#/validUntil", "must not be before the first day"))


class DoctorSlot(Resource):
    """A line in a doctor's weekly schedule. A line taken from a time slot changes with it."""

    id: UUID
    clinic_id: int
    doctor_id: UUID
    weekday: fields.Weekday
    start_time: fields.WallTime
    end_time: fields.WallTimeEnd
    time_slot_id: UUID | None
    valid_from: date | None
    valid_until: date | None
    active: bool
    removed_at: datetime | None

    @property
    def place(self) -> tuple[int, str, str, UUID]:
        """The sort key for lines, and the cursor for listing them."""
        return fields.WEEKDAYS.index(self.weekday), self.start_time, str(self.valid_from or ""), self.id

    def is_valid_on(self, day: date) -> bool:
        """Return whether the line is active and valid on the date."""
        return self.active and (self.valid_from or day) <= day <= (self.valid_until or day)


HoursOfDay = Annotated[list[Hours], msgspec.Meta(max_length=100)]


class LockedDoctor(NamedTuple):
    """A doctor whose schedule is locked until the transaction ends."""

    id: UUID
    active: bool


class Week(RequestBody):
    """Hours by weekday. Omitted days have no hours."""

    EXAMPLE: ClassVar = {
        "monday": [Hours.EXAMPLE],
        "thursday": [Hours.EXAMPLE, {"startTime": "13:00", "endTime": "17:00"}],
    }

    monday: HoursOfDay = []
    tuesday: HoursOfDay = []
    wednesday: HoursOfDay = []
    thursday: HoursOfDay = []
    friday: HoursOfDay = []
    saturday: HoursOfDay = []
    sunday: HoursOfDay = []


class WeeklyScheduleContent(RequestBody):
    """A whole week. It replaces the week from `valid_from` onwards (default: today). Earlier lines end the day
    before."""

    weekly: Week
    valid_from: fields.Date | None = None


class WeeklyHours(msgspec.Struct, rename="camel"):
    start_time: fields.WallTime
    end_time: fields.WallTimeEnd
    time_slot_id: UUID | None


class WeeklySchedule(msgspec.Struct, rename="camel"):
    """The week in effect on a date, with each day's hours in order."""

    EXAMPLE: ClassVar = {
        "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
        "clinicId": 1,
        "weekly": {
            weekday: [{**Hours.EXAMPLE, "timeSlotId": None}] if weekday in ("monday", "thursday") else []
            for weekday in fields.WEEKDAYS
        },
    }

    doctor_id: UUID
    clinic_id: int
    weekly: dict[fields.Weekday, list[WeeklyHours]]


class ScheduleQuery(RequestBody):
    on: fields.Date | None = None
    """The date for which to return the week in effect. Defaults to today."""


class Schedule(msgspec.Struct):
    """All active lines of a doctor's weekly hours, in order, including past and future ones."""

    doctor_id: UUID
    clinic_id: int
    time_zone: str
    lines: list[DoctorSlot]

    def week_on(self, day: date) -> WeeklySchedule:
        """Return the week in effect on the date."""
        weekly: dict[fields.Weekday, list[WeeklyHours]] = {weekday: [] for weekday in fields.WEEKDAYS}
        for line in self.lines:
            if line.is_valid_on(day):
                weekly[line.weekday].append(WeeklyHours(line.start_time, line.end_time, line.time_slot_id))
        return WeeklySchedule(self.doctor_id, self.clinic_id, weekly)


def overlapping(hours: Sequence[Minutes]) -> list[int]:
    """Return the indexes of hours that overlap earlier hours in the list."""
    return [
        later
        for later, (starts, ends) in enumerate(hours)
        if any(starts < until and since < ends for since, until in hours[:later])
    ]
