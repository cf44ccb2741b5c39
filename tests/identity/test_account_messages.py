"""What people are told about their accounts: links to choose a password, and codes to sign in."""

import re
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from appoint.kit import clock
from appoint.kit.cache import ClinicCache
from appoint.kit.errors import Conflict
from appoint.kit.signed_tokens import six_digit_code, verify
from appoint.messaging.channels.model import Undeliverable
from appoint.messaging.notifications import service
from appoint.messaging.notifications.model import NotificationStatus
from appoint.messaging.notifications.repository import reads
from support.app import ADMIN
from support.post import LINKS, Office, Post
from support.world import RECEPTION, World

LINK = re.compile(r"https://appoint\.example/credentials/(\S+)")


@pytest.fixture
async def world(db, monkeypatch):
    """A clinic where it is always night and nobody is disturbed; Mia is to work there. Ana has an e-mail address and a
    telephone, and wants no messages."""
    async with ClinicCache(None) as cache:
        world = await World.make(db, cache, locale="de")
        await db.execute("update clinic set quiet_from = 0, quiet_until = 1439")
        world.mia = await db.fetchval(
            "insert into app_user (name, email) values ('Mia Klein', 'mia@lakeside.example') returning id"
        )
        await db.execute(
            "update customer set email = 'ana@example.org', phone = '+493012345678' where id = $1", world.ana
        )
        await db.execute(
            "insert into notification_preference (customer_id, channel, wanted) values ($1, 'email', false), ($1, 'sms', false)",
            world.ana,
        )
        monkeypatch.setattr(clock, "now", lambda: world.now)
        yield world


@pytest.fixture
def post():
    return Post()


@pytest.fixture
def office(db, post):
    return Office(db, post)


async def mail(world, kind="invitation", *, clinic_id=1, user_id=None):
    await world.db.atomic(
        service.mail_user, kind=kind, user_id=user_id or world.mia, clinic_id=clinic_id, now=world.now
    )


async def ask_for_code(world, channel="email") -> UUID:
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
    found = LINK.search(message.text)
    assert found, message.text
    return found[1]


# links


async def test_who_is_invited_gets_a_link_that_names_them_and_ends_in_seven_days(world, office, post):
    await mail(world)
    await office.send(world.now)
    (message,) = post.taken
    assert (message.to, message.subject, message.sender_name) == (
        "mia@lakeside.example",
        "Ihr Konto bei Lakeside",
        "Lakeside",
    )
    assert verify(LINKS.secret, "invitation", token_of(message)) == [
        str(world.mia),
        1,
        int((world.now + timedelta(days=7)).timestamp()),
    ]


async def test_the_link_of_a_mail_can_be_clicked(world, office, post):
    await mail(world)
    await office.send(world.now)
    assert f'<a href="https://appoint.example/credentials/{token_of(post.taken[0])}"' in post.taken[0].html


async def test_a_link_for_one_purpose_is_none_for_another(world, office, post):
    await mail(world, "password-reset")
    await office.send(world.now)
    assert verify(LINKS.secret, "invitation", token_of(post.taken[0])) is None
    assert verify(LINKS.secret, "password-reset", token_of(post.taken[0])) == [
        str(world.mia),
        1,
        int((world.now + timedelta(hours=1)).timestamp()),
    ]


async def test_nobody_can_unsubscribe_from_their_account(world, office, post):
    await mail(world)
    await ask_for_code(world)
    await office.send(world.now)
    assert [(message.unsubscribe_url, "unsubscribe" in message.text + message.html) for message in post.taken] == [
        (None, False)
    ] * 2


async def test_the_platform_writes_in_the_users_language_or_else_in_english(world, office, post):
    await mail(world, clinic_id=0)
    await office.send(world.now)
    await world.db.execute("update app_user set locale = 'fr'")
    await mail(world, clinic_id=0)
    await office.send(world.now)
    assert [(message.subject, message.sender_name, message.reply_to) for message in post.taken] == [
        ("Your account at Appoint", "Appoint", None),
        ("Votre compte chez Appoint", "Appoint", None),
    ]


async def test_asked_twice_it_is_sent_twice(world, office, post):
    await mail(world)
    await mail(world)
    await office.send(world.now)
    assert len(post.taken) == 2


async def test_a_link_that_would_not_be_good_any_more_is_not_sent(world, office, post):
    await mail(world)
    await world.db.execute("update app_user set credentials = 2")
    await office.send(world.now)
    assert (post.taken, await outcomes(world.db)) == (
        [],
        [("superseded", "the user has left or changed their password")],
    )


async def test_who_has_left_is_mailed_nothing(world, office, post):
    await mail(world)
    await world.db.execute("update app_user set active = false, removed_at = now()")
    await mail(world)
    await mail(world, user_id=uuid4())
    await office.send(world.now)
    assert (post.taken, await outcomes(world.db)) == (
        [],
        [("superseded", "the user has left or changed their password")],
    )


@pytest.mark.parametrize(("kind", "lasts"), [("invitation", timedelta(days=7)), ("password-reset", timedelta(hours=1))])
async def test_a_link_that_has_run_out_does_not_leave_and_cannot_be_sent_again(world, office, post, kind, lasts):
    await mail(world, kind)
    world.now += lasts
    await office.send(world.now)
    assert (post.taken, await outcomes(world.db)) == ([], [("dead", "it expired before it was sent")])
    again = await world.db.fetchval("select id from notification")
    await world.db.atomic(service.resend, RECEPTION, notification_id=again, now=world.now)
    await office.send(world.now)
    assert (post.taken, await outcomes(world.db)) == ([], [("dead", "it expired before it was sent")])


async def test_nothing_secret_stands_in_the_row(world, office, post):
    await mail(world)
    code_id = await ask_for_code(world)
    await office.send(world.now)
    rows = str([dict(row) for row in await world.db.fetch("select * from notification")]) + str(
        dict(await world.db.fetchrow("select * from sign_in_code"))
    )
    assert not any(
        secret in rows
        for secret in (
            token_of(post.taken[0]),
            six_digit_code(LINKS.secret, "sign-in", str(code_id)),
            "mia@",
            "ana@",
            "+49",
        )
    )


@pytest.mark.parametrize("name", ["Mia\r\nBcc: all@example.org", "https://elsewhere.example/ <script>", "{{ link }}"])
async def test_a_name_writes_nothing_of_its_own_into_the_mail(world, office, post, name):
    await world.db.execute("update app_user set name = $1", name)
    await mail(world)
    await office.send(world.now)
    (message,) = post.taken
    assert "<script>" not in message.html
    assert message.html.count("<a ") == 1
    assert "\nBcc" not in message.text + message.subject


# codes


@pytest.mark.parametrize(("channel", "to"), [("email", "ana@example.org"), ("sms", "+493012345678")])
async def test_a_code_is_sent_where_it_was_asked_for_also_at_night_and_to_who_wants_no_messages(
    world, office, post, channel, to
):
    code_id = await ask_for_code(world, channel)
    await office.send(world.now)
    (message,) = post.taken
    assert (message.to, message.channel) == (to, channel)
    assert re.findall(r"\b\d{6}\b", message.text) == [six_digit_code(LINKS.secret, "sign-in", str(code_id))]


async def test_a_code_goes_before_everything_else(world, office):
    for _ in range(3):
        await world.db.execute(
            "insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at)"
            " values (1, mint_id(1), 'stranded', gen_random_uuid(), 0, 'staff', '1', 'email', $1::timestamptz - interval '1 hour', $1::timestamptz + interval '1 day')",
            world.now,
        )
    await ask_for_code(world)
    (first, *_) = await office.take(world.now)
    assert (
        await world.db.fetchval("select kind from notification where id = $1", first[1].notification_id)
        == "sign-in-code"
    )


async def test_a_code_that_has_been_used_or_has_run_out_does_not_leave(world, office, post):
    await ask_for_code(world)
    await world.db.execute("update sign_in_code set used_at = now()")
    await ask_for_code(world)
    await office.take(world.now)
    world.now += timedelta(minutes=10)
    await office.send(world.now)
    assert (post.taken, await outcomes(world.db)) == (
        [],
        [("superseded", "the code has been used"), ("dead", "it expired before it was sent")],
    )


async def test_a_code_does_not_follow_a_customer_to_another_address(world, office, post):
    await ask_for_code(world)
    await world.db.execute("update customer set email = 'new@example.org', updated_at = now() where id = $1", world.ana)
    await office.send(world.now)
    await ask_for_code(world)
    await world.db.execute(
        "update customer set active = false, removed_at = now(), updated_at = now() where id = $1", world.ana
    )
    await office.send(world.now)
    assert (post.taken, await outcomes(world.db)) == (
        [],
        [("superseded", "the customer's details have changed"), ("superseded", "the customer has left")],
    )


async def test_what_a_provider_refuses_is_dead_and_says_why(world, office, post):
    post.trouble = Undeliverable("there is no such mailbox")
    await ask_for_code(world)
    await office.send(world.now)
    assert await outcomes(world.db) == [("dead", "there is no such mailbox")]


# who sees these


async def test_nobody_reads_the_platforms_messages_by_the_api(db, client, world):
    await mail(world, clinic_id=0)
    id = await db.fetchval("select id from notification")
    asked = ["/api/clinics/0/notifications", f"/api/notifications/{id}"]
    assert [(await client.get(path, headers=ADMIN)).status_code for path in asked] == [404, 404]
    assert (await client.post(f"/api/notifications/{id}/resend", headers=ADMIN)).status_code == 404
    assert await reads.find(db, id)


async def test_the_platforms_dead_letters_are_the_administrators_and_can_be_sent_again(world, office, post):
    post.trouble = Undeliverable("there is no such mailbox")
    await mail(world, clinic_id=0)
    await office.send(world.now)
    post.trouble = None
    (row,) = await reads.list_dead(world.db, clinic_id=None, limit=10)
    assert (row.clinic_id, row.kind, row.reason) == (0, "invitation", "there is no such mailbox")
    await world.db.atomic(service.resend, RECEPTION, notification_id=row.id, now=world.now)
    await office.send(world.now)
    assert len(post.taken) == 1


async def test_a_clinic_sees_its_own_invitations_among_its_notifications(client, world):
    await mail(world)
    (shown,) = (await client.get("/api/clinics/1/notifications", headers=ADMIN)).json()["items"]
    assert (shown["kind"], shown["recipient"], shown["recipientId"], shown["status"]) == (
        "invitation",
        "user",
        str(world.mia),
        NotificationStatus.QUEUED,
    )


@pytest.mark.parametrize("kind", ["invitation", "password-reset", "sign-in-code"])
async def test_no_clinic_has_words_of_its_own_for_accounts(client, world, kind):
    path = f"/api/clinics/1/messageTemplates/{kind}/email/en"
    assert (await client.get(path, headers=ADMIN)).status_code == 404
    assert (await client.put(path, json={"subject": "x", "text": "y"}, headers=ADMIN)).status_code == 404


async def test_what_is_still_on_its_way_is_not_sent_again(world):
    await mail(world)
    with pytest.raises(Conflict):
        await world.db.atomic(
            service.resend,
            RECEPTION,
            notification_id=await world.db.fetchval("select id from notification"),
            now=world.now,
        )
