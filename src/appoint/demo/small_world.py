"""The small world: three clinics in three zones, with eight weeks behind them and all their horizon before them."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby, islice
from operator import attrgetter
from random import Random
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from asyncpg import Range

from ..booking.model import CancelCause, Status
from ..kit import fields
from ..kit.ids import clinic_of
from .people import FAMILIES, Household, people
from .staff import staff
from .three_clinics import CLINICS, ClinicStory, DoctorStory, Week
from .visits import MOVES, Kind, Visit, clinics_id, customers_id, outcome, visits
from .writing import add_up, finish, next_clinic, publish, write

PAST: Final = timedelta(days=56)
NEIGHBOURS: Final = 120
"""People of each clinic besides those of the families."""
TOGETHER: Final = 0.1
"""How many of the bookings are for several appointments."""
HOLD: Final = timedelta(minutes=10)


class World(NamedTuple):
    connection: Any
    random: Random
    midnight: datetime
    """The day's, in UTC. What lies before `now` but after it is all that two worlds of a day differ in."""
    now: datetime

    def day(self, number: int) -> date:
        return self.midnight.date() + timedelta(days=number)

    @property
    def founded_at(self) -> datetime:
        return self.midnight - timedelta(days=400)


class Booked(NamedTuple):
    """A booked visit. `luck` and `whim`, from 0 to 1, determine what becomes of it."""

    visit: Visit
    id: UUID
    booking_id: UUID
    position: int
    customer_id: UUID
    booker_id: UUID | None
    made_at: datetime
    luck: float
    whim: float

    @property
    def start(self) -> datetime:
        return self.visit.start


Taken = dict[UUID, list[Visit]]
"""By customer."""


async def small(
    connection: Any, *, now: datetime, into_existing: bool = False, password: str | None = None
) -> list[str]:
    """Write the small world, in one transaction and under all constraints. It is the same whenever it is written on the
    same (UTC) day, but for what has come about since midnight. With a password its staff have accounts, and the
    addresses of some are returned. Raises `HasClinics` unless `into_existing`."""
    async with connection.transaction():
        first = await next_clinic(connection, into_existing=into_existing)
        midnight = datetime.combine(now.date(), time(), now.tzinfo)
        world = World(connection, Random(f"{midnight:%Y-%m-%d} {first}"), midnight, now)  # noqa: S311 -- the same world each time
        households = await _register(world)
        booked: list[Booked] = []
        for clinic_id, (number, story) in enumerate(enumerate(CLINICS), first):
            offered = await _found(
                world, clinic_id, story, slug=f"{story.content.slug}-{clinic_id}" if first > 1 else story.content.slug
            )
            since, until = midnight - PAST, world.day(story.content.policy.horizon_days)
            slots = await publish(connection, world.random, clinic_id, first=since.date(), last=until, made_at=since)
            step = timedelta(minutes=story.content.policy.slot_step_minutes)
            times = [
                visits(world.random, doctor_id, slots[doctor_id], kinds, step=step)
                for doctor_id, kinds in offered.items()
            ]
            booked += _booked(
                world, times, [members for household, members in households if number in household.clinics]
            )
        await _write_appointments(world, sorted(booked, key=attrgetter("start", "id")), dict(enumerate(CLINICS, first)))
        await add_up(connection, first_clinic=first)
        addresses = await staff(connection, first_clinic=first, password=password) if password else []
    await finish(connection)
    return addresses


async def _register(world: World) -> list[tuple[Household, list[UUID]]]:
    """The customers, as households with their members' ids."""
    households = list(FAMILIES)
    for number, story in enumerate(CLINICS):
        neighbours = people(world.random, story.languages, NEIGHBOURS, first=1000 * (number + 1), today=world.day(0))
        for (email, phone), members in groupby(neighbours, key=attrgetter("email", "phone")):
            ages = [(person.name, (world.day(0) - person.birth_date).days // 365) for person in members]
            households.append(Household((number,), email, phone, story.content.locale, ages))
    registered: list[tuple[Household, list[UUID]]] = []
    rows: list[tuple[Any, ...]] = []
    for household in households:
        made_at = world.founded_at + timedelta(days=world.random.randrange(340), minutes=world.random.randrange(1440))
        ids = [customers_id(world.random, made_at) for _ in household.members]
        registered.append((household, ids))
        for id, (name, age) in zip(ids, household.members, strict=True):
            birth_date = world.day(-age * 365 - world.random.randrange(1, 365))
            zone = CLINICS[household.clinics[0]].content.time_zone
            rows.append(
                (id, name, household.email, household.phone, household.locale, zone, birth_date, made_at, made_at)
            )
    await write(
        world.connection, "customer", "id name email phone locale time_zone birth_date created_at updated_at", rows
    )
    return registered


async def _found(world: World, clinic_id: int, story: ClinicStory, *, slug: str | None) -> dict[UUID, list[Kind]]:
    """The clinic with everything but its slots and appointments; returns what each doctor offers."""
    connection, random, at, content = world.connection, world.random, world.founded_at, story.content
    new = lambda: clinics_id(random, clinic_id, at)  # noqa: E731 -- a helper of this function alone
    await write(
        connection,
        "clinic",
        "id name time_zone slug locale currency phone email address slot_step_minutes min_notice_minutes horizon_days cancel_notice_minutes "
        "require_version doctor_choice retain_patients_months retain_messages_days created_at updated_at",
        [
            (
                clinic_id,
                *msgspec.structs.astuple(msgspec.structs.replace(content, slug=slug))[:-2],
                *msgspec.structs.astuple(content.policy),
                at,
                at,
            )
        ],
    )
    kinds = {
        type.name: Kind(
            new(),
            timedelta(minutes=type.minutes),
            timedelta(minutes=type.before),
            timedelta(minutes=type.after),
            type.price,
        )
        for type in story.types
    }
    await write(
        connection,
        "appointment_type",
        "clinic_id id name description minutes buffer_before_minutes buffer_after_minutes price_amount price_currency mode created_at updated_at",
        [
            (
                clinic_id,
                kinds[type.name].id,
                type.name,
                type.description,
                type.minutes,
                type.before,
                type.after,
                type.price,
                None if type.price is None else content.currency,
                "online" if type.online else "inPerson",
                at,
                at,
            )
            for type in story.types
        ],
    )
    time_slots = {name: (new(), _minutes(hours)) for name, hours in story.time_slots.items()}
    await write(
        connection,
        "time_slot",
        "clinic_id id name minutes created_at updated_at",
        [(clinic_id, id, name, minutes, at, at) for name, (id, minutes) in time_slots.items()],
    )
    doctors = {doctor.name: new() for doctor in story.doctors}
    await write(
        connection,
        "doctor",
        "clinic_id id name specialty email created_at updated_at",
        [
            (clinic_id, doctors[doctor.name], doctor.name, doctor.specialty, doctor.email, at, at)
            for doctor in story.doctors
        ],
    )
    await write(
        connection,
        "doctor_appointment_type",
        "clinic_id doctor_id appointment_type_id",
        [(clinic_id, doctors[doctor.name], kinds[name].id) for doctor in story.doctors for name in doctor.offers],
    )
    await write(
        connection,
        "doctor_slot",
        "clinic_id id doctor_id weekday minutes valid time_slot_id created_at updated_at",
        [
            (clinic_id, new(), doctors[doctor.name], weekday, minutes, valid, time_slot_id, at, at)
            for doctor in story.doctors
            for valid, week in _weeks(world, doctor)
            for weekday, time_slot_id, minutes in _lines(week, time_slots)
        ],
    )
    for absence in story.absences:
        await connection.execute(
            """
            insert into absence (clinic_id, id, doctor_id, during, reason, created_at, updated_at)
            select $1, $2, $3, tstzrange(local_instant($4, 0, time_zone), local_instant($5, 0, time_zone)), $6, $7, $7 from clinic where id = $1
            """,
            clinic_id,
            new(),
            doctors[absence.doctor] if absence.doctor else None,
            world.day(absence.first),
            world.day(absence.last + 1),
            absence.reason,
            world.midnight - PAST,
        )
    return {doctors[doctor.name]: [kinds[name] for name in doctor.offers or kinds] for doctor in story.doctors}


def _weeks(world: World, doctor: DoctorStory) -> Iterator[tuple[Range[date], Week]]:
    since = world.founded_at.date()
    if doctor.later:
        from_day, week = doctor.later
        yield Range(world.day(from_day), None), week
        yield Range(since, world.day(from_day)), doctor.week
    else:
        yield Range(since, None), doctor.week


def _lines(week: Week, time_slots: dict[str, tuple[UUID, Range[int]]]) -> Iterator[tuple[int, UUID | None, Range[int]]]:
    for weekdays, hours in week:
        id, minutes = time_slots[hours] if hours in time_slots else (None, _minutes(hours))
        for weekday in weekdays.split():
            yield [*fields.WEEKDAYS].index(weekday) + 1, id, minutes


def _minutes(hours: str) -> Range[int]:
    opens, closes = hours.split("-")
    return Range(fields.parse_wall_time(opens), fields.parse_wall_time(closes))


def _booked(world: World, times: Sequence[Iterator[Visit]], visitors: Sequence[list[UUID]]) -> Iterator[Booked]:
    """Some of the times of a clinic's doctors, fewer the further away; visits of a customer never overlap.
    `visitors` are households."""
    random = world.random
    taken: Taken = {}
    for of_doctor in times:
        for visit in of_doctor:
            days = (visit.start - world.midnight) / timedelta(days=1)
            if random.random() > (0.65 if days < 1 else 0.5 * 0.94**days):
                continue
            group = [visit, *islice(of_doctor, random.randint(1, 2))] if random.random() < TOGETHER else [visit]
            if group[-1].end - visit.start > timedelta(hours=2):
                group = [visit]
            come = _free(random, visitors, taken, group)
            made_at = min(visit.start, world.midnight) - timedelta(hours=2, minutes=random.randrange(20 * 1440))
            ids = [clinics_id(random, clinic_of(visit.doctor_id), made_at) for _ in range(len(group) + 1)]
            booking_id, booker_id = (ids[-1], come[0]) if len(group) > 1 else (ids[0], None)
            luck = random.random()
            for position, (each, customer_id) in enumerate(zip(group, come, strict=True)):
                taken.setdefault(customer_id, []).append(each)
                yield Booked(
                    each, ids[position], booking_id, position, customer_id, booker_id, made_at, luck, random.random()
                )


def _free(random: Random, visitors: Sequence[list[UUID]], taken: Taken, group: Sequence[Visit]) -> list[UUID]:
    """One for each of the visits, all of a household, who have nothing else to do then."""
    start, end = group[0].start, group[-1].end
    for household in random.sample(visitors, len(visitors)):
        free = [
            customer_id
            for customer_id in household
            if all(each.end <= start or end <= each.start for each in taken.get(customer_id, ()))
        ]
        if len(free) >= len(group):
            return free[: len(group)] if len(group) > 1 else [random.choice(free)]
    raise AssertionError("there are more people than doctors")


async def _write_appointments(world: World, booked: Sequence[Booked], stories: dict[int, ClinicStory]) -> None:
    """Booked visits, earliest first, with what has become of them."""
    patients = dict.fromkeys(
        (clinic_of(each.id), each.customer_id) for each in sorted(booked, key=attrgetter("made_at"))
    )
    first_seen = {
        (clinic_of(each.id), each.customer_id): each.made_at
        for each in sorted(booked, key=attrgetter("made_at"), reverse=True)
    }
    await write(
        world.connection,
        "patient",
        "clinic_id customer_id record_number created_at updated_at",
        [
            (*patient, f"{1000 + number}", first_seen[patient], first_seen[patient])
            for number, patient in enumerate(patients)
        ],
    )
    statuses = _statuses(world, booked)
    await write(
        world.connection,
        "appointment",
        "clinic_id id booking_id position doctor_id customer_id booker_id appointment_type_id status hold_expires_at during claimed chosen "
        "price_amount price_currency notes cancel_reason cancel_cause only_held version created_at updated_at",
        [_row(world, each, statuses[each.id], stories[clinic_of(each.id)]) for each in booked],
    )


def _statuses(world: World, booked: Sequence[Booked]) -> dict[UUID, Status]:
    """Return the status of each visit.

    At any hour, even while all clinics are closed, the last visitor is still with the doctor and the next one has
    arrived.
    """
    statuses = {each.id: outcome(each.luck, each.visit, world.now) for each in booked}
    awaited = [each for each in booked if statuses[each.id] != Status.CANCELLED]
    statuses[next(each.id for each in reversed(awaited) if each.start <= world.now)] = Status.CHECKED_IN
    statuses[next(each.id for each in awaited if each.start > world.now)] = Status.ARRIVED
    for _, of_clinic in groupby(
        sorted(awaited, key=lambda each: clinic_of(each.id)), key=lambda each: clinic_of(each.id)
    ):
        # one customer per clinic has a time on hold
        statuses[
            next(
                each.id
                for each in of_clinic
                if each.start > world.midnight + timedelta(days=3) and each.booker_id is None
            )
        ] = Status.PENDING
    return statuses


def _cancel_cause(status: Status, reason: str | None) -> str | None:
    if status != Status.CANCELLED:
        return None
    return CancelCause.HOLD_EXPIRED if reason == CancelCause.HOLD_EXPIRED else CancelCause.REQUEST


def _row(world: World, each: Booked, status: Status, story: ClinicStory) -> tuple[Any, ...]:
    visit, held = each.visit, status == Status.PENDING
    made_at = world.now if held else each.made_at
    changed_at = {
        Status.PENDING: world.now,
        Status.BOOKED: made_at,
        Status.CANCELLED: made_at + timedelta(hours=1),
    }.get(status, min(visit.end, world.now))
    reasons = (None, CancelCause.HOLD_EXPIRED, *story.reasons, *story.reasons)
    reason = reasons[int(each.whim * len(reasons))] if status == Status.CANCELLED else None
    return (
        clinic_of(each.id),
        each.id,
        each.booking_id,
        each.position,
        visit.doctor_id,
        each.customer_id,
        each.booker_id,
        visit.kind.id,
        status,
        world.now + HOLD if held else None,
        visit.during,
        visit.claimed,
        each.whim < 0.2,
        visit.kind.price,
        None if visit.kind.price is None else story.content.currency,
        story.notes[int(each.whim * 30)] if each.whim < 0.1 else None,
        reason,
        _cancel_cause(status, reason),
        reason == CancelCause.HOLD_EXPIRED,
        MOVES[status] + 1,
        made_at,
        changed_at,
    )
