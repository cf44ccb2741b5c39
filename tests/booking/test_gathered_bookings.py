"""Bookings that arrive at the same time are written together, and each gets the same response as alone."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from appoint.booking import service
from appoint.booking.book import book
from appoint.booking.bounds import StrangerOrigin
from appoint.booking.planning import BookingCommand, CustomerRequest
from appoint.booking.time_rules import BookingLimits, TimeRequest
from appoint.kit.actors import Actor
from appoint.kit.cache import ClinicCache
from support.app import settings
from support.races import VIOLATIONS
from support.world import PATIENT, World, at


@pytest.fixture
async def world(db, monkeypatch):
    """A clinic with three doctors. `batches` lists the number of bookings in each shared statement."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        world.check_up = await world.add_type(30, before=5, after=5)
        world.doctors = [world.dr_shah, await world.add_doctor("Dr Okafor"), await world.add_doctor("Dr Moreau")]
        for doctor in world.doctors[1:]:
            await world.publish(doctor, at(8), at(16))
        world.batches = []
        send = db.fetch_once

        async def fetch_once(query, *, bookings):
            world.batches.append(len(bookings))
            return await send(query, bookings=bookings)

        monkeypatch.setattr(db, "fetch_once", fetch_once)
        yield world


async def outcomes(*bookings):
    """Return the status of each booked appointment, and the reason for each refusal."""
    results = await asyncio.gather(*bookings, return_exceptions=True)
    return [getattr(result, "type", None) or getattr(result, "status", None) or type(result) for result in results]


async def book_as_patient(world, customer, start, *, doctor=None, limits=None, caller=PATIENT, origin=None, **members):
    time = TimeRequest(
        doctor_id=doctor or world.dr_shah, start_time=start, appointment_type_id=world.check_up, **members
    )
    command = BookingCommand(
        world.clinic,
        [CustomerRequest(customer, time)],
        caller,
        timedelta(minutes=10),
        world.now,
        limits=limits,
        origin=origin,
    )
    return (await book(world.db, world.cache, command)).booking.appointments[0]


async def test_concurrent_bookings_share_a_statement(world):
    customers = [await world.add_customer(f"Ana {number}") for number in range(16)]
    times = [at(8 + number // 2, 30 * (number % 2)) for number in range(16)]
    booked = await asyncio.gather(
        *(world.book(world.dr_shah, time, customer) for time, customer in zip(times, customers, strict=True))
    )
    assert [(one.start_time, one.customer_id) for one in booked] == list(zip(times, customers, strict=True))
    assert sum(world.batches) == 16
    assert len(world.batches) < 16
    assert [await world.count(table) for table in ("appointment", "patient", "event", "audit_unsealed")] == [16] * 4
    assert await world.db.fetchval("select count(distinct subjects) from audit_unsealed") == 16


async def test_each_booking_in_a_statement_stands_for_itself(world):
    await world.book(world.dr_shah, at(9), world.ana)
    two = await world.add_clinic()
    dr_brandt = await world.add_doctor("Dr Brandt", clinic=two)
    await world.publish(dr_brandt, at(8), at(16))
    others = [await world.add_customer(f"Customer {number}") for number in range(6)]
    world.batches.clear()
    assert await outcomes(
        world.book(world.dr_shah, at(10), world.ben),
        world.book(world.dr_shah, at(9), others[0]),  # taken
        world.book(world.dr_shah, at(18), others[1]),  # outside hours
        world.book(world.doctors[1], at(9), world.ana),  # has an appointment with Dr Shah
        world.book(world.doctors[1], at(11), uuid4()),  # unknown
        world.book(world.doctors[2], at(11), others[2], appointment_type_id=world.check_up),
        book_as_patient(world, others[3], at(12, 7)),  # not an offered start
        world.book(world.doctors[2], at(12), others[4], hold=True),
    ) == [
        "booked",
        "taken",
        "outside-hours",
        "customer-busy",
        "not-found",
        "booked",
        "start-not-offered",
        "pending",
    ]
    assert world.batches == [8]


async def test_only_one_of_many_gathered_bookings_gets_a_time(world):
    customers = [await world.add_customer(f"Ana {number}") for number in range(32)]
    got = await outcomes(*(world.book(world.dr_shah, at(9), customer) for customer in customers))
    assert (got.count("booked"), got.count("taken")) == (1, 31)
    assert await world.count("appointment") == 1


async def test_overlapping_gathered_bookings_leave_no_overlap(world):
    customers = [await world.add_customer(f"Ana {number}") for number in range(48)]
    got = await outcomes(
        *(
            world.book(world.doctors[number % 3], at(9) + timedelta(minutes=5 * number), customer)
            for number, customer in enumerate(customers)
        )
    )
    assert set(got) == {"booked", "taken"}
    assert await world.db.fetchval(VIOLATIONS) == 0
    assert await world.count("appointment") == got.count("booked")


@pytest.mark.parametrize("more", [{}, {"hold": True}, {"notes": "Afraid of needles"}, {"status": "arrived"}])
@pytest.mark.parametrize("is_typed", [False, True])
async def test_a_gathered_booking_is_the_same_as_one_written_alone(world, more, is_typed):
    world.now = at(7)
    more = {**more, **({"appointment_type_id": world.check_up} if is_typed else {})}
    await world.db.execute("update appointment_type set price_amount = 4500, price_currency = 'EUR', version = 2")
    await world.cache.drop(world.clinic)
    found = []
    for gathers, doctor, customer in ((True, world.doctors[0], world.ana), (False, world.doctors[1], world.ben)):
        world.db.gathers = gathers
        try:
            booked = await world.book(doctor, at(9), customer, **more)
        finally:
            world.db.gathers = True
        assert booked == await service.get(world.db, booked.id)
        rows = await world.db.fetch(
            """
            select to_jsonb(a) - array['id', 'booking_id', 'doctor_id', 'customer_id', 'patient_id', 'notes',
                                       'created_at', 'updated_at'] as row
              from appointment a
             where id = $1
            """,
            booked.id,
        )
        events = await world.db.fetch(
            "select type, data - array['bookingId', 'doctorId', 'customerId'] as data, traceparent from event "
            "where subject_id = $1",
            str(booked.id),
        )
        audit = await world.db.fetch(
            "select actor, action, address, request_id, reason from audit_unsealed where subjects = array[$1]",
            str(booked.id),
        )
        is_patient = await world.db.fetchval("select count(*) from patient where customer_id = $1", customer)
        found.append((list(map(dict, rows)), list(map(dict, events)), list(map(dict, audit)), is_patient))
    assert found[0] == found[1]
    assert world.batches == [1]


async def test_a_locked_doctor_delays_nobody_else(world):
    async with world.db.connection() as connection, connection.transaction():
        await connection.execute("select from doctor where id = $1 for update", world.dr_shah)
        waiting = asyncio.create_task(world.book(world.dr_shah, at(9), world.ana))
        other = asyncio.create_task(world.book(world.doctors[1], at(9), world.ben))
        async with asyncio.timeout(10):
            assert (await other).status == "booked"
        assert not waiting.done()
    assert (await waiting).status == "booked"


async def test_a_locked_time_delays_others_only_briefly(world):
    """An uncommitted appointment is invisible, so the shared statement waits and gives up, and each booking is then
    tried on its own."""
    async with world.db.connection() as connection, connection.transaction():
        await connection.execute(
            "insert into patient (clinic_id, customer_id) values ($1, $2)", world.clinic, world.ana
        )
        await connection.execute(
            """
            insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed)
            values ($1, mint_id($1), mint_id($1), $2, $3, tstzrange($4, $5), tstzrange($4, $5))
            """,
            world.clinic,
            world.dr_shah,
            world.ana,
            at(9),
            at(10),
        )
        waiting = asyncio.create_task(world.book(world.dr_shah, at(9), await world.add_customer("Cem")))
        other = asyncio.create_task(world.book(world.doctors[1], at(9), world.ben))
        async with asyncio.timeout(10):
            assert (await other).status == "booked"
        assert not waiting.done()
    assert (await waiting).type == "taken"


async def test_limits_are_exact_for_one_customers_concurrent_bookings(world):
    got = await outcomes(
        *(
            book_as_patient(
                world, world.ana, at(9 + number), doctor=world.doctors[number % 3], limits=BookingLimits(3, 1)
            )
            for number in range(6)
        )
    )
    assert (got.count("booked"), got.count("too-many-appointments")) == (3, 3)


async def test_the_records_of_one_person_share_limits(world):
    for customer in (world.ana, world.ben):
        await world.db.execute(
            "insert into patient (clinic_id, customer_id, main_id, joined_at) values ($1, $2, $3, now())",
            world.clinic,
            customer,
            world.ana,
        )
    got = await outcomes(
        *(
            book_as_patient(
                world, customer, at(9 + number), doctor=world.doctors[number % 3], limits=BookingLimits(1, 1)
            )
            for number, customer in enumerate((world.ana, world.ben))
        )
    )
    assert got.count("booked") == 1
    assert await world.count("appointment") == 1


async def test_if_the_shared_statement_fails_each_booking_is_tried_alone(world, monkeypatch):
    async def fail(*_, **__):
        raise asyncpg.DeadlockDetectedError

    monkeypatch.setattr(world.db, "fetch_once", fail)
    assert await outcomes(
        world.book(world.dr_shah, at(9), world.ana), world.book(world.dr_shah, at(10), world.ben)
    ) == ["booked", "booked"]


async def test_only_one_appointment_with_a_named_doctor_is_gathered(world):
    await world.book(None, at(9), world.ana)
    assert world.batches == []
    await world.book(world.dr_shah, at(11), world.ana)
    assert world.batches == [1]


@pytest.mark.parametrize(("registered", "is_bounded"), [(at(6) - timedelta(days=40), False), (at(6), True)])
async def test_only_new_patients_have_the_bounds_of_strangers(world, registered, is_bounded):
    await world.db.execute("update customer set created_at = $1", registered)
    origin = StrangerOrigin.of("203.0.113.7", settings(), secret="secret", clinic_id=world.clinic, now=world.now)
    caller = Actor("patient", customer_id=world.ana)
    assert await outcomes(book_as_patient(world, world.ana, at(9), caller=caller, origin=origin)) == ["booked"]
    assert await world.count("stranger_appointment") == is_bounded
    assert world.batches == [1]
