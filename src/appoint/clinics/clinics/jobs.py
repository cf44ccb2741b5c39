"""Locate clinics that were added before Appoint stored coordinates, as a worker job."""

from ...database.pool import Database
from ...kit import phones, places
from . import repository


async def locate_clinics(db: Database) -> int:
    """Store the coordinates of clinics that have an address but no coordinates, and return how many were located."""
    location_count = 0
    for clinic in await repository.list_unlocated(db):
        place = places.locate(clinic.address, phones.country_of_zone(clinic.time_zone))
        if place:
            await repository.set_coordinates(db, clinic.id, latitude=place.latitude, longitude=place.longitude)
            location_count += 1
    return location_count
