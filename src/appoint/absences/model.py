"""Absences."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from .. import errors, wire
from ..resources import Request, Resource

LONGEST: Final = timedelta(days=366)


class AbsenceContent(Request):
    """A range in which a doctor is away, or the whole clinic is closed."""

    start_time: wire.Instant
    end_time: wire.Instant
    doctor_id: UUID | None = None
    """None: the clinic is closed."""
    reason: wire.Text | None = None

    def __post_init__(self) -> None:
        wire.check_times(self.start_time, self.end_time)
        if self.end_time - self.start_time > LONGEST:
            raise errors.Invalid(errors.Fault("#/endTime", "must not be more than {days} days after startTime", days=LONGEST.days))


class AbsenceQuery(Request):
    force: bool = False
    """Keep appointments that are in the way, to be rebooked."""


class Absence(Resource):
    id: UUID
    clinic_id: int
    doctor_id: UUID | None
    """None: the clinic is closed."""
    start_time: datetime
    end_time: datetime
    reason: str | None
    active: bool
    removed_at: datetime | None
