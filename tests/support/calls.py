"""Video visits with a provider that misbehaves."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from appoint.booking import transitions
from appoint.booking.model import Appointment
from appoint.calls.guests import repository as guests
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.model import Connection, Gateway, Person, Room, room_name
from appoint.calls.rooms import jobs, service
from appoint.calls.rooms.model import LeasedCall
from appoint.calls.settings import repository as settings
from appoint.database.pool import Database
from appoint.events.service import relay
from support.app import ADMIN
from support.keys import CIPHERTEXT
from support.world import NOW, RECEPTION, World, at

SECRET = "signs links in tests"
DEMO = Providers("http://testserver.local", SECRET, "demo")


class FaultyProvider:
    """A provider that creates a room per name. It can fail before it acts, after it has acted, or never respond."""

    def __init__(self, *, failure_rate: float = 0.0, seed: int = 1) -> None:
        self.failure_rate = failure_rate
        self.dice = random.Random(seed)
        self.rooms: set[str] = set()
        self.made: Counter[str] = Counter()

    async def make(self, room: Room) -> None:
        await self._misbehave()
        self.made[room.name] += room.name not in self.rooms
        self.rooms.add(room.name)
        await self._misbehave()

    async def end(self, room: Room) -> None:
        await self._misbehave()
        self.rooms.discard(room.name)
        await self._misbehave()

    async def enter(self, room: Room, person: Person, *, now: datetime) -> str:
        return f"https://rooms.example/{room.name}/{person.id}/{now:%s}"

    async def _misbehave(self) -> None:
        await asyncio.sleep(0)
        if self.dice.random() < self.failure_rate:
            raise self.dice.choice(
                [ProviderFailure("error-response", "status 500"), TimeoutError(), ValueError("garbage")]
            )


async def add_online_type(world: World, minutes: int = 30) -> UUID:
    type_id = await world.add_type(minutes, name="Video visit")
    await world.db.execute("update appointment_type set mode = 'online' where id = $1", type_id)
    await world.cache.drop(world.clinic)
    return type_id


async def book_online(world: World, start: datetime, *, customer: UUID | None = None, **members) -> Appointment:
    type_id = await world.db.fetchval("select id from appointment_type where mode = 'online'") or await add_online_type(
        world
    )
    booked = await world.book(world.dr_shah, start, customer or world.ana, appointment_type_id=type_id, **members)
    assert isinstance(booked, Appointment), booked
    return booked


async def switch_video_visits_off(db: Database, client) -> None:
    """Withdraw the online appointment types of clinic 1, then switch its video visits off."""
    await db.execute("update appointment_type set active = false, removed_at = now() where mode = 'online'")
    response = await client.put("/api/clinics/1/callSettings", json={"gateway": "off"}, headers=ADMIN)
    assert response.status_code == 200, response.text


async def relay_calls(world: World, providers: Providers = DEMO) -> None:
    """Relay all events to the subscriber that keeps calls in step."""
    follow = partial(service.follow, default_gateway=providers.default_gateway, now=world.now)
    while await relay(world.db, [follow], now=world.now):
        pass


def maker_of(world: World, provider: FaultyProvider | None = None, providers: Providers = DEMO) -> jobs.RoomMaker:
    return jobs.RoomMaker(world.db, providers, lambda: world.now, (lambda _: provider) if provider else None)


async def run_jobs(world: World, maker: jobs.RoomMaker, *, for_hours: float = 0.0) -> None:
    """Run the jobs that are due now and, with `for_hours`, those that become due within that time."""
    ends = world.now + timedelta(hours=for_hours)
    while True:
        while leased := await jobs.lease(maker, 16):
            await asyncio.gather(*(jobs.attempt(maker, call) for call in leased))
        if world.now >= ends:
            return
        world.now += timedelta(seconds=30)


async def add_dead_call(db: Database, appointment_id: UUID) -> UUID:
    """Add a call whose room could not be made, and a guest. Return the guest's id."""
    await db.execute(
        """
        insert into call (clinic_id, id, appointment_id, sequence, gateway, state, during)
        select clinic_id, mint_id(clinic_id), id, sequence, 'demo', 'dead', during from appointment where id = $1
        """,
        appointment_id,
    )
    return (await guests.add(db, appointment_id, "Ines")).id


async def add_recorded_visit(db: Database, appointment_id: UUID) -> None:
    """Add a call whose patient has waited and agreed to its recording, a guest, and the stored recording."""
    await add_dead_call(db, appointment_id)
    await db.execute("update call set gateway = 'daily', waiting_since = lower(during)")
    await db.execute(
        """
        insert into recording_consent (clinic_id, id, appointment_id, words_version, language, given_by, given_at)
        select clinic_id, mint_id(clinic_id), id, 1, 'de', 'link:' || id, $2 from appointment where id = $1
        """,
        appointment_id,
        NOW,
    )
    await db.execute(
        """
        insert into recording (clinic_id, id, call_id, gateway, provider_id, state, key, bytes, sha256, delete_at)
        select clinic_id, mint_id(clinic_id), id, 'daily', 'provider-1', 'stored', $1, 3, sha256(''), $2 from call
        """,
        CIPHERTEXT,
        NOW + timedelta(days=30),
    )


async def states(world: World) -> list[tuple[int, str]]:
    rows = await world.db.fetch("select sequence, state from call order by appointment_id, sequence")
    return [(row.sequence, row.state) for row in rows]


def name_of(call: LeasedCall) -> str:
    return call.room(SECRET).name


async def begin_at(db: Database, appointment_id: UUID, start: datetime) -> None:
    """Move an appointment and its slot to another time, which no use case allows."""
    minute = start.replace(second=0, microsecond=0)
    await db.execute(
        """
        with moved as (
          update booking_slot s
             set during = tstzrange($2::timestamptz - interval '1 hour', $2 + interval '2 hours'), date = $2::date
            from appointment a
           where a.id = $1 and s.clinic_id = a.clinic_id and s.doctor_id = a.doctor_id and s.active_during @> a.during
        )
        update appointment
           set during = tstzrange($2, $2 + interval '30 minutes'), claimed = tstzrange($2, $2 + interval '30 minutes')
         where id = $1
        """,
        appointment_id,
        minute,
    )


async def cancel(world, appointment) -> None:
    await world.db.atomic(
        transitions.cancel, RECEPTION, appointment_id=appointment.id, reason=None, if_match=None, now=world.now
    )


async def live_rooms(world) -> set[str]:
    """Return the names of the rooms that should exist."""
    return {room_name(SECRET, row.id) for row in await world.db.fetch("select id from call where state = 'made'")}


async def book_many(world: World, count: int, dice: random.Random) -> list[Appointment]:
    """Book video visits from tomorrow on, one after the other."""
    await world.db.execute("update clinic set horizon_days = 366")
    appointments: list[Appointment] = []
    for number in range(count):
        day = at(8).date() + timedelta(days=1 + number // 16)
        start = at(8 + number % 16 // 2, 30 * (number % 2), day=day)
        if number % 16 == 0:
            await world.publish(world.dr_shah, at(8, day=day), at(16, day=day))
        appointments.append(await book_online(world, start, customer=dice.choice([world.ana, world.ben])))
    return appointments


async def use_provider(world: World, gateway: Gateway, connection: Connection) -> None:
    """Let the clinic's calls take place at this provider."""
    await settings.save(
        world.db,
        clinic_id=world.clinic,
        gateway=gateway,
        connection=connection,
        opens_before_minutes=15,
        phone=None,
    )


async def kill_workers(maker: jobs.RoomMaker, count: int, dice: random.Random) -> None:
    """Kill workers at random: after they have leased calls, or in the middle of talking to the provider."""
    for _ in range(count):
        leased = await jobs.lease(maker, 8)
        killed = [asyncio.create_task(jobs.attempt(maker, call)) for call in leased]
        await asyncio.sleep(dice.random() / 100)
        for task in killed:
            task.cancel()
        await asyncio.gather(*killed, return_exceptions=True)
