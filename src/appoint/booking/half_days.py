"""Bookings for any time in half a day, without a database or a clock."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Final, Literal, NamedTuple

from ..clinics.catalogue.model import Catalogue, Length
from ..kit import clock
from .availability.model import DoctorTime, OfferedTime, Range, Terms, starts

Half = Literal["morning", "afternoon"]
MINUTES: Final[dict[Half, tuple[int, int]]] = {"morning": (0, 720), "afternoon": (720, 1440)}
"""The local minutes `[first, last)` of each half. The morning ends at noon."""


class HalfDay(NamedTuple):
    """Half of a local date: the times that start in it."""

    date: date
    half: Half

    def contains(self, start: datetime, time_zone: str) -> bool:
        local = start.astimezone(clock.zone(time_zone))
        first, last = MINUTES[self.half]
        return local.date() == self.date and first <= local.hour * 60 + local.minute < last

    def sample(self, catalogue: Catalogue, earliest: datetime) -> datetime:
        """Return a time in the half day near noon, no earlier than `earliest` if possible. Rules that apply to any of
        the times apply to this one too."""
        noon = datetime.combine(self.date, time(12), clock.zone(catalogue.time_zone))
        if self.half == "morning":
            return noon - timedelta(minutes=1)
        rounded_up = -(-earliest.timestamp() // 60) * 60
        later = datetime.fromtimestamp(rounded_up, noon.tzinfo)
        return later if later > noon and later.date() == self.date else noon


def first_free(
    half_day: HalfDay, times: Sequence[DoctorTime], length: Length, terms: Terms, busy: Sequence[Range]
) -> OfferedTime | None:
    """Return the first time in the half day that a doctor is free, and that overlaps none of the patient's own."""
    offers = chain.from_iterable(starts(time, length, terms) for time in times)
    return min(
        (
            offer
            for _, offer in offers
            if offer.available
            and half_day.contains(offer.start_time, terms.time_zone)
            and not any(start < offer.end_time and offer.start_time < end for start, end in busy)
        ),
        key=lambda offer: offer.start_time,
        default=None,
    )
