"""The numbers that are kept are those that the appointments and slots themselves give, whatever happens to them."""

import asyncio
import json
import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from benchmarks.numbers import BY_DAY, BY_DAY_AND_HOUR, NUMBERS, statement_from_sums

from appoint import demo
from appoint.booking import holds, transitions
from appoint.booking import service as appointments
from appoint.booking.book import book
from appoint.booking.model import AppointmentRequest, RescheduleRequest
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.reschedule import reschedule
from appoint.booking.rules import Override
from appoint.clinics.clinics import service as clinics
from appoint.database.pool import ACROSS, connect
from appoint.events.service import relay
from appoint.kit import errors
from appoint.kit.cache import ClinicCache
from appoint.oversight.reports import service
from appoint.oversight.reports.model import LEADS, Sums
from appoint.scheduling.absences import service as absences
from appoint.scheduling.absences.model import AbsenceContent
from appoint.scheduling.hours_changes import service as schedule_changes
from appoint.scheduling.hours_changes.model import ScheduleChangeContent
from appoint.scheduling.slots import service as slots
from appoint.scheduling.slots.model import BookingSlotContent
from support.hours import generate, local, works
from support.world import MONDAY, RECEPTION, World, at

ALWAYS = date(2020, 1, 1), date(2035, 12, 31)


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await World.make(db, cache)


async def relay_all(world):
    while await relay(world.db, [service.note], now=world.now):
        pass
    await service.sum_up(world.db)


async def kept(db, clinic: int) -> tuple[dict, dict]:
    """Minutes by doctor, date and hour, and counts by doctor and date, as the sums have them."""
    minutes, counts = {}, {}
    for row in await db.fetch("select * from doctor_day where clinic_id = $1", clinic):
        for n, hour in enumerate(zip(row.published_minutes, row.booked_minutes, strict=True), row.opens):
            if any(hour):
                minutes[row.doctor_id, row.date, n] = hour
        if row.booked:
            counts[row.doctor_id, row.date] = (row.booked, row.cancelled, row.missed, row.kept, row.lead_days, row.lead)
    return minutes, counts


async def found(db, clinic: int, first: date = ALWAYS[0], last: date = ALWAYS[1]) -> tuple[dict, dict]:
    """The same, as the appointments and slots have it."""
    days = await db.fetchrow(
        "select min(date) as first, max(date) as last from booking_slot where clinic_id = $1 and removed_at is null",
        clinic,
    )
    minutes = await db.fetch(BY_DAY_AND_HOUR, clinic, days["first"] or first, days["last"] or first, None)
    counts = await db.fetch(BY_DAY, clinic, first, last, None)
    return (
        {tuple(row)[:3]: (row["published_minutes"], row["booked_minutes"]) for row in minutes},
        {tuple(row)[:2]: (*tuple(row)[2:7], in_buckets(row["leads"])) for row in counts},
    )


def in_buckets(leads: list[int]) -> list[int]:
    by_days = Counter(leads)
    return [
        sum(many for days, many in by_days.items() if days >= first and (last is None or days <= last))
        for first, last in LEADS
    ]


async def agree(db, clinic: int) -> bool:
    for has, should in zip(await kept(db, clinic), await found(db, clinic), strict=True):
        wrong = {key: (has.get(key), should.get(key)) for key in has | should if has.get(key) != should.get(key)}
        assert not wrong, wrong
    return True


async def day(world, on: date = MONDAY) -> Sums | None:
    """What is kept of Dr Shah's day."""
    row = await world.db.fetchrow(
        "select * from doctor_day where clinic_id = $1 and doctor_id = $2 and date = $3",
        world.clinic,
        world.dr_shah,
        on,
    )
    if row is None:
        return None
    return Sums(
        row.booked,
        row.cancelled,
        row.missed,
        row.kept,
        row.lead_days,
        sum(row.published_minutes),
        sum(row.booked_minutes),
    )


# what each number means


async def made_on(world, appointment, made_at: datetime):
    await world.db.execute("update appointment set created_at = $2 where id = $1", appointment.id, made_at)


async def step(world, appointment, name, now=None):
    return await world.db.atomic(
        transitions.apply, RECEPTION, appointment_id=appointment.id, name=name, now=now or world.now
    )


async def cancel(world, appointment):
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )


async def test_a_booking_counts_on_the_day_of_its_appointment_without_its_buffers(world):
    check_up = await world.add_type(45, before=5, after=10)
    await made_on(
        world,
        await world.book(world.dr_shah, at(9, 30), world.ana, appointment_type_id=check_up),
        at(12, day=MONDAY - timedelta(days=3)),
    )
    await relay_all(world)
    await world.db.execute("insert into unsummed (clinic_id, days) values ($1, '(,)')", world.clinic)
    await service.sum_up(world.db)
    assert await day(world) == Sums(booked=1, lead_days=3, published_minutes=480, booked_minutes=45)
    row = await world.db.fetchrow("select * from doctor_day")
    assert (row.opens, row.booked_minutes, row.lead) == (
        9,
        [0, 30, 15, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
    )  # Berlin's hours


async def test_cancelled_and_missed_appointments_take_no_time_and_the_others_were_kept(world):
    for number, steps in enumerate((["arrive"], ["arrive", "fulfil"], ["noShow"], ["arrive", "unarrive"], [])):
        appointment = await world.book(world.dr_shah, at(9 + number), world.ana)
        for name in steps:
            await step(world, appointment, name, now=at(15))
    await cancel(world, appointment)
    await relay_all(world)
    sums = await day(world)
    assert (sums.booked, sums.cancelled, sums.missed, sums.kept, sums.booked_minutes) == (5, 1, 1, 2, 90)
    assert (sums.no_show_rate, sums.cancellation_rate, sums.utilisation) == (
        1 / 3,
        1 / 5,
        90 / 480 if sums.published_minutes else None,
    )


@pytest.mark.parametrize("end", ["waits", "runs out", "is given up", "is confirmed"])
async def test_a_hold_is_no_booking_until_it_is_confirmed(world, end):
    held = await world.book(world.dr_shah, at(9), world.ana, hold=True)
    if end == "runs out":
        await holds.expire_holds(world.db, now=world.now + timedelta(hours=1))
    if end == "is given up":
        await cancel(world, held)
    if end == "is confirmed":
        await step(world, held, "confirm")
        await cancel(world, held)
    await relay_all(world)
    sums = await day(world)
    assert (sums.booked, sums.cancelled) == ((1, 1) if end == "is confirmed" else (0, 0))


async def test_who_moves_takes_the_numbers_along(world):
    tuesday = MONDAY + timedelta(days=1)
    await world.publish(world.dr_shah, at(8, day=tuesday), at(16, day=tuesday))
    appointment = await world.book(world.dr_shah, at(9), world.ana)
    await relay_all(world)
    assert (await day(world)).booked == 1
    to = RescheduleRequest(start_time=at(10, day=tuesday))
    await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)
    await relay_all(world)
    assert ((await day(world)).booked, (await day(world, tuesday)).booked) == (0, 1)


async def test_a_day_without_anything_is_no_day(world):
    shown = BookingSlotContent(
        doctor_id=world.dr_shah,
        start_time=at(9, day=MONDAY + timedelta(days=1)),
        end_time=at(10, day=MONDAY + timedelta(days=1)),
    )
    slot = await world.db.atomic(slots.publish, RECEPTION, content=shown)
    await relay_all(world)
    assert (await day(world, MONDAY + timedelta(days=1))).published_minutes == 60
    await world.db.atomic(slots.remove, RECEPTION, booking_slot_id=slot.id, if_match=None, now=world.now)
    await relay_all(world)
    assert await day(world, MONDAY + timedelta(days=1)) is None


async def test_the_hour_that_comes_twice_has_120_minutes(world):
    autumn = date(2027, 10, 31)
    await world.publish(world.dr_shah, local(autumn, "00:00"), local(autumn, "05:00"))
    await service.rebuild(world.db, [world.clinic], done=lambda _: None)
    row = await world.db.fetchrow("select * from doctor_day where date = $1", autumn)
    assert (row.opens, row.published_minutes) == (0, [60, 60, 120, 60, 60])
    assert await agree(world.db, world.clinic)


# stories


PLACES = [  # and a time before the clocks are changed
    ("Europe/Berlin", datetime(2027, 3, 22, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 11, 3, 10, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 3, 31, 1, tzinfo=UTC)),  # by half an hour
    ("Asia/Kolkata", datetime(2027, 5, 3, 1, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2027, 10, 25, 1, tzinfo=UTC)),  # at midnight
]
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Story:
    """Whatever can happen in a clinic within two weeks, by chance."""

    def __init__(self, world: World, chance: random.Random, time_zone: str) -> None:
        self.world, self.chance, self.zone = world, chance, time_zone
        self.today = world.now.astimezone(UTC).date()
        self.booked = []
        self.happened = Counter()

    def a_day(self) -> date:
        return self.today + timedelta(days=self.chance.randrange(1, 13))

    def a_time(self, on: date | None = None) -> datetime:
        return local(
            on or self.a_day(), f"{self.chance.randrange(24):02}:{self.chance.randrange(0, 60, 10):02}", self.zone
        )

    def a_doctor(self):
        return self.chance.choice(self.doctors)

    async def begin(self) -> None:
        self.doctors = [
            self.world.dr_shah,
            await self.world.add_doctor("Dr Okafor"),
            await self.world.add_doctor("Dr Lee"),
        ]
        self.customers = [await self.world.add_customer(name) for name in "abcdefgh"]
        await self.new_hours()
        await self.generate()

    async def new_hours(self) -> None:
        for doctor in self.doctors:
            spans = {
                name: self.chance.choice(("00:00-04:00", "00:30-07:10 08:00-12:00", "09:15-12:40 13:00-24:00", ""))
                for name in WEEK
            }
            await works(self.world, doctor, **spans)

    async def generate(self) -> None:
        await generate(self.world, self.today, self.today + timedelta(days=13))

    async def a_published_time(self) -> datetime:
        slot = await self.a_slot()
        return slot.start + timedelta(
            minutes=10 * self.chance.randrange(max((slot.end - slot.start) // timedelta(minutes=10), 1))
        )

    async def book(self, **more) -> None:
        start, minutes = await self.a_published_time(), self.chance.choice((10, 20, 45, 90))
        made = await self.world.book(
            self.chance.choice([*self.doctors, None]),
            start,
            self.chance.choice(self.customers),
            minutes=minutes,
            **more,
        )
        if isinstance(made, errors.Conflict):
            raise made
        await made_on(
            self.world,
            made,
            start - timedelta(days=self.chance.choice((0, 1, 2, 3, 5, 9, 20, 40, 80)), hours=self.chance.randrange(30)),
        )
        self.booked.append(made)

    async def hold(self) -> None:
        await self.book(hold=True)

    async def book_outside_hours(self) -> None:
        start = self.a_time()
        allow = Override(allow=["outside-hours", "too-far", "too-soon", "customer-busy"], reason="In pain")
        request = AppointmentRequest(
            customer_id=self.chance.choice(self.customers),
            doctor_id=self.a_doctor(),
            start_time=start,
            end_time=start + timedelta(minutes=30),
        )
        requests = [CustomerRequest(request.customer_id, request)]
        command = BookingCommand(
            self.world.clinic, requests, RECEPTION, timedelta(minutes=10), self.world.now, override=allow
        )
        done = await book(self.world.db, self.world.cache, command)
        self.booked.append(await appointments.get(self.world.db, done.booking.appointments[0].id))

    async def run_day(self) -> None:
        name = self.chance.choice(("confirm", "arrive", "arrive", "checkIn", "fulfil", "noShow", "noShow", "unarrive"))
        await step(
            self.world,
            self.chance.choice(self.booked),
            name,
            now=self.world.now + timedelta(days=20 if name == "noShow" else 0),
        )

    async def cancel(self) -> None:
        await cancel(self.world, self.chance.choice(self.booked))

    async def expire(self) -> None:
        await holds.expire_holds(self.world.db, now=self.world.now + timedelta(minutes=self.chance.choice((0, 20))))

    async def move(self) -> None:
        to = RescheduleRequest(
            start_time=await self.a_published_time(), doctor_id=self.chance.choice([*self.doctors, None])
        )
        await reschedule(
            self.world.db,
            RECEPTION,
            appointment_id=self.chance.choice(self.booked).id,
            to=to,
            if_match=None,
            now=self.world.now,
        )

    async def publish(self) -> None:
        start = self.a_time()
        content = BookingSlotContent(
            doctor_id=self.a_doctor(),
            start_time=start,
            end_time=start + timedelta(minutes=self.chance.choice((25, 60, 150))),
        )
        await self.world.db.atomic(slots.publish, RECEPTION, content=content)

    async def a_slot(self):
        rows = await self.world.db.fetch(
            "select id, lower(during) as start, upper(during) as end from booking_slot where lower(during) > $1 order by id",
            self.world.now,
        )
        return self.chance.choice(rows)

    async def move_slot(self) -> None:
        slot = await self.a_slot()
        actor = min(
            timedelta(minutes=self.chance.choice((-40, -10, 15, 60))), slot.end - slot.start - timedelta(minutes=5)
        )
        await self.world.db.atomic(
            slots.move,
            RECEPTION,
            booking_slot_id=slot.id,
            start=slot.start + actor,
            end=slot.end,
            if_match=None,
            now=self.world.now,
        )

    async def remove_slot(self) -> None:
        await self.world.db.atomic(
            slots.remove, RECEPTION, booking_slot_id=(await self.a_slot()).id, if_match=None, now=self.world.now
        )

    async def be_away(self) -> None:
        start = self.a_time()
        content = AbsenceContent(
            start_time=start,
            end_time=start + timedelta(hours=self.chance.choice((2, 30))),
            doctor_id=self.chance.choice([*self.doctors, None]),
        )
        await self.world.db.atomic(
            absences.add, RECEPTION, clinic_id=self.world.clinic, content=content, force=True, now=self.world.now
        )

    async def be_back(self) -> None:
        away = await self.world.db.fetch("select id from absence where active order by id")
        await self.world.db.atomic(
            absences.remove, RECEPTION, absence_id=self.chance.choice(away).id, if_match=None, now=self.world.now
        )

    async def change_hours(self) -> None:
        await self.new_hours()
        await self.world.db.atomic(
            schedule_changes.carry_out,
            RECEPTION,
            clinic_id=self.world.clinic,
            doctor_id=self.chance.choice([*self.doctors, None]),
            content=ScheduleChangeContent(stranded="keep"),
            now=self.world.now,
        )

    async def tell(self) -> None:
        """By two workers at once."""
        await asyncio.gather(relay_all(self.world), relay_all(self.world))

    async def go_on(self, steps: int) -> None:
        often = [self.book] * 6 + [self.run_day] * 3 + [self.hold, self.cancel, self.move] * 2
        seldom = [
            self.book_outside_hours,
            self.expire,
            self.publish,
            self.move_slot,
            self.remove_slot,
            self.be_away,
            self.be_back,
            self.change_hours,
            self.generate,
            self.tell,
        ]
        for _ in range(steps):
            happens = self.chance.choice(self.chance.choice((often, often, often, seldom)))
            for _ in range(6):
                with suppress(errors.AppointError, IndexError):  # refused, or there is nothing yet to do it with
                    await happens()
                    self.happened[happens.__name__] += 1
                    break


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("time_zone", "now"), PLACES, ids=[zone for zone, _ in PLACES])
async def test_whatever_happens_what_is_kept_is_what_is_there(db, time_zone, now, seed):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, time_zone=time_zone, horizon_days=60)
        await db.execute("truncate booking_slot cascade")
        world.now = now
        story = Story(world, random.Random(f"{time_zone} {seed}"), time_zone)
        await story.begin()
        for _ in range(3):
            await story.go_on(40)
            await relay_all(world)
            assert await agree(db, world.clinic)
        assert {"book", "run_day", "cancel", "move"} <= set(story.happened)
        minutes, counts = await kept(db, world.clinic)
        assert len(minutes) > 100
        assert len(counts) > 5
        assert any(booked for _, booked in minutes.values())


async def test_what_is_told_again_and_in_another_order_changes_nothing(world):
    await world.book(world.dr_shah, at(9), world.ana)
    await cancel(world, await world.book(world.dr_shah, at(10), world.ana))
    await relay_all(world)
    before = await kept(world.db, world.clinic)
    await world.db.execute(
        """
        insert into event (clinic_id, id, type, subject_id, subject_version, data)
        select clinic_id, uuidv7(), type, id::text, subject_version, data from event_log
        """
    )
    await relay_all(world)
    await service.rebuild(world.db, [world.clinic], done=lambda _: None)
    assert (await kept(world.db, world.clinic), await world.count("unsummed")) == (before, 0)


async def test_rebuilding_mends_what_was_done_by_hand(world):
    await world.db.execute(
        "insert into doctor_day values ($1, '2027-01-01', $2, 9, '{60}', '{60}', 1, 0, 0, 0, 0, '{1,0,0,0,0,0,0,0}')",
        world.clinic,
        world.dr_shah,
    )
    await service.rebuild(world.db, [world.clinic], done=lambda _: None)
    assert await agree(world.db, world.clinic)
    assert await world.db.fetchval("select array_agg(date) from doctor_day") == [MONDAY]


async def test_the_worker_keeps_them_as_the_role_it_has(world, database_url):
    await world.book(world.dr_shah, at(9), world.ana)
    worker = connect(database_url, size=1, wait_seconds=5, statement_seconds=60, role=ACROSS)
    await relay(worker, [service.note], now=world.now)
    await service.sum_up(worker)
    await worker.close()
    assert (await day(world)).booked == 1


async def test_who_is_away_or_closed_publishes_nothing(world):
    closed = AbsenceContent(start_time=at(12), end_time=at(14))
    await world.db.atomic(absences.add, RECEPTION, clinic_id=world.clinic, content=closed, force=False, now=world.now)
    await relay_all(world)
    assert (await day(world)).published_minutes == 360
    await world.db.atomic(
        clinics.deactivate, RECEPTION, clinic_id=world.clinic, cascade=True, if_match=None, now=at(10)
    )
    await relay_all(world)
    assert (await day(world)).published_minutes == 120


# what they cost


@pytest.fixture
async def large(db, database_url):
    """The large demo world, less of it: three clinics of sixteen doctors or seventeen."""
    connection = await asyncpg.connect(database_url, server_settings={"jit": "off"})
    await demo.large(connection, appointments=50_000, now=datetime(2027, 3, 10, 12, tzinfo=UTC))
    yield connection
    await connection.close()


async def pages(connection, sql: str, *arguments) -> int:
    (explained,) = json.loads(await connection.fetchval(f"explain (analyze, buffers, format json) {sql}", *arguments))
    return explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"]


async def test_each_number_reads_a_tenth_of_the_pages_that_the_plain_query_reads(db, large):
    assert await agree(db, 1)
    first, last = date(2026, 12, 17), date(2027, 3, 10)  # all before today's
    for name, plain in NUMBERS.items():
        statement, more = statement_from_sums(name)
        all_rows, sums = (
            await pages(large, plain, 1, first, last, None),
            await pages(large, statement, 1, None, first, last, *more),
        )
        assert 0 < sums * 10 <= all_rows, name
