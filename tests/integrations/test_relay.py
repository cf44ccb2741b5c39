"""The relay delivers every event from the outbox to all subscribers once and in order, even if workers die."""

import asyncio
import json
import random
import signal
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest

from appoint.database.pool import Database, Transaction
from appoint.events import repository, service
from appoint.events.model import MAX_ATTEMPTS, Event
from support.processes import Process, appoint
from support.scale import scaled
from support.world import NOW, ensure_clinic

ANA = UUID("01978a5c-7d3e-7a63-84f7-074d226b3d5d")


async def add_event(db: Database, subject: str, version: int = 1, *, clinic: int = 1, data: str = "{}") -> UUID:
    await ensure_clinic(db, clinic)
    return await db.fetchval(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        values ($1, 'appointment.changed', $2, $3, $4::text::jsonb) returning id
        """,
        clinic,
        subject,
        version,
        data,
    )


class Subscriber:
    """A subscriber that stores what it receives, and fails for some subjects."""

    def __init__(self, *fails_at: str) -> None:
        self.fails_at = set(fails_at)

    async def __call__(self, tx: Transaction, events: Sequence[Event]) -> None:
        if self.fails_at & {event.subject_id for event in events}:
            raise LookupError("a bug")
        await tx.execute(
            """
            insert into broker_message (clinic_id, event_id, type, subject_id, body)
            select * from unnest($1::int[], $2::uuid[], $3::text[], $4::text[], $5::text[])
            """,
            [event.clinic_id for event in events],
            [event.id for event in events],
            [event.type for event in events],
            [event.subject_id for event in events],
            [f"{event.subject_id} {event.subject_version}" for event in events],
        )


async def relayed(db: Database) -> list[str]:
    return [row.body for row in await db.fetch("select body from broker_message order by position")]


async def relay_all(db: Database, subscriber: Subscriber, now=NOW) -> None:
    while await service.relay(db, [subscriber], now=now):
        pass


async def test_a_relayed_event_moves_from_the_outbox_to_the_log(db):
    event = await add_event(db, "a")
    await relay_all(db, Subscriber())
    assert (
        await relayed(db),
        await db.fetchval("select count(*) from event"),
        await db.fetchval("select id from event_log"),
    ) == (["a 1"], 0, event)


async def test_a_subjects_events_are_relayed_in_version_order(db):
    for version in (3, 1, 2):
        await add_event(db, "a", version)
    await relay_all(db, Subscriber())
    assert await relayed(db) == ["a 1", "a 2", "a 3"]


async def test_events_with_the_same_version_are_relayed_in_insertion_order(db):
    ids = [await add_event(db, "a", 1) for _ in range(5)]
    await relay_all(db, Subscriber())
    assert [row.event_id for row in await db.fetch("select event_id from broker_message order by position")] == ids


async def test_subjects_with_the_same_id_at_two_clinics_are_independent(db):
    await add_event(db, "a", 2, clinic=1)
    await add_event(db, "a", 1, clinic=2)
    assert await service.relay(db, [Subscriber()], now=NOW) == 2


async def test_a_failing_subscriber_rolls_back_the_others(db):
    await add_event(db, "a")
    await service.relay(db, [Subscriber(), Subscriber("a")], now=NOW)
    assert (await relayed(db), await db.fetchval("select count(*) from event_log")) == ([], 0)


async def test_a_failing_event_delays_only_its_own_subject(db):
    for subject in "abc":
        for version in (1, 2):
            await add_event(db, subject, version)
    await relay_all(db, Subscriber("b"))
    assert sorted(await relayed(db)) == ["a 1", "a 2", "c 1", "c 2"]


async def test_a_failed_event_is_retried_later(db):
    await add_event(db, "a")
    await relay_all(db, Subscriber("a"))
    await relay_all(db, Subscriber())
    assert await relayed(db) == []
    await relay_all(db, Subscriber(), NOW + timedelta(seconds=1))
    assert await relayed(db) == ["a 1"]


async def list_parked(db: Database) -> list[str]:
    return [f"{row.subject_id} {row.subject_version}" for row in await repository.list_parked(db, limit=100)]


async def fail_for_good(db: Database, subject: str) -> None:
    for hour in range(MAX_ATTEMPTS):
        await relay_all(db, Subscriber(subject), NOW + timedelta(hours=hour))


async def test_after_its_last_attempt_an_event_is_parked_with_later_ones(db):
    for version in (1, 2):
        await add_event(db, "a", version)
    await fail_for_good(db, "a")
    assert await list_parked(db) == ["a 1", "a 2"]
    assert [row.fault for row in await repository.list_parked(db, limit=1)] == ["LookupError"]


async def test_an_event_after_a_parked_one_waits(db):
    await add_event(db, "a", 1)
    await fail_for_good(db, "a")
    await add_event(db, "a", 2)
    await relay_all(db, Subscriber(), NOW + timedelta(days=1))
    assert await relayed(db) == []


async def test_released_events_are_relayed_in_order(db):
    for version in (1, 2):
        await add_event(db, "a", version)
    await fail_for_good(db, "a")
    await add_event(db, "a", 3)
    assert await repository.release(db, ids=None) == 2
    await relay_all(db, Subscriber())
    assert await relayed(db) == ["a 1", "a 2", "a 3"]


async def test_an_unreadable_event_is_parked(db):
    await add_event(db, "a", data='{"surprise": 1}')
    await add_event(db, "b")
    for hour in range(MAX_ATTEMPTS):
        await relay_all(db, Subscriber(), NOW + timedelta(hours=hour))
    assert (await relayed(db), await list_parked(db)) == (["b 1"], ["a 1"])


EVENTS = scaled(2000, 500)


@pytest.mark.parametrize("relays", [1, 4])
async def test_concurrent_relays_deliver_every_event_once_and_in_order(db, relays):
    script = [(f"s{number % 50}", number // 50 + 1) for number in range(EVENTS)]
    random.Random(relays).shuffle(script)
    for subject, version in script:
        await add_event(db, subject, version)
    subscriber = Subscriber()

    async def relaying() -> None:
        while await db.fetchval("select exists (select from event where attempts = 0)"):
            await service.relay(db, [subscriber], now=NOW)

    await asyncio.gather(*(relaying() for _ in range(relays)))
    assert_in_order(await relayed(db), EVENTS)


def assert_in_order(relayed: list[str], count: int) -> None:
    by_subject = defaultdict(list)
    for line in relayed:
        subject, version = line.split()
        by_subject[subject].append(int(version))
    assert len(relayed) == len(set(relayed)) == count
    assert {subject: versions for subject, versions in by_subject.items() if versions != sorted(versions)} == {}


PARTS = scaled(10, 4)


async def add_events_for_all(db, versions: int) -> int:
    """Write the next two events for each of 2,500 subjects, in random order. Return their new version."""
    await ensure_clinic(db, 1)
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data)
        select 1, 'appointment.changed', 's' || n % 2500, $1 + n / 2500, '{}'
          from generate_series(0, 4999) n order by random()
        """,
        versions + 1,
    )
    return versions + 2


async def until_working(db, worker: Process) -> None:
    """Wait for the worker's first heartbeat."""
    beat = "select exists (select from worker_heartbeat where worker like '%/' || $1::text)"
    async with asyncio.timeout(120):
        while not await db.fetchval(beat, str(worker.popen.pid)):
            assert worker.popen.poll() is None, worker.output
            await asyncio.sleep(0.02)


async def test_killed_workers_neither_lose_nor_repeat_events(db, database_url, tmp_path):
    """These workers cannot reach their broker, so their messages for it stay in the database, in order."""
    await db.execute("insert into clinic (id, name, time_zone) values (1, 'Lakeside', 'Europe/Berlin')")
    dice = random.Random(7)
    kills = versions = 0
    settings = {"database_url": database_url, "data_dir": tmp_path, "broker_url": "nats://127.0.0.1:9"}

    async def remaining() -> int:
        return await db.fetchval("select count(*) from event where attempts = 0")

    with appoint("worker", **settings) as steady:
        for part in range(PARTS):  # one batch of events for each worker that is killed
            with appoint("worker", **settings) as doomed:
                await until_working(db, doomed)
                versions = await add_events_for_all(db, versions)
                before = await remaining()
                for _ in range(600):
                    if before - await remaining() > dice.randint(0, before // 2) or not await remaining():
                        break
                    await asyncio.sleep(0.005)
                victim = steady if part == PARTS // 2 else doomed
                if victim.popen.poll() is None:
                    victim.popen.send_signal(signal.SIGKILL)
                    kills += 1
        with appoint("worker", **settings):  # replaces the killed workers
            while await remaining():
                await asyncio.sleep(0.02)
    assert kills == PARTS
    bodies = [row.body for row in await db.fetch("select body from broker_message order by position")]
    assert_in_order([f"{subject} {version}" for subject, version in map(subject_and_version, bodies)], 2500 * versions)
    assert await db.fetchval("select count(*) from event_log") == 2500 * versions


def subject_and_version(body: str) -> tuple[str, int]:
    event = json.loads(body)
    return event["subject"], event["subjectversion"]
