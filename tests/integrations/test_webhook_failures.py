"""Which deliveries fail, and how they are retried."""

import asyncio
import socket
import struct
from datetime import timedelta

import pytest

from appoint.events import repository as events
from appoint.integrations.webhooks import service
from support.partner import OK, Partner, hang, status
from support.webhooks import add_events, close, wait_for_attempts, wait_for_deliveries, webhook, working

pytestmark = pytest.mark.usefixtures("two_clinics", "fast_delivery")


async def test_a_failed_event_delays_only_later_events_for_its_subject(db, time):
    responses = [status(503)]

    async def fails_once(writer):
        writer.write(responses.pop() if responses else OK)

    async with Partner(fails_once) as partner:
        await webhook(db, partner)
        for subject, version in (("a", 1), ("a", 2), ("b", 1)):
            await events.append_event(
                db, clinic_id=1, type="appointment.changed", subject_id=subject, subject_version=version, data="{}"
            )
        first, second, other = await add_events(db, 0)
        async with working(db, time):
            await wait_for_deliveries(db, 1)
            await asyncio.sleep(0.05)
            assert partner.ids == [first, other]
            await time.forward(db, minutes=1)
            await wait_for_deliveries(db, 3)
        assert partner.ids == [first, other, first, second]


async def drip(writer):
    """Write one byte at a time."""
    for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
        writer.write(bytes([letter]))
        await asyncio.sleep(0.05)


async def reset(writer):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-")
    writer.close()


FAILURES = {
    "an internal error": (status(500), 500, "responded with 500"),
    "not found": (status(404), 404, "responded with 404"),
    "too many requests": (status(429, "Retry-After: 1"), 429, "responded with 429"),
    "a different protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: upgrade\r\n\r\n",
        None,
        "did not respond with HTTP",
    ),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\n\r\n", 304, "responded with 304; redirects are not followed"),
    "garbage": (b"\x00\xff\xfe garbage\r\n\r\n", None, "did not respond with HTTP"),
    "a different kind of server": (b"220 mail.example.com ESMTP\r\n", None, "did not respond within 0.4 seconds"),
    "endless headers": (b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300_000, None, "did not respond with HTTP"),
    "hanging": (hang, None, "did not respond within 0.4 seconds"),
    "dripping": (drip, None, "did not respond within 0.4 seconds"),
    "closing": (close, None, "did not respond with HTTP"),
    "closing in the middle": (half, None, "did not respond with HTTP"),
    "a connection reset": (reset, None, "closed the connection"),
}


@pytest.mark.parametrize(("response", "response_status", "reason"), FAILURES.values(), ids=FAILURES)
async def test_an_unsuccessful_delivery_is_retried(db, response, response_status, reason):
    async with Partner(response) as partner:
        created = await webhook(db, partner)
        await add_events(db)
        async with working(db, response_seconds=0.4 if "0.4" in reason else 15):
            delivery = await wait_for_attempts(db)
        assert len(partner.requests) == 1
    assert (delivery.status, delivery.attempts, delivery.response_status, delivery.reason) == (
        "queued",
        1,
        response_status,
        reason,
    )
    assert timedelta(seconds=3) < delivery.due_at - delivery.updated_at < timedelta(seconds=6)
    assert (await service.get(db, created.id)).failing_since


async def test_a_delivery_to_an_unreachable_address_is_retried(db):
    async with Partner() as partner:
        await webhook(db, partner)
    await add_events(db)
    async with working(db):
        delivery = await wait_for_attempts(db)
    assert (delivery.status, delivery.response_status, delivery.reason) == ("queued", None, "refused the connection")


async def test_a_redirect_is_not_followed(db):
    async with Partner() as target:
        async with Partner(status(307, f"Location: {target.url}")) as partner:
            await webhook(db, partner)
            await add_events(db)
            async with working(db):
                delivery = await wait_for_attempts(db)
        assert (delivery.status, delivery.reason, target.requests) == (
            "queued",
            "responded with 307; redirects are not followed",
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


RESPONSES = {
    "no content": OK,
    "a short body": status(202),
    "a body over the limit": b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000,
    "a body that is cut off": cut_off,
    "a body that never ends": endless,
    "compressed nonsense": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    "an early hint first": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
async def test_the_status_determines_whether_a_delivery_succeeds_whatever_the_body(db, response):
    async with Partner(response) as partner:
        created = await webhook(db, partner)
        await add_events(db, 3)
        async with working(db, response_seconds=1 if response is endless else 15):
            await wait_for_deliveries(db, 3)
        assert len(set(partner.ids)) == len(partner.ids) == 3
    assert (await service.get(db, created.id)).failing_since is None


async def test_a_delivery_is_abandoned_after_eight_attempts_in_a_day(db, time):
    async with Partner(status(500)) as partner:
        await webhook(db, partner)
        await add_events(db)
        start = time()
        async with working(db, time):
            for attempt in range(1, 8):
                delivery = await wait_for_attempts(db, attempt)
                time.now = delivery.due_at - timedelta(seconds=1)
                await asyncio.sleep(0.05)
                assert len(partner.requests) == attempt
                time.now = delivery.due_at
            delivery = await wait_for_attempts(db, 8)
            assert (delivery.status, delivery.reason) == ("failed", "responded with 500")
            assert timedelta(hours=21) < time() - start < timedelta(hours=27)
            await time.forward(db, days=3)
            await asyncio.sleep(0.05)
        assert (len(partner.requests), len(set(partner.ids))) == (8, 1)


async def test_the_delivery_of_a_deleted_event_is_abandoned(db):
    async with Partner() as partner:
        created = await webhook(db, partner)
        await add_events(db)
        await db.execute("truncate event_log")
        after = await add_events(db)
        async with working(db):
            await wait_for_deliveries(db, 1)
        assert partner.ids == after
    abandoned = await db.fetchrow("select status, reason from webhook_delivery order by event_id")
    assert abandoned
    assert tuple(abandoned) == ("failed", "the event is no longer stored")
    assert (await service.get(db, created.id)).failing_since is None


async def test_an_unreadable_event_does_not_delay_others(db, capsys):
    async with Partner() as partner:
        await webhook(db, partner)
        await add_events(db)
        await db.execute("update event_log set type = 'nothing.known'")
        after = await add_events(db)
        async with working(db):
            await wait_for_deliveries(db, 1)
        assert partner.ids == after
    abandoned = await db.fetchrow("select status, reason from webhook_delivery order by event_id")
    assert abandoned
    assert tuple(abandoned) == ("failed", "the event cannot be read")
