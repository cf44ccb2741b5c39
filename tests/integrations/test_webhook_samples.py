"""Staff send a sample to a webhook to try it out."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from support.app import ADMIN, client_of, composed
from support.partner import Partner, hang, status
from support.webhook_api import get, post, webhook
from support.world import create_clinic


@pytest.fixture
async def local_client(db, database_url) -> AsyncIterator[httpx2.AsyncClient]:
    """A client for an application that is allowed to send to private addresses."""
    async with client_of(composed(database_url, webhook_private_addresses=True)) as client:
        yield client


async def test_a_sample_is_signed_and_sent_immediately_but_not_stored(db, local_client):
    async with Partner() as partner:
        await create_clinic(local_client)
        await db.execute("delete from event")  # the clinic's own events
        created = await webhook(local_client, url=partner.url, eventTypes=["slot.moved"])
        response = await post(local_client, f"/api/webhooks/{created['id']}/test")
        trial = response.json()
        (delivery,) = partner.requests
    assert (response.status_code, trial["delivered"], trial["responseStatus"], trial["reason"]) == (
        200,
        True,
        204,
        None,
    )
    assert 0 <= trial["milliseconds"] < 15_000
    assert delivery.is_signed_with(created["secret"])
    sample = json.loads(delivery.body)
    assert (sample["type"], sample["source"], sample["subject"], sample["data"]) == (
        "webhook.test",
        "/clinics/1",
        created["id"],
        {"webhookId": created["id"]},
    )
    assert [
        await db.fetchval(f"select count(*) from {table}") for table in ("event", "event_log", "webhook_delivery")
    ] == [0, 0, 0]


async def test_a_failed_sample_is_reported_with_its_reason(local_client):
    async with Partner(status(503)) as partner:
        await create_clinic(local_client)
        created = await webhook(local_client, url=partner.url)
        trial = (await post(local_client, f"/api/webhooks/{created['id']}/test")).json()
        assert (trial["delivered"], trial["responseStatus"], trial["reason"]) == (False, 503, "responded with 503")
    trial = (await post(local_client, f"/api/webhooks/{created['id']}/test")).json()
    assert (trial["delivered"], trial["responseStatus"], trial["reason"]) == (False, None, "refused the connection")
    assert (await get(local_client, f"/api/webhooks/{created['id']}"))["failingSince"] is None


async def test_a_repeated_request_sends_the_same_sample_again(local_client):
    """Like any repeated delivery, it has the same `webhook-id`, so that the partner can detect the repeat."""
    async with Partner() as partner:
        await create_clinic(local_client)
        created = await webhook(local_client, url=partner.url)
        responses = [await post(local_client, f"/api/webhooks/{created['id']}/test", "once") for _ in range(2)]
        other = await post(local_client, f"/api/webhooks/{created['id']}/test", "twice")
        first, second, third = partner.requests
    assert [response.headers.get("Idempotent-Replayed") for response in (*responses, other)] == [None, "true", None]
    assert (first.id, first.body) == (second.id, second.body) != (third.id, third.body)


async def test_nothing_is_locked_while_a_sample_is_sent(db, local_client):
    async with Partner(hang) as partner:
        await create_clinic(local_client)
        created = await webhook(local_client, url=partner.url)
        test = asyncio.create_task(post(local_client, f"/api/webhooks/{created['id']}/test", "once"))
        while not partner.requests:
            await asyncio.sleep(0.01)
        idle = await db.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"
        )
        changed = await local_client.patch(f"/api/webhooks/{created['id']}", json={"description": "x"}, headers=ADMIN)
        test.cancel()
    assert (idle, changed.status_code) == (0, 200)
