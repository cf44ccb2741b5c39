"""Staff list notifications and send them again."""

from uuid import UUID

import pytest

from appoint.kit import ids
from support.app import ADMIN
from support.notifications import CUSTOMER_ID, DEAD, NOTIFICATION_ID, add_notification
from support.world import create_clinic


async def test_a_clinics_notifications_can_be_filtered_by_status(client, db):
    await create_clinic(client)
    await create_clinic(client)
    await add_notification(db)
    dead = await add_notification(db, status="dead")
    await add_notification(db, 2, status="dead")
    items = (await client.get("/api/clinics/1/notifications?status=dead", headers=ADMIN)).json()["items"]
    assert [(item["id"], item["reason"]) for item in items] == [(dead, DEAD)]


async def test_notifications_can_be_filtered_by_subject(client, db):
    await create_clinic(client)
    await add_notification(db)
    expected = await add_notification(db, subject_id="an appointment")
    items = (
        await client.get("/api/clinics/1/notifications", params={"subjectId": "an appointment"}, headers=ADMIN)
    ).json()["items"]
    assert [item["id"] for item in items] == [expected]


async def test_an_unknown_clinics_notifications_are_not_found(client):
    assert (await client.get("/api/clinics/7/notifications", headers=ADMIN)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/clinics/1/notifications",
        f"/api/notifications/{NOTIFICATION_ID}",
        f"/api/customers/{CUSTOMER_ID}/notificationPreferences",
    ],
)
async def test_notifications_and_preferences_require_signing_in(client, path):
    assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize("status", ["dead", "sent"])
async def test_a_dead_or_sent_notification_can_be_resent(client, db, status):
    await create_clinic(client)
    id = await add_notification(db, status=status)
    response = await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)
    assert (response.status_code, response.json()["status"], response.json()["reason"]) == (200, "queued", None)


@pytest.mark.parametrize("status", ["queued", "leased", "superseded"])
async def test_a_pending_or_superseded_notification_cannot_be_resent(client, db, status):
    await create_clinic(client)
    id = await add_notification(db, status=status)
    response = await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)
    assert (response.status_code, response.json()["reason"]) == (409, "not-resendable")


async def test_a_repeated_resend_request_queues_a_notification_once(client, db):
    await create_clinic(client)
    id = await add_notification(db, status="dead")
    responses = [
        await client.post(f"/api/notifications/{id}/resend", headers=ADMIN | {"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert [response.status_code for response in responses] == [200, 200]
    assert await db.fetchval("select round from notification") == 1


@pytest.mark.parametrize("id", [NOTIFICATION_ID, ids.compose_id(2, 0, 0), UUID(int=0)])
async def test_an_unknown_notification_cannot_be_resent(client, id):
    assert (await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)).status_code == 404
