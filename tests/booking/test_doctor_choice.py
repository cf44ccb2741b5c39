"""The clinic's rule picks a doctor for bookings that don't name one."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from appoint.booking.model import AppointmentRequest
from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from support.world import MONDAY, World, at

QUARTER = timedelta(minutes=15)
FIRST = at(23, day=MONDAY)
"""Midnight in Berlin, when the doctors start three weeks of round-the-clock work."""
DAYS = 21


class ChoosingWorld(World):
    async def prepare(self, rule, *, doctors):
        await self.set_clinic(self.clinic, doctor_choice=rule)
        await self.db.execute("update doctor set active = false, removed_at = now()")
        self.doctors = [await self.add_doctor(f"Dr {n}") for n in range(doctors)]
        await self.db.execute(
            """
            insert into booking_slot (clinic_id, id, doctor_id, date, during)
            select $1, mint_id($1), doctor_id, $3::date + n,
                   tstzrange($4::timestamptz + n * interval '24 hours', $4::timestamptz + (n + 1) * interval '24 hours')
              from unnest($2::uuid[]) as doctor_id, generate_series(0, $5 - 1) as n
            """,
            self.clinic,
            self.doctors,
            MONDAY + timedelta(days=1),
            FIRST,
            DAYS,
        )

    async def choose(self, start, *, customer=None):
        return (await self.book(None, start, customer or self.ana, minutes=15)).doctor_id

    async def cancel_all(self):
        await self.db.execute("update appointment set status = 'cancelled'")


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await ChoosingWorld.make(db, cache)


def week_of(instant):
    """Return the year and number of the week that contains the time. Weeks start on Monday in Berlin."""
    return clock.local_date(instant, "Europe/Berlin").isocalendar()[:2]


async def test_random_picks_all_doctors_about_equally_often(world):
    await world.prepare("random", doctors=4)
    choices = Counter([await world.choose(FIRST + n * QUARTER) for n in range(240)])
    chi_square = sum((choices[doctor] - 60) ** 2 / 60 for doctor in world.doctors)
    assert chi_square < 50  # with three degrees of freedom, chance exceeds this once in ten billion runs


async def test_least_busy_picks_the_free_doctor_with_the_fewest_appointments_that_week(world):
    """The bookings span three weeks, mixed with cancellations and with bookings for named doctors."""
    await world.prepare("leastBusy", doctors=5)
    dice = random.Random(7)
    live = {doctor: set() for doctor in world.doctors}
    for n in range(200):
        start = FIRST + dice.randrange(DAYS * 96) * QUARTER if n % 4 else FIRST + dice.randrange(8) * QUARTER
        customer = await world.add_customer("Ben")
        if n % 5 == 0:
            doctor = dice.choice(world.doctors[:2])
            if start not in live[doctor]:
                await world.book(doctor, start, customer, minutes=15)
                live[doctor].add(start)
        elif n % 7 == 0:
            doctor, start_to_cancel = dice.choice([(doctor, each) for doctor in world.doctors for each in live[doctor]])
            await world.db.execute(
                "update appointment set status = 'cancelled' where doctor_id = $1 and lower(during) = $2",
                doctor,
                start_to_cancel,
            )
            live[doctor].discard(start_to_cancel)
        elif free := [doctor for doctor in world.doctors if start not in live[doctor]]:
            load = {doctor: sum(week_of(each) == week_of(start) for each in live[doctor]) for doctor in free}
            choice = await world.choose(start, customer=customer)
            assert load[choice] == min(load.values())
            live[choice].add(start)


async def test_the_workload_week_starts_on_monday_at_midnight_in_the_clinics_time_zone(world):
    await world.prepare("leastBusy", doctors=2)
    one, other = world.doctors
    sunday_evening = FIRST + timedelta(days=6) - QUARTER
    await world.book(one, sunday_evening, world.ana, minutes=15)
    await world.book(other, sunday_evening + QUARTER, world.ana, minutes=15)
    assert await world.choose(sunday_evening - QUARTER) == other
    assert await world.choose(sunday_evening + 2 * QUARTER) == one


async def test_round_robin_cycles_through_all_doctors(world):
    await world.prepare("roundRobin", doctors=5)
    choices = [await world.choose(FIRST + n * QUARTER) for n in range(100)]
    assert set(choices[:5]) == set(world.doctors)
    assert choices == choices[:5] * 20


async def test_cancelled_bookings_count_as_turns_but_bookings_for_a_named_doctor_do_not(world):
    await world.prepare("roundRobin", doctors=4)
    choices = []
    for n in range(40):
        choices.append(await world.choose(FIRST + 2 * n * QUARTER))
        await world.cancel_all()
        await world.book(world.doctors[n % 2], FIRST + (2 * n + 1) * QUARTER, world.ben, minutes=15)
    assert choices == choices[:4] * 10


async def test_a_busy_doctor_misses_a_turn_and_gets_the_next_one(world):
    await world.prepare("roundRobin", doctors=3)
    choices = [await world.choose(FIRST + n * QUARTER) for n in range(3)]
    start = FIRST + 3 * QUARTER
    await world.book(choices[0], start, world.ben, minutes=15)
    assert [
        await world.choose(start),
        await world.choose(start + QUARTER),
        await world.choose(start + 2 * QUARTER),
    ] == [choices[1], choices[0], choices[2]]


@pytest.mark.parametrize("rule", ["leastBusy", "roundRobin"])
async def test_appointments_in_one_booking_are_distributed_among_doctors(world, rule):
    await world.prepare(rule, doctors=4)
    for booking in range(10):
        starts = [FIRST + (4 * booking + n) * QUARTER for n in range(4)]
        requests = [
            AppointmentRequest(
                customer_id=world.ana, clinic_id=world.clinic, start_time=start, end_time=start + QUARTER
            )
            for start in starts
        ]
        appointments = await world.book_all([(world.ana, request) for request in requests])
        assert {appointment.doctor_id for appointment in appointments} == set(world.doctors)
