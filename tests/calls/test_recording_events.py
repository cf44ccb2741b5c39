"""Events about recordings count only if the clinic's account at Daily has signed them."""

import base64
import json

import msgspec
import pytest

from appoint.calls.providers.model import room_name
from appoint.calls.recordings import events
from appoint.calls.settings import repository as settings_repository
from appoint.kit import clock
from support.call_providers import DAILY
from support.calls import SECRET
from support.recorded_visits import HMAC, RecordedVisit, create_visit

UNNEEDED_EVENTS = (
    {"test": "test"},
    {"type": "meeting.started"},
    [],
    {"type": events.READY, "payload": {"room_name": "standup"}},
)


@pytest.fixture
async def visit(db, client, tmp_path) -> RecordedVisit:
    return await create_visit(db, client, tmp_path)


async def test_events_without_a_recent_signature_are_refused(visit):
    await visit.begin()
    call_id = await visit.db.fetchval("select id from call")
    recorded = {"type": events.READY, "payload": {"room_name": room_name(SECRET, call_id), "recording_id": "rec-1"}}
    other_key = base64.b64encode(b"another key").decode()
    wrong_headers = [
        {},
        {"X-Webhook-Timestamp": str(int(clock.now().timestamp()))},
        {"X-Webhook-Signature": "AAAA"},
        {"X-Webhook-Signature": "not base64", "X-Webhook-Timestamp": str(int(clock.now().timestamp()))},
        # the last timestamp is too large for a float
        *(
            {"X-Webhook-Signature": "AAAA", "X-Webhook-Timestamp": timestamp.encode()}
            for timestamp in ("", "now", "-1", "1e9", "²", "9" * 400)
        ),
    ]
    for event in (recorded, *UNNEEDED_EVENTS):
        assert (await visit.send(event, key=other_key)).status_code == 403, event
        assert (await visit.send(event, key="")).status_code == 403, event
        for minutes in (-10, 10):
            sent_at = clock.now().timestamp() + 60 * minutes
            assert (await visit.send(event, sent_at=sent_at)).status_code == 403, event
        for headers in wrong_headers:
            response = await visit.client.post(visit.webhook, content=json.dumps(event), headers=headers)
            refusal = (response.status_code, response.json()["type"])
            assert refusal == (403, "/problems/wrong-signature"), (event, headers)
    assert (await visit.client.post(visit.webhook, content=b"\xff not JSON")).status_code == 403
    assert await visit.recordings() == []


async def test_clinics_that_do_not_use_daily_refuse_all_events(visit):
    assert (await visit.send({"test": "test"})).status_code == 403
    await visit.begin()
    other_clinic = await visit.world.add_clinic()
    for clinic in (other_clinic, 0, 999_999, 2**40):
        visit.webhook = f"/api/calls/events/daily/{clinic}"
        assert (await visit.report()).status_code in (403, 404), clinic
    await settings_repository.save(
        visit.db,
        clinic_id=visit.world.clinic,
        gateway="daily",
        connection=DAILY,
        opens_before_minutes=15,
        phone=None,
    )
    visit.webhook = f"/api/calls/events/daily/{visit.world.clinic}"
    assert (await visit.send({"test": "test"}, key="")).status_code == 403  # the clinic has no webhook secret
    assert await visit.recordings() == []


async def test_a_clinic_cannot_report_recordings_of_another(visit):
    await visit.begin()
    other_clinic = await visit.world.add_clinic()
    await settings_repository.save(
        visit.db,
        clinic_id=other_clinic,
        gateway="daily",
        connection=msgspec.structs.replace(DAILY, webhook_secret=HMAC),
        opens_before_minutes=15,
        phone=None,
    )
    visit.webhook = f"/api/calls/events/daily/{other_clinic}"
    assert (await visit.report()).status_code == 200
    assert await visit.recordings() == []


async def test_signed_events_that_appoint_does_not_need_are_accepted_and_ignored(visit):
    await visit.begin()
    for event in UNNEEDED_EVENTS:
        assert (await visit.send(event)).status_code == 200, event
    assert await visit.recordings() == []


async def test_long_events_are_refused(visit):
    response = await visit.client.post(visit.webhook, content=b"x" * (64 * 1024 + 1))
    assert response.status_code == 413
