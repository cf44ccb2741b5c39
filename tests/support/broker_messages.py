"""Messages for a broker, and the job that publishes them."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from appoint.database.pool import Database
from appoint.events.facts import AppointmentChanged
from appoint.events.model import Event
from appoint.integrations.broker import jobs, service
from appoint.kit import ids
from support.brokers import Arrival, Nats, Rabbit
from support.processes import eventually_async

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
PUBLISHERS = """
select array_agg(pid) from pg_locks
 where locktype = 'advisory' and objid = $1 and granted
   and database = (select oid from pg_database where datname = current_database())
"""
Broker = Nats | Rabbit


async def backlog(db) -> int:
    return await db.fetchval("select count(*) from broker_message where fault is null")


@asynccontextmanager
async def publishing(db: Database, broker: Broker) -> AsyncGenerator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(jobs.publish(db, broker.url, stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait([task])


async def until_published(db: Database) -> None:
    """Wait until no messages are waiting for the broker."""

    async def none() -> bool:
        return await backlog(db) == 0

    await eventually_async(none)


def event(subject: str, version: int) -> Event:
    return Event(1, ids.new_id(1), "appointment.changed", subject, version, AppointmentChanged(), None, NOW)


def history(subjects: int, versions: int) -> list[Event]:
    """Return events for every version of some new subjects, in an order in which the relay could send them."""
    turns = [str(ids.new_id(1)) for _ in range(subjects)] * versions
    random.shuffle(turns)
    next_version: defaultdict[str, int] = defaultdict(int)
    events = []
    for subject in turns:
        next_version[subject] += 1
        events.append(event(subject, next_version[subject]))
    return events


async def store(db: Database, events: list[Event]) -> None:
    """Store events in batches of any size with at most one event per subject, like the relay's."""
    batch: list[Event] = []
    for event in [*events, None]:
        if event is None or event.subject_id in {other.subject_id for other in batch} or random.random() < 0.05:
            await db.atomic(service.store, batch)
            batch = []
        if event:
            batch.append(event)


def without_repeats(arrived: list[Arrival]) -> list[Arrival]:
    """Return the first occurrence of each message."""
    return list({message.id: message for message in arrived}.values())


def versions(arrived: list[Arrival]) -> dict[str, list[int]]:
    by_subject = defaultdict(list)
    for message in arrived:
        by_subject[message.body["subject"]].append(message.body["subjectversion"])
    return dict(by_subject)


async def expect(broker: Broker, events: list[Event]) -> None:
    """Assert that all events arrived, in order for each subject, and only once if the broker detects duplicates."""
    arrived = await broker.read_all()
    assert {message.id for message in arrived} == {event.id for event in events}
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in versions(without_repeats(arrived)).values())
    assert broker.duplicates or len(arrived) == len(events)
