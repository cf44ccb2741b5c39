"""How times are offered while visitors wait in the clinic's queue. If everyone saw the same list, they would all try to
book the first time on it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Final

from ...booking.availability.model import OfferedTime
from ...booking.half_days import Half
from ...clinics.queues.line import Queues
from ...http.request import Request
from ...kit import clock
from .month import Month

NOON_HOUR: Final = 12
MIN_TIMES: Final = 3
"""The number of free times in half a day below which it is not offered as a whole."""


def is_rush(request: Request, clinic_id: int) -> bool:
    """Return whether visitors to the clinic's pages are waiting in a queue."""
    return request.services.get(Queues).find(str(clinic_id)) is not None


def spread(month: Month, time_zone: str, chance: Random) -> Month:
    """Return the month with the times of each hour in random order."""

    def key(offer: OfferedTime) -> tuple[datetime, float]:
        local = offer.start_time.astimezone(clock.zone(time_zone))
        return local.replace(minute=0), chance.random()

    times = {part: sorted(offers, key=key) for part, offers in month.times.items()}
    # the first time on the list is no longer the soonest
    return month._replace(times=times, first_available=None) if times else month


def pick_from_halves(
    times: Mapping[str, Sequence[OfferedTime]], time_zone: str, chance: Random
) -> dict[Half, OfferedTime]:
    """Return a random time from each half of the day that has several."""
    halves: dict[Half, list[OfferedTime]] = {"morning": [], "afternoon": []}
    for offers in times.values():
        for offer in offers:
            hour = offer.start_time.astimezone(clock.zone(time_zone)).hour
            halves["morning" if hour < NOON_HOUR else "afternoon"].append(offer)
    return {half: chance.choice(offers) for half, offers in halves.items() if len(offers) >= MIN_TIMES}
