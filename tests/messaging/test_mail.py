"""The content of emails, and the addresses they can be sent to."""

import base64
import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from appoint.kit.email_addresses import normalize
from appoint.messaging.channels.gateway import Smtp
from appoint.messaging.channels.model import Undeliverable, build_mail, sanitize
from support.channels import INVITATION, LETTER, SENDER, refusal, words
from support.gateways import mail_server


async def test_an_email_contains_its_sender_and_an_unsubscribe_link(inbox):
    url = "https://appoint.example/unsubscribe/" + "token-_." * 40
    await Smtp(inbox.url, SENDER).send(LETTER._replace(reply_to="desk@lakeside.example", unsubscribe_url=url))
    (arrived,) = inbox.received
    assert {
        name: str(value)
        for name, value in arrived.content.items()
        if not name.startswith(("Content-", "MIME-", "Message-ID", "Date"))
    } == {
        "From": "Lakeside Clinic <bookings@appoint.example>",
        "Reply-To": "Lakeside Clinic <desk@lakeside.example>",
        "To": "ana@example.org",
        "Subject": "Your appointment",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert f"\r\nList-Unsubscribe: <{url}>\r\n" in arrived.envelope["content"]
    assert (arrived.envelope["from"], arrived.envelope["to"]) == (SENDER, ["ana@example.org"])


async def test_an_email_contains_text_html_and_the_calendar_both_inline_and_attached(inbox):
    await Smtp(inbox.url, SENDER).send(
        LETTER._replace(html="<p>See <b>you</b></p>", calendar=INVITATION, calendar_method="REQUEST")
    )
    content = inbox.received[0].content
    parts = [
        (part.get_content_type(), part.get_param("method"), part.get_filename())
        for part in content.walk()
        if not part.is_multipart()
    ]
    assert parts == [
        ("text/plain", None, None),
        ("text/html", None, None),
        ("text/calendar", "REQUEST", None),
        ("application/ics", "REQUEST", "invite.ics"),
    ]
    alternatives, file = content.iter_parts()
    _, html, calendar = alternatives.iter_parts()
    assert alternatives.get_content_type() == "multipart/alternative"
    assert html.get_content() == "<p>See <b>you</b></p>\r\n"
    assert (calendar.get_content(), calendar["Content-Type"].params["charset"]) == (INVITATION, "utf-8")
    assert file.get_content() == INVITATION.encode()


async def test_all_attempts_to_send_an_email_share_a_message_id(inbox):
    for token in ("letter/1", "letter/1", "letter/2"):
        await Smtp(inbox.url, SENDER).send(LETTER._replace(token=token))
    message_ids = sorted(str(arrived.content["Message-ID"]) for arrived in inbox.received)
    assert len(message_ids) == 3
    assert len(set(message_ids)) == 2
    assert {message_id.rpartition("@")[2] for message_id in message_ids} == {"appoint.example>"}


async def test_an_email_is_transmitted_as_ascii(inbox):
    await Smtp(inbox.url, SENDER).send(
        LETTER._replace(subject="Ärztin", text="Grüße\n", html="<p>Grüße</p>", sender_name="Müller")
    )
    content = inbox.received[0].envelope["content"]
    assert content.isascii()
    assert max(len(line) for line in content.split("\r\n")) <= 78


async def test_a_non_ascii_domain_is_encoded_in_ascii(inbox):
    await Smtp(inbox.url, SENDER).send(LETTER._replace(to="ana@straße.example"))
    assert inbox.received[0].envelope["to"] == ["ana@xn--strae-oqa.example"]


async def test_a_non_ascii_mailbox_name_works_if_the_server_supports_it():
    with mail_server(utf8=True) as server:
        await Smtp(server.url, SENDER).send(LETTER._replace(to="jörg@example.org"))
        (arrived,) = server.received
        assert (arrived.envelope["to"], arrived.envelope["utf8"], str(arrived.content["To"])) == (
            ["jörg@example.org"],
            True,
            "jörg@example.org",
        )


async def test_a_non_ascii_mailbox_name_is_undeliverable_with_other_servers(inbox):
    assert await refusal(Smtp(inbox.url, SENDER), LETTER._replace(to="jörg@example.org")) == (
        Undeliverable,
        "the mail server does not support addresses with non-ASCII letters",
    )


@pytest.mark.parametrize(
    "payload",
    [
        "Lakeside\r\nBcc: eve@example.org",
        "Lakeside\nBcc: eve@example.org",
        "Lakeside\rBcc: eve@example.org",
        "Lakeside\0\x0b\x0c\x1c\x85\u2028\u2029Bcc: eve@example.org",
        "=?utf-8?q?Lakeside=0D=0ABcc:_eve@example.org?=",
        "=?utf-8?b?" + base64.b64encode(b"Lakeside\r\nBcc: eve@example.org").decode() + "?=",
        'Lakeside" <eve@example.org>, "',
        "Lakeside\\",
        "Ärzte <eve@example.org>, " * 7,
        "x" * 2000,
    ],
)
async def test_a_name_or_subject_cannot_inject_headers_or_recipients(inbox, payload):
    await Smtp(inbox.url, SENDER).send(
        LETTER._replace(subject=payload, sender_name=payload, reply_to="desk@lakeside.example")
    )
    (arrived,) = inbox.received
    assert arrived.envelope["to"] == ["ana@example.org"]
    head = arrived.envelope["content"].partition("\r\n\r\n")[0]
    assert sorted(line.partition(":")[0] for line in head.split("\r\n") if not line.startswith(" ")) == [
        "Auto-Submitted",
        "Content-Transfer-Encoding",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Reply-To",
        "Subject",
        "To",
    ]
    assert max(len(line) for line in head.split("\r\n")) <= 998
    assert [address.addr_spec for address in arrived.content["From"].addresses] == [SENDER]
    assert [address.addr_spec for address in arrived.content["Reply-To"].addresses] == ["desk@lakeside.example"]


@bounds(deadline=None)
@given(name=st.text(max_size=200), subject=st.text(max_size=300), text=st.text(max_size=2000))
def test_any_text_arrives_unchanged(name, subject, text):
    message = sanitize(LETTER._replace(sender_name=name, subject=subject, text=text, html=text))
    mail = build_mail(message, sender=SENDER, now=datetime(2027, 3, 1, tzinfo=UTC)).as_bytes()
    assert mail.isascii()
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    assert {*parsed} - {"Content-Transfer-Encoding"} == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    assert parsed["Subject"] == message.subject
    (address,) = parsed["From"].addresses
    assert ("".join(address.display_name.split()), address.addr_spec) == (
        "".join(message.sender_name.split()),
        SENDER,
    )  # Python duplicates some spaces when it parses them
    lines = message.text.replace("\r\n", "\n").replace("\r", "\n")
    assert words(parsed) == lines + ("" if lines.endswith("\n") else "\n")


@bounds(deadline=None)
@given(st.text())
def test_a_valid_address_fits_into_an_smtp_command(address):
    normalized = normalize(f"{address}@example.org")
    assert normalized is None or (
        normalized == f"{address}@example.org"
        and len(normalized.encode()) <= 254
        and not set('\r\n <>,:;"\0') & set(normalized)
    )


@pytest.mark.parametrize(
    "name", ["ana", "ana+tag", "a.b.c", "o'brien", "a" * 64, "ana_{}|~!#$%&*/=?^`-", "jörg", "用户"]
)
def test_unusual_addresses_are_valid(name):
    assert normalize(f"{name}@example.org") == f"{name}@example.org"
