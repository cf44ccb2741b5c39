"""Who is chosen when a booking names no doctor: the clinic's rule, over many bookings."""

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
"""Midnight in Berlin; the doctors are there day and night for three weeks from then on."""
DAYS = 21


class ChoosingWorld(World):
    async def prepare(self, rule, *, doctors):
        await self.set_clinic(self.clinic, doctor_choice=rule)
        await self.db.execute("update doctor set active = false, removed_at = now()")
        self.doctors = [await self.add_doctor(f"Dr {n}") for n in range(doctors)]
        for doctor in self.doctors:
            for day in range(DAYS):
                await self.publish(doctor, FIRST + timedelta(days=day), FIRST + timedelta(days=day + 1))

    async def choose(self, start, *, customer=None):
        return (await self.book(None, start, customer or self.ana, minutes=15)).doctor_id

    async def cancel_all(self):
        await self.db.execute("update appointment set status = 'cancelled'")


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        yield await ChoosingWorld.make(db, cache)


async def test_random_chooses_everyone_about_equally_often(world):
    await world.prepare("random", doctors=4)
    chosen = Counter([await world.choose(FIRST + n * QUARTER) for n in range(240)])
    assert (
        sum((chosen[doctor] - 60) ** 2 / 60 for doctor in world.doctors) < 50
    )  # chi-square, three degrees of freedom: by chance once in ten thousand million


async def test_the_least_busy_of_those_who_are_free_is_chosen(world):
    """Through three weeks, with bookings for named doctors and cancellations among them."""
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
            doctor, other = dice.choice([(doctor, each) for doctor in world.doctors for each in live[doctor]])
            await world.db.execute(
                "update appointment set status = 'cancelled' where doctor_id = $1 and lower(during) = $2", doctor, other
            )
            live[doctor].discard(other)
        elif free := [doctor for doctor in world.doctors if start not in live[doctor]]:
            load = {doctor: sum(week_of(each) == week_of(start) for each in live[doctor]) for doctor in free}
            chosen = await world.choose(start, customer=customer)
            assert load[chosen] == min(load.values())
            live[chosen].add(start)


def week_of(instant):
    """The week that begins on a Monday in Berlin."""
    return clock.local_date(instant, "Europe/Berlin").isocalendar()[:2]


async def test_a_week_begins_on_monday_at_the_clinic_s_midnight(world):
    await world.prepare("leastBusy", doctors=2)
    one, other = world.doctors
    sunday_evening = FIRST + timedelta(days=6) - QUARTER
    await world.book(one, sunday_evening, world.ana, minutes=15)
    await world.book(other, sunday_evening + QUARTER, world.ana, minutes=15)
    assert await world.choose(sunday_evening - QUARTER) == other
    assert await world.choose(sunday_evening + 2 * QUARTER) == one


async def test_round_robin_goes_round_everyone_in_turn(world):
    await world.prepare("roundRobin", doctors=5)
    chosen = [await world.choose(FIRST + n * QUARTER) for n in range(100)]
    assert set(chosen[:5]) == set(world.doctors)
    assert chosen == chosen[:5] * 20


async def test_a_turn_that_was_cancelled_was_a_turn_and_a_booking_that_named_the_doctor_was_none(world):
    await world.prepare("roundRobin", doctors=4)
    chosen = []
    for n in range(40):
        chosen.append(await world.choose(FIRST + 2 * n * QUARTER))
        await world.cancel_all()
        await world.book(world.doctors[n % 2], FIRST + (2 * n + 1) * QUARTER, world.ben, minutes=15)
    assert chosen == chosen[:4] * 10


async def test_who_is_not_free_misses_a_turn_and_comes_next(world):
    await world.prepare("roundRobin", doctors=3)
    chosen = [await world.choose(FIRST + n * QUARTER) for n in range(3)]
    start = FIRST + 3 * QUARTER
    await world.book(chosen[0], start, world.ben, minutes=15)
    assert [
        await world.choose(start),
        await world.choose(start + QUARTER),
        await world.choose(start + 2 * QUARTER),
    ] == [chosen[1], chosen[0], chosen[2]]


@pytest.mark.parametrize("rule", ["leastBusy", "roundRobin"])
async def test_appointments_of_one_booking_are_shared_out_too(world, rule):
    await world.prepare(rule, doctors=4)
    for booking in range(10):
        wishes = [
            (
                world.ana,
                AppointmentRequest(
                    customer_id=world.ana, clinic_id=world.clinic, start_time=start, end_time=start + QUARTER
                ),
            )
            for start in (FIRST + (4 * booking + n) * QUARTER for n in range(4))
        ]
        assert {appointment.doctor_id for appointment in await world.book_all(wishes)} == set(world.doctors)
