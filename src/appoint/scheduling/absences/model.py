"""Absences."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ...booking.availability.model import OfferedTime
from ...kit import errors, fields
from ...kit.structs import RequestBody, Resource

LONGEST: Final = timedelta(days=366)


class AbsenceContent(RequestBody):
    """A range in which a doctor is away, or the whole clinic is closed."""

    start_time: fields.Instant
    end_time: fields.Instant
    doctor_id: UUID | None = None
    """None: the clinic is closed."""
    reason: fields.Text | None = None

    def __post_init__(self) -> None:
        fields.check_times(self.start_time, self.end_time)
        if self.end_time - self.start_time > LONGEST:
            raise errors.Invalid(errors.Fault("#/endTime", "must be no more than {days} days later", days=LONGEST.days))


class AbsenceQuery(RequestBody):
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


class Away(NamedTuple):
    """A range in which a doctor will be away, or (None) everybody."""

    doctor_id: UUID | None
    start: datetime
    end: datetime

    def has(self, offer: OfferedTime) -> bool:
        return self.doctor_id in (None, offer.doctor_id) and self.start < offer.end_time and offer.start_time < self.end


class WayOut(NamedTuple):
    """Free times for an appointment that cannot stay, the nearest first: with its own doctor, and with others."""

    same: list[OfferedTime]
    others: list[OfferedTime]
