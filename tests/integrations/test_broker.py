"""Events on their way to a broker, whatever becomes of the broker, the worker or the database meanwhile."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from appoint.database.pool import Database
from appoint.events import repository as outbox
from appoint.events.facts import AppointmentChanged
from appoint.events.model import Event, cloud_event
from appoint.events.service import relay
from appoint.integrations.broker import gateway, jobs, repository, service
from appoint.integrations.broker.model import MAX_WAIT_SECONDS, Message, rounds, wait_after
from appoint.kit import ids
from appoint.kit.errors import StartupError
from support.brokers import MAX_MESSAGE_BYTES, Arrival, Nats, Rabbit, nats_server, rabbit_server

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
TURNS = "select array_agg(pid) from pg_locks where locktype = 'advisory' and objid = $1 and granted and database = (select oid from pg_database where datname = current_database())"
Broker = Nats | Rabbit


async def backlog(db) -> int:
    return await db.fetchval("select count(*) from broker_message where fault is null")


@pytest.fixture(scope="session")
def nats() -> Iterator[Nats]:
    with nats_server() as nats:
        yield nats


@pytest.fixture(scope="session")
def rabbit() -> Iterator[Rabbit]:
    with rabbit_server() as rabbit:
        yield rabbit


@pytest.fixture(params=["nats", "rabbit"])
async def broker(request) -> AsyncIterator[Broker]:
    broker = request.getfixturevalue(request.param)
    if not broker.running:
        broker.start()
    await broker.clear()
    yield broker
    if broker.running:
        broker.send(signal.SIGCONT)


@pytest.fixture(autouse=True)
def haste(monkeypatch):
    """Only the pauses are shorter than in life."""
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0.2)
    monkeypatch.setattr(jobs, "IDLE_SECONDS", 0.1)
    monkeypatch.setattr(gateway, "ACKNOWLEDGE_SECONDS", 2)


@asynccontextmanager
async def publishing(db: Database, broker: Broker) -> AsyncGenerator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(jobs.publish(db, broker.url, stop))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait([task])


async def patiently(question: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(60):
        while not await question():
            await asyncio.sleep(0.02)


async def gone(db: Database) -> None:
    """Until nothing waits any more."""

    async def none() -> bool:
        return await backlog(db) == 0

    await patiently(none)


def event(subject: str, version: int) -> Event:
    return Event(1, ids.new_id(1), "appointment.changed", subject, version, AppointmentChanged(), None, NOW)


def history(subjects: int, versions: int) -> list[Event]:
    """Of so many new subjects every version, in an order in which the relay could tell of them."""
    turns = [str(ids.new_id(1)) for _ in range(subjects)] * versions
    random.shuffle(turns)
    told: defaultdict[str, int] = defaultdict(int)
    events = []
    for subject in turns:
        told[subject] += 1
        events.append(event(subject, told[subject]))
    return events


async def write_down(db: Database, events: list[Event]) -> None:
    """In batches of any size, none with two of a subject, as the relay's are."""
    batch: list[Event] = []
    for event in [*events, None]:
        if event is None or event.subject_id in {other.subject_id for other in batch} or random.random() < 0.05:
            await db.atomic(service.store, batch)
            batch = []
        if event:
            batch.append(event)


def firsts(arrived: list[Arrival]) -> list[Arrival]:
    """Without repetitions."""
    return list({message.id: message for message in arrived}.values())


def versions(arrived: list[Arrival]) -> dict[str, list[int]]:
    found = defaultdict(list)
    for message in arrived:
        found[message.body["subject"]].append(message.body["subjectversion"])
    return dict(found)


async def expect(broker: Broker, events: list[Event]) -> None:
    """All of them are there, each subject's in order; each once, where the broker knows repetitions."""
    arrived = await broker.read_all()
    assert {message.id for message in arrived} == {event.id for event in events}
    assert all(found == list(range(1, len(found) + 1)) for found in versions(firsts(arrived)).values())
    assert broker.duplicates or len(arrived) == len(events)


async def test_what_is_told_arrives_once_and_in_order(broker, db):
    """From the outbox, through three relays at a time."""
    told = [
        (clinic, f"appointment-{subject}", version)
        for clinic in (1, 2)
        for subject in range(8)
        for version in range(1, 16)
    ]
    random.shuffle(told)
    for clinic, subject, version in told:
        await outbox.append_event(
            db, clinic_id=clinic, type="appointment.changed", subject_id=subject, subject_version=version, data="{}"
        )

    async def relaying() -> None:
        while await relay(db, [service.store], now=NOW):
            pass

    async with publishing(db, broker):
        await asyncio.gather(relaying(), relaying(), relaying())
        await gone(db)
    arrived = await broker.read_all()
    assert len({message.id for message in arrived}) == len(arrived) == len(told)
    for clinic in (1, 2):
        of_clinic = [message for message in arrived if message.topic == f"{clinic}.appointment.changed"]
        assert versions(of_clinic) == {f"appointment-{subject}": list(range(1, 16)) for subject in range(8)}


async def test_a_message_is_a_cloud_event(broker, db):
    happened = event("appointment-1", 1)
    await write_down(db, [happened])
    async with publishing(db, broker):
        await gone(db)
    (message,) = await broker.read_all()
    assert message.id == happened.id
    assert message.topic == "1.appointment.changed"
    assert message.content_type == "application/cloudevents+json"
    assert message.body == json.loads(cloud_event(happened))


async def test_messages_are_written_down_in_the_order_of_the_batch(db):
    events = [event(f"appointment-{number}", 1) for number in range(50)]
    random.shuffle(events)
    await db.atomic(service.store, events)
    assert [row.event_id for row in await repository.list_oldest(db, limit=100)] == [event.id for event in events]


async def test_what_a_broker_misses_waits_for_it_and_nothing_is_lost(broker, db, caplog):
    early, late = history(30, 10), history(5, 2)
    await write_down(db, early)

    async def begun() -> bool:
        return await backlog(db) < len(early)

    with capture_logs() as said:
        async with publishing(db, broker):
            await patiently(begun)
            await asyncio.sleep(random.uniform(0, 0.1))
            broker.kill()
            await write_down(db, late)
            await asyncio.sleep(1)
            assert await backlog(db) >= len(late)
            broker.start()
            await gone(db)
    await expect(broker, early + late)
    assert [line["event"] for line in said] == ["broker unreachable", "published again"]
    assert caplog.text == ""


async def test_what_is_published_again_has_the_same_id_and_nats_drops_it(broker, db):
    events = history(5, 4)
    for _ in range(2):
        await write_down(db, events)
        async with publishing(db, broker):
            await gone(db)
    await expect(broker, events)
    assert len(await broker.read_all()) == (2 if broker.duplicates else 1) * len(events)


async def test_what_was_published_and_not_noted_is_published_again(broker, db, monkeypatch):
    """As by a worker that dies in between."""
    events = history(5, 4)
    await write_down(db, events)
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
        await gone(db)
    await expect(broker, events)


async def test_of_several_one_publishes_and_when_it_is_killed_another_goes_on(broker, db, database_url):
    """A process of its own, killed in the middle of its work."""
    events, late = history(40, 10), history(5, 2)
    await write_down(db, events)
    program = (
        "import asyncio; from appoint.integrations.broker import jobs; from appoint.database.pool import connect; "
        f"db = connect({database_url!r}, size=2, wait_seconds=5, statement_seconds=30); asyncio.run(jobs.publish(db, {broker.url!r}, asyncio.Event()))"
    )
    other = subprocess.Popen([sys.executable, "-c", program])

    async def begun() -> bool:
        return await backlog(db) < len(events)

    try:
        await patiently(begun)
        async with publishing(db, broker), publishing(db, broker):
            assert len(await db.fetchval(TURNS, repository.LOCK)) == 1
            other.kill()
            other.wait()
            await write_down(db, late)
            await gone(db)
            assert len(await db.fetchval(TURNS, repository.LOCK)) == 1
    finally:
        other.kill()
        other.wait()
    await expect(broker, events + late)


async def test_whose_session_is_lost_takes_another_turn(broker, db):
    async with publishing(db, broker):
        await write_down(db, [first := event("appointment-1", 1)])
        await gone(db)
        (turn,) = await db.fetchval(TURNS, repository.LOCK)
        await db.fetchval("select pg_terminate_backend($1)", turn)
        await write_down(db, [second := event("appointment-1", 2)])
        await gone(db)
    await expect(broker, [first, second])


async def test_who_stops_leaves_the_turn_to_others(broker, db):
    async with publishing(db, broker):
        await patiently(lambda: db.fetchval(TURNS, repository.LOCK))
    assert await db.fetchval(TURNS, repository.LOCK) is None


async def test_what_the_broker_refuses_is_put_aside_and_holds_up_nobody(broker, db, caplog):
    events = history(20, 5)
    refused = {event.id for event in random.sample(events, 3)}
    await write_down(db, events)
    await db.execute(
        "update broker_message set body = repeat('secret', $2) where event_id = any($1)",
        refused,
        MAX_MESSAGE_BYTES // 4,
    )
    with capture_logs() as said:
        async with publishing(db, broker):
            await gone(db)
    assert {message.id for message in await broker.read_all()} == {event.id for event in events} - refused
    aside = await db.fetch("select event_id, fault from broker_message")
    assert {row.event_id for row in aside} == refused
    assert all(row.fault for row in aside)
    assert [line["event"] for line in said] == ["broker refused a message"] * 3
    assert {line["event_id"] for line in said} == {str(id) for id in refused}
    assert "secret" not in str(said)
    assert caplog.text == ""


async def test_nothing_is_open_in_the_database_while_a_broker_takes_its_time(broker, db):
    async with publishing(db, broker):
        await write_down(db, [event("appointment-1", 1)])
        await gone(db)
        broker.send(signal.SIGSTOP)
        await write_down(db, [event("appointment-1", 2)])
        await asyncio.sleep(2 * jobs.IDLE_SECONDS)
        (turn,) = await db.fetchval(TURNS, repository.LOCK)
        assert await db.fetchval("select state from pg_stat_activity where pid = $1", turn) == "idle"
        broker.send(signal.SIGCONT)
        await gone(db)


async def test_a_stream_that_is_there_already_is_taken_as_it_is(nats, db):
    await nats.clear()
    await nats.create_stream(max_age=3600)
    await write_down(db, [event("appointment-1", 1)])
    async with publishing(db, nats):
        await gone(db)
    assert (await nats.stream()).max_age == 3600


@pytest.mark.parametrize(
    "url",
    [
        "kafka://ana:sesame@127.0.0.1",
        "127.0.0.1:4222",
        "nats://",
        "nats://ana:sesame@127.0.0.1:x",
        "amqp://a:1,amqp://b:1",
        "amqp:///",
        "",
    ],
)
async def test_an_address_that_is_none_is_refused_at_once(db, url):
    with pytest.raises(StartupError) as refusal:
        await jobs.publish(db, url, asyncio.Event())
    assert "APPOINT_BROKER_URL" in str(refusal.value)
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["nats", "amqp"])
async def test_no_log_shows_an_address(db, caplog, scheme):
    await write_down(db, [event("appointment-1", 1)])
    stop = asyncio.Event()
    with capture_logs() as said:
        task = asyncio.create_task(jobs.publish(db, f"{scheme}://ana:sesame@127.0.0.1:1", stop))
        await asyncio.sleep(1)
        stop.set()
        await task
    assert [line["event"] for line in said] == ["broker unreachable"]
    assert "sesame" not in f"{said}{caplog.text}"
    assert caplog.text == ""


MESSAGES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abc")), max_size=30).map(
    lambda subjects: [
        Message(position, clinic, ids.new_id(1), "appointment.changed", subject, "{}")
        for position, (clinic, subject) in enumerate(subjects)
    ]
)


@given(MESSAGES)
def test_rounds_hold_every_message_and_each_subject_s_in_order(messages):
    found = rounds(messages)
    assert sorted(chain.from_iterable(found), key=lambda message: message.position) == messages
    for together in found:
        assert len({(message.clinic_id, message.subject_id) for message in together}) == len(together)
    for subject in {(message.clinic_id, message.subject_id) for message in messages}:
        positions = [
            message.position
            for message in chain.from_iterable(found)
            if (message.clinic_id, message.subject_id) == subject
        ]
        assert positions == sorted(positions)


def test_pauses_grow_up_to_the_longest():
    pauses = [wait_after(failures) for failures in range(10_000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, MAX_WAIT_SECONDS)
