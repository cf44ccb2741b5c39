"""Events are published to NATS and RabbitMQ, even if the broker, a worker or the database fails in between."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs

from appoint.events import repository as outbox
from appoint.events.model import cloud_event
from appoint.events.service import relay
from appoint.integrations.broker import jobs, repository, service
from support.broker_messages import (
    NOW,
    PUBLISHERS,
    Broker,
    backlog,
    event,
    expect,
    history,
    publishing,
    store,
    until_published,
    versions,
)
from support.brokers import MAX_MESSAGE_BYTES, Nats, Rabbit, nats_server, rabbit_server
from support.processes import eventually_async
from support.world import ensure_clinic

pytestmark = pytest.mark.usefixtures("fast_publishing")


@pytest.fixture(scope="session")
def nats() -> Iterator[Nats]:
    with nats_server() as nats:
        yield nats


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    with rabbit_server() as rabbit:
        yield rabbit


# one pytest worker per broker, so that each broker is started only once
@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in ("nats", "rabbit")])
async def broker(request) -> AsyncIterator[Broker]:
    broker = request.getfixturevalue(request.param)
    if not broker.running:
        broker.start()
    await broker.clear()
    yield broker
    if broker.running:
        broker.send(signal.SIGCONT)


async def test_relayed_events_arrive_once_and_in_order(broker, db):
    """Three relays run concurrently."""
    events = [
        (clinic, f"appointment-{subject}", version)
        for clinic in (1, 2)
        for subject in range(8)
        for version in range(1, 16)
    ]
    random.shuffle(events)
    for clinic in (1, 2):
        await ensure_clinic(db, clinic)
    for clinic, subject, version in events:
        await outbox.append_event(
            db, clinic_id=clinic, type="appointment.changed", subject_id=subject, subject_version=version, data="{}"
        )

    async def relaying() -> None:
        while await relay(db, [service.store], now=NOW):
            pass

    async with publishing(db, broker):
        await asyncio.gather(relaying(), relaying(), relaying())
        await until_published(db)
    arrived = await broker.read_all()
    assert len({message.id for message in arrived}) == len(arrived) == len(events)
    for clinic in (1, 2):
        clinic_messages = [message for message in arrived if message.topic == f"{clinic}.appointment.changed"]
        assert versions(clinic_messages) == {f"appointment-{subject}": list(range(1, 16)) for subject in range(8)}


async def test_a_message_is_a_cloud_event(broker, db):
    change = event("appointment-1", 1)
    await store(db, [change])
    async with publishing(db, broker):
        await until_published(db)
    (message,) = await broker.read_all()
    assert message.id == change.id
    assert message.topic == "1.appointment.changed"
    assert message.content_type == "application/cloudevents+json"
    assert message.body == json.loads(cloud_event(change))


async def test_messages_wait_while_the_broker_is_down_and_none_is_lost(broker, db, caplog):
    early, late = history(30, 10), history(5, 2)
    await store(db, early)

    async def started() -> bool:
        return await backlog(db) < len(early)

    with capture_logs() as logs:
        async with publishing(db, broker):
            await eventually_async(started)
            await asyncio.sleep(random.uniform(0, 0.1))
            broker.kill()
            await store(db, late)
            await asyncio.sleep(1)
            assert await backlog(db) >= len(late)
            broker.start()
            await until_published(db)
    await expect(broker, early + late)
    assert [line["event"] for line in logs] == ["broker unreachable", "published again"]
    assert caplog.text == ""


async def test_a_repeated_message_keeps_its_id_and_nats_drops_it(broker, db):
    events = history(5, 4)
    for _ in range(2):
        await store(db, events)
        async with publishing(db, broker):
            await until_published(db)
    await expect(broker, events)
    assert len(await broker.read_all()) == (2 if broker.duplicates else 1) * len(events)


async def test_an_unrecorded_message_is_published_again(broker, db, monkeypatch):
    """This is what happens if the worker dies after publishing a message."""
    events = history(5, 4)
    await store(db, events)
    reached = asyncio.Event()

    async def never(session, *, positions):
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr(repository, "delete", never)
        async with publishing(db, broker) as task:
            await reached.wait()
            task.cancel()
    assert await backlog(db) == len(events)
    async with publishing(db, broker):
        await until_published(db)
    await expect(broker, events)


async def test_one_worker_publishes_and_another_takes_over_when_it_is_killed(broker, db, database_url):
    """The killed worker is a separate process."""
    events, late = history(40, 10), history(5, 2)
    await store(db, events)
    program = f"""
import asyncio
from appoint.database.pool import connect
from appoint.integrations.broker import jobs
db = connect({database_url!r}, size=2, wait_seconds=5, statement_seconds=30)
asyncio.run(jobs.publish(db, {broker.url!r}, asyncio.Event()))
"""
    other = subprocess.Popen([sys.executable, "-c", program])

    async def started() -> bool:
        return await backlog(db) < len(events)

    try:
        await eventually_async(started)
        async with publishing(db, broker), publishing(db, broker):
            assert len(await db.fetchval(PUBLISHERS, repository.LOCK)) == 1
            other.kill()
            other.wait()
            await store(db, late)
            await until_published(db)
            assert len(await db.fetchval(PUBLISHERS, repository.LOCK)) == 1
    finally:
        other.kill()
        other.wait()
    await expect(broker, events + late)


async def test_a_worker_that_has_lost_its_session_takes_another_turn(broker, db):
    async with publishing(db, broker):
        await store(db, [first := event("appointment-1", 1)])
        await until_published(db)
        (pid,) = await db.fetchval(PUBLISHERS, repository.LOCK)
        await db.fetchval("select pg_terminate_backend($1)", pid)
        await store(db, [second := event("appointment-1", 2)])
        await until_published(db)
    await expect(broker, [first, second])


async def test_a_stopped_worker_gives_up_its_turn(broker, db):
    async with publishing(db, broker):
        await eventually_async(lambda: db.fetchval(PUBLISHERS, repository.LOCK))
    await eventually_async(lambda: db.fetchval(f"select ({PUBLISHERS}) is null", repository.LOCK))


async def test_a_rejected_message_is_set_aside_and_does_not_delay_others(broker, db, caplog):
    events = history(20, 5)
    rejected_ids = {event.id for event in random.sample(events, 3)}
    await store(db, events)
    await db.execute(
        "update broker_message set body = repeat('secret', $2) where event_id = any($1)",
        rejected_ids,
        MAX_MESSAGE_BYTES // 4,
    )
    with capture_logs() as logs:
        async with publishing(db, broker):
            await until_published(db)
    assert {message.id for message in await broker.read_all()} == {event.id for event in events} - rejected_ids
    rejected = await db.fetch("select event_id, fault from broker_message")
    assert {row.event_id for row in rejected} == rejected_ids
    assert all(row.fault for row in rejected)
    assert [line["event"] for line in logs] == ["broker refused a message"] * 3
    assert {line["event_id"] for line in logs} == {str(id) for id in rejected_ids}
    assert "secret" not in str(logs)
    assert caplog.text == ""


async def test_no_transaction_is_open_while_the_broker_is_slow(broker, db):
    async with publishing(db, broker):
        await store(db, [event("appointment-1", 1)])
        await until_published(db)
        broker.send(signal.SIGSTOP)
        await store(db, [event("appointment-1", 2)])
        await asyncio.sleep(2 * jobs.IDLE_SECONDS)
        (pid,) = await db.fetchval(PUBLISHERS, repository.LOCK)
        assert await db.fetchval("select state from pg_stat_activity where pid = $1", pid) == "idle"
        broker.send(signal.SIGCONT)
        await until_published(db)


@pytest.mark.xdist_group("nats")
async def test_an_existing_stream_is_used_unchanged(nats, db):
    await nats.clear()
    await nats.create_stream(max_age=3600)
    await store(db, [event("appointment-1", 1)])
    async with publishing(db, nats):
        await until_published(db)
    assert (await nats.stream()).max_age == 3600
