"""Webhooks that keep failing are disabled until staff enable them."""

import asyncio
import json
from datetime import timedelta

import msgspec
import pytest

from appoint.database.pool import Database, Row
from appoint.integrations.webhooks import service
from appoint.integrations.webhooks.model import WebhookPatch
from appoint.kit.actors import SYSTEM
from support.partner import OK, Partner, status
from support.webhooks import add_events, until, wait_for_attempts, wait_for_deliveries, webhook, working

pytestmark = pytest.mark.usefixtures("two_clinics", "fast_delivery")


async def outbox_events(db: Database) -> list[Row]:
    return await db.fetch("select type, subject_id, subject_version, data from event")


async def test_a_webhook_that_responds_with_gone_is_disabled_and_an_event_reports_it(db, time):
    async with Partner(status(410)) as partner:
        created = await webhook(db, partner)
        await add_events(db, 2)
        async with working(db, time):
            await until(lambda: outbox_events(db))
            await asyncio.sleep(0.05)
        assert len(partner.requests) == 1
    webhook_after = await service.get(db, created.id)
    (event,) = await outbox_events(db)
    assert (webhook_after.disabled_at, webhook_after.failing_since, webhook_after.version) == (time(), time(), 2)
    assert (event.type, event.subject_id, event.subject_version) == ("webhook.disabled", str(created.id), 2)
    assert json.loads(event.data) == {"failingSince": json.loads(msgspec.json.encode(time()))}
    deliveries = await db.fetch("select status, reason from webhook_delivery order by event_id")
    assert [tuple(each) for each in deliveries] == [
        ("failed", "responded with 410: it no longer accepts events"),
        ("queued", None),
    ]


async def test_a_webhook_that_fails_for_five_days_is_disabled(db, time):
    async with Partner(status(500)) as partner:
        created = await webhook(db, partner)
        start = time()
        async with working(db, time):
            await add_events(db)
            await wait_for_attempts(db)
            await time.forward(db, days=4, hours=23)
            await wait_for_attempts(db, 2)
            assert (await service.get(db, created.id)).disabled_at is None
            await time.forward(db, hours=1)
            await until(lambda: outbox_events(db))
    now = await service.get(db, created.id)
    assert (now.failing_since, now.disabled_at) == (start, start + timedelta(days=5))


async def test_a_success_restarts_the_five_days(db, time):
    async with Partner(status(500)) as partner:
        created = await webhook(db, partner)
        async with working(db, time):
            await add_events(db)
            await wait_for_attempts(db)
            await time.forward(db, days=4)
            partner.response = OK
            await wait_for_deliveries(db, 1)
            assert (await service.get(db, created.id)).failing_since is None
            partner.response = status(500)
            await time.forward(db, days=4)
            await add_events(db)
            await until(lambda: len(partner.requests) == 3)
            await until(lambda: db.fetchval("select count(*) from webhook where failing_since is not null"))
    now = await service.get(db, created.id)
    assert (now.failing_since, now.disabled_at) == (time(), None)


async def test_a_disabled_webhook_does_not_get_any_events_until_it_is_enabled(db, time):
    async with Partner(status(410)) as partner, Partner() as other:
        created = await webhook(db, partner)
        first = await add_events(db, 2)
        async with working(db, time):
            await until(lambda: outbox_events(db))
            await webhook(db, other)
            during = await add_events(db)
            await until(lambda: len(other.requests) == 2)
            assert json.loads(other.requests[0].body)["type"] == "webhook.disabled"
            assert partner.ids == first[:1]
            partner.response = OK
            patch = WebhookPatch(enabled=True)
            await service.change(db, SYSTEM, webhook_id=created.id, change=patch, private_addresses=True, if_match=None)
            await until(lambda: partner.ids == first)
            await db.atomic(
                service.replay,
                SYSTEM,
                webhook_id=created.id,
                since=time() - timedelta(hours=1),
                retention_days=30,
                now=time(),
            )
            await until(lambda: set(during) < set(partner.ids))
    assert (await service.get(db, created.id)).disabled_at is None
