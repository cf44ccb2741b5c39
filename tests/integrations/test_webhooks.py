"""Setting up where a clinic's events are sent, and seeing what became of them."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import httpx2
import pytest

from appoint.events import repository as events
from appoint.events.service import relay
from appoint.integrations.webhooks.gateway import NOT_PUBLIC
from appoint.integrations.webhooks.model import EVENT_TYPES
from appoint.integrations.webhooks.service import fan_out
from appoint.kit import clock
from appoint.kit.i18n import translate
from support.app import ADMIN, composed
from support.partner import Partner, hang, status
from support.rows import clinic

URL = "https://8.8.8.8/appoint"


@pytest.fixture
async def at_home(db, database_url) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of an application that sends to this machine too."""
    app = composed(database_url, webhook_private_addresses=True)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
        ) as client,
    ):
        yield client


async def create(client, clinic_id=1, *, headers=ADMIN, **content):
    return await client.post(f"/api/clinics/{clinic_id}/webhooks", json={"url": URL, **content}, headers=headers)


async def webhook(client, clinic_id=1, **content) -> dict:
    made = await create(client, clinic_id, **content)
    assert made.status_code == 201, made.text
    return made.json()


async def get(client, path):
    return (await client.get(path, headers=ADMIN)).json()


async def post(client, path, key=None):
    return await client.post(path, headers=ADMIN | ({"Idempotency-Key": key} if key else {}))


async def happen(db, count=1, *, type="appointment.changed", data="{}") -> list[str]:
    """So many events of the first clinic, told to everyone; returns their ids."""
    for version in range(1, count + 1):
        await events.append_event(
            db, clinic_id=1, type=type, subject_id=f"{type} {version}", subject_version=version, data=data
        )
    ids = [str(row.id) for row in await db.fetch("select id from event order by id")]
    while await relay(db, [fan_out], now=clock.now()):
        pass
    return ids


def pointers(answer) -> list[str]:
    return [fault["pointer"] for fault in answer.json()["errors"]]


async def test_a_webhook_is_made_and_shows_its_secret_this_once(client):
    await clinic(client)
    made = await create(
        client,
        description="Our calendar",
        eventTypes=["appointment.cancelled", "appointment.booked", "appointment.booked"],
    )
    webhook = made.json()
    secret = webhook.pop("secret")
    assert (made.status_code, made.headers["Location"], made.headers["ETag"]) == (
        201,
        f"/api/webhooks/{webhook['id']}",
        '"v1"',
    )
    assert secret.startswith("whsec_")
    assert len(b64decode(secret.removeprefix("whsec_"))) == 32
    assert {
        name: webhook[name]
        for name in ("clinicId", "url", "description", "eventTypes", "active", "disabledAt", "failingSince")
    } == {
        "clinicId": 1,
        "url": URL,
        "description": "Our calendar",
        "eventTypes": ["appointment.booked", "appointment.cancelled"],
        "active": True,
        "disabledAt": None,
        "failingSince": None,
    }
    assert await get(client, made.headers["Location"]) == webhook
    assert (await get(client, "/api/clinics/1/webhooks"))["items"] == [webhook]


async def test_no_two_have_the_same_secret(client):
    await clinic(client)
    assert len({(await webhook(client))["secret"] for _ in range(3)}) == 3


async def test_a_repeated_create_makes_one_and_shows_its_secret_again(client):
    await clinic(client)
    headers = ADMIN | {"Idempotency-Key": "once"}
    first, second = [await create(client, headers=headers) for _ in range(2)]
    assert (second.status_code, second.headers["Idempotent-Replayed"], second.json()) == (201, "true", first.json())
    assert len((await get(client, "/api/clinics/1/webhooks"))["items"]) == 1


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({"url": "ftp://8.8.8.8/"}, "#/url"),
        ({"url": "8.8.8.8"}, "#/url"),
        ({"url": "https://8.8.8.8/a b"}, "#/url"),
        ({"url": "https://8.8.8.8/\n"}, "#/url"),
        ({"url": "https://8.8.8.8/" + "x" * 2000}, "#/url"),
        ({"url": "http://8.8.8.8/"}, "#/url"),
        ({"url": "https://ana:secret@8.8.8.8/"}, "#/url"),
        ({"url": "https://127.0.0.1/"}, "#/url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "#/url"),
        ({"url": "https://nobody.invalid/"}, "#/url"),
        ({"url": None}, "#/url"),
        ({"eventTypes": ["appointment.forgotten"]}, "#/eventTypes/0"),
        ({"eventTypes": ["appointment.booked", "webhook.test"]}, "#/eventTypes/1"),
        ({"eventTypes": ["customer.changed"]}, "#/eventTypes/0"),
        ({"eventTypes": None}, "#/eventTypes"),
        ({"eventTypes": ["appointment.booked"] * 101}, "#/eventTypes"),
        ({"secret": "whsec_AAAA"}, "#/secret"),
        ({"active": False}, "#/active"),
    ],
)
async def test_what_cannot_be_set_up_is_said(client, content, pointer):
    await clinic(client)
    refused = await create(client, **content)
    assert (refused.status_code, pointers(refused)) == (400, [pointer])
    made = await webhook(client)
    changed = await client.patch(f"/api/webhooks/{made['id']}", json=content, headers=ADMIN)
    assert (changed.status_code, pointers(changed)) == (400, [pointer])
    assert (await get(client, f"/api/webhooks/{made['id']}"))["version"] == 1


async def test_a_refused_url_is_explained_in_the_callers_language(client):
    await clinic(client)
    refused = await create(client, url="https://10.0.0.1/", headers=ADMIN | {"Accept-Language": "de"})
    detail = translate("de", NOT_PUBLIC)
    assert detail != NOT_PUBLIC
    assert refused.json()["errors"] == [{"pointer": "#/url", "detail": detail}]


async def test_a_clinic_has_twenty_webhooks_at_most_even_when_many_are_made_at_once(client):
    await clinic(client)
    await clinic(client)
    answers = await asyncio.gather(*(create(client) for _ in range(30)))
    refused = [answer.json() for answer in answers if answer.status_code != 201]
    assert [(problem["status"], problem["reason"], problem["most"]) for problem in refused] == [
        (409, "too-many-webhooks", 20)
    ] * 10
    (first, *_), _ = [(await get(client, f"/api/clinics/{number}/webhooks?limit=200"))["items"] for number in (1, 2)]
    assert (await create(client, 2)).status_code == 201
    await client.delete(f"/api/webhooks/{first['id']}", headers=ADMIN)
    assert [(await create(client)).status_code for _ in range(2)] == [201, 409]


async def test_a_clinic_that_is_not_there_or_not_active_gets_none(client):
    await clinic(client)
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert ((await create(client)).json()["reason"], (await create(client, 9)).status_code) == ("clinic-inactive", 404)


async def test_a_list_comes_in_pages(client):
    await clinic(client)
    made = [(await webhook(client))["id"] for _ in range(3)]
    first = await get(client, "/api/clinics/1/webhooks?limit=2")
    second = await get(client, f"/api/clinics/1/webhooks?limit=2&cursor={first['next']}")
    assert ([each["id"] for each in first["items"] + second["items"]], second["next"]) == (sorted(made), None)


async def test_a_patch_changes_what_it_names(client):
    await clinic(client)
    made = await webhook(client, description="Old", eventTypes=["slot.moved"])
    answer = await client.patch(
        f"/api/webhooks/{made['id']}",
        json={"url": "https://8.8.4.4/", "description": None},
        headers=ADMIN | {"If-Match": '"v1"'},
    )
    changed = answer.json()
    assert (changed["url"], changed["description"], changed["eventTypes"], changed["version"]) == (
        "https://8.8.4.4/",
        None,
        ["slot.moved"],
        2,
    )
    assert "secret" not in changed
    assert (
        await client.patch(f"/api/webhooks/{made['id']}", json={}, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412


async def test_a_clinic_may_insist_on_versions(client):
    await clinic(client, policy={"requireVersion": True})
    made = await webhook(client)
    path = f"/api/webhooks/{made['id']}"
    assert [
        (await client.patch(path, json={}, headers=ADMIN)).status_code,
        (await client.delete(path, headers=ADMIN)).status_code,
    ] == [428, 428]


async def test_a_disabled_one_is_enabled_by_a_patch(db, client):
    await clinic(client)
    made = await webhook(client)
    await db.execute("update webhook set failing_since = now() - interval '5 days', disabled_at = now()")
    assert (await get(client, f"/api/webhooks/{made['id']}"))["disabledAt"]
    unchanged = (await client.patch(f"/api/webhooks/{made['id']}", json={"description": "x"}, headers=ADMIN)).json()
    enabled = (await client.patch(f"/api/webhooks/{made['id']}", json={"enabled": True}, headers=ADMIN)).json()
    assert (bool(unchanged["disabledAt"]), enabled["disabledAt"], enabled["failingSince"]) == (True, None, None)
    assert (
        await client.patch(f"/api/webhooks/{made['id']}", json={"enabled": False}, headers=ADMIN)
    ).status_code == 400


async def test_another_address_begins_with_a_clean_record(db, client):
    await clinic(client)
    made = await webhook(client)
    await db.execute("update webhook set failing_since = now() - interval '4 days'")
    same = (await client.patch(f"/api/webhooks/{made['id']}", json={"url": URL}, headers=ADMIN)).json()
    other = (await client.patch(f"/api/webhooks/{made['id']}", json={"url": "https://8.8.4.4/"}, headers=ADMIN)).json()
    assert (bool(same["failingSince"]), other["failingSince"]) == (True, None)


async def test_a_removed_one_is_history(db, client):
    await clinic(client)
    made = await webhook(client)
    ids = await happen(db, 2)
    path = f"/api/webhooks/{made['id']}"
    await db.execute(
        "update webhook_delivery set status = 'failed', reason = 'answered 500' where event_id = $1", ids[0]
    )
    assert [(await client.delete(path, headers=ADMIN)).status_code for _ in range(2)] == [204, 204]
    removed = await get(client, path)
    assert (removed["active"], bool(removed["removedAt"]), removed["version"]) == (False, True, 2)
    assert (await get(client, "/api/clinics/1/webhooks"))["items"] == []
    assert [each["status"] for each in (await get(client, f"{path}/deliveries"))["items"]] == ["failed"], (
        "what waited is gone"
    )
    since = quote(clock.now().isoformat())
    assert [
        (await post(client, f"{path}/{action}")).status_code
        for action in ("test", "rotateSecret", f"replay?since={since}")
    ] == [404, 404, 404]
    assert (await client.patch(path, json={"enabled": True}, headers=ADMIN)).status_code == 404
    await happen(db)
    assert await db.fetchval("select count(*) from webhook_delivery") == 1


async def test_a_rotation_shows_another_secret_and_a_repeated_one_the_same(client):
    await clinic(client)
    made = await webhook(client)
    first, second = [await post(client, f"/api/webhooks/{made['id']}/rotateSecret", "once") for _ in range(2)]
    assert (first.status_code, first.json()["version"]) == (200, 2)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json(), "true")
    assert first.json()["secret"] != made["secret"]


async def test_a_sample_is_sent_at_once_signed_and_leaves_no_trace(db, at_home):
    async with Partner() as partner:
        await clinic(at_home)
        made = await webhook(at_home, url=partner.url, eventTypes=["slot.moved"])
        answer = await post(at_home, f"/api/webhooks/{made['id']}/test")
        trial = answer.json()
        (heard,) = partner.heard
    assert (answer.status_code, trial["delivered"], trial["responseStatus"], trial["reason"]) == (200, True, 204, None)
    assert 0 <= trial["milliseconds"] < 15_000
    assert heard.is_signed_with(made["secret"])
    sample = json.loads(heard.body)
    assert (sample["type"], sample["source"], sample["subject"], sample["data"]) == (
        "webhook.test",
        "/clinics/1",
        made["id"],
        {"webhookId": made["id"]},
    )
    assert [
        await db.fetchval(f"select count(*) from {table}") for table in ("event", "event_log", "webhook_delivery")
    ] == [0, 0, 0]


async def test_a_sample_that_does_not_arrive_says_why(at_home):
    async with Partner(status(503)) as partner:
        await clinic(at_home)
        made = await webhook(at_home, url=partner.url)
        trial = (await post(at_home, f"/api/webhooks/{made['id']}/test")).json()
        assert (trial["delivered"], trial["responseStatus"], trial["reason"]) == (False, 503, "answered 503")
    trial = (await post(at_home, f"/api/webhooks/{made['id']}/test")).json()
    assert (trial["delivered"], trial["responseStatus"], trial["reason"]) == (False, None, "could not be reached")
    assert (await get(at_home, f"/api/webhooks/{made['id']}"))["failingSince"] is None


async def test_a_repeated_request_sends_the_same_sample_again(at_home):
    """As any delivery that may not have arrived: with the same `webhook-id`, by which the partner knows it."""
    async with Partner() as partner:
        await clinic(at_home)
        made = await webhook(at_home, url=partner.url)
        answers = [await post(at_home, f"/api/webhooks/{made['id']}/test", "once") for _ in range(2)]
        other = await post(at_home, f"/api/webhooks/{made['id']}/test", "twice")
        first, second, third = partner.heard
    assert [answer.headers.get("Idempotent-Replayed") for answer in (*answers, other)] == [None, "true", None]
    assert (first.id, first.body) == (second.id, second.body) != (third.id, third.body)


async def test_while_a_sample_is_under_way_nothing_is_locked(db, at_home):
    async with Partner(hang) as partner:
        await clinic(at_home)
        made = await webhook(at_home, url=partner.url)
        test = asyncio.create_task(post(at_home, f"/api/webhooks/{made['id']}/test", "once"))
        while not partner.heard:
            await asyncio.sleep(0.01)
        idle = await db.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'"
        )
        changed = await at_home.patch(f"/api/webhooks/{made['id']}", json={"description": "x"}, headers=ADMIN)
        test.cancel()
    assert (idle, changed.status_code) == (0, 200)


async def test_deliveries_are_shown_in_the_order_of_events_and_by_status(db, client):
    await clinic(client)
    made = await webhook(client)
    ids = await happen(db, 3)
    path = f"/api/webhooks/{made['id']}/deliveries"
    await db.execute(
        "update webhook_delivery set status = 'failed', attempts = 8, response_status = 500, reason = 'answered 500' where event_id = $1",
        ids[0],
    )
    await db.execute(
        "update webhook_delivery set status = 'delivered', attempts = 1, response_status = 204, delivered_at = now() where event_id = $1",
        ids[1],
    )
    shown = (await get(client, path))["items"]
    assert [(each["eventId"], each["status"]) for each in shown] == list(
        zip(ids, ["failed", "delivered", "queued"], strict=True)
    )
    assert {
        name: shown[0][name]
        for name in ("clinicId", "webhookId", "eventType", "attempts", "responseStatus", "reason", "deliveredAt")
    } == {
        "clinicId": 1,
        "webhookId": made["id"],
        "eventType": "appointment.changed",
        "attempts": 8,
        "responseStatus": 500,
        "reason": "answered 500",
        "deliveredAt": None,
    }
    assert [
        [each["eventId"] for each in (await get(client, f"{path}?status={one}"))["items"]]
        for one in ("failed", "delivered", "queued")
    ] == [[id] for id in ids]
    assert pointers(await client.get(f"{path}?status=lost", headers=ADMIN)) == ["?status"]
    first = await get(client, f"{path}?limit=2")
    assert [each["eventId"] for each in (await get(client, f"{path}?limit=2&cursor={first['next']}"))["items"]] == ids[
        2:
    ]


async def replay(client, made, since, key=None):
    return await post(client, f"/api/webhooks/{made['id']}/replay?since={quote(since.isoformat())}", key)


async def test_a_replay_queues_what_has_happened_since_and_is_wanted(db, client):
    await clinic(client)
    made = await webhook(client, eventTypes=["appointment.changed"])
    await happen(db, 2)
    await happen(db, 1, type="webhook.disabled", data='{"failingSince": "2027-03-01T08:30:00Z"}')
    await db.execute("update webhook_delivery set status = 'delivered', attempts = 3, delivered_at = now()")
    since = clock.now() - timedelta(hours=1)
    first, second = [await replay(client, made, since, "once") for _ in range(2)]
    assert (first.status_code, first.json(), second.json(), second.headers["Idempotent-Replayed"]) == (
        200,
        {"queued": 2},
        {"queued": 2},
        "true",
    )
    items = (await get(client, f"/api/webhooks/{made['id']}/deliveries"))["items"]
    assert [(each["status"], each["attempts"], each["deliveredAt"], each["version"]) for each in items] == [
        ("queued", 0, None, 2)
    ] * 2
    assert (await replay(client, made, clock.now() + timedelta(hours=1))).json() == {"queued": 0}


async def test_a_replay_queues_what_happened_before_the_webhook_was_there(db, client):
    await clinic(client)
    await happen(db, 2)
    made = await webhook(client)
    assert (await replay(client, made, clock.now() - timedelta(hours=1))).json() == {"queued": 2}


async def test_a_replay_reaches_as_far_back_as_events_are_kept(client):
    await clinic(client)
    made = await webhook(client)
    assert (await replay(client, made, clock.now() - timedelta(days=29.9))).json() == {"queued": 0}
    too_far = await replay(client, made, clock.now() - timedelta(days=30.1))
    assert (too_far.status_code, too_far.json()["errors"]) == (
        400,
        [{"pointer": "?since", "detail": "must not be more than 30 days ago"}],
    )
    path = f"/api/webhooks/{made['id']}/replay"
    assert [
        pointers(await post(client, path + query)) for query in ("", "?since=yesterday", "?since=2027-03-01T08:30:00")
    ] == [["?since"]] * 3


async def test_events_of_every_type_that_a_clinic_has_can_be_asked_for(client):
    await clinic(client)
    made = await webhook(client, eventTypes=list(EVENT_TYPES))
    assert made["eventTypes"] == sorted(EVENT_TYPES)


async def test_webhooks_are_shown_to_staff_only_and_one_that_is_nobodys_to_nobody(client):
    await clinic(client)
    made = await webhook(client)
    path = f"/api/webhooks/{made['id']}"
    asked = [path, f"{path}/deliveries", "/api/clinics/1/webhooks"]
    assert [(await client.get(each)).status_code for each in asked] == [401] * 3
    for path in (f"/api/webhooks/{uuid4()}", f"/api/webhooks/{made['id'][:-12]}{'0' * 12}"):
        statuses = [(await client.get(path + more, headers=ADMIN)).status_code for more in ("", "/deliveries")]
        statuses += [
            (await post(client, path + more)).status_code
            for more in ("/test", "/rotateSecret", f"/replay?since={quote(clock.now().isoformat())}")
        ]
        assert [*statuses, (await client.delete(path, headers=ADMIN)).status_code] == [404] * 6
