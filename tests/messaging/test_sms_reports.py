"""The SMS provider reports whether text messages were delivered."""

import base64
import hashlib
import hmac
from urllib.parse import urlencode

import pytest

from appoint.kit import clock
from support.app import client_of, composed
from support.notifications import NOTIFICATION_ID, add_notification
from support.rate_limits import NINE, limited_client
from support.routes import FORM, call
from support.world import create_clinic

PROVIDER = {"sms_url": "https://AC1:secret@sms.example", "public_url": "https://appoint.example"}


@pytest.fixture
async def reporting_client(db, database_url):
    """A client for an application whose SMS provider has the token “secret”."""
    async with client_of(composed(database_url, **PROVIDER)) as client:
        yield client


async def report(client, id: str, *, gateway: str = "secret", **parameters: str) -> int:
    path = f"/callbacks/sms/{id}"
    text = f"https://appoint.example{path}" + "".join(name + parameters[name] for name in sorted(parameters))
    signature = base64.b64encode(hmac.digest(gateway.encode(), text.encode(), hashlib.sha1)).decode()
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return (await client.post(path, content=urlencode(parameters), headers=headers)).status_code


async def test_a_delivery_report_is_stored(reporting_client, db):
    await create_clinic(reporting_client)
    id = await add_notification(db, status="sent", channel="sms", provider_id="SM1")
    assert await report(reporting_client, id, MessageSid="SM1", MessageStatus="delivered") == 204
    assert await db.fetchval("select status = 'sent' and delivered_at is not null from notification")


async def test_an_undelivered_text_message_is_a_dead_letter_with_its_reason(reporting_client, db):
    await create_clinic(reporting_client)
    id = await add_notification(db, status="sent", channel="sms", provider_id="SM1")
    assert await report(reporting_client, id, MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003") == 204
    assert [tuple(row) for row in await db.fetch("select status, reason from notification")] == [
        ("dead", "the provider could not deliver it (code 30003)")
    ]


async def test_a_report_about_an_earlier_attempt_changes_nothing(reporting_client, db):
    await create_clinic(reporting_client)
    id = await add_notification(db, status="sent", channel="sms", provider_id="SM2")
    assert await report(reporting_client, id, MessageSid="SM1", MessageStatus="undelivered") == 204
    assert await db.fetchval("select status from notification") == "sent"


async def test_a_report_without_a_valid_signature_is_rejected(reporting_client, client, db):
    await create_clinic(reporting_client)
    id = await add_notification(db, status="sent", channel="sms", provider_id="SM1")
    assert await report(reporting_client, id, gateway="other", MessageSid="SM1", MessageStatus="undelivered") == 403
    # without a provider, no signature is valid
    assert await report(client, id, gateway="", MessageSid="SM1", MessageStatus="undelivered") == 403
    assert await db.fetchval("select status from notification") == "sent"


async def test_a_report_with_too_many_fields_is_rejected(reporting_client):
    response = await reporting_client.post(
        f"/callbacks/sms/{NOTIFICATION_ID}", content="&".join(f"a{n}=1" for n in range(200))
    )
    assert response.status_code == 403


async def test_reports_without_a_signature_or_provider_are_refused_without_being_read(
    reporting_client, client, database_url
):
    path, form = f"/callbacks/sms/{NOTIFICATION_ID}", (b"content-type", FORM)
    host, signature = (b"host", b"appoint.example"), (b"x-twilio-signature", b"x")
    with_provider = composed(database_url, **PROVIDER)
    answers = [
        await call(with_provider, "POST", path, headers=[host, form], body=b"MessageSid=SM1"),
        await call(composed(database_url), "POST", path, headers=[host, form, signature], body=b"MessageSid=SM1"),
        await call(with_provider, "POST", path, headers=[host, form, signature], body=b"MessageSid=SM1"),
    ]
    assert [(answer.status, answer.reads) for answer in answers] == [(403, 0), (403, 0), (403, 1)]


async def test_wrong_signatures_are_limited_but_right_ones_are_not(db, database_url, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NINE)
    async with limited_client(database_url, **PROVIDER) as client:
        statuses = [await report(client, str(NOTIFICATION_ID), gateway="other", MessageSid="SM1") for _ in range(31)]
        assert statuses == [403] * 30 + [429]
    async with limited_client(database_url, **PROVIDER) as client:
        assert [await report(client, str(NOTIFICATION_ID), MessageSid="SM1") for _ in range(50)] == [204] * 50
