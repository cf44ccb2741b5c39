"""Staff list a webhook's deliveries and replay past events."""

from datetime import timedelta
from urllib.parse import quote

from appoint.kit import clock
from support.app import ADMIN
from support.webhook_api import get, pointers, post, webhook
from support.webhooks import add_events
from support.world import create_clinic


async def test_deliveries_are_listed_in_event_order_and_by_status(db, client):
    await create_clinic(client)
    await add_events(db, 0)  # relay the clinic's own event before the webhook exists
    created = await webhook(client)
    ids = await add_events(db, 3)
    path = f"/api/webhooks/{created['id']}/deliveries"
    await db.execute(
        """
        update webhook_delivery
           set status = 'failed', attempts = 8, response_status = 500, reason = 'responded with 500'
         where event_id = $1
        """,
        ids[0],
    )
    await db.execute(
        """
        update webhook_delivery set status = 'delivered', attempts = 1, response_status = 204, delivered_at = now()
         where event_id = $1
        """,
        ids[1],
    )
    items = (await get(client, path))["items"]
    assert [(each["eventId"], each["status"]) for each in items] == list(
        zip(ids, ["failed", "delivered", "queued"], strict=True)
    )
    assert {
        name: items[0][name]
        for name in ("clinicId", "webhookId", "eventType", "attempts", "responseStatus", "reason", "deliveredAt")
    } == {
        "clinicId": 1,
        "webhookId": created["id"],
        "eventType": "appointment.changed",
        "attempts": 8,
        "responseStatus": 500,
        "reason": "responded with 500",
        "deliveredAt": None,
    }
    assert [
        [each["eventId"] for each in (await get(client, f"{path}?status={one}"))["items"]]
        for one in ("failed", "delivered", "queued")
    ] == [[id] for id in ids]
    assert pointers(await client.get(f"{path}?status=lost", headers=ADMIN)) == ["?status"]
    first = await get(client, f"{path}?limit=2")
    second = await get(client, f"{path}?limit=2&cursor={first['next']}")
    assert [each["eventId"] for each in second["items"]] == ids[2:]


async def replay(client, created, since, key=None):
    return await post(client, f"/api/webhooks/{created['id']}/replay?since={quote(since.isoformat())}", key)


async def test_a_replay_queues_later_events_of_the_subscribed_types(db, client):
    await create_clinic(client)
    created = await webhook(client, eventTypes=["appointment.changed"])
    await add_events(db, 2)
    await add_events(db, 1, type="webhook.disabled", data='{"failingSince": "2027-03-01T08:30:00Z"}')
    await db.execute("update webhook_delivery set status = 'delivered', attempts = 3, delivered_at = now()")
    since = clock.now() - timedelta(hours=1)
    first, second = [await replay(client, created, since, "once") for _ in range(2)]
    assert (first.status_code, first.json(), second.json(), second.headers["Idempotent-Replayed"]) == (
        200,
        {"queued": 2},
        {"queued": 2},
        "true",
    )
    items = (await get(client, f"/api/webhooks/{created['id']}/deliveries"))["items"]
    assert [(each["status"], each["attempts"], each["deliveredAt"], each["version"]) for each in items] == [
        ("queued", 0, None, 2)
    ] * 2
    assert (await replay(client, created, clock.now() + timedelta(hours=1))).json() == {"queued": 0}


async def test_a_replay_includes_events_from_before_the_webhook_was_created(db, client):
    await create_clinic(client)
    await add_events(db, 2)
    created = await webhook(client)
    assert (await replay(client, created, clock.now() - timedelta(hours=1))).json() == {
        "queued": 3
    }  # including the clinic's own event


async def test_a_replay_reaches_back_as_far_as_events_are_kept(client):
    await create_clinic(client)
    created = await webhook(client)
    assert (await replay(client, created, clock.now() - timedelta(days=29.9))).json() == {"queued": 0}
    too_far = await replay(client, created, clock.now() - timedelta(days=30.1))
    assert (too_far.status_code, too_far.json()["errors"]) == (
        400,
        [{"pointer": "?since", "detail": "must not be more than 30 days ago"}],
    )
    path = f"/api/webhooks/{created['id']}/replay"
    assert [
        pointers(await post(client, path + query)) for query in ("", "?since=yesterday", "?since=2027-03-01T08:30:00")
    ] == [["?since"]] * 3
