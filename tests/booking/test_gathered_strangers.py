"""Bookings that share statements keep within the bounds for strangers, and have the same outcome as one by one."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from appoint.booking.book import book
from appoint.booking.bounds import StrangerOrigin
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.time_rules import BookingLimits, TimeRequest
from appoint.kit import errors
from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache
from support.app import settings
from support.scale import scaled
from support.stranger_bounds import BOOKABLE_MINUTES, MINUTES, Clinic, free_times
from support.world import NOW, RECEPTION, World, at


@pytest.fixture
async def cache():
    async with ClinicCache(None) as cache:
        yield cache


@pytest.fixture
async def clinic(db, cache, monkeypatch):
    """A clinic with two weeks of free times. `batches` lists the number of bookings in each shared statement."""
    clinic = await Clinic.make(db, cache)
    await clinic.open()
    clinic.batches = []
    send = db.fetch_once

    async def fetch_once(query, *, bookings):
        clinic.batches.append(len(bookings))
        return await send(query, bookings=bookings)

    monkeypatch.setattr(db, "fetch_once", fetch_once)
    return clinic


async def attempt_all(clinic, addresses, customers, **more):
    """Book a different time for each customer, all at once, as strangers from these network addresses."""
    times = free_times(clinic, len(customers))
    return Counter(
        await asyncio.gather(
            *(
                clinic.attempt(address, [time], [customer], **more)
                for address, time, customer in zip(addresses, times, customers, strict=True)
            )
        )
    )


async def test_simultaneous_strangers_from_one_network_cannot_exceed_its_limit(clinic):
    outcomes = await attempt_all(clinic, ["203.0.113.1"] * 40, await clinic.add_customers(40))
    assert outcomes == {"booked": 12, "too-many-bookings": 28}
    assert await clinic.taken_minutes() == 240
    assert max(clinic.batches) > 1


async def test_simultaneous_strangers_with_one_address_cannot_exceed_its_limit(clinic):
    addresses = [f"198.51.{number}.1" for number in range(20)]
    outcomes = await attempt_all(clinic, addresses, await clinic.add_customers(20, email="max@example.org"))
    assert outcomes == {"booked": 12, "too-many-bookings": 8}


async def test_simultaneous_strangers_cannot_exceed_the_clinics_share(clinic):
    addresses = [f"198.{number}.7.7" for number in range(200)]
    outcomes = await attempt_all(clinic, addresses, await clinic.add_customers(200))
    most = BOOKABLE_MINUTES // 10 // MINUTES
    assert outcomes == {"booked": most, "too-many-bookings": 200 - most}
    assert sum(clinic.batches) == 200


async def test_bookings_that_need_a_code_share_a_statement(clinic):
    await clinic.require_codes("always")
    customers = await clinic.add_customers(16)
    without_address = await clinic.add_customer("Cem")
    addresses = [f"198.51.{number}.1" for number in range(17)]
    outcomes = await attempt_all(clinic, addresses, [*customers, without_address], hold=False)
    assert outcomes == {"booked": 16, "address-required": 1}
    codes = await clinic.db.fetch(
        """
        select k.customer_id, k.customer_version, a.status, a.hold_expires_at - $1 as hold
          from confirmation_code k
          join appointment a on a.clinic_id = k.clinic_id and a.booking_id = k.booking_id
         where a.customer_id = k.customer_id
        """,
        clinic.now,
    )
    assert {tuple(code) for code in codes} == {(id, 1, "pending", timedelta(minutes=10)) for id in customers}
    events = await clinic.db.fetch(
        "select type, data->>'needsCode' as needs_code, data->>'number' as number from event"
    )
    assert Counter(map(tuple, events)) == {
        ("appointment.held", "true", None): 16,
        ("appointment.code-requested", None, "1"): 16,
    }


async def test_strangers_who_have_to_wait_delay_no_one_else(clinic):
    (max,) = await clinic.add_customers(1)
    (stranger_time, other_time) = free_times(clinic, 2)
    async with clinic.db.connection() as connection, connection.transaction():
        await connection.execute(
            "select pg_advisory_xact_lock(hashtextextended('strangers', $1::integer))", clinic.clinic
        )
        waiting = asyncio.create_task(clinic.attempt("203.0.113.1", [stranger_time], [max]))
        doctor, start = other_time
        async with asyncio.timeout(10):
            other = await clinic.book(doctor, start, clinic.ben, minutes=MINUTES)
        assert other.status == "booked"
        assert not waiting.done()
    assert await waiting == "booked"


class Wish(NamedTuple):
    """A booking that somebody wants. The customer is a number in the world."""

    kind: str
    customer: int
    doctor: int
    start: datetime
    minutes: int | None
    hold: bool
    address: str


KINDS = ("staff", "stranger", "new patient", "known patient")
CUSTOMERS_PER_KIND = 8


def random_wishes(dice: random.Random, number: int) -> list[Wish]:
    """Return wishes for few times by few customers, from few networks, so that they often exclude each other."""
    wishes = []
    for _ in range(number):
        kind = dice.choice(KINDS)
        wishes.append(
            Wish(
                kind,
                KINDS.index(kind) * CUSTOMERS_PER_KIND + dice.randrange(CUSTOMERS_PER_KIND),
                dice.randrange(2),
                at(8) + timedelta(minutes=dice.choice((5, 15, 15, 15)) * dice.randrange(36)),
                dice.choice((None, None, 20, 45)) if kind == "staff" else None,
                kind in ("staff", "stranger") and dice.random() < 0.3,
                f"203.0.{dice.randrange(4)}.{dice.randrange(2)}",
            )
        )
    return wishes


class SmallWorld(World):
    """A clinic with two doctors on one day, and customers of each kind, of whom some share an address."""

    async def fill(self, policy: str) -> None:
        await self.set_clinic(self.clinic, slot_step_minutes=15, confirm_address=policy)
        self.check_up = await self.add_type(30, before=5)
        self.doctors = [self.dr_shah, await self.add_doctor("Dr Okafor")]
        await self.publish(self.doctors[1], at(8), at(16))
        rows = await self.db.fetch(
            """
            insert into customer (name, email, created_at)
            select n::text, case when n % 8 < 7 then 'max' || n / 8 || '.' || greatest(n % 8, 3) || '@example.org' end,
                   case when n / 8 = 3 then $1::timestamptz - interval '40 days' else $1 end
              from generate_series(0, $2 - 1) as n
            returning id
            """,
            self.now,
            len(KINDS) * CUSTOMERS_PER_KIND,
        )
        self.customers = [row.id for row in rows]

    async def fulfil(self, wish: Wish) -> UUID | None:
        """Return the id of the wish's appointment, or None if it was refused."""
        customer, is_staff = self.customers[wish.customer], wish.kind == "staff"
        caller = (
            RECEPTION if is_staff else Actor("open:1") if wish.kind == "stranger" else Actor("1", customer_id=customer)
        )
        time = TimeRequest(
            doctor_id=self.doctors[wish.doctor],
            start_time=wish.start,
            end_time=wish.start + timedelta(minutes=wish.minutes) if wish.minutes else None,
            appointment_type_id=None if wish.minutes else self.check_up,
            hold=wish.hold,
        )
        limits = settings(stranger_minutes_per_network=70, stranger_minutes_per_address=100, stranger_share_percent=20)
        command = BookingCommand(
            self.clinic,
            [CustomerRequest(customer, time)],
            caller,
            timedelta(minutes=10),
            self.now,
            limits=None if is_staff else BookingLimits(2, 1),
            is_proven=wish.kind != "stranger",
            origin=None if is_staff else StrangerOrigin.of(wish.address, limits, secret="", clinic_id=1, now=NOW),
        )
        try:
            return (await book(self.db, self.cache, command)).booking.appointments[0].id
        except errors.Conflict:
            return None

    async def written(self, appointment_id: UUID) -> object:
        """Return everything that a booking wrote, without ids."""
        return await self.db.fetchval(
            """
            select jsonb_build_array(
                     to_jsonb(a) - array['clinic_id', 'id', 'booking_id', 'doctor_id', 'customer_id', 'patient_id',
                                         'active_clinic_id', 'appointment_type_id', 'created_at', 'updated_at'],
                     (select to_jsonb(s) - array['clinic_id', 'appointment_id']
                        from stranger_appointment s where s.appointment_id = a.id),
                     (select to_jsonb(k) - array['clinic_id', 'booking_id', 'customer_id', 'created_at']
                        from confirmation_code k where k.booking_id = a.id),
                     (select jsonb_agg(jsonb_build_array(e.type, e.subject_version, e.data - array['bookingId',
                                                         'doctorId', 'customerId']) order by e.type)
                        from event e where e.subject_id = a.id::text),
                     (select jsonb_agg(jsonb_build_array(u.actor, u.action, u.address, u.reason))
                        from audit_unsealed u where u.subjects = array[a.id::text]))
              from appointment a
             where a.id = $1
            """,
            appointment_id,
        )

    async def count_patients(self) -> int:
        return await self.db.fetchval("select count(*) from patient where clinic_id = $1", self.clinic)


@pytest.mark.parametrize("seed", range(scaled(200, 6)))
async def test_gathered_bookings_have_the_same_outcomes_as_one_by_one(db, cache, seed):
    """Book wishes all at once; then book the same one after the other elsewhere, those that were granted first. None of
    the others can then be granted, because bookings only ever take away."""
    dice = random.Random(seed)
    policy = dice.choice(("always", "never"))
    wishes = random_wishes(dice, scaled(64, 48))
    busy, quiet = [await SmallWorld.make(db, cache) for _ in range(2)]
    for world in (busy, quiet):
        await world.fill(policy)
    got = await asyncio.gather(*map(busy.fulfil, wishes))
    in_order = [row.id for row in await db.fetch("select id from appointment order by created_at, id")]
    granted = sorted((id, wish) for id, wish in zip(got, wishes, strict=True) if id)
    db.gathers = False
    try:
        for id, wish in sorted(granted, key=lambda pair: in_order.index(pair[0])):
            alone = await quiet.fulfil(wish)
            assert alone, wish
            assert await busy.written(id) == await quiet.written(alone)
        for id, wish in zip(got, wishes, strict=True):
            assert id or not await quiet.fulfil(wish), wish
    finally:
        db.gathers = True
    assert 0 < len(granted) < len(wishes)
    assert await busy.count_patients() == await quiet.count_patients()
