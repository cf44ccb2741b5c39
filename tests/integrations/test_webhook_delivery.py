"""What has happened reaches partners, whatever becomes of their systems and of our workers."""

import asyncio
import json
import socket
import struct
from base64 import b64decode
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from uuid import UUID

import msgspec
import pytest

from appoint.database.pool import Database, Row
from appoint.events import repository as events
from appoint.events.model import cloud_event
from appoint.events.service import event_of, relay
from appoint.integrations.webhooks import gateway, jobs, model, service
from appoint.integrations.webhooks.model import WebhookContent, WebhookPatch
from appoint.integrations.webhooks.repository import deliveries, leases
from appoint.kit import clock
from appoint.kit.actors import SYSTEM
from appoint.kit.leases import Pace
from support.partner import OK, Partner, hang, status


class Clock:
    """Time as it goes by for the workers. It starts in a minute, so that what happens during a test has happened, and
    moves when it is told to."""

    def __init__(self) -> None:
        self.now = clock.now() + timedelta(minutes=1)

    def __call__(self):
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def time() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def haste(monkeypatch):
    monkeypatch.setattr(jobs, "PACE", Pace(0.01, 0.01))


@pytest.fixture
async def db(db):
    for name in ("Lakeside", "Hillside"):
        await db.execute("insert into clinic (name, time_zone) values ($1, 'Europe/Berlin')", name)
    return db


async def webhook(db: Database, partner: Partner, *types: str, clinic_id: int = 1):
    return await db.atomic(
        service.add, SYSTEM, clinic_id=clinic_id, content=WebhookContent(url=partner.url, event_types=list(types))
    )


async def logged(db: Database, id: str) -> Row:
    row = await db.fetchrow("select * from event_log where id = $1", UUID(id))
    assert row is not None
    return row


async def happen(
    db: Database, count: int = 1, *, clinic_id: int = 1, type: str = "appointment.changed", data: str = "{}"
) -> list[str]:
    """So many events, told to everyone; returns their ids."""
    for version in range(1, count + 1):
        await events.append_event(
            db, clinic_id=clinic_id, type=type, subject_id=f"{type} {version}", subject_version=version, data=data
        )
    ids = [str(row.id) for row in await db.fetch("select id from event order by id")]
    while await relay(db, [service.fan_out], now=clock.now()):
        pass
    return ids


@asynccontextmanager
async def working(db: Database, now: Callable = clock.now, *, answer_seconds: float = 5) -> AsyncGenerator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(jobs.deliver(db, stop, private_addresses=True, answer_seconds=answer_seconds, now=now))
    try:
        yield
    finally:
        stop.set()
        await task


async def until(question: Callable[[], object]) -> None:
    """The question is answered with something true; it may be a coroutine's."""
    async with asyncio.timeout(20):
        while True:
            answer = question()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.01)


async def tried(db: Database, attempts: int = 1) -> Row:
    """The only delivery, once it has been tried so often."""
    found = []

    async def enough():
        found[:] = await db.fetch("select * from webhook_delivery")
        return found[0].attempts >= attempts

    await until(enough)
    (delivery,) = found
    return delivery


async def delivered(db: Database, count: int) -> None:
    async def enough():
        return await db.fetchval("select count(*) from webhook_delivery where status = 'delivered'") >= count

    await until(enough)


async def test_an_event_arrives_as_a_signed_cloud_event(db):
    async with Partner() as partner:
        made = await webhook(db, partner)
        (id,) = await happen(
            db, type="appointment.covered", data='{"doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d"}'
        )
        async with working(db):
            await delivered(db, 1)
        (heard,) = partner.heard
    kept = await logged(db, id)
    assert heard.body == cloud_event(event_of(kept))
    assert heard.path == "/events?token=hush"
    assert heard.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert heard.headers["user-agent"] == "Appoint-Webhooks"
    assert heard.id == json.loads(heard.body)["id"] == id
    assert abs(int(heard.headers["webhook-timestamp"]) - clock.now().timestamp()) < 60
    assert heard.is_signed_with(made.secret)


def test_signatures_are_those_that_standard_webhooks_publishes():
    """The vector of its reference libraries."""
    headers = model.signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        secrets=[b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
        now=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


async def test_for_a_day_after_a_rotation_both_secrets_hold(db, time):
    async with Partner() as partner:
        made = await webhook(db, partner)
        rotated = await db.atomic(service.rotate_secret, SYSTEM, webhook_id=made.id, now=time())
        async with working(db, time):
            await happen(db)
            await delivered(db, 1)
            time.forward(hours=23.9)
            await happen(db)
            await delivered(db, 2)
            time.forward(hours=0.2)
            await happen(db)
            await delivered(db, 3)
    assert [heard.is_signed_with(rotated.secret) for heard in partner.heard] == [True, True, True]
    assert [heard.is_signed_with(made.secret) for heard in partner.heard] == [True, True, False]
    assert [len(heard.headers["webhook-signature"].split(" ")) for heard in partner.heard] == [2, 2, 1]


async def test_events_arrive_in_their_order_and_only_those_that_are_wanted(db):
    async with Partner() as partner:
        await webhook(db, partner, "appointment.changed", "appointment.held")
        wanted = await happen(db, 120)
        await happen(db, type="webhook.disabled", data='{"failingSince": "2027-03-01T08:30:00Z"}')
        async with working(db):
            await delivered(db, 120)
        assert partner.ids == wanted
    assert await db.fetchval("select count(*) from webhook_delivery") == 120


async def test_events_of_a_subject_wait_behind_one_that_failed_and_others_do_not(db, time):
    answers = [status(503)]

    async def fails_once(writer):
        writer.write(answers.pop() if answers else OK)

    async with Partner(fails_once) as partner:
        await webhook(db, partner)
        for subject, version in (("a", 1), ("a", 2), ("b", 1)):
            await events.append_event(
                db, clinic_id=1, type="appointment.changed", subject_id=subject, subject_version=version, data="{}"
            )
        first, second, other = await happen(db, 0)
        async with working(db, time):
            await delivered(db, 1)
            await asyncio.sleep(0.05)
            assert partner.ids == [first, other]
            time.forward(minutes=1)
            await delivered(db, 3)
        assert partner.ids == [first, other, first, second]


async def test_a_webhook_hears_of_its_own_clinic_only(db):
    """And nobody of what is the platform's."""
    async with Partner() as lakeside, Partner() as hillside:
        await webhook(db, lakeside)
        await webhook(db, hillside, clinic_id=2)
        here = await happen(db)
        there = await happen(db, clinic_id=2)
        await happen(
            db, clinic_id=0, type="customer.registered", data='{"customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d"}'
        )
        async with working(db):
            await delivered(db, 2)
        assert (lakeside.ids, hillside.ids) == (here, there)
    assert await db.fetchval("select count(*) from webhook_delivery") == 2


async def test_an_event_that_is_told_twice_is_queued_once(db):
    async with Partner() as partner:
        await webhook(db, partner)
        (id,) = await happen(db)
        row = await logged(db, id)
        for _ in range(2):
            await db.atomic(service.fan_out, [event_of(row)])
    assert await db.fetchval("select count(*) from webhook_delivery") == 1


async def test_one_that_hangs_delays_no_other(db):
    enough = asyncio.Event()

    async def wait(writer):
        await enough.wait()
        writer.write(OK)

    async with Partner(wait) as slow, Partner() as quick:
        await webhook(db, slow)
        await webhook(db, quick)
        ids = await happen(db, 30)
        async with working(db, answer_seconds=15):
            await until(lambda: quick.ids == ids)
            assert slow.ids == ids[:1]
            enough.set()
            await until(lambda: slow.ids == ids)


async def drip(writer):
    """One byte at a time, for ever."""
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
        writer.write(bytes([letter]))
        await asyncio.sleep(0.05)


async def close(writer):
    writer.close()


async def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-")
    writer.close()


FAILURES = {
    "a fault of theirs": (status(500), 500, "answered 500"),
    "nobody there": (status(404), 404, "answered 404"),
    "too much at once": (status(429, "Retry-After: 1"), 429, "answered 429"),
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n",
        None,
        "did not answer with HTTP",
    ),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304, "answered 304; redirects are not followed"),
    "garbage": (b"\x00\xff\xfe garbage\r\n\r\n", None, "did not answer with HTTP"),
    "another kind of server": (b"220 mail.example.com ESMTP\r\n", None, "did not answer within 0.4 seconds"),
    "endless headers": (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300_000, None, "did not answer with HTTP"),
    "hanging": (hang, None, "did not answer within 0.4 seconds"),
    "dripping": (drip, None, "did not answer within 0.4 seconds"),
    "closing": (close, None, "did not answer with HTTP"),
    "closing in the middle": (half, None, "did not answer with HTTP"),
    "breaking off": (reset, None, "closed the connection"),
}


@pytest.mark.parametrize(("answer", "response_status", "reason"), FAILURES.values(), ids=FAILURES)
async def test_what_is_no_success_is_tried_again(db, answer, response_status, reason):
    async with Partner(answer) as partner:
        made = await webhook(db, partner)
        await happen(db)
        async with working(db, answer_seconds=0.4 if "0.4" in reason else 15):
            delivery = await tried(db)
        assert len(partner.heard) == 1
    assert (delivery.status, delivery.attempts, delivery.response_status, delivery.reason) == (
        "queued",
        1,
        response_status,
        reason,
    )
    assert timedelta(seconds=3) < delivery.due_at - delivery.updated_at < timedelta(seconds=6)
    assert (await service.get(db, made.id)).failing_since


async def test_an_address_where_nobody_listens_is_tried_again(db):
    async with Partner() as partner:
        await webhook(db, partner)
    await happen(db)
    async with working(db):
        delivery = await tried(db)
    assert (delivery.status, delivery.response_status, delivery.reason) == ("queued", None, "could not be reached")


async def test_a_redirect_is_not_followed(db):
    async with Partner() as inside:
        async with Partner(status(307, f"Location: {inside.url}")) as partner:
            await webhook(db, partner)
            await happen(db)
            async with working(db):
                delivery = await tried(db)
        assert (delivery.status, delivery.reason, inside.heard) == (
            "queued",
            "answered 307; redirects are not followed",
            [],
        )


async def endless(writer):
    """A body that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"5\r\nhello\r\n")
        await asyncio.sleep(0.05)


async def cut_off(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
    writer.close()


ANSWERS = {
    "no content": OK,
    "a short body": status(202),
    "a body over the limit": b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
    "a body that is cut off": cut_off,
    "a body that never ends": endless,
    "compressed nonsense": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    "an announcement first": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_the_status_alone_says_that_an_event_has_arrived(db, answer):
    async with Partner(answer) as partner:
        made = await webhook(db, partner)
        await happen(db, 3)
        async with working(db, answer_seconds=1 if answer is endless else 15):
            await delivered(db, 3)
        assert len(set(partner.ids)) == len(partner.ids) == 3
    assert (await service.get(db, made.id)).failing_since is None


async def test_a_failing_event_is_tried_eight_times_in_a_day_and_then_not_any_more(db, time):
    async with Partner(status(500)) as partner:
        await webhook(db, partner)
        await happen(db)
        began = time()
        async with working(db, time):
            for attempt in range(1, 8):
                delivery = await tried(db, attempt)
                time.now = delivery.due_at - timedelta(seconds=1)
                await asyncio.sleep(0.05)
                assert len(partner.heard) == attempt
                time.now = delivery.due_at
            delivery = await tried(db, 8)
            assert (delivery.status, delivery.reason) == ("failed", "answered 500")
            assert timedelta(hours=21) < time() - began < timedelta(hours=27)
            time.forward(days=3)
            await asyncio.sleep(0.05)
        assert (len(partner.heard), len(set(partner.ids))) == (8, 1)


def test_tries_lie_further_and_further_apart_and_never_at_the_same_distance_for_all():
    earliest, middle, latest = (
        [model.retry_delay(attempts, jitter=jitter) for attempts in range(1, 9)] for jitter in (0, 0.5, 1)
    )
    assert [str(wait) for wait in accumulate(wait for wait in middle if wait)] == [
        "0:00:05",
        "0:01:05",
        "0:06:05",
        "0:36:05",
        "2:36:05",
        "8:36:05",
        "23:36:05",
    ]
    assert all(a < b < c for a, b, c in zip(earliest[:7], middle[:7], latest[:7], strict=True))
    assert all(late < early for late, early in zip(latest[:6], earliest[1:7], strict=True))
    assert earliest[7] is middle[7] is latest[7] is None


async def outbox(db: Database) -> list[Row]:
    return await db.fetch("select type, subject_id, subject_version, data from event")


async def test_one_that_is_gone_is_disabled_at_once_and_the_clinic_is_told(db, time):
    async with Partner(status(410)) as partner:
        made = await webhook(db, partner)
        await happen(db, 2)
        async with working(db, time):
            await until(lambda: outbox(db))
            await asyncio.sleep(0.05)
        assert len(partner.heard) == 1
    now = await service.get(db, made.id)
    (told,) = await outbox(db)
    assert (now.disabled_at, now.failing_since, now.version) == (time(), time(), 2)
    assert (told.type, told.subject_id, told.subject_version) == ("webhook.disabled", str(made.id), 2)
    assert json.loads(told.data) == {"failingSince": json.loads(msgspec.json.encode(time()))}
    found = await db.fetch("select status, reason from webhook_delivery order by event_id")
    assert [tuple(each) for each in found] == [("failed", "answered 410: it accepts no more events"), ("queued", None)]


async def test_one_that_fails_for_five_days_is_disabled(db, time):
    async with Partner(status(500)) as partner:
        made = await webhook(db, partner)
        began = time()
        async with working(db, time):
            await happen(db)
            await tried(db)
            time.forward(days=4, hours=23)
            await tried(db, 2)
            assert (await service.get(db, made.id)).disabled_at is None
            time.forward(hours=1)
            await until(lambda: outbox(db))
    now = await service.get(db, made.id)
    assert (now.failing_since, now.disabled_at) == (began, began + timedelta(days=5))


async def test_a_success_in_between_makes_the_five_days_begin_anew(db, time):
    async with Partner(status(500)) as partner:
        made = await webhook(db, partner)
        async with working(db, time):
            await happen(db)
            await tried(db)
            time.forward(days=4)
            partner.answer = OK
            await delivered(db, 1)
            assert (await service.get(db, made.id)).failing_since is None
            partner.answer = status(500)
            time.forward(days=4)
            await happen(db)
            await until(lambda: len(partner.heard) == 3)
            await until(lambda: db.fetchval("select count(*) from webhook where failing_since is not null"))
    now = await service.get(db, made.id)
    assert (now.failing_since, now.disabled_at) == (time(), None)


async def test_a_disabled_one_is_sent_nothing_until_it_is_enabled_again(db, time):
    async with Partner(status(410)) as partner, Partner() as other:
        made = await webhook(db, partner)
        first = await happen(db, 2)
        async with working(db, time):
            await until(lambda: outbox(db))
            await webhook(db, other)
            during = await happen(db)
            await until(lambda: len(other.heard) == 2)
            assert json.loads(other.heard[0].body)["type"] == "webhook.disabled"
            assert partner.ids == first[:1]
            partner.answer = OK
            patch = WebhookPatch(enabled=True)
            await service.change(db, SYSTEM, webhook_id=made.id, change=patch, private_addresses=True, if_match=None)
            await until(lambda: partner.ids == first)
            await db.atomic(
                service.replay,
                SYSTEM,
                webhook_id=made.id,
                since=time() - timedelta(hours=1),
                retention_days=30,
                now=time(),
            )
            await until(lambda: set(during) < set(partner.ids))
    assert (await service.get(db, made.id)).disabled_at is None


async def test_a_replay_sends_again_what_has_happened_since_with_the_same_ids(db, time):
    async with Partner() as partner:
        made = await webhook(db, partner, "appointment.changed")
        async with working(db, time):
            await happen(db, 3)
            await delivered(db, 3)
            await asyncio.sleep(0.01)  # the next id is of another millisecond
            since = clock.now()
            later = await happen(db, 2)
            await happen(db, type="appointment.covered", data='{"doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d"}')
            await delivered(db, 5)
            queued = await db.atomic(
                service.replay, SYSTEM, webhook_id=made.id, since=since, retention_days=30, now=time()
            )
            await until(lambda: len(partner.heard) == 7)
        assert queued == 2
        assert partner.ids[5:] == later
        assert [heard.body for heard in partner.heard[5:]] == [heard.body for heard in partner.heard[3:5]]


async def test_what_a_dead_worker_has_not_written_down_is_sent_again_with_the_same_id(db, time):
    async with Partner() as partner:
        made = await webhook(db, partner)
        (id,) = await happen(db)
        (dead,) = await leases.claim(db, now=time(), until=time() + jobs.LEASE, limit=1)
        (delivery,) = await deliveries.list_due(db, made.id, now=time(), limit=1)
        endpoint = await leases.find_endpoint(db, dead)
        assert endpoint
        assert delivery.event
        async with gateway.connection_pool(private_addresses=True) as pool:
            outcome = await service.send(pool, endpoint, event_of(delivery.event), seconds=5, now=time())
        assert outcome.reason is None
        async with working(db, time):
            await asyncio.sleep(0.1)
            assert partner.ids == [id], "its lease holds"
            time.now = dead.leased_until
            await delivered(db, 1)
        assert partner.ids == [id, id]


async def test_a_worker_that_comes_late_changes_nothing(db, time):
    """What it writes down is of a version that is past: another worker has delivered the event."""
    async with Partner() as partner:
        made = await webhook(db, partner)
        await happen(db)
        (late,) = await deliveries.list_due(db, made.id, now=time(), limit=1)
        async with working(db, time):
            await delivered(db, 1)
    outcome = model.Outcome(500, "answered 500", 1)
    await db.atomic(
        service.record_outcome,
        delivery_id=late.id,
        version=late.version,
        attempts=late.attempts,
        outcome=outcome,
        jitter=0,
        now=time(),
    )
    delivery = await tried(db)
    assert (delivery.status, delivery.attempts, (await service.get(db, made.id)).failing_since) == (
        "delivered",
        1,
        None,
    )


async def test_several_workers_send_each_event_once_in_order_and_one_at_a_time(db):
    async def quick(writer):
        await asyncio.sleep(0.002)
        writer.write(OK)

    async with Partner(quick) as one, Partner(quick) as two, Partner(quick) as three:
        partners = (one, two, three)
        for partner in partners:
            await webhook(db, partner)
        async with working(db), working(db), working(db):
            ids = [*await happen(db, 40), *await happen(db, 40)]
            await delivered(db, 240)
        assert [partner.ids for partner in partners] == [ids] * 3
        assert [partner.most_at_once for partner in partners] == [1] * 3


async def test_everybody_has_a_turn_when_a_worker_is_busy(db, monkeypatch):
    """It serves one at a time here, for a quarter of a second each."""
    monkeypatch.setattr(jobs, "MAX_TURNS", 1)
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0.25)

    async def slow(writer):
        await asyncio.sleep(0.1)
        writer.write(OK)

    async with Partner(slow) as one, Partner(slow) as two:
        await webhook(db, one)
        await webhook(db, two)
        await happen(db, 50)
        async with working(db):
            await until(lambda: min(len(one.heard), len(two.heard)) >= 4)
        assert max(len(one.heard), len(two.heard)) < 20


async def test_a_worker_that_stops_ends_what_it_is_sending_and_no_more(db):
    began = asyncio.Event()

    async def slow(writer):
        began.set()
        await asyncio.sleep(0.2)
        writer.write(OK)

    async with Partner(slow) as partner:
        made = await webhook(db, partner)
        await happen(db, 10)
        async with working(db):
            await began.wait()
        assert len(partner.heard) == 1
    assert await db.fetchval("select count(*) from webhook_delivery where status = 'delivered'") == 1
    assert await db.fetchval("select leased_until <= now() from webhook where id = $1", made.id)


async def test_a_worker_that_is_cut_off_leaves_the_event_to_be_sent_again(db, time):
    async with Partner(hang) as partner:
        await webhook(db, partner)
        (id,) = await happen(db)
        task = asyncio.create_task(jobs.deliver(db, asyncio.Event(), private_addresses=True, now=time))
        await until(lambda: partner.heard)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        partner.answer = OK
        async with working(db, time):
            await delivered(db, 1)
        assert partner.ids == [id, id]


async def test_one_that_is_removed_meanwhile_is_sent_no_more(db):
    went_on = asyncio.Event()

    async def wait(writer):
        await went_on.wait()
        writer.write(OK)

    async with Partner(wait) as partner:
        made = await webhook(db, partner)
        await happen(db, 10)
        async with working(db):
            await until(lambda: partner.heard)
            await db.atomic(service.remove, SYSTEM, webhook_id=made.id, if_match=None, now=clock.now())
            went_on.set()
            await happen(db)
            await asyncio.sleep(0.1)
        assert len(partner.heard) == 1
    assert await db.fetchval("select count(*) from webhook_delivery") == 0


async def test_a_new_address_holds_for_the_next_event(db):
    async with Partner() as other:

        async def move(writer):
            if other.url not in str(moved):
                patch = WebhookPatch(url=other.url)
                moved.append(
                    await service.change(
                        db, SYSTEM, webhook_id=made.id, change=patch, private_addresses=True, if_match=None
                    )
                )
            writer.write(OK)

        moved: list[object] = []
        async with Partner(move) as partner:
            made = await webhook(db, partner)
            ids = await happen(db, 5)
            async with working(db):
                await delivered(db, 5)
            assert (partner.ids, other.ids) == (ids[:1], ids[1:])


async def test_an_event_that_is_not_kept_any_more_is_given_up(db):
    async with Partner() as partner:
        made = await webhook(db, partner)
        await happen(db)
        await db.execute("truncate event_log")
        after = await happen(db)
        async with working(db):
            await delivered(db, 1)
        assert partner.ids == after
    given_up = await db.fetchrow("select status, reason from webhook_delivery order by event_id")
    assert given_up
    assert tuple(given_up) == ("failed", "the event is no longer stored")
    assert (await service.get(db, made.id)).failing_since is None


async def test_old_deliveries_are_forgotten_but_for_those_that_can_still_be_sent(db):
    async with Partner() as partner:
        await webhook(db, partner)
        await happen(db, 3)
        kept = await happen(db, 3)
    statuses = ["queued", "failed", "delivered"] * 2
    for number, row in enumerate(await db.fetch("select id from webhook_delivery order by event_id")):
        at = clock.now() if statuses[number] == "delivered" else None
        await db.execute(
            "update webhook_delivery set status = $2, delivered_at = $3, reason = 'answered 500' where id = $1",
            row.id,
            statuses[number],
            at,
        )
    await db.execute("delete from event_log where id <> all ($1::uuid[])", kept)
    assert await deliveries.delete_old(db, before=clock.now() - timedelta(days=1)) == 0
    assert await deliveries.delete_old(db, before=clock.now() + timedelta(minutes=1)) == 5
    assert [str(row.event_id) for row in await db.fetch("select event_id from webhook_delivery")] == kept[:1]


async def test_neither_logs_nor_reasons_hold_secrets(db, capsys):
    async with Partner(status(500)) as failing, Partner(hang) as hanging, Partner() as away:
        made = [await webhook(db, partner) for partner in (failing, hanging, away)]
    await happen(db)
    async with Partner(close) as closing:
        made.append(await webhook(db, closing))
        await happen(db)
        async with working(db, answer_seconds=0.2):
            await until(lambda: db.fetchval("select count(*) = 4 from webhook_delivery where attempts > 0"))
    said = "".join(capsys.readouterr()) + str(await db.fetch("select reason from webhook_delivery"))
    assert [word for word in ("hush", *(each.secret for each in made)) if word in said] == []


async def test_a_fault_of_ours_with_one_event_holds_up_no_other(db, capsys):
    async with Partner() as partner:
        await webhook(db, partner)
        await happen(db)
        await db.execute("update event_log set type = 'nothing.known'")
        after = await happen(db)
        async with working(db):
            await delivered(db, 1)
        assert partner.ids == after
    given_up = await db.fetchrow("select status, reason from webhook_delivery order by event_id")
    assert given_up
    assert tuple(given_up) == ("failed", "the event cannot be read")
