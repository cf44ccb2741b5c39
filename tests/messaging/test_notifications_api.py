"""What staff see of notifications and do about them, and what customers say that they want."""

import base64
import hashlib
import hmac
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx2
import pytest

from appoint.kit import ids
from appoint.kit.signed_tokens import sign
from appoint.server import app as application
from support.app import ADMIN, TOKEN, settings
from support.processes import appoint
from support.rows import clinic, customer

SOMETHING = ids.compose_id(1, 0, 0)
SOMEBODY = "01978a5c-7d3e-7a63-84f7-074d226b3d5d"
DEAD = "the mail server does not know this address (550)"


async def notification(db, clinic_id=1, *, status="queued", **columns) -> str:
    reason = DEAD if status in ("dead", "superseded") else None
    values = {
        "kind": "confirmation",
        "subject_id": str(uuid4()),
        "recipient_id": str(uuid4()),
        "channel": "email",
        "provider_id": None,
    } | columns
    return str(
        await db.fetchval(
            """
            insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, status, reason, provider_id, due_at, expires_at,
                                      sent_at, leased_until)
            values ($1, mint_id($1), $2, $3, 0, 'customer', $4, $5, $6, $7, $8, now(), now() + interval '1 day',
                    case when $6 = 'sent' then now() end, case when $6 = 'leased' then now() + interval '1 minute' end)
            returning id
            """,
            clinic_id,
            values["kind"],
            values["subject_id"],
            values["recipient_id"],
            values["channel"],
            status,
            reason,
            values["provider_id"],
        )
    )


async def test_a_clinic_lists_its_own_notifications_by_status(client, db):
    await clinic(client)
    await clinic(client)
    await notification(db)
    dead = await notification(db, status="dead")
    await notification(db, 2, status="dead")
    found = (await client.get("/api/clinics/1/notifications?status=dead", headers=ADMIN)).json()["items"]
    assert [(one["id"], one["reason"]) for one in found] == [(dead, DEAD)]


async def test_notifications_are_listed_by_what_they_are_about(client, db):
    await clinic(client)
    await notification(db)
    mine = await notification(db, subject_id="an appointment")
    found = (
        await client.get("/api/clinics/1/notifications", params={"subjectId": "an appointment"}, headers=ADMIN)
    ).json()["items"]
    assert [one["id"] for one in found] == [mine]


async def test_notifications_of_a_clinic_that_is_not_there_are_not_found(client):
    assert (await client.get("/api/clinics/7/notifications", headers=ADMIN)).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/api/clinics/1/notifications",
        f"/api/notifications/{SOMETHING}",
        f"/api/customers/{SOMEBODY}/notificationPreferences",
    ],
)
async def test_nobody_else_sees_who_is_told_what(client, path):
    assert (await client.get(path)).status_code == 401


@pytest.mark.parametrize("status", ["dead", "sent"])
async def test_what_is_dead_or_was_sent_is_queued_again(client, db, status):
    await clinic(client)
    id = await notification(db, status=status)
    answer = await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)
    assert (answer.status_code, answer.json()["status"], answer.json()["reason"]) == (200, "queued", None)


@pytest.mark.parametrize("status", ["queued", "leased", "superseded"])
async def test_what_is_on_its_way_or_not_so_any_more_is_not_sent_again(client, db, status):
    await clinic(client)
    id = await notification(db, status=status)
    answer = await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)
    assert (answer.status_code, answer.json()["reason"]) == (409, "not-resendable")


async def test_a_repeated_resend_queues_once(client, db):
    await clinic(client)
    id = await notification(db, status="dead")
    answers = [
        await client.post(f"/api/notifications/{id}/resend", headers=ADMIN | {"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert await db.fetchval("select round from notification") == 1


@pytest.mark.parametrize("id", [SOMETHING, ids.compose_id(2, 0, 0), UUID(int=0)])
async def test_a_notification_that_is_not_there_is_not_found(client, id):
    assert (await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)).status_code == 404


# what customers want


async def test_what_a_customer_wants_is_kept_and_read_again(client):
    one = await customer(client, email="ana@example.org", phone="+493012345678")
    path = f"/api/customers/{one}/notificationPreferences"
    assert (await client.get(path, headers=ADMIN)).json() == {"email": None, "sms": None}
    for wanted in ({"email": False, "sms": True}, {"email": True, "sms": None}):
        assert (await client.put(path, json=wanted, headers=ADMIN)).json() == wanted
        assert (await client.get(path, headers=ADMIN)).json() == wanted


async def test_preferences_of_nobody_are_not_found(client):
    path = f"/api/customers/{uuid4()}/notificationPreferences"
    assert [
        (await client.get(path, headers=ADMIN)).status_code,
        (await client.put(path, json={}, headers=ADMIN)).status_code,
    ] == [404, 404]


@pytest.mark.parametrize(
    ("contact", "wanted", "channels"),
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
async def test_a_customer_is_reached_by_what_there_is_and_what_they_want(client, db, contact, wanted, channels):
    one = await customer(client, **contact)
    await client.put(f"/api/customers/{one}/notificationPreferences", json=wanted, headers=ADMIN)
    assert [
        row.channel
        for row in await db.fetch("select channel from customer_channel where customer_id = $1 order by channel", one)
    ] == channels


def link(customer_id: str, channel: str = "email") -> str:
    return f"/unsubscribe/{sign('signs links in tests', 'unsubscribe', [customer_id, channel])}"


async def test_the_link_in_a_mail_shows_a_page_and_changes_nothing_by_itself(client, db):
    one = await customer(client, email="ana@example.org")
    assert "<form" in (await client.get(link(one))).text
    assert await db.fetchval("select count(*) from notification_preference") == 0


async def test_one_click_in_a_mail_program_unsubscribes(client, db):
    one = await customer(client, email="ana@example.org")
    answer = await client.post(
        link(one), content=b"List-Unsubscribe=One-Click", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, await db.fetchval("select wanted from notification_preference")) == (200, False)


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        sign("another secret", "unsubscribe", [SOMEBODY, "email"]),
        sign("signs links in tests", "other", [SOMEBODY, "email"]),
    ],
)
async def test_a_link_that_is_not_ours_is_not_found(client, token):
    assert [
        (await client.get(f"/unsubscribe/{token}")).status_code,
        (await client.post(f"/unsubscribe/{token}")).status_code,
    ] == [404, 404]


# what the text messages' gateway reports


@pytest.fixture
async def reporting(db, database_url):
    """The application with a gateway whose token is “secret”."""
    app = application.create(
        settings(sms_url="https://AC1:secret@sms.example", public_url="https://appoint.example"),
        database_url=database_url,
        admin_token=TOKEN,
    )
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as client,
    ):
        yield client


async def report(client, id: str, *, gateway: str = "secret", **parameters: str) -> int:
    path = f"/callbacks/sms/{id}"
    text = f"https://appoint.example{path}" + "".join(name + parameters[name] for name in sorted(parameters))
    signature = base64.b64encode(hmac.digest(gateway.encode(), text.encode(), hashlib.sha1)).decode()
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return (await client.post(path, content=urlencode(parameters), headers=headers)).status_code


async def test_a_text_message_that_arrived_is_noted(reporting, db):
    await clinic(reporting)
    id = await notification(db, status="sent", channel="sms", provider_id="SM1")
    assert await report(reporting, id, MessageSid="SM1", MessageStatus="delivered") == 204
    assert await db.fetchval("select status = 'sent' and delivered_at is not null from notification")


async def test_a_text_message_that_never_will_is_dead_with_its_reason(reporting, db):
    await clinic(reporting)
    id = await notification(db, status="sent", channel="sms", provider_id="SM1")
    assert await report(reporting, id, MessageSid="SM1", MessageStatus="undelivered", ErrorCode="30003") == 204
    assert [tuple(row) for row in await db.fetch("select status, reason from notification")] == [
        ("dead", "the provider could not deliver it (code 30003)")
    ]


async def test_a_report_about_an_earlier_message_changes_nothing(reporting, db):
    await clinic(reporting)
    id = await notification(db, status="sent", channel="sms", provider_id="SM2")
    assert await report(reporting, id, MessageSid="SM1", MessageStatus="undelivered") == 204
    assert await db.fetchval("select status from notification") == "sent"


async def test_a_report_that_the_gateway_has_not_signed_is_refused(reporting, client, db):
    await clinic(reporting)
    id = await notification(db, status="sent", channel="sms", provider_id="SM1")
    assert await report(reporting, id, gateway="other", MessageSid="SM1", MessageStatus="undelivered") == 403
    assert (
        await report(client, id, gateway="", MessageSid="SM1", MessageStatus="undelivered") == 403
    )  # where no gateway is set up
    assert await db.fetchval("select status from notification") == "sent"


async def test_a_report_with_more_fields_than_any_is_refused(reporting):
    answer = await reporting.post(f"/callbacks/sms/{SOMETHING}", content="&".join(f"a{n}=1" for n in range(200)))
    assert answer.status_code == 403


# by hand


async def test_dead_letters_are_listed_and_sent_again_by_hand(client, db, database_url, tmp_path):
    await clinic(client)
    id = await notification(db, status="dead")
    for command, expected in (
        (("list", "--json"), DEAD),
        (("resend", id), "1 will be sent again."),
        (("list",), "There are no dead letters."),
        (("resend", id), "it is queued"),
        (("resend",), "Give either the ids of notifications or --all."),
        (("list", "--most", "-5"), "Must be >= 1"),
    ):
        with appoint("dead-letters", *command, database_url=database_url, data_dir=tmp_path) as process:
            process.popen.wait(60)
            process.reader.join()
            assert expected in process.output
    assert await db.fetchval("select status from notification") == "queued"


async def test_parked_events_are_listed_and_released_by_hand(client, db, database_url, tmp_path):
    await db.execute(
        """
        insert into event (clinic_id, type, subject_id, subject_version, data, parked_at, attempts, fault)
        values (1, 'appointment.changed', 'a', 1, '{}', now(), 8, 'LookupError')
        """
    )
    for command, expected in (
        (("parked",), "Look"),
        (("release", "--all"), "1 will be relayed again."),
        (("parked",), "No event is parked."),
    ):
        with appoint("events", *command, database_url=database_url, data_dir=tmp_path) as process:
            process.popen.wait(60)
            process.reader.join()
            assert expected in process.output


async def test_what_waits_and_what_is_dead_is_measured(client, db):
    await clinic(client)
    for status in ("queued", "dead", "dead"):
        await notification(db, status=status)
    await db.execute("update notification set due_at = now() - interval '1 hour' where status = 'queued'")
    await db.execute(
        "insert into event (clinic_id, type, subject_id, subject_version, data, created_at) values (1, 'appointment.changed', 'a', 1, '{}', now() - interval '1 minute')"
    )
    measured = dict(
        line.rsplit(" ", 1) for line in (await client.get("/metrics")).text.splitlines() if line.startswith("appoint_")
    )
    assert (float(measured['appoint_dead_letters{channel="email"}']), float(measured["appoint_event_backlog"])) == (
        2,
        1,
    )
    assert 3600 <= float(measured['appoint_notification_lag_seconds{channel="email"}']) < 4000
    assert 60 <= float(measured["appoint_event_lag_seconds"]) < 500
