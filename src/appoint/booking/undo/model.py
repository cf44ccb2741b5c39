"""The clinic's last step for an appointment."""

from datetime import datetime
from typing import NamedTuple

from ...kit import clock
from ..model import Status


class Undo(NamedTuple):
    """The clinic's last step for an appointment, while it can be taken back."""

    status: Status
    """The status before the step."""
    stepped_at: datetime

    def is_possible(self, now: datetime, time_zone: str) -> bool:
        """Return whether the step was taken today, on the clinic's local date."""
        return clock.local_date(self.stepped_at, time_zone) == clock.local_date(now, time_zone)
