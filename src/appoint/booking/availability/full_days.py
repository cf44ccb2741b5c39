"""Leave out doctors who have no time left, so that finding time in a large clinic costs less when little is free."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from ...clinics.catalogue.model import Catalogue, CatalogueDoctor, Length
from ...database.pool import Statements
from . import repository

MAX_DAYS: Final = 7
"""For more days than this, looking for full ones costs more than it saves."""
ONE_DAY: Final = timedelta(days=1)


async def without_full_days(
    db: Statements,
    catalogue: Catalogue,
    doctors: Sequence[CatalogueDoctor],
    length: Length | None,
    *,
    first: date,
    last: date,
) -> Sequence[CatalogueDoctor]:
    """Return the doctors who may have time for an appointment between these dates, or one of them if no doctor has,
    because reading their time also finds out whether the catalogue is stale. Return all of a small clinic's doctors.
    """
    days = (last - first).days + 1
    if len(doctors) < repository.MANY_DOCTORS or days > MAX_DAYS:
        return doctors
    minutes = length and length.minutes
    full = await repository.list_full_days(db, catalogue.clinic_id, first=first, last=last, minutes=minutes)
    return [doctor for doctor in doctors if len(full.get(doctor.id, ())) < days] or doctors[:1]


def runs_of(days: Iterable[date]) -> list[tuple[date, date]]:
    """Return the first and last date of each run of consecutive dates."""
    runs: list[tuple[date, date]] = []
    for day in sorted(days):
        is_next = runs and runs[-1][1] == day - ONE_DAY
        runs[-1:] = [(runs[-1][0], day)] if is_next else [*runs[-1:], (day, day)]
    return runs
