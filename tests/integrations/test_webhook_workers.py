"""Any number of workers deliver events to webhooks, and any of them can die."""

import asyncio

import pytest

from appoint.events.service import event_of
from appoint.integrations.webhooks import jobs, model, retries, service
from appoint.integrations.webhooks.repository import deliveries, leases
from appoint.kit.public_internet import connection_pool
from support.partner import OK, Partner, hang
from support.webhooks import add_events, until, wait_for_attempts, wait_for_deliveries, webhook, working

pytestmark = pytest.mark.usefixtures("two_clinics", "fast_delivery")


async def test_a_hanging_webhook_does_not_delay_others(db):
    may_respond = asyncio.Event()

    async def wait(writer):
        await may_respond.wait()
        writer.write(OK)

    async with Partner(wait) as slow, Partner() as quick:
        await webhook(db, slow)
        await webhook(db, quick)
        ids = await add_events(db, 30)
        async with working(db, response_seconds=15):
            await until(lambda: quick.ids == ids)
            assert slow.ids == ids[:1]
            may_respond.set()
            await until(lambda: slow.ids == ids)


async def test_a_dead_workers_unrecorded_delivery_is_repeated_with_the_same_id(db, time):
    async with Partner() as partner:
        created = await webhook(db, partner)
        (id,) = await add_events(db)
        (dead,) = await leases.claim(db, now=time(), until=time() + jobs.LEASE, limit=1)
        (delivery,) = await deliveries.list_due(db, created.id, now=time(), limit=1)
        endpoint = await leases.find_endpoint(db, dead)
        assert endpoint
        assert delivery.event
        async with connection_pool(private_addresses=True) as pool:
            outcome = await service.send(pool, endpoint, event_of(delivery.event), seconds=5, now=time())
        assert outcome.reason is None
        async with working(db, time):
            await asyncio.sleep(0.1)
            assert partner.ids == [id], "the dead worker's lease should still be valid"
            time.now = dead.leased_until
            await wait_for_deliveries(db, 1)
        assert partner.ids == [id, id]


async def test_a_late_result_from_another_worker_changes_nothing(db, time):
    """Its version of the delivery is outdated, because another worker has delivered the event."""
    async with Partner() as partner:
        created = await webhook(db, partner)
        await add_events(db)
        (late,) = await deliveries.list_due(db, created.id, now=time(), limit=1)
        async with working(db, time):
            await wait_for_deliveries(db, 1)
    outcome = model.DeliveryOutcome(500, "responded with 500", 1)
    await db.atomic(
        retries.record_outcome,
        delivery_id=late.id,
        version=late.version,
        attempts=late.attempts,
        outcome=outcome,
        jitter=0,
        now=time(),
    )
    delivery = await wait_for_attempts(db)
    assert (delivery.status, delivery.attempts, (await service.get(db, created.id)).failing_since) == (
        "delivered",
        1,
        None,
    )


async def test_concurrent_workers_deliver_each_event_once_in_order(db):
    async def quick(writer):
        await asyncio.sleep(0.002)
        writer.write(OK)

    async with Partner(quick) as one, Partner(quick) as two, Partner(quick) as three:
        partners = (one, two, three)
        for partner in partners:
            await webhook(db, partner)
        async with working(db), working(db), working(db):
            ids = [*await add_events(db, 40), *await add_events(db, 40)]
            await wait_for_deliveries(db, 240)
        assert [partner.ids for partner in partners] == [ids] * 3
        assert [partner.most_at_once for partner in partners] == [1] * 3


async def test_a_busy_worker_serves_webhooks_in_turn(db, monkeypatch):
    """Here, the worker serves one webhook at a time, for a quarter of a second each."""
    monkeypatch.setattr(jobs, "MAX_TURNS", 1)
    monkeypatch.setattr(jobs, "TURN_SECONDS", 0.25)

    async def slow(writer):
        await asyncio.sleep(0.1)
        writer.write(OK)

    async with Partner(slow) as one, Partner(slow) as two:
        await webhook(db, one)
        await webhook(db, two)
        await add_events(db, 50)
        async with working(db):
            await until(lambda: min(len(one.requests), len(two.requests)) >= 4)
        assert max(len(one.requests), len(two.requests)) < 20


async def test_a_stopping_worker_finishes_only_the_current_delivery(db):
    started = asyncio.Event()

    async def slow(writer):
        started.set()
        await asyncio.sleep(0.2)
        writer.write(OK)

    async with Partner(slow) as partner:
        created = await webhook(db, partner)
        await add_events(db, 10)
        async with working(db):
            await started.wait()
        assert len(partner.requests) == 1
    assert await db.fetchval("select count(*) from webhook_delivery where status = 'delivered'") == 1
    assert await db.fetchval("select leased_until <= now() from webhook where id = $1", created.id)


async def test_an_event_is_delivered_again_after_its_worker_is_cancelled(db, time):
    async with Partner(hang) as partner:
        await webhook(db, partner)
        (id,) = await add_events(db)
        task = asyncio.create_task(jobs.deliver(db, asyncio.Event(), private_addresses=True, now=time))
        await until(lambda: partner.requests)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        partner.response = OK
        async with working(db, time):
            await wait_for_deliveries(db, 1)
        assert partner.ids == [id, id]
