"""Each online appointment has exactly one live room, whatever happens to it, to its provider or to the workers."""

import random

from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.booking.undo import service as undo
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.model import Connection, room_name
from appoint.calls.rooms import jobs, service
from appoint.calls.settings import repository as settings
from support.calls import (
    DEMO,
    SECRET,
    FaultyProvider,
    add_online_type,
    book_many,
    book_online,
    cancel,
    kill_workers,
    live_rooms,
    maker_of,
    relay_calls,
    run_jobs,
    states,
)
from support.scale import scaled
from support.world import RECEPTION, at


async def move(world, appointment, start) -> None:
    to = RescheduleRequest(start_time=start)
    await reschedule(world.db, RECEPTION, appointment_id=appointment.id, to=to, if_match=None, now=world.now)


async def event_types(world) -> list[str]:
    return [row.type for row in await world.db.fetch("select type from event where type like 'call.%' order by id")]


async def test_a_booked_online_appointment_gets_a_room(world):
    await book_online(world, at(8))
    await relay_calls(world)
    assert await states(world) == [(0, "wanted")]
    await run_jobs(world, maker_of(world))
    assert (await states(world), await event_types(world)) == ([(0, "made")], ["call.made"])


async def test_an_appointment_at_the_clinic_gets_no_room(world):
    await add_online_type(world)
    await world.book(world.dr_shah, at(8), world.ana)
    await relay_calls(world)
    assert await states(world) == []


async def test_without_a_provider_there_are_no_calls(world):
    await book_online(world, at(8))
    await relay_calls(world, Providers("", SECRET, None))
    assert await states(world) == []


async def test_each_move_makes_a_new_room_and_ends_the_old_one(world):
    provider = FaultyProvider()
    appointment = await book_online(world, at(8))
    for hour in (9, 10, 11):
        await relay_calls(world)
        await run_jobs(world, maker_of(world, provider))
        await move(world, appointment, at(hour))
    await relay_calls(world)
    await run_jobs(world, maker_of(world, provider))
    assert await states(world) == [(0, "ended"), (1, "ended"), (2, "ended"), (3, "made")]
    assert provider.rooms == await live_rooms(world)


async def test_cancelling_ends_the_room_and_taking_that_back_makes_a_new_one(world):
    provider = FaultyProvider()
    appointment = await book_online(world, at(8))
    await relay_calls(world)
    await run_jobs(world, maker_of(world, provider))
    await cancel(world, appointment)
    await relay_calls(world)
    await run_jobs(world, maker_of(world, provider))
    assert (await states(world), provider.rooms) == ([(0, "ended")], set())
    await world.db.atomic(undo.undo, RECEPTION, appointment_id=appointment.id, now=world.now)
    await relay_calls(world)
    await run_jobs(world, maker_of(world, provider))
    assert [state for _, state in await states(world)] == ["ended", "made"]


async def test_a_room_is_ended_when_the_type_is_no_longer_online(world):
    await book_online(world, at(8))
    await relay_calls(world)
    await run_jobs(world, maker_of(world))
    await world.db.execute("update appointment_type set mode = 'inPerson'")
    assert await service.check(world.db, default_gateway="demo", now=world.now) == 1
    await run_jobs(world, maker_of(world))
    assert await states(world) == [(0, "ended")]


async def test_the_regular_check_finds_appointments_without_a_call(world):
    """Demo worlds have no events."""
    await book_online(world, at(8))
    assert await service.check(world.db, default_gateway="demo", now=world.now) == 1
    assert (await states(world), await service.check(world.db, default_gateway="demo", now=world.now)) == (
        [(0, "wanted")],
        0,
    )


async def test_a_room_is_ended_half_an_hour_after_the_visit(world):
    await book_online(world, at(8))
    await relay_calls(world)
    await run_jobs(world, maker_of(world))
    world.now = at(8, 59)
    assert await service.check(world.db, default_gateway="demo", now=world.now) == 0
    world.now = at(9)
    await service.check(world.db, default_gateway="demo", now=world.now)
    await run_jobs(world, maker_of(world))
    assert await states(world) == [(0, "ended")]


async def test_when_the_provider_is_down_for_an_hour_the_room_is_made_afterwards(world):
    provider = FaultyProvider(failure_rate=1.0)
    await book_online(world, at(10))
    await relay_calls(world)
    await run_jobs(world, maker_of(world, provider), for_hours=1)
    assert await states(world) == [(0, "wanted")]
    provider.failure_rate = 0.0
    await run_jobs(world, maker_of(world, provider), for_hours=0.2)
    assert (await states(world), provider.rooms) == ([(0, "made")], await live_rooms(world))


async def test_a_room_that_cannot_be_made_is_given_up_before_the_visit_starts(world):
    await book_online(world, at(8))
    await relay_calls(world)
    await run_jobs(world, maker_of(world, FaultyProvider(failure_rate=1.0)), for_hours=1.9)
    row = await world.db.fetchrow("select state, error from call")
    assert (row.state, row.error is None, await event_types(world)) == ("dead", False, ["call.failed"])


async def test_a_room_that_cannot_be_made_is_replaced_by_the_doctors_own_link(world):
    link = "https://meet.example.org/shah"
    connection = Connection(url="https://meet.example.org", doctor_links={world.dr_shah: link})
    await settings.save(
        world.db,
        clinic_id=world.clinic,
        gateway="jitsi",
        connection=connection,
        opens_before_minutes=15,
        phone=None,
    )
    await book_online(world, at(8))
    await relay_calls(world)
    await run_jobs(world, maker_of(world), for_hours=1.9)  # the secret is missing
    assert [tuple(row) for row in await world.db.fetch("select state, gateway from call")] == [("made", "link")]


async def test_a_booking_that_moves_while_its_room_is_made_keeps_only_the_new_room(world):
    provider = FaultyProvider()
    maker = maker_of(world, provider)
    appointment = await book_online(world, at(8))
    await relay_calls(world)
    (leased,) = await jobs.lease(maker, 16)
    await move(world, appointment, at(9))
    await relay_calls(world)
    await jobs.attempt(maker, leased)
    await run_jobs(world, maker, for_hours=0.1)
    assert (await states(world), len(provider.rooms)) == ([(0, "ended"), (1, "made")], 1)


async def test_a_faulty_provider_and_dying_workers_leave_exactly_one_room_each(world):
    """Workers are killed at random: after they have leased a call, or in the middle of talking to the provider."""
    provider, dice = FaultyProvider(failure_rate=0.3), random.Random(7)
    maker = maker_of(world, provider)
    count = scaled(1000, 40)
    appointments = await book_many(world, count, dice)
    await relay_calls(world)
    await kill_workers(maker, scaled(50, 10), dice)
    for appointment in dice.sample(appointments, count // 10):
        await cancel(world, appointment)
    await relay_calls(world)
    await run_jobs(world, maker, for_hours=0.5)
    by_state = {row.state: row.count for row in await world.db.fetch("select state, count(*) from call group by state")}
    assert by_state == {"made": count - count // 10, "ended": count // 10}
    assert provider.rooms == await live_rooms(world)


async def test_events_name_neither_the_room_nor_the_people(world):
    await book_online(world, at(8))
    await relay_calls(world)
    await run_jobs(world, maker_of(world))
    (row,) = await world.db.fetch("select e.data, c.id, c.appointment_id from event e, call c")
    assert row.data == f'{{"sequence": 0, "appointmentId": "{row.appointment_id}"}}'
    assert room_name(DEMO.secret, row.id) not in row.data
