"""The large world: any number of appointments, a thousand per doctor, to test and measure growth."""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from operator import attrgetter
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

from asyncpg import Range
from rich.progress import Progress

from ..booking.model import Status
from ..kit.fields import Locale, parse_wall_time
from .people import people
from .staff import staff
from .visits import MOVES, Kind, Visit, clinics_id, customers_id, outcome, visits
from .writing import add_up, finish, next_clinic, publish, set_aside, write

APPOINTMENTS: Final = 2_000_000
PER_DOCTOR: Final = 1000
DOCTORS: Final = 20
"""Of a clinic."""
VISITS: Final = 5
"""Of a customer."""
PAST: Final = timedelta(days=112)
COMING: Final = timedelta(days=56)
LIKELIER: Final = 3
"""How much likelier a past time is booked than a future one."""
STEP: Final = timedelta(minutes=5)
HEAVY: Final = ("customer", "patient", "booking_slot", "appointment")
"""Tables whose keys and indexes are created after all rows, which is much faster than row by row."""


class Place(NamedTuple):
    time_zone: str
    locale: Locale
    currency: str
    languages: tuple[str, ...]


PLACES: Final = (
    Place("Europe/Berlin", "de", "EUR", ("de", "de", "ru", "ar")),
    Place("America/New_York", "en", "USD", ("en", "en", "es", "zh")),
    Place("Asia/Kolkata", "en", "INR", ("hi", "bn", "en")),
    Place("Europe/Paris", "fr", "EUR", ("fr", "fr", "ar")),
    Place("America/Mexico_City", "es", "MXN", ("es",)),
    Place("Africa/Cairo", "en", "EGP", ("ar",)),
    Place("America/Los_Angeles", "en", "USD", ("en", "es", "zh")),
    Place("Asia/Singapore", "en", "SGD", ("zh", "en", "hi")),
    Place("Europe/Madrid", "es", "EUR", ("es", "es", "ar")),
    Place("Australia/Sydney", "en", "AUD", ("en", "zh")),
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
KINDS: Final = (
    ("Consultation", 20, 0, 5, 4500),
    ("Follow-up", 15, 0, 0, 3000),
    ("Check-up", 30, 0, 5, 8500),
    ("Procedure", 45, 5, 10, 19000),
)
"""Name, minutes, minutes before and after, price."""
WEEKS: Final = (
    ("12345", ("08:00", "12:00"), ("13:00", "16:30")),
    ("1245", ("09:00", "13:00"), ("14:00", "19:00")),
    ("12346", ("10:00", "14:00"), ("15:00", "18:00")),
    ("2356", ("07:30", "12:30"), ("13:00", "17:00")),
    ("12345", ("12:00", "15:30"), ("16:00", "20:00")),
)
"""Weekdays from 1, and the hours of each."""


async def large(
    connection: Any,
    *,
    appointments: int = APPOINTMENTS,
    now: datetime,
    into_existing: bool = False,
    password: str | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Write clinics of twenty doctors with a thousand appointments each, five a customer, from sixteen weeks ago to the
    end of the horizon.

    `connection` is asyncpg's, to a migrated database, and in no transaction. `appointments` is how many there are
    afterwards, exactly, and all else follows from it: two million make 100 clinics, 2,000 doctors and 400,000
    customers; density and the number of rows that a doctor has are the same at every size. All of it is one
    transaction: whatever cuts it off leaves nothing behind. Constraints and indexes are those of the migrations
    afterwards, checked for every row. Until then the tables are locked. With a password staff have accounts as
    in the small world. Raises `HasClinics` unless `into_existing`.
    """
    progress = progress or Progress(disable=True)
    midnight = datetime.combine(now.date(), time(), now.tzinfo)
    doctors, customers = -(-appointments // PER_DOCTOR), -(-appointments // VISITS)
    clinics = -(-doctors // DOCTORS)
    async with connection.transaction():
        await connection.execute(
            "set local client_connection_check_interval = '1s'"
        )  # who is gone waits for no constraint
        await connection.execute("set local maintenance_work_mem = '256MB'")
        first = await next_clinic(connection, into_existing=into_existing)
        put_back = await set_aside(connection, HEAVY)
        task = progress.add_task("Appointments", total=appointments)
        known: list[UUID] = []
        for number in range(clinics):
            so_far, with_this = (doctors * count // clinics for count in (number, number + 1))
            employed, booked, registered = (
                total * with_this // doctors - total * so_far // doctors for total in (doctors, appointments, customers)
            )
            random = Random(f"{midnight:%Y-%m-%d} {first + number}")  # noqa: S311 -- the same world each time
            clinic = Clinic(connection, random, first + number, PLACES[number % len(PLACES)], midnight, now)
            known = await _fill(
                clinic, doctors=employed, appointments=booked, customers=registered, known=known[: registered // 20]
            )
            progress.advance(task, booked)
        task = progress.add_task("Constraints and indexes", total=len(put_back))
        for statement in put_back:
            await connection.execute(statement)
            progress.advance(task)
        task = progress.add_task("Sums", total=clinics)
        for number in range(clinics):
            await add_up(connection, first_clinic=first + number, last_clinic=first + number)
            progress.advance(task)
        addresses = await staff(connection, first_clinic=first, password=password) if password else []
    await finish(connection)
    return addresses


class Clinic(NamedTuple):
    connection: Any
    random: Random
    id: int
    place: Place
    midnight: datetime
    now: datetime

    @property
    def founded_at(self) -> datetime:
        return self.midnight - timedelta(days=400)

    def new_id(self) -> UUID:
        return clinics_id(self.random, self.id, self.founded_at)


async def _fill(
    clinic: Clinic, *, doctors: int, appointments: int, customers: int, known: Sequence[UUID]
) -> list[UUID]:
    """Write a clinic and all that is its own; the `known` of another come here too. Returns its customers."""
    kinds = await _found(clinic)
    own = await _register(clinic, customers)
    slots = await _employ(clinic, doctors)
    chosen: list[Visit] = []
    for left, (doctor_id, published) in zip(range(len(slots), 0, -1), slots.items(), strict=True):
        chosen += _chosen(
            clinic, visits(clinic.random, doctor_id, published, kinds, step=STEP), (appointments - len(chosen)) // left
        )
    assert len(chosen) == appointments, "the doctors have time for more"
    rows = list(_rows(clinic, sorted(chosen, key=attrgetter("start", "doctor_id")), [*own, *known]))
    await write(
        clinic.connection,
        "patient",
        "clinic_id customer_id created_at updated_at",
        (
            (clinic.id, customer_id, clinic.founded_at, clinic.founded_at)
            for customer_id in dict.fromkeys(row[4] for row in rows)
        ),
    )
    await write(
        clinic.connection,
        "appointment",
        "clinic_id id booking_id doctor_id customer_id appointment_type_id status during claimed price_amount price_currency version created_at updated_at",
        rows,
    )
    return own


async def _found(clinic: Clinic) -> list[Kind]:
    at, place = clinic.founded_at, clinic.place
    await write(
        clinic.connection,
        "clinic",
        "id name time_zone slug locale currency email horizon_days slot_step_minutes doctor_choice created_at updated_at",
        [
            (
                clinic.id,
                f"{place.time_zone.split('/')[1].replace('_', ' ')} Clinic {clinic.id}",
                place.time_zone,
                f"clinic-{clinic.id}",
                place.locale,
                place.currency,
                f"desk@clinic-{clinic.id}.example.org",
                COMING.days,
                STEP // timedelta(minutes=1),
                ("random", "leastBusy", "roundRobin")[clinic.id % 3],
                at,
                at,
            )
        ],
    )
    ids = [clinic.new_id() for _ in KINDS]
    await write(
        clinic.connection,
        "appointment_type",
        "clinic_id id name minutes buffer_before_minutes buffer_after_minutes price_amount price_currency created_at updated_at",
        [(clinic.id, id, *kind, place.currency, at, at) for id, kind in zip(ids, KINDS, strict=True)],
    )
    return [
        Kind(id, timedelta(minutes=minutes), timedelta(minutes=before), timedelta(minutes=after), price)
        for id, (_, minutes, before, after, price) in zip(ids, KINDS, strict=True)
    ]


async def _register(clinic: Clinic, count: int) -> list[UUID]:
    at, place = clinic.founded_at, clinic.place
    today = clinic.midnight.date()
    ids = [customers_id(clinic.random, at) for _ in range(count)]
    persons = people(clinic.random, place.languages, count, first=clinic.id * 1_000_000, today=today)
    await write(
        clinic.connection,
        "customer",
        "id name email phone birth_date locale time_zone created_at updated_at",
        ((id, *person, place.locale, place.time_zone, at, at) for id, person in zip(ids, persons, strict=True)),
    )
    return ids


async def _employ(clinic: Clinic, count: int) -> dict[UUID, list[Range[datetime]]]:
    """The doctors with their weeks, and what these publish."""
    at = clinic.founded_at
    ids = [clinic.new_id() for _ in range(count)]
    names = [
        f"Dr. {person.name}"
        for person in people(clinic.random, clinic.place.languages, count, first=0, today=clinic.midnight.date())
    ]
    await write(
        clinic.connection,
        "doctor",
        "clinic_id id name specialty created_at updated_at",
        [
            (clinic.id, id, name, SPECIALTIES[number % len(SPECIALTIES)], at, at)
            for number, (id, name) in enumerate(zip(ids, names, strict=True))
        ],
    )
    await write(
        clinic.connection,
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
    day = clinic.midnight.date()
    return await publish(
        clinic.connection, clinic.random, clinic.id, first=day - PAST, last=day + COMING, made_at=clinic.midnight - PAST
    )


def _chosen(clinic: Clinic, times: Iterator[Visit], count: int) -> list[Visit]:
    """Return `count` of a doctor's times, more in the past than in the future."""
    weighed = (
        (clinic.random.random() ** (1 / LIKELIER if visit.start < clinic.midnight else 1), visit) for visit in times
    )
    return [visit for _, visit in heapq.nlargest(count, weighed, key=lambda each: each[0])]


def _rows(clinic: Clinic, chosen: Sequence[Visit], visitors: list[UUID]) -> Iterator[tuple[Any, ...]]:
    """Appointments in order of their start. Between two of one customer come half as many as there are customers, so
    they never overlap."""
    random, midnight, now = clinic.random, clinic.midnight, clinic.now
    half = len(visitors) // 2
    for number, visit in enumerate(chosen):
        here, other = number % len(visitors), (number + random.randint(0, half)) % len(visitors)
        visitors[here], visitors[other] = visitors[other], visitors[here]
        made_at = min(visit.start, midnight) - timedelta(minutes=random.randrange(60, 30 * 1440))
        id = clinics_id(random, clinic.id, made_at)
        status = outcome(random.random(), visit, now)
        moves = MOVES[status]
        changed_at = made_at if moves == 0 or status == Status.CANCELLED else min(visit.end, now)
        yield (
            clinic.id,
            id,
            id,
            visit.doctor_id,
            visitors[here],
            visit.kind.id,
            status,
            visit.during,
            visit.claimed,
            visit.kind.price,
            clinic.place.currency,
            moves + 1,
            made_at,
            changed_at,
        )
