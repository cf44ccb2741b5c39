"""Dr Shah's availability, queried at seven in the morning. Dr Shah works from nine to five on a Monday in Berlin."""

import msgspec

from appoint.booking.availability import search, service
from appoint.booking.availability.model import AvailabilityFilter, SearchFilter
from support.world import MONDAY, NOW, World


class AvailabilityWorld(World):
    async def availability(self, *, clinic=None, first=MONDAY, last=None, now=NOW, **criteria):
        """Return the clinic's availability as the API sends it."""
        query = AvailabilityFilter(from_=first, to=last or first, **criteria)
        result = await service.find_for_clinic(
            self.db, self.cache, clinic_id=clinic or self.clinic, query=query, first=query.from_, last=query.to, now=now
        )
        return msgspec.to_builtins(result)

    async def search(self, **criteria):
        query = SearchFilter(date=MONDAY, **criteria)
        return await search.search(self.db, query=query, after=None, first=MONDAY, last=MONDAY, now=NOW)


def times(result):
    """Return a result's start times on its first day."""
    return [slot["startTime"] for slot in result["days"][0]["slots"]]


def utc(*starts):
    return [start.strftime("%Y-%m-%dT%H:%M:%SZ") for start in starts]
