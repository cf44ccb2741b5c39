"""Calls, their states, and when to try again."""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from ..providers.model import Gateway, Room, room_name

State = Literal["wanted", "made", "open", "dead", "ending", "ended"]
"""`wanted`: a job will create the room. `made`: it exists. `open`: the doctor has let the patient in. `dead`: it could
not be created. `ending`: a job will end it. `ended`: it is over."""
FIRST_DELAY_SECONDS: Final = 5.0
MAX_DELAY_SECONDS: Final = 300.0
GIVES_UP_BEFORE: Final = timedelta(minutes=10)
"""How long before the start Appoint stops trying to create a room, so that there is time to agree on something else."""
MIN_PERIOD: Final = timedelta(minutes=2)
"""How long Appoint tries at least, even if the visit starts right away."""
MAX_END_PERIOD: Final = timedelta(days=1)
"""How long Appoint tries to end a room. By then, the provider has closed it."""


LEASE: Final = timedelta(seconds=60)
"""Longer than an attempt, with a margin."""
WITH_RATE_LIMIT: Final[tuple[Gateway, ...]] = ("daily", "bigbluebutton")
"""The providers that need a request to make or end a room."""
TOKEN_COOLDOWN: Final = timedelta(seconds=1)


class LeasedCall(NamedTuple):
    """A call whose room this worker makes or ends."""

    clinic_id: int
    id: UUID
    appointment_id: UUID
    gateway: Gateway
    state: State
    tries: int
    """Including this one. Only the latest one's outcome counts."""
    starts_at: datetime
    ends_at: datetime
    wanted_at: datetime
    """When the room was last asked for."""
    doctor_id: UUID
    token: int | None = None
    """The provider's token that the call has taken; None if the provider has no rate limit."""

    def room(self, secret: str) -> Room:
        return Room(room_name(secret, self.id), self.id, self.doctor_id, self.starts_at, self.ends_at)

    @property
    def last_try_at(self) -> datetime:
        """When Appoint gives up."""
        if self.state == "ending":
            return self.ends_at + MAX_END_PERIOD
        return max(self.starts_at - GIVES_UP_BEFORE, self.wanted_at + MIN_PERIOD)


def retry_delay(tries: int, jitter: float) -> timedelta:
    """Return the delay after this many attempts: 5, 10, 20 … seconds up to 5 minutes, each shortened by up to half, so
    that calls do not all try again at once."""
    seconds = min(FIRST_DELAY_SECONDS * 2 ** min(tries - 1, 10), MAX_DELAY_SECONDS)
    return timedelta(seconds=seconds * (1 - jitter / 2))
