"""The large world's clinics, with their customers, doctors and published slots."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from asyncpg import Range

from ..kit.fields import Locale, parse_wall_time
from .people import people
from .visits import VisitType, clinics_id, customers_id
from .world import World
from .writing import publish, write

PAST: Final = timedelta(days=112)
HORIZON: Final = timedelta(days=56)
STEP: Final = timedelta(minutes=5)
CLINIC_COLUMNS: Final = (
    "id name time_zone slug locale currency email horizon_days slot_step_minutes doctor_choice confirm_address "
    "address latitude longitude created_at updated_at"
)
TYPE_COLUMNS: Final = (
    "clinic_id id name minutes buffer_before_minutes buffer_after_minutes price_amount price_currency "
    "created_at updated_at"
)


class Place(NamedTuple):
    time_zone: str
    locale: Locale
    currency: str
    languages: tuple[str, ...]
    town: str
    latitude: float
    longitude: float


PLACES: Final = (
    Place("Europe/Berlin", "de", "EUR", ("de", "de", "ru", "ar"), "Berlin", 52.45, 13.3),
    Place("America/New_York", "en", "USD", ("en", "en", "es", "zh"), "New York", 40.7, -74.0),
    Place("Asia/Kolkata", "en", "INR", ("hi", "bn", "en"), "Kolkata", 22.52, 88.3),
    Place("Europe/Paris", "fr", "EUR", ("fr", "fr", "ar"), "Paris", 48.82, 2.28),
    Place("America/Mexico_City", "es", "MXN", ("es",), "Mexico City", 19.4, -99.2),
    Place("Africa/Cairo", "en", "EGP", ("ar",), "Cairo", 30.02, 31.2),
    Place("America/Los_Angeles", "en", "USD", ("en", "es", "zh"), "Los Angeles", 34.0, -118.3),
    Place("Asia/Singapore", "en", "SGD", ("zh", "en", "hi"), "Singapore", 1.3, 103.8),
    Place("Europe/Madrid", "es", "EUR", ("es", "es", "ar"), "Madrid", 40.38, -3.75),
    Place("Australia/Sydney", "en", "AUD", ("en", "zh"), "Sydney", -33.9, 151.1),
)
SPECIALTIES: Final = (
    "General practice",
    "Pediatrics",
    "Dermatology",
    "Cardiology",
    "Orthopedics",
    "Gynecology",
    "Neurology",
    "Ophthalmology",
)
TYPES: Final = (
    ("Consultation", 20, 0, 5, 4500),
    ("Follow-up", 15, 0, 0, 3000),
    ("Check-up", 30, 0, 5, 8500),
    ("Procedure", 45, 5, 10, 19000),
)
"""Name, length in minutes, buffers before and after in minutes, and price."""
WEEKS: Final = (
    ("12345", ("08:00", "12:00"), ("13:00", "16:30")),
    ("1245", ("09:00", "13:00"), ("14:00", "19:00")),
    ("12346", ("10:00", "14:00"), ("15:00", "18:00")),
    ("2356", ("07:30", "12:30"), ("13:00", "17:00")),
    ("12345", ("12:00", "15:30"), ("16:00", "20:00")),
)
"""Weekdays, numbered from 1, and the hours on each."""


class Clinic(NamedTuple):
    """A clinic that is being written."""

    world: World
    id: int
    place: Place

    def new_id(self) -> UUID:
        return clinics_id(self.world.random, self.id, self.world.opened_at)


async def write_clinic(clinic: Clinic) -> list[VisitType]:
    """Write the clinic, and return its appointment types."""
    at, place = clinic.world.opened_at, clinic.place
    await write(
        clinic.world.connection,
        "clinic",
        CLINIC_COLUMNS,
        [
            (
                clinic.id,
                f"{place.time_zone.split('/')[1].replace('_', ' ')} Clinic {clinic.id}",
                place.time_zone,
                f"clinic-{clinic.id}",
                place.locale,
                place.currency,
                f"desk@clinic-{clinic.id}.example.org",
                HORIZON.days,
                STEP // timedelta(minutes=1),
                ("random", "leastBusy", "roundRobin")[clinic.id % 3],
                "always",
                f"{clinic.id} High Street, {place.town}",
                place.latitude + clinic.id % 7 / 50,
                place.longitude + clinic.id % 11 / 50,
                at,
                at,
            )
        ],
    )
    ids = [clinic.new_id() for _ in TYPES]
    await write(
        clinic.world.connection,
        "appointment_type",
        TYPE_COLUMNS,
        [(clinic.id, id, *kind, place.currency, at, at) for id, kind in zip(ids, TYPES, strict=True)],
    )
    return [
        VisitType(id, timedelta(minutes=minutes), timedelta(minutes=before), timedelta(minutes=after), price)
        for id, (_, minutes, before, after, price) in zip(ids, TYPES, strict=True)
    ]


async def write_customers(clinic: Clinic, count: int) -> list[UUID]:
    """Write this many customers, and return their ids."""
    at, place, random = clinic.world.opened_at, clinic.place, clinic.world.random
    ids = [customers_id(random, at) for _ in range(count)]
    persons = people(random, place.languages, count, first=clinic.id * 1_000_000, today=clinic.world.day(0))
    await write(
        clinic.world.connection,
        "customer",
        "id name email phone birth_date locale time_zone created_at updated_at",
        ((id, *person, place.locale, place.time_zone, at, at) for id, person in zip(ids, persons, strict=True)),
    )
    return ids


async def write_doctors(clinic: Clinic, count: int) -> dict[UUID, list[Range[datetime]]]:
    """Write this many doctors with their weekly hours and slots. Return each doctor's slots."""
    world, at = clinic.world, clinic.world.opened_at
    ids = [clinic.new_id() for _ in range(count)]
    names = [
        f"Dr. {person.name}"
        for person in people(world.random, clinic.place.languages, count, first=0, today=world.day(0))
    ]
    await write(
        clinic.world.connection,
        "doctor",
        "clinic_id id name specialty created_at updated_at",
        [
            (clinic.id, id, name, SPECIALTIES[number % len(SPECIALTIES)], at, at)
            for number, (id, name) in enumerate(zip(ids, names, strict=True))
        ],
    )
    await write(
        clinic.world.connection,
        "doctor_slot",
        "clinic_id id doctor_id weekday minutes valid created_at updated_at",
        [
            (
                clinic.id,
                clinic.new_id(),
                id,
                int(weekday),
                Range(parse_wall_time(opens), parse_wall_time(closes)),
                Range(at.date(), None),
                at,
                at,
            )
            for number, id in enumerate(ids)
            for weekdays, *hours in [WEEKS[number % len(WEEKS)]]
            for weekday in weekdays
            for opens, closes in hours
        ],
    )
    first, last = world.day(0) - PAST, world.day(0) + HORIZON
    return await publish(world.connection, world.random, clinic.id, first=first, last=last, at=world.midnight - PAST)
