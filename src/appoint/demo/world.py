"""The demo world that is being written: its connection, its random number generator and its clock."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final, NamedTuple, Self

OPENED_BEFORE: Final = timedelta(days=400)
"""How long ago the demo worlds' clinics were created."""


class World(NamedTuple):
    connection: Any
    random: Random
    midnight: datetime
    """The start of today, in UTC. Worlds written on the same day differ only in what happens between then and `now`."""
    now: datetime

    @classmethod
    def seeded(cls, connection: Any, now: datetime, clinic_id: int) -> Self:
        """Return a world whose random choices depend only on the day and its first clinic's number."""
        midnight = datetime.combine(now.date(), time(), now.tzinfo)
        random = Random(f"{midnight:%Y-%m-%d} {clinic_id}")  # noqa: S311  randomness must be reproducible here, not secure
        return cls(connection, random, midnight, now)

    def day(self, number: int) -> date:
        """Return the date this many days after today."""
        return self.midnight.date() + timedelta(days=number)

    @property
    def opened_at(self) -> datetime:
        return self.midnight - OPENED_BEFORE
