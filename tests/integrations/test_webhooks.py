"""Clinics set up webhooks."""

import asyncio
from base64 import b64decode
from urllib.parse import quote
from uuid import uuid4

from appoint.integrations.webhooks.gateway import NOT_PUBLIC
from appoint.integrations.webhooks.model import EVENT_TYPES
from appoint.kit import clock
from appoint.kit.i18n import translate
from support.app import ADMIN
from support.matrix import for_each
from support.webhook_api import URL, create, get, pointers, post, webhook
from support.webhooks import add_events
from support.world import create_clinic


async def test_a_new_webhook_shows_its_secret_once(client):
    await create_clinic(client)
    response = await create(
        client,
        description="Our calendar",
        eventTypes=["appointment.cancelled", "appointment.booked", "appointment.booked"],
    )
    webhook = response.json()
    secret = webhook.pop("secret")
    assert (response.status_code, response.headers["Location"], response.headers["ETag"]) == (
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
    assert await get(client, response.headers["Location"]) == webhook
    assert (await get(client, "/api/clinics/1/webhooks"))["items"] == [webhook]


async def test_every_webhook_has_its_own_secret(client):
    await create_clinic(client)
    assert len({(await webhook(client))["secret"] for _ in range(3)}) == 3


async def test_a_repeated_request_creates_one_webhook_and_does_not_show_its_secret_again(client):
    await create_clinic(client)
    headers = ADMIN | {"Idempotency-Key": "once"}
    first, second = [await create(client, headers=headers) for _ in range(2)]
    without_secret = first.json() | {"secret": None}
    assert (second.status_code, second.headers["Idempotent-Replayed"], second.json()) == (201, "true", without_secret)
    assert len((await get(client, "/api/clinics/1/webhooks"))["items"]) == 1


@for_each(
    "content, pointer",
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
        ({"url": "https://unknown.invalid/"}, "#/url"),
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
async def test_invalid_content_is_rejected(client, content, pointer):
    await create_clinic(client)
    rejected = await create(client, **content)
    assert (rejected.status_code, pointers(rejected)) == (400, [pointer])
    created = await webhook(client)
    changed = await client.patch(f"/api/webhooks/{created['id']}", json=content, headers=ADMIN)
    assert (changed.status_code, pointers(changed)) == (400, [pointer])
    assert (await get(client, f"/api/webhooks/{created['id']}"))["version"] == 1


async def test_a_rejected_url_is_explained_in_the_callers_language(client):
    await create_clinic(client)
    rejected = await create(client, url="https://10.0.0.1/", headers=ADMIN | {"Accept-Language": "de"})
    detail = translate("de", NOT_PUBLIC)
    assert detail != NOT_PUBLIC
    assert rejected.json()["errors"] == [{"pointer": "#/url", "detail": detail}]


async def test_a_clinic_has_at_most_twenty_webhooks_even_with_concurrent_requests(client):
    await create_clinic(client)
    await create_clinic(client)
    responses = await asyncio.gather(*(create(client) for _ in range(30)))
    rejected = [response.json() for response in responses if response.status_code != 201]
    assert [(problem["status"], problem["reason"], problem["most"]) for problem in rejected] == [
        (409, "too-many-webhooks", 20)
    ] * 10
    (first, *_), _ = [(await get(client, f"/api/clinics/{number}/webhooks?limit=200"))["items"] for number in (1, 2)]
    assert (await create(client, 2)).status_code == 201
    await client.delete(f"/api/webhooks/{first['id']}", headers=ADMIN)
    assert [(await create(client)).status_code for _ in range(2)] == [201, 409]


async def test_webhooks_cannot_be_created_for_an_unknown_or_inactive_clinic(client):
    await create_clinic(client)
    await client.delete("/api/clinics/1", headers=ADMIN)
    assert ((await create(client)).json()["reason"], (await create(client, 9)).status_code) == ("clinic-inactive", 404)


async def test_webhooks_are_listed_in_pages(client):
    await create_clinic(client)
    created = [(await webhook(client))["id"] for _ in range(3)]
    first = await get(client, "/api/clinics/1/webhooks?limit=2")
    second = await get(client, f"/api/clinics/1/webhooks?limit=2&cursor={first['next']}")
    assert ([each["id"] for each in first["items"] + second["items"]], second["next"]) == (sorted(created), None)


async def test_a_patch_changes_only_what_it_contains(client):
    await create_clinic(client)
    created = await webhook(client, description="Old", eventTypes=["slot.moved"])
    response = await client.patch(
        f"/api/webhooks/{created['id']}",
        json={"url": "https://8.8.4.4/", "description": None},
        headers=ADMIN | {"If-Match": '"v1"'},
    )
    changed = response.json()
    assert (changed["url"], changed["description"], changed["eventTypes"], changed["version"]) == (
        "https://8.8.4.4/",
        None,
        ["slot.moved"],
        2,
    )
    assert "secret" not in changed
    assert (
        await client.patch(f"/api/webhooks/{created['id']}", json={}, headers=ADMIN | {"If-Match": '"v1"'})
    ).status_code == 412


async def test_a_clinic_can_require_versions(client):
    await create_clinic(client, policy={"requireVersion": True})
    created = await webhook(client)
    path = f"/api/webhooks/{created['id']}"
    assert [
        (await client.patch(path, json={}, headers=ADMIN)).status_code,
        (await client.delete(path, headers=ADMIN)).status_code,
    ] == [428, 428]


async def test_a_disabled_webhook_can_be_enabled(db, client):
    await create_clinic(client)
    created = await webhook(client)
    await db.execute("update webhook set failing_since = now() - interval '5 days', disabled_at = now()")
    assert (await get(client, f"/api/webhooks/{created['id']}"))["disabledAt"]
    unchanged = (await client.patch(f"/api/webhooks/{created['id']}", json={"description": "x"}, headers=ADMIN)).json()
    enabled = (await client.patch(f"/api/webhooks/{created['id']}", json={"enabled": True}, headers=ADMIN)).json()
    assert (bool(unchanged["disabledAt"]), enabled["disabledAt"], enabled["failingSince"]) == (True, None, None)
    assert (
        await client.patch(f"/api/webhooks/{created['id']}", json={"enabled": False}, headers=ADMIN)
    ).status_code == 400


async def test_a_new_url_clears_the_failure_record(db, client):
    await create_clinic(client)
    created = await webhook(client)
    await db.execute("update webhook set failing_since = now() - interval '4 days'")
    same = (await client.patch(f"/api/webhooks/{created['id']}", json={"url": URL}, headers=ADMIN)).json()
    other = (
        await client.patch(f"/api/webhooks/{created['id']}", json={"url": "https://8.8.4.4/"}, headers=ADMIN)
    ).json()
    assert (bool(same["failingSince"]), other["failingSince"]) == (True, None)


async def test_a_removed_webhook_can_only_be_read(db, client):
    await create_clinic(client)
    created = await webhook(client)
    ids = await add_events(db, 2)
    path = f"/api/webhooks/{created['id']}"
    await db.execute(
        "update webhook_delivery set status = 'failed', reason = 'responded with 500' where event_id = $1", ids[0]
    )
    assert [(await client.delete(path, headers=ADMIN)).status_code for _ in range(2)] == [204, 204]
    removed = await get(client, path)
    assert (removed["active"], bool(removed["removedAt"]), removed["version"]) == (False, True, 2)
    assert (await get(client, "/api/clinics/1/webhooks"))["items"] == []
    assert [each["status"] for each in (await get(client, f"{path}/deliveries"))["items"]] == ["failed"], (
        "queued deliveries should have been deleted"
    )
    since = quote(clock.now().isoformat())
    assert [
        (await post(client, f"{path}/{action}")).status_code
        for action in ("test", "rotateSecret", f"replay?since={since}")
    ] == [404, 404, 404]
    assert (await client.patch(path, json={"enabled": True}, headers=ADMIN)).status_code == 404
    await add_events(db)
    assert await db.fetchval("select count(*) from webhook_delivery") == 1


async def test_a_rotation_shows_a_new_secret_and_a_repeated_request_does_not_show_it_again(client):
    await create_clinic(client)
    created = await webhook(client)
    first, second = [await post(client, f"/api/webhooks/{created['id']}/rotateSecret", "once") for _ in range(2)]
    assert (first.status_code, first.json()["version"]) == (200, 2)
    assert (second.json(), second.headers["Idempotent-Replayed"]) == (first.json() | {"secret": None}, "true")
    assert first.json()["secret"] != created["secret"]


async def test_a_webhook_can_subscribe_to_all_of_a_clinics_event_types(client):
    await create_clinic(client)
    created = await webhook(client, eventTypes=list(EVENT_TYPES))
    assert created["eventTypes"] == sorted(EVENT_TYPES)


async def test_webhooks_are_visible_only_to_staff_and_unknown_ids_are_not_found(client):
    await create_clinic(client)
    created = await webhook(client)
    path = f"/api/webhooks/{created['id']}"
    paths = [path, f"{path}/deliveries", "/api/clinics/1/webhooks"]
    assert [(await client.get(each)).status_code for each in paths] == [401] * 3
    for path in (f"/api/webhooks/{uuid4()}", f"/api/webhooks/{created['id'][:-12]}{'0' * 12}"):
        statuses = [(await client.get(path + more, headers=ADMIN)).status_code for more in ("", "/deliveries")]
        statuses += [
            (await post(client, path + more)).status_code
            for more in ("/test", "/rotateSecret", f"/replay?since={quote(clock.now().isoformat())}")
        ]
        assert [*statuses, (await client.delete(path, headers=ADMIN)).status_code] == [404] * 6
