"""Events are delivered to webhooks once, in order and signed."""

import asyncio
import json
from datetime import timedelta

import pytest

from appoint.events.model import cloud_event
from appoint.events.service import event_of
from appoint.integrations.webhooks import service
from appoint.integrations.webhooks.model import WebhookPatch
from appoint.integrations.webhooks.repository import deliveries
from appoint.kit import clock
from appoint.kit.actors import SYSTEM
from support.partner import OK, Partner, hang, status
from support.webhooks import add_events, close, log_entry, until, wait_for_deliveries, webhook, working

pytestmark = pytest.mark.usefixtures("two_clinics", "fast_delivery")


async def test_an_event_is_delivered_as_a_signed_cloud_event(db):
    async with Partner() as partner:
        created = await webhook(db, partner)
        (id,) = await add_events(
            db, type="appointment.covered", data='{"doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d"}'
        )
        async with working(db):
            await wait_for_deliveries(db, 1)
        (request,) = partner.requests
    entry = await log_entry(db, id)
    assert request.body == cloud_event(event_of(entry))
    assert request.path == "/events?token=hush"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["user-agent"] == "Appoint-Webhooks"
    assert request.id == json.loads(request.body)["id"] == id
    assert abs(int(request.headers["webhook-timestamp"]) - clock.now().timestamp()) < 60
    assert request.is_signed_with(created.secret)


async def test_for_a_day_after_a_rotation_both_secrets_are_used(db, time):
    async with Partner() as partner:
        created = await webhook(db, partner)
        rotation = await db.atomic(service.rotate_secret, SYSTEM, webhook_id=created.id, now=time())
        async with working(db, time):
            await add_events(db)
            await wait_for_deliveries(db, 1)
            await time.forward(db, hours=23.9)
            await add_events(db)
            await wait_for_deliveries(db, 2)
            await time.forward(db, hours=0.2)
            await add_events(db)
            await wait_for_deliveries(db, 3)
    assert [request.is_signed_with(rotation.secret) for request in partner.requests] == [True, True, True]
    assert [request.is_signed_with(created.secret) for request in partner.requests] == [True, True, False]
    assert [len(request.headers["webhook-signature"].split(" ")) for request in partner.requests] == [2, 2, 1]


async def test_only_subscribed_events_are_delivered_and_in_order(db):
    async with Partner() as partner:
        await webhook(db, partner, "appointment.changed", "appointment.held")
        expected = await add_events(db, 120)
        await add_events(db, type="webhook.disabled", data='{"failingSince": "2027-03-01T08:30:00Z"}')
        async with working(db):
            await wait_for_deliveries(db, 120)
        assert partner.ids == expected
    assert await db.fetchval("select count(*) from webhook_delivery") == 120


async def test_a_webhook_gets_only_its_own_clinics_events(db):
    """Webhooks never get platform events."""
    async with Partner() as lakeside, Partner() as hillside:
        await webhook(db, lakeside)
        await webhook(db, hillside, clinic_id=2)
        here = await add_events(db)
        there = await add_events(db, clinic_id=2)
        await add_events(
            db, clinic_id=0, type="customer.registered", data='{"customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d"}'
        )
        async with working(db):
            await wait_for_deliveries(db, 2)
        assert (lakeside.ids, hillside.ids) == (here, there)
    assert await db.fetchval("select count(*) from webhook_delivery") == 2


async def test_an_event_relayed_twice_is_queued_once(db):
    async with Partner() as partner:
        await webhook(db, partner)
        (id,) = await add_events(db)
        row = await log_entry(db, id)
        for _ in range(2):
            await db.atomic(service.fan_out, [event_of(row)])
    assert await db.fetchval("select count(*) from webhook_delivery") == 1


async def test_a_replay_delivers_events_again_with_the_same_ids(db, time):
    async with Partner() as partner:
        created = await webhook(db, partner, "appointment.changed")
        async with working(db, time):
            await add_events(db, 3)
            await wait_for_deliveries(db, 3)
            await asyncio.sleep(0.01)  # so that the next id is from a later millisecond
            since = clock.now()
            later = await add_events(db, 2)
            await add_events(
                db, type="appointment.covered", data='{"doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d"}'
            )
            await wait_for_deliveries(db, 5)
            count = await db.atomic(
                service.replay, SYSTEM, webhook_id=created.id, since=since, retention_days=30, now=time()
            )
            await until(lambda: len(partner.requests) == 7)
        assert count == 2
        assert partner.ids[5:] == later
        assert [request.body for request in partner.requests[5:]] == [request.body for request in partner.requests[3:5]]


async def test_a_removed_webhook_does_not_get_further_events(db):
    may_respond = asyncio.Event()

    async def wait(writer):
        await may_respond.wait()
        writer.write(OK)

    async with Partner(wait) as partner:
        created = await webhook(db, partner)
        await add_events(db, 10)
        async with working(db):
            await until(lambda: partner.requests)
            await db.atomic(service.remove, SYSTEM, webhook_id=created.id, if_match=None, now=clock.now())
            may_respond.set()
            await add_events(db)
            await asyncio.sleep(0.1)
        assert len(partner.requests) == 1
    assert await db.fetchval("select count(*) from webhook_delivery") == 0


async def test_a_new_url_is_used_from_the_next_event(db):
    async with Partner() as other:

        async def move(writer):
            if other.url not in str(changes):
                patch = WebhookPatch(url=other.url)
                changes.append(
                    await service.change(
                        db, SYSTEM, webhook_id=created.id, change=patch, private_addresses=True, if_match=None
                    )
                )
            writer.write(OK)

        changes: list[object] = []
        async with Partner(move) as partner:
            created = await webhook(db, partner)
            ids = await add_events(db, 5)
            async with working(db):
                await wait_for_deliveries(db, 5)
            assert (partner.ids, other.ids) == (ids[:1], ids[1:])


async def test_old_deliveries_are_deleted_unless_they_can_still_be_sent(db):
    async with Partner() as partner:
        await webhook(db, partner)
        await add_events(db, 3)
        kept_ids = await add_events(db, 3)
    statuses = ["queued", "failed", "delivered"] * 2
    for number, row in enumerate(await db.fetch("select id from webhook_delivery order by event_id")):
        at = clock.now() if statuses[number] == "delivered" else None
        await db.execute(
            "update webhook_delivery set status = $2, delivered_at = $3, reason = 'responded with 500' where id = $1",
            row.id,
            statuses[number],
            at,
        )
    await db.execute("delete from event_log where id <> all ($1::uuid[])", kept_ids)
    assert await deliveries.delete_old(db, before=clock.now() - timedelta(days=1)) == 0
    assert await deliveries.delete_old(db, before=clock.now() + timedelta(minutes=1)) == 5
    assert [str(row.event_id) for row in await db.fetch("select event_id from webhook_delivery")] == kept_ids[:1]


async def test_logs_and_reasons_contain_no_secrets(db, capsys):
    async with Partner(status(500)) as failing, Partner(hang) as hanging, Partner() as stopped:
        webhooks = [await webhook(db, partner) for partner in (failing, hanging, stopped)]
    await add_events(db)
    async with Partner(close) as closing:
        webhooks.append(await webhook(db, closing))
        await add_events(db)
        async with working(db, response_seconds=0.2):
            await until(lambda: db.fetchval("select count(*) = 4 from webhook_delivery where attempts > 0"))
    output = "".join(capsys.readouterr()) + str(await db.fetch("select reason from webhook_delivery"))
    assert [word for word in ("hush", *(each.secret for each in webhooks)) if word in output] == []
