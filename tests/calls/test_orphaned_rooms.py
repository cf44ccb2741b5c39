"""A provider has exactly the rooms that calls need, whatever happens to it and to the workers."""

import random
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.model import Person, Room, room_name
from appoint.calls.rooms import jobs, orphans, repository
from appoint.calls.settings import repository as settings
from appoint.calls.settings import service as settings_service
from appoint.calls.settings.model import CallSettingsContent
from support.call_providers import BIG_BLUE_BUTTON, DAILY, FakeBigBlueButton, FakeDaily, room_at
from support.calls import (
    SECRET,
    book_many,
    book_online,
    cancel,
    kill_workers,
    live_rooms,
    relay_calls,
    run_jobs,
    states,
    use_provider,
)
from support.scale import scaled
from support.world import RECEPTION, at

HOST = Person("d", "Dr Shah", is_host=True)


@pytest.fixture
def daily() -> FakeDaily:
    return FakeDaily()


def maker_at(world, server: FakeDaily | FakeBigBlueButton) -> jobs.RoomMaker:
    """Return a worker whose requests to providers reach this server."""
    return jobs.RoomMaker(world.db, Providers("", SECRET, None, server), lambda: world.now)


async def remove_orphans(world, server: FakeDaily | FakeBigBlueButton) -> int:
    return await orphans.remove_all(world.db, maker_at(world, server).providers, now=world.now)


async def make_room(world, server: FakeDaily) -> str:
    """Book a video visit, and return the name of its room."""
    await use_provider(world, "daily", DAILY)
    await book_online(world, at(8))
    await relay_calls(world)
    await run_jobs(world, maker_at(world, server))
    (name,) = server.rooms
    return name


async def test_a_room_is_made_at_the_clinics_provider(world, daily):
    await make_room(world, daily)
    assert set(daily.rooms) == await live_rooms(world)


async def test_the_room_of_a_call_that_no_longer_exists_is_removed(world, daily):
    await make_room(world, daily)
    await world.db.execute("delete from appointment")
    assert (await remove_orphans(world, daily), daily.rooms) == (1, {})


async def test_the_room_of_a_call_that_has_ended_is_ended_again(world, daily):
    await make_room(world, daily)
    await world.db.execute("update call set state = 'ended'")
    assert await remove_orphans(world, daily) == 1
    await run_jobs(world, maker_at(world, daily))
    assert (await states(world), daily.rooms) == ([(0, "ended")], {})


async def test_rooms_that_calls_need_are_kept(world, daily):
    name = await make_room(world, daily)
    assert (await remove_orphans(world, daily), set(daily.rooms)) == (0, {name})


async def test_other_systems_rooms_are_kept(world, daily):
    await use_provider(world, "daily", DAILY)
    elsewhere = room_name("another installation's key", world.dr_shah)
    for name in ("standup", elsewhere):
        await daily.gateway().make(room_at(name, at(8), at(9)))
    assert (await remove_orphans(world, daily), set(daily.rooms)) == (0, {"standup", elsewhere})


async def test_orphaned_meetings_are_removed(world):
    server = FakeBigBlueButton()
    await use_provider(world, "bigbluebutton", BIG_BLUE_BUTTON)
    name = room_name(SECRET, world.dr_shah)
    server.meetings = {name: {"moderatorPW": ""}, "standup": {"moderatorPW": ""}}
    assert (await remove_orphans(world, server), set(server.meetings)) == (1, {"standup"})


async def test_a_provider_that_is_down_does_not_stop_the_others(world, daily):
    daily.failure_rate = 1.0
    await use_provider(world, "daily", DAILY)
    assert await remove_orphans(world, daily) == 0


async def test_a_provider_never_learns_another_providers_secret(world, daily):
    await make_room(world, daily)
    requests = len(daily.requests)
    await use_provider(world, "jitsi", DAILY)
    await world.db.execute("update call set state = 'ending', due_at = $1", world.now)
    await run_jobs(world, maker_at(world, daily))
    assert len(daily.requests) == requests


async def change_to_jitsi(world, clinic_id: int = 0) -> None:
    """Let the clinic's manager choose another provider."""
    content = CallSettingsContent(
        gateway="jitsi", url="https://meet.example.org", app_id="lakeside", secret="a secret of at least 32 characters"
    )
    await world.db.atomic(
        settings_service.replace,
        RECEPTION,
        clinic_id=clinic_id or world.clinic,
        content=content,
        if_match=None,
        default_gateway=None,
        now=world.now,
    )


async def stored_connection(world):
    stored = await settings.find(world.db, world.clinic)
    assert stored
    return stored.connection


async def test_rooms_at_a_former_provider_are_removed_and_then_its_secret(world, daily):
    await make_room(world, daily)
    await change_to_jitsi(world)
    await run_jobs(world, maker_at(world, daily))
    assert ((await states(world)), len(daily.rooms)) == ([(0, "made")], 1)
    assert (await stored_connection(world)).former.connection.secret == DAILY.secret
    daily.failure_rate = 1.0
    assert await remove_orphans(world, daily) == 0
    assert (await stored_connection(world)).former is not None
    daily.failure_rate = 0.0
    assert (await remove_orphans(world, daily), daily.rooms) == (1, {})
    connection = await stored_connection(world)
    assert (connection.former, connection.url) == (None, "https://meet.example.org")


async def test_a_visit_in_progress_stays_at_the_former_provider(world, daily):
    name = await make_room(world, daily)
    await world.db.execute("update call set state = 'open', opened_at = $1", world.now)
    await change_to_jitsi(world)
    assert (await remove_orphans(world, daily), set(daily.rooms)) == (0, {name})
    connection = await settings.find_connection(world.db, world.clinic, "daily")
    assert connection == DAILY
    await world.db.execute("update call set state = 'ending', due_at = $1", world.now)
    await run_jobs(world, maker_at(world, daily))
    assert ((await states(world)), daily.rooms) == ([(0, "ended")], {})
    await remove_orphans(world, daily)
    assert await settings.find_connection(world.db, world.clinic, "daily") is None


async def test_the_room_of_a_clinic_that_still_uses_the_account_is_kept(world, daily):
    name = await make_room(world, daily)
    other = await world.add_clinic()
    await settings.save(
        world.db, clinic_id=other, gateway="daily", connection=DAILY, opens_before_minutes=15, phone=None
    )
    await change_to_jitsi(world, other)
    assert (await remove_orphans(world, daily), set(daily.rooms)) == (0, {name})
    assert await settings.find_connection(world.db, other, "daily") is None


async def test_only_as_many_rooms_are_made_at_once_as_the_provider_accepts(world, daily):
    await use_provider(world, "daily", DAILY)
    await repository.set_token_count(world.db, gateway="daily", per_second=2)
    await book_many(world, 5, random.Random(1))
    await relay_calls(world)
    maker = maker_at(world, daily)
    first = await jobs.lease(maker, 16)
    assert (len(first), await jobs.lease(maker, 16)) == (2, [])
    await jobs.attempt(maker, first[0])
    free_in = await world.db.fetchval("select min(free_at) - clock_timestamp() from call_token")
    assert timedelta() < free_in <= timedelta(seconds=1)
    await world.db.execute("update call_token set free_at = clock_timestamp()")
    assert len(await jobs.lease(maker, 16)) == 2


async def test_a_queue_at_one_provider_does_not_delay_another(world, daily):
    await use_provider(world, "daily", DAILY)
    await repository.set_token_count(world.db, gateway="daily", per_second=1)
    await book_many(world, 5, random.Random(1))
    await relay_calls(world)
    last = await world.db.fetchval("select id from call order by during desc limit 1")
    await world.db.execute("update call set gateway = 'jitsi' where id = $1", last)
    assert sorted(call.gateway for call in await jobs.lease(maker_at(world, daily), 2)) == ["daily", "jitsi"]


async def test_a_faulty_provider_and_dying_workers_leave_exactly_one_room_each_and_no_orphans(world, daily):
    dice, count = random.Random(7), scaled(1000, 40)
    daily.failure_rate = 0.15
    maker = maker_at(world, daily)
    await use_provider(world, "daily", DAILY)
    appointments = await book_many(world, count, dice)
    await relay_calls(world)
    await kill_workers(maker, scaled(50, 10), dice)
    for appointment in dice.sample(appointments, count // 10):
        await cancel(world, appointment)
    await relay_calls(world)
    await run_jobs(world, maker, for_hours=1.5)
    by_state = {row.state: row.count for row in await world.db.fetch("select state, count(*) from call group by state")}
    assert by_state == {"made": count - count // 10, "ended": count // 10}
    # some calls are deleted with their appointments, and some calls that have ended turn out to have rooms
    await world.db.execute(
        "delete from call where id in (select id from call where state = 'made' order by id limit $1)", count // 20
    )
    for row in await world.db.fetch("select id from call where state = 'ended' order by id limit $1", count // 20):
        name = room_name(SECRET, row.id)
        daily.rooms[name] = {"id": name, "name": name, "privacy": "private"}
    for _ in range(5):  # nights
        await remove_orphans(world, daily)
        await run_jobs(world, maker, for_hours=0.2)
    assert set(daily.rooms) == await live_rooms(world)
    assert len(daily.rooms) == count - count // 10 - count // 20


async def test_a_faulty_server_has_one_meeting_for_each_doctor_who_clicks_until_it_works(world):
    server = FakeBigBlueButton(failure_rate=0.3)
    await use_provider(world, "bigbluebutton", BIG_BLUE_BUTTON)
    rooms = [room_at(f"room-{number}", at(8), at(9)) for number in range(scaled(200, 20))]
    for room in rooms:
        await click(server, room, at(8))
    assert set(server.meetings) == {room.name for room in rooms}
    assert set(server.made.values()) == {1}


async def click(server: FakeBigBlueButton, room: Room, now: datetime) -> None:
    """Enter as the doctor, and try again until it works."""
    for _ in range(50):
        with suppress(ProviderFailure):
            server.join(await server.gateway().enter(room, HOST, now=now))
            return
    raise AssertionError(room.name)
