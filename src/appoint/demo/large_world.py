"""The large world: any number of appointments, a thousand per doctor, for testing how Appoint scales."""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from rich.progress import Progress

from ..booking.model import Status
from .large_clinics import PLACES, STEP, Clinic, write_clinic, write_customers, write_doctors
from .staff import staff
from .visits import MOVES, Visit, clinics_id, outcome, visits
from .world import World
from .writing import add_up, drop_indexes, finish, next_clinic, write

APPOINTMENTS: Final = 2_000_000
APPOINTMENTS_PER_DOCTOR: Final = 1000
DOCTORS_PER_CLINIC: Final = 20
VISITS_PER_CUSTOMER: Final = 5
PAST_WEIGHT: Final = 3
"""How much more likely a past time is to be booked than a future one."""
HEAVY_TABLES: Final = ("customer", "patient", "booking_slot", "appointment")
"""Tables whose keys and indexes are created after all rows have been written, which is much faster than updating them
row by row.
"""
APPOINTMENT_COLUMNS: Final = (
    "clinic_id id booking_id doctor_id customer_id appointment_type_id status during claimed price_amount "
    "price_currency version created_at updated_at"
)


async def large(
    connection: Any,
    *,
    appointments: int = APPOINTMENTS,
    now: datetime,
    into_existing: bool = False,
    password: str | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Write clinics with twenty doctors each, a thousand appointments per doctor and five per customer, from sixteen
    weeks ago to the end of the horizon. Return some staff members' addresses, as the small world does.

    `connection` is an asyncpg connection to a migrated database, outside a transaction. `appointments` is the exact
    number to write, and determines everything else: two million make 100 clinics, 2,000 doctors and 400,000 customers.
    The density and the number of rows per doctor are the same at every size. Everything is written in one transaction,
    so an interruption leaves nothing behind; the tables are locked until it ends. Afterwards, constraints and indexes
    are as the migrations define them, and every row has been checked. Raise `HasClinics` if there already are clinics,
    unless `into_existing` is set.
    """
    progress = progress or Progress(disable=True)
    doctors, customers = -(-appointments // APPOINTMENTS_PER_DOCTOR), -(-appointments // VISITS_PER_CUSTOMER)
    clinics = -(-doctors // DOCTORS_PER_CLINIC)
    async with connection.transaction():
        # otherwise the server would finish adding a constraint for a client that has gone away
        await connection.execute("set local client_connection_check_interval = '1s'")
        await connection.execute("set local maintenance_work_mem = '256MB'")
        first = await next_clinic(connection, into_existing=into_existing)
        restoring = await drop_indexes(connection, HEAVY_TABLES)
        task = progress.add_task("Appointments", total=appointments)
        guests: list[UUID] = []
        for number in range(clinics):
            begin, end = (doctors * count // clinics for count in (number, number + 1))
            own_doctors, own_appointments, own_customers = (
                total * end // doctors - total * begin // doctors for total in (doctors, appointments, customers)
            )
            world = World.seeded(connection, now, first + number)
            guests = await _fill(
                Clinic(world, first + number, PLACES[number % len(PLACES)]),
                doctors=own_doctors,
                appointments=own_appointments,
                customers=own_customers,
                guests=guests[: own_customers // 20],
            )
            progress.advance(task, own_appointments)
        task = progress.add_task("Constraints and indexes", total=len(restoring))
        for statement in restoring:
            await connection.execute(statement)
            progress.advance(task)
        task = progress.add_task("Sums", total=clinics)
        for number in range(clinics):
            await add_up(connection, first_clinic=first + number, last_clinic=first + number)
            progress.advance(task)
        addresses = await staff(connection, first_clinic=first, password=password) if password else []
    await finish(connection)
    return addresses


async def _fill(
    clinic: Clinic, *, doctors: int, appointments: int, customers: int, guests: Sequence[UUID]
) -> list[UUID]:
    """Write a clinic with everything that belongs to it. `guests` are another clinic's customers, who visit this one
    too. Return its own customers."""
    world = clinic.world
    kinds = await write_clinic(clinic)
    own = await write_customers(clinic, customers)
    slots = await write_doctors(clinic, doctors)
    selection: list[Visit] = []
    for left, (doctor_id, published) in zip(range(len(slots), 0, -1), slots.items(), strict=True):
        times = visits(world.random, doctor_id, published, kinds, step=STEP)
        selection += _choose(world, times, (appointments - len(selection)) // left)
    assert len(selection) == appointments, "the doctors have enough time for them"
    rows = list(_rows(clinic, sorted(selection, key=attrgetter("start", "doctor_id")), [*own, *guests]))
    await write(
        world.connection,
        "patient",
        "clinic_id customer_id created_at updated_at",
        (
            (clinic.id, customer_id, world.opened_at, world.opened_at)
            for customer_id in dict.fromkeys(row[4] for row in rows)
        ),
    )
    await write(world.connection, "appointment", APPOINTMENT_COLUMNS, rows)
    return own


def _choose(world: World, times: Iterator[Visit], count: int) -> list[Visit]:
    """Return `count` of a doctor's times, more of them in the past than in the future."""
    weighted = (
        (world.random.random() ** (1 / PAST_WEIGHT if visit.start < world.midnight else 1), visit) for visit in times
    )
    return [visit for _, visit in heapq.nlargest(count, weighted, key=lambda each: each[0])]


def _rows(clinic: Clinic, selection: Sequence[Visit], visitors: list[UUID]) -> Iterator[tuple[Any, ...]]:
    """Yield appointments ordered by start. At least half of the other visitors come between two visits by the same
    customer, so a customer's visits never overlap."""
    random, midnight, now = clinic.world.random, clinic.world.midnight, clinic.world.now
    half = len(visitors) // 2
    for number, visit in enumerate(selection):
        here, other = number % len(visitors), (number + random.randint(0, half)) % len(visitors)
        visitors[here], visitors[other] = visitors[other], visitors[here]
        booked_at = min(visit.start, midnight) - timedelta(minutes=random.randrange(60, 30 * 1440))
        id = clinics_id(random, clinic.id, booked_at)
        status = outcome(random.random(), visit, now)
        moves = MOVES[status]
        changed_at = booked_at if moves == 0 or status == Status.CANCELLED else min(visit.end, now)
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
            booked_at,
            changed_at,
        )
