"""Customers choose the channels for their messages, and unsubscribe."""

from uuid import uuid4

import pytest

from appoint.kit.signed_tokens import sign
from support.app import ADMIN
from support.matrix import for_each
from support.notifications import CUSTOMER_ID
from support.world import create_customer

IN_2100 = 4102444800
"""When the links in these tests expire."""


async def test_preferences_are_stored_and_read_back(client):
    customer_id = await create_customer(client, email="ana@example.org", phone="+493012345678")
    path = f"/api/customers/{customer_id}/notificationPreferences"
    assert (await client.get(path, headers=ADMIN)).json() == {"email": None, "sms": None}
    for preferences in ({"email": False, "sms": True}, {"email": True, "sms": None}):
        assert (await client.put(path, json=preferences, headers=ADMIN)).json() == preferences
        assert (await client.get(path, headers=ADMIN)).json() == preferences


async def test_an_unknown_customers_preferences_are_not_found(client):
    path = f"/api/customers/{uuid4()}/notificationPreferences"
    assert [
        (await client.get(path, headers=ADMIN)).status_code,
        (await client.put(path, json={}, headers=ADMIN)).status_code,
    ] == [404, 404]


@for_each(
    "contact, preferences, channels",
    [
        ({}, {}, []),
        ({"email": "a@example.org"}, {}, ["email"]),
        ({"phone": "+493012345678"}, {}, ["sms"]),
        ({"email": "a@example.org", "phone": "+493012345678"}, {}, ["email"]),
        ({"email": "a@example.org", "phone": "+493012345678"}, {"sms": True}, ["email", "sms"]),
        ({"email": "a@example.org", "phone": "+493012345678"}, {"email": False}, []),
        ({"email": "a@example.org", "phone": "+493012345678"}, {"email": False, "sms": True}, ["sms"]),
        ({"phone": "+493012345678"}, {"sms": False}, []),
        ({}, {"email": True, "sms": True}, []),
    ],
)
async def test_contact_details_and_preferences_determine_the_channels(client, db, contact, preferences, channels):
    customer_id = await create_customer(client, **contact)
    await client.put(f"/api/customers/{customer_id}/notificationPreferences", json=preferences, headers=ADMIN)
    assert [
        row.channel
        for row in await db.fetch(
            "select channel from customer_channel where customer_id = $1 order by channel", customer_id
        )
    ] == channels


def unsubscribe_path(customer_id: str, channel: str = "email") -> str:
    return f"/unsubscribe/{sign('signs links in tests', 'unsubscribe', [customer_id, channel, IN_2100])}"


async def test_opening_an_unsubscribe_link_changes_nothing(client, db):
    customer_id = await create_customer(client, email="ana@example.org")
    assert "<form" in (await client.get(unsubscribe_path(customer_id))).text
    assert await db.fetchval("select count(*) from notification_preference") == 0


async def test_a_one_click_request_unsubscribes(client, db):
    customer_id = await create_customer(client, email="ana@example.org")
    response = await client.post(
        unsubscribe_path(customer_id),
        content=b"List-Unsubscribe=One-Click",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (response.status_code, await db.fetchval("select wanted from notification_preference")) == (200, False)


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        sign("another secret", "unsubscribe", [CUSTOMER_ID, "email", IN_2100]),
        sign("signs links in tests", "other", [CUSTOMER_ID, "email", IN_2100]),
    ],
)
async def test_a_forged_unsubscribe_link_is_not_found(client, token):
    assert [
        (await client.get(f"/unsubscribe/{token}")).status_code,
        (await client.post(f"/unsubscribe/{token}")).status_code,
    ] == [404, 404]
