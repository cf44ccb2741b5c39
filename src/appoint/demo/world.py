"""The demo world that is being written: its connection, its source of chance and its clock."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final, NamedTuple, Self

OPENED_BEFORE: Final = timedelta(days=400)
"""How long before today the clinics of demo worlds were created."""


class World(NamedTuple):
    connection: Any
    random: Random
    midnight: datetime
    """The start of today, in UTC. Worlds that are written on the same day differ only in what happens between it and
    `now`."""
    now: datetime

    @classmethod
    def seeded(cls, connection: Any, now: datetime, clinic_id: int) -> Self:
        """Return a world whose chance depends only on the day and the number of its first clinic."""
        midnight = datetime.combine(now.date(), time(), now.tzinfo)
        random = Random(f"{midnight:%Y-%m-%d} {clinic_id}")  # noqa: S311  chance must be reproducible here, not secure
        return cls(connection, random, midnight, now)

    def day(self, number: int) -> date:
        """Return the date so many days after today."""
        return self.midnight.date() + timedelta(days=number)

    @property
    def opened_at(self) -> datetime:
        return self.midnight - OPENED_BEFORE
