"""A booking takes one round trip, counted on the wire between the pool and PostgreSQL."""

import tempfile
from datetime import timedelta

import pytest

from appoint.booking.model import AppointmentRequest
from appoint.kit import clock, errors
from appoint.kit.cache import ClinicCache
from appoint.server import app as application
from support.app import TOKEN, connected_client, settings
from support.round_trips import proxied
from support.world import World, at


@pytest.fixture
async def world(db):
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache)
        world.check_up = await world.add_type(30, before=5, after=5)
        for name in ("Dr Okafor", "Dr Moreau"):
            await world.publish(await world.add_doctor(name), at(8), at(16))
        yield world


def request(world, hour, *, doctor=True, type=False):
    when = {"appointment_type_id": world.check_up} if type else {"end_time": at(hour, 30)}
    return world.ana, AppointmentRequest(
        customer_id=world.ana,
        clinic_id=world.clinic,
        doctor_id=world.dr_shah if doctor else None,
        start_time=at(hour),
        **when,
    )


BOOKINGS = {
    "one appointment": lambda world: world.book_all([request(world, 9)]),
    "one of a type": lambda world: world.book_all([request(world, 9, type=True)]),
    "three together": lambda world: world.book_all([request(world, hour) for hour in (9, 10, 11)]),
    "any doctor": lambda world: world.book_all([request(world, 9, doctor=False)]),
    "three with any doctor": lambda world: world.book_all([request(world, hour, doctor=False) for hour in (9, 10, 11)]),
    "with an idempotency key": lambda world: world.book_all([request(world, 9)], key="once"),
    "a hold": lambda world: world.book(world.dr_shah, at(9), world.ana, hold=True),
}


@pytest.mark.parametrize("booking", BOOKINGS)
async def test_a_booking_costs_one_round_trip(world, database_url, booking):
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        async with proxied(database_url, folder) as (db, wire):
            world.db = db
            # Connect, prepare both statements and fill the cache.
            assert (await world.book(world.dr_shah, at(14), world.ben)).status == "booked"
            await world.book_all([request(world, 13, doctor=False)])
            before = wire.round_trips
            booked = await BOOKINGS[booking](world)
            assert wire.round_trips - before == 1
            assert not isinstance(booked, errors.Conflict)


async def test_a_booking_over_http_costs_one_round_trip(world, database_url):
    with tempfile.TemporaryDirectory() as folder:
        async with proxied(database_url, folder) as (_, wire):
            app = application.create(settings(pool_size=1), database_url=wire.url, admin_token=TOKEN)
            tomorrow = (clock.now() + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
            await world.publish(world.dr_shah, tomorrow, tomorrow + timedelta(hours=8))
            async with (
                app.lifespan(),
                connected_client(app) as client,
            ):
                responses = []
                for hour in (0, 1):
                    before = wire.round_trips
                    body = {
                        "customerId": str(world.ana),
                        "doctorId": str(world.dr_shah),
                        "appointmentTypeId": str(world.check_up),
                    }
                    start = {"startTime": (tomorrow + timedelta(hours=hour)).isoformat()}
                    responses.append(
                        await client.post(
                            "/api/appointments", json=body | start, headers={"Idempotency-Key": f"key-{hour}"}
                        )
                    )
                    round_trips = wire.round_trips - before
            assert [response.status_code for response in responses] == [201, 201]
            assert round_trips == 1


async def test_a_refused_booking_costs_extra_round_trips(world, database_url):
    with tempfile.TemporaryDirectory() as folder:
        async with proxied(database_url, folder) as (db, wire):
            world.db = db
            await world.book(world.dr_shah, at(9), world.ben)
            before = wire.round_trips
            refusal = await world.book(world.dr_shah, at(9), world.ana)
            assert refusal.type == "taken"
            assert wire.round_trips - before > 1
