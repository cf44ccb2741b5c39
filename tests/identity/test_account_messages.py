"""Messages about accounts: password links and sign-in codes."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from appoint.kit.errors import Conflict
from appoint.kit.signed_tokens import six_digit_code, verify
from appoint.messaging.channels.model import Undeliverable
from appoint.messaging.notifications import service
from appoint.messaging.notifications.model import NotificationStatus
from appoint.messaging.notifications.repository import reads
from support.app import ADMIN
from support.staff import SECRET
from support.world import RECEPTION

LINK = re.compile(r"https://appoint\.example/credentials/(\S+)")


async def mail(world, kind="invitation", *, clinic_id=1, user_id=None):
    await world.db.atomic(
        service.mail_user, kind=kind, user_id=user_id or world.mia, clinic_id=clinic_id, now=world.now
    )


async def send_code(world, channel="email") -> UUID:
    code_id = await world.db.fetchval(
        "insert into sign_in_code (channel, customer_ids, expires_at) values ($1, $2, $3) returning id",
        channel,
        [world.ana],
        world.now + timedelta(minutes=10),
    )
    await world.db.atomic(service.send_code, code_id=code_id, customer_id=world.ana, channel=channel, now=world.now)
    return code_id


async def outcomes(db) -> list[tuple[str, str | None]]:
    return [(row.status, row.reason) for row in await db.fetch("select status, reason from notification order by id")]


def token_of(message) -> str:
    match = LINK.search(message.text)
    assert match, message.text
    return match[1]


# links


async def test_an_invitation_contains_a_signed_link_that_expires_in_seven_days(world, office, post):
    await mail(world)
    await office.send(world.now)
    (message,) = post.messages
    assert (message.to, message.subject, message.sender_name) == (
        "mia@lakeside.example",
        "Ihr Konto bei Lakeside",
        "Lakeside",
    )
    assert verify(SECRET, "invitation", token_of(message)) == [
        str(world.mia),
        1,
        int((world.now + timedelta(days=7)).timestamp()),
    ]


async def test_an_html_email_contains_a_clickable_link(world, office, post):
    await mail(world)
    await office.send(world.now)
    assert f'<a href="https://appoint.example/credentials/{token_of(post.messages[0])}"' in post.messages[0].html


async def test_a_link_is_valid_for_only_one_purpose(world, office, post):
    await mail(world, "password-reset")
    await office.send(world.now)
    assert verify(SECRET, "invitation", token_of(post.messages[0])) is None
    assert verify(SECRET, "password-reset", token_of(post.messages[0])) == [
        str(world.mia),
        1,
        int((world.now + timedelta(hours=1)).timestamp()),
    ]


async def test_account_messages_contain_no_unsubscribe_link(world, office, post):
    await mail(world)
    await send_code(world)
    await office.send(world.now)
    assert [(message.unsubscribe_url, "unsubscribe" in message.text + message.html) for message in post.messages] == [
        (None, False)
    ] * 2


async def test_platform_messages_are_in_the_users_language_or_english_by_default(world, office, post):
    await mail(world, clinic_id=0)
    await office.send(world.now)
    await world.db.execute("update app_user set locale = 'fr'")
    await mail(world, clinic_id=0)
    await office.send(world.now)
    assert [(message.subject, message.sender_name, message.reply_to) for message in post.messages] == [
        ("Your account at Appoint", "Appoint", None),
        ("Votre compte Appoint", "Appoint", None),
    ]


async def test_two_invitations_send_two_emails(world, office, post):
    await mail(world)
    await mail(world)
    await office.send(world.now)
    assert len(post.messages) == 2


async def test_an_invalidated_link_is_not_sent(world, office, post):
    await mail(world)
    await world.db.execute("update app_user set credentials = 2")
    await office.send(world.now)
    assert (post.messages, await outcomes(world.db)) == (
        [],
        [("superseded", "the user has left or changed their password")],
    )


async def test_a_removed_or_unknown_user_does_not_get_an_email(world, office, post):
    await mail(world)
    await world.db.execute("update app_user set active = false, removed_at = now()")
    await mail(world)
    await mail(world, user_id=uuid4())
    await office.send(world.now)
    assert (post.messages, await outcomes(world.db)) == (
        [],
        [("superseded", "the user has left or changed their password")],
    )


@pytest.mark.parametrize(
    ("kind", "lifetime"), [("invitation", timedelta(days=7)), ("password-reset", timedelta(hours=1))]
)
async def test_an_expired_link_is_not_sent_even_on_a_resend(world, office, post, kind, lifetime):
    await mail(world, kind)
    world.now += lifetime
    await office.send(world.now)
    assert (post.messages, await outcomes(world.db)) == ([], [("dead", "it expired before it was sent")])
    notification_id = await world.db.fetchval("select id from notification")
    await world.db.atomic(service.resend, RECEPTION, notification_id=notification_id, now=world.now)
    await office.send(world.now)
    assert (post.messages, await outcomes(world.db)) == ([], [("dead", "it expired before it was sent")])


async def test_queued_messages_contain_no_secrets_or_addresses(world, office, post):
    await mail(world)
    code_id = await send_code(world)
    await office.send(world.now)
    rows = str([dict(row) for row in await world.db.fetch("select * from notification")]) + str(
        dict(await world.db.fetchrow("select * from sign_in_code"))
    )
    assert not any(
        secret in rows
        for secret in (
            token_of(post.messages[0]),
            six_digit_code(SECRET, "sign-in", str(code_id)),
            "mia@",
            "ana@",
            "+49",
        )
    )


@pytest.mark.parametrize("name", ["Mia\r\nBcc: all@example.org", "https://elsewhere.example/ <script>", "{{ link }}"])
async def test_a_name_cannot_inject_content_into_an_email(world, office, post, name):
    await world.db.execute("update app_user set name = $1", name)
    await mail(world)
    await office.send(world.now)
    (message,) = post.messages
    assert "<script>" not in message.html
    assert message.html.count("<a ") == 1
    assert "\nBcc" not in message.text + message.subject


# codes


@pytest.mark.parametrize(("channel", "to"), [("email", "ana@example.org"), ("sms", "+493012345678")])
async def test_a_code_ignores_quiet_hours_and_notification_preferences(world, office, post, channel, to):
    code_id = await send_code(world, channel)
    await office.send(world.now)
    (message,) = post.messages
    assert (message.to, message.channel) == (to, channel)
    assert re.findall(r"\b\d{6}\b", message.text) == [six_digit_code(SECRET, "sign-in", str(code_id))]


async def test_a_code_is_sent_before_all_other_messages(world, office):
    for _ in range(3):
        await world.db.execute(
            """
            insert into notification
                   (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at)
            values (1, mint_id(1), 'stranded', gen_random_uuid(), 0, 'staff', '1', 'email',
                    $1::timestamptz - interval '1 hour', $1::timestamptz + interval '1 day')
            """,
            world.now,
        )
    await send_code(world)
    (first, *_) = await office.lease(world.now)
    assert (
        await world.db.fetchval("select kind from notification where id = $1", first[1].notification_id)
        == "sign-in-code"
    )


async def test_a_used_or_expired_code_is_not_sent(world, office, post):
    await send_code(world)
    await world.db.execute("update sign_in_code set used_at = now()")
    await send_code(world)
    await office.lease(world.now)
    world.now += timedelta(minutes=10)
    await office.send(world.now)
    assert (post.messages, await outcomes(world.db)) == (
        [],
        [("superseded", "the code has been used"), ("dead", "it expired before it was sent")],
    )


async def test_a_code_is_not_sent_after_the_customer_leaves_or_changes_address(world, office, post):
    await send_code(world)
    await world.db.execute("update customer set email = 'new@example.org', updated_at = now() where id = $1", world.ana)
    await office.send(world.now)
    await send_code(world)
    await world.db.execute(
        "update customer set active = false, removed_at = now(), updated_at = now() where id = $1", world.ana
    )
    await office.send(world.now)
    assert (post.messages, await outcomes(world.db)) == (
        [],
        [("superseded", "the customer's details have changed"), ("superseded", "the customer has left")],
    )


async def test_an_undeliverable_message_is_a_dead_letter_with_a_reason(world, office, post):
    post.trouble = Undeliverable("there is no such mailbox")
    await send_code(world)
    await office.send(world.now)
    assert await outcomes(world.db) == [("dead", "there is no such mailbox")]


# who can see these messages


async def test_the_api_neither_shows_nor_resends_platform_messages(db, client, world):
    await mail(world, clinic_id=0)
    id = await db.fetchval("select id from notification")
    paths = ["/api/clinics/0/notifications", f"/api/notifications/{id}"]
    assert [(await client.get(path, headers=ADMIN)).status_code for path in paths] == [404, 404]
    assert (await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)).status_code == 404
    assert await reads.find(db, id)


async def test_the_platforms_dead_letters_can_be_listed_and_resent(world, office, post):
    post.trouble = Undeliverable("there is no such mailbox")
    await mail(world, clinic_id=0)
    await office.send(world.now)
    post.trouble = None
    (row,) = await reads.list_dead(world.db, clinic_id=None, limit=10)
    assert (row.clinic_id, row.kind, row.reason) == (0, "invitation", "there is no such mailbox")
    await world.db.atomic(service.resend, RECEPTION, notification_id=row.id, now=world.now)
    await office.send(world.now)
    assert len(post.messages) == 1


async def test_a_clinics_notifications_include_its_invitations(client, world):
    await mail(world)
    (notification,) = (await client.get("/api/clinics/1/notifications", headers=ADMIN)).json()["items"]
    assert (notification["kind"], notification["recipient"], notification["recipientId"], notification["status"]) == (
        "invitation",
        "user",
        str(world.mia),
        NotificationStatus.QUEUED,
    )


@pytest.mark.parametrize("kind", ["invitation", "password-reset", "sign-in-code"])
async def test_account_messages_cannot_have_custom_templates(client, world, kind):
    path = f"/api/clinics/1/messageTemplates/{kind}/email/en"
    assert (await client.get(path, headers=ADMIN)).status_code == 404
    assert (await client.put(path, json={"subject": "x", "text": "y"}, headers=ADMIN)).status_code == 404


async def test_a_queued_message_cannot_be_resent(world):
    await mail(world)
    with pytest.raises(Conflict):
        await world.db.atomic(
            service.resend,
            RECEPTION,
            notification_id=await world.db.fetchval("select id from notification"),
            now=world.now,
        )
