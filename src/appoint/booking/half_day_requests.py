"""Requests that leave the time to the clinic."""

from ..kit import errors, fields
from .half_days import Half, HalfDay
from .time_rules import Override, TimeRequest


class HalfDayRequest(TimeRequest, kw_only=True):
    """A requested time, or half a day in which any free time will do."""

    date: fields.Date | None = None
    """Book the first free time in half of this day, in the clinic's time zone, instead of giving a start time. Requires
    `halfDay` and `appointmentTypeId`."""
    half_day: Half | None = None
    """Times in the morning start before noon; times in the afternoon start at noon or later."""
    override: Override | None = None
    """Staff only. Overriding hours requires a named doctor."""

    def __post_init__(self) -> None:
        if self.date or self.half_day:
            self._check_half_day()
        else:
            super().__post_init__()

    def _check_half_day(self) -> None:
        """Raise `Invalid` unless the request names half a day, a type and no other time."""
        required = {"date": self.date, "halfDay": self.half_day, "appointmentTypeId": self.appointment_type_id}
        for name, value in required.items():
            if not value:
                other = "halfDay" if self.half_day else "date"
                raise errors.Invalid(errors.Fault(f"#/{name}", "is required if {other} is given", other=other))
        excluded = {
            "startTime": self.start_time,
            "endTime": self.end_time,
            "bookingSlotId": self.booking_slot_id,
            "status": self.status,
            "override": self.override,
        }
        for name, value in excluded.items():
            if value:
                raise errors.Invalid(errors.Fault(f"#/{name}", "cannot be combined with halfDay"))

    @property
    def requested_half_day(self) -> HalfDay | None:
        return HalfDay(self.date, self.half_day) if self.date and self.half_day else None
