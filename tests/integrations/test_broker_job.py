"""The job that publishes messages to a broker, tested without a broker."""

import asyncio
import gc
import random
from itertools import chain

import pytest
from aio_pika import RobustConnection
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from appoint.integrations.broker import gateway, jobs, repository, service
from appoint.integrations.broker.model import MAX_WAIT_SECONDS, BrokerMessage, divide_into_rounds, retry_delay
from appoint.kit import ids
from appoint.kit.errors import StartupError
from support.broker_messages import event, store
from support.processes import eventually_async

pytestmark = pytest.mark.usefixtures("fast_publishing")


async def test_messages_are_stored_in_batch_order(db):
    events = [event(f"appointment-{number}", 1) for number in range(50)]
    random.shuffle(events)
    await db.atomic(service.store, events)
    assert [row.event_id for row in await repository.list_oldest(db, limit=100)] == [event.id for event in events]


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
async def test_an_invalid_address_is_rejected_at_startup(db, url):
    with pytest.raises(StartupError) as refusal:
        await jobs.publish(db, url, asyncio.Event())
    assert "APPOINT_BROKER_URL" in str(refusal.value)
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["nats", "amqp"])
async def test_an_unreachable_broker_is_logged_once_without_its_address(db, caplog, monkeypatch, scheme):
    await store(db, [event("appointment-1", 1)])
    stop = asyncio.Event()
    attempts = 0
    connect = gateway.connect

    def count(url: str):
        nonlocal attempts
        attempts += 1
        return connect(url)

    async def repeated() -> bool:
        return attempts >= 3

    monkeypatch.setattr(gateway, "connect", count)
    with capture_logs() as logs:
        task = asyncio.create_task(jobs.publish(db, f"{scheme}://ana:sesame@127.0.0.1:1", stop))
        await eventually_async(repeated)
        stop.set()
        await task
    assert [line["event"] for line in logs] == ["broker unreachable"]
    assert "sesame" not in f"{logs}{caplog.text}"
    assert caplog.text == ""


async def test_a_rabbitmq_client_that_failed_to_connect_is_freed_immediately():
    """Otherwise, the garbage collector might free it while no event loop is running, and it could not close its
    connection.
    """
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(gateway.ConnectionLost):
            async with gateway.connect("amqp://ana:sesame@127.0.0.1:1"):
                pass
        await asyncio.sleep(0.05)  # until it has closed itself
        assert [client for client in gc.get_objects() if type(client) is RobustConnection] == []
    finally:
        gc.enable()


MESSAGES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abc")), max_size=30).map(
    lambda subjects: [
        BrokerMessage(position, clinic, ids.new_id(1), "appointment.changed", subject, "{}")
        for position, (clinic, subject) in enumerate(subjects)
    ]
)


@given(MESSAGES)
def test_rounds_contain_every_message_in_order_within_its_subject(messages):
    result = divide_into_rounds(messages)
    assert sorted(chain.from_iterable(result), key=lambda message: message.position) == messages
    for round in result:
        assert len({(message.clinic_id, message.subject_id) for message in round}) == len(round)
    for subject in {(message.clinic_id, message.subject_id) for message in messages}:
        positions = [
            message.position
            for message in chain.from_iterable(result)
            if (message.clinic_id, message.subject_id) == subject
        ]
        assert positions == sorted(positions)


def test_pauses_grow_up_to_the_maximum():
    pauses = [retry_delay(failures) for failures in range(10_000)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.1, MAX_WAIT_SECONDS)
