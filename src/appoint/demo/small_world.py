"""The small world: three clinics in three time zones, with eight weeks of history and bookings up to their horizons."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from .money import add_money
from .people import FAMILIES, Household, people
from .small_bookings import BookedVisit, Visitor, book_visits, write_appointments
from .small_clinics import write_clinic
from .staff import staff
from .three_clinics import CLINICS, ClinicStory
from .visits import customers_id, visits
from .world import World
from .writing import add_up, finish, next_clinic, publish, write

PAST: Final = timedelta(days=56)
NEIGHBOURS: Final = 180
"""The number of people at each clinic in addition to the families."""

RegisteredHousehold = tuple[Household, list[Visitor]]
"""A household and its members."""


async def small(
    connection: Any, *, now: datetime, into_existing: bool = False, password: str | None = None
) -> list[str]:
    """Write the small world in one transaction, with all constraints in place.

    Worlds written on the same (UTC) day are identical, except for what happens after midnight. If there is a password,
    staff get accounts; return some of their addresses. Raise `HasClinics` if there already are clinics, unless
    `into_existing` is set.
    """
    async with connection.transaction():
        first = await next_clinic(connection, into_existing=into_existing)
        world = World.seeded(connection, now, first)
        households = await _register(world)
        booked: list[BookedVisit] = []
        for number, story in enumerate(CLINICS):
            visitors = [members for household, members in households if number in household.clinics]
            slug = f"{story.content.slug}-{first + number}" if first > 1 else story.content.slug
            booked += await _fill(world, first + number, story, slug=slug, visitors=visitors)
        in_order = sorted(booked, key=attrgetter("start", "id"))
        await write_appointments(world, in_order, dict(enumerate(CLINICS, first)))
        await add_up(connection, first_clinic=first)
        addresses = await staff(connection, first_clinic=first, password=password) if password else []
        if password:
            await add_money(world, first)
    await finish(connection)
    return addresses


async def _register(world: World) -> list[RegisteredHousehold]:
    """Write the customers and return their households."""
    households = [*FAMILIES, *_neighbours(world)]
    registered: list[RegisteredHousehold] = []
    rows: list[tuple[Any, ...]] = []
    for household in households:
        created_at = world.opened_at + timedelta(days=world.random.randrange(340), minutes=world.random.randrange(1440))
        ids = [customers_id(world.random, created_at) for _ in household.members]
        visitors = [Visitor(id, age) for id, (_, age) in zip(ids, household.members, strict=True)]
        registered.append((household, visitors))
        for id, (name, age) in zip(ids, household.members, strict=True):
            birth_date = world.day(-age * 365 - world.random.randrange(1, 365))
            zone = CLINICS[household.clinics[0]].content.time_zone
            rows.append(
                (id, name, household.email, household.phone, household.locale, zone, birth_date, created_at, created_at)
            )
    await write(
        world.connection, "customer", "id name email phone locale time_zone birth_date created_at updated_at", rows
    )
    return registered


def _neighbours(world: World) -> list[Household]:
    """Return each clinic's households other than the families."""
    households: list[Household] = []
    for number, story in enumerate(CLINICS):
        neighbours = people(world.random, story.languages, NEIGHBOURS, first=1000 * (number + 1), today=world.day(0))
        for (email, phone), members in groupby(neighbours, key=attrgetter("email", "phone")):
            ages = [(person.name, (world.day(0) - person.birth_date).days // 365) for person in members]
            households.append(Household((number,), email, phone, story.content.locale, ages))
    return households


async def _fill(
    world: World, clinic_id: int, story: ClinicStory, *, slug: str | None, visitors: Sequence[list[Visitor]]
) -> list[BookedVisit]:
    """Write a clinic with its published slots, and return the visits that its visitors have booked."""
    since, until = world.midnight - PAST, world.day(story.content.policy.horizon_days)
    kinds_by_doctor = await write_clinic(world, clinic_id, story, slug=slug, absences_at=since)
    slots = await publish(world.connection, world.random, clinic_id, first=since.date(), last=until, at=since)
    step = timedelta(minutes=story.content.policy.slot_step_minutes)
    times = [
        visits(world.random, doctor_id, slots[doctor_id], kinds, step=step)
        for doctor_id, kinds in kinds_by_doctor.items()
    ]
    return list(book_visits(world, times, visitors))
