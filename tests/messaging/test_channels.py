"""How a message leaves: the same for real servers and for the mailbox of development, and what happens when the servers
misbehave."""

import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from appoint.kit.errors import StartupError
from appoint.messaging.channels.gateway import DevMailbox, Gateway, Sms, Smtp, gateways, secret_of, signature, signed
from appoint.messaging.channels.model import Delayed, Message, Undeliverable, mail, mailbox, ready
from support.app import settings
from support.gateways import (
    ACCOUNT,
    DROPS,
    HANGS,
    SECRET,
    MailServer,
    TextGateway,
    certificate,
    http,
    http_talk,
    mail_server,
    mail_talk,
    serving,
    text_gateway,
)

SENDER = "bookings@appoint.example"
LETTER = Message(
    "letter/1", "email", "ana@example.org", "Your appointment", "See you on Monday.\n", sender_name="Lakeside Clinic"
)
NOTE = Message("note/1", "sms", "+493012345678", "", "See you on Monday.", sender_name="Lakeside Clinic")
INVITATION = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
SOON = 0.3
"""Seconds that a gateway waits for a server which never answers."""


class Arrived(NamedTuple):
    to: str
    subject: str
    text: str


class Way(NamedTuple):
    gateway: Gateway
    message: Message
    arrived: Callable[[], Any]


@pytest.fixture(scope="module")
def server():
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def texts():
    with text_gateway() as gateway:
        yield gateway


@pytest.fixture
def post(server: MailServer) -> MailServer:
    server.forget()
    return server


def sms_url(gateway: TextGateway, secret: str = SECRET) -> str:
    return f"http://{ACCOUNT}:{secret.replace('/', '%2F').replace(' ', '%20')}@{gateway.place}"


@pytest.fixture(params=["mail server", "text gateway", "mailbox for mails", "mailbox for text messages"])
def way(request, db, post, texts) -> Way:
    texts.received.clear()

    async def in_mailbox() -> list[Arrived]:
        return [Arrived(*row) for row in await db.fetch("select recipient, subject, text from dev_message order by id")]

    async def by_mail() -> list[Arrived]:
        return [Arrived(str(m.content["To"]), str(m.content["Subject"]), words(m.content)) for m in post.received]

    async def by_text() -> list[Arrived]:
        return [Arrived(form["To"], "", form["Body"]) for form in texts.received.values()]

    return {
        "mail server": Way(Smtp(post.url, SENDER), LETTER, by_mail),
        "text gateway": Way(Sms(sms_url(texts), "Appoint"), NOTE, by_text),
        "mailbox for mails": Way(DevMailbox(db), LETTER, in_mailbox),
        "mailbox for text messages": Way(DevMailbox(db), NOTE, in_mailbox),
    }[request.param]


def words(content) -> str:
    return content.get_body(("plain",)).get_content().replace("\r\n", "\n")


async def refusal(gateway: Gateway, message: Message) -> tuple[type, str]:
    """Why the message did not leave, having made sure that nobody learns from that whom it was for."""
    with pytest.raises((Undeliverable, Delayed)) as refused:
        await gateway.send(message)
    assert message.to not in str(refused.value)
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    return refused.type, str(refused.value)


# What holds for every way


async def test_a_message_arrives_with_its_words(way):
    await way.gateway.send(way.message)
    assert await way.arrived() == [Arrived(way.message.to, way.message.subject, way.message.text)]


async def test_words_in_any_script_and_markup_arrive_unharmed(way):
    text = 'Ärzte & Söhne <b>"Ост"</b> — 診療所 عيادة 👩🏽‍⚕️\n.\n..\nFrom here: 50 % = half\\n' + "long " * 500 + "\n"
    await way.gateway.send(way.message._replace(text=text))
    assert [arrived.text for arrived in await way.arrived()] == [text]


async def test_many_messages_at_once_all_arrive(way):
    await asyncio.gather(
        *(way.gateway.send(way.message._replace(token=f"many/{number}", text=f"{number}\n")) for number in range(12))
    )
    assert sorted(int(arrived.text) for arrived in await way.arrived()) == list(range(12))


async def test_control_characters_arrive_as_spaces(way):
    await way.gateway.send(
        way.message._replace(
            subject=way.message.subject and "a\0b\r\nBcc: eve@example.org\x85c", text="a\0b\x1b[2J\ud800c\n"
        )
    )
    (arrived,) = await way.arrived()
    assert (arrived.to, arrived.text) == (way.message.to, "a b [2J c\n")
    assert arrived.subject in ("", "a b  Bcc: eve@example.org c")


IMPOSSIBLE = {
    "email": [
        "a" * 64 + "@" + ("b" * 60 + ".") * 4 + "org",
        "a" * 288 + "@example.org",
        "a" * 65 + "@example.org",
        "ana",
        "@example.org",
        "ana@",
        "ana@-example.org",
        "ana@example..org",
        "ana@exa mple.org",
        "ana..b@example.org",
        "ana@example.org\r\nRCPT TO:<eve@example.org>",
        "ana@example.org>\r\nDATA",
        "<ana@example.org>",
        "ana@example.org,eve@example.org",
        "Ana <ana@example.org>",
        '"ana b"@example.org',
        "ana@[127.0.0.1]",
        "ana\0@example.org",
        "ana\ud800@example.org",
        "ana@münster\u2028.org",
        "ana@" + "ü" * 64 + ".org",
        "",
    ],
    "sms": [
        "",
        "+",
        "030 1234",
        "0049301234567",
        "+0301234567",
        "+49",
        "+49301234567890123",
        "+4930123456a",
        "+4930１２３４５６",
        "+493012345678\n",
    ],
}


async def test_an_address_that_cannot_exist_is_refused_for_good(way):
    for address in IMPOSSIBLE[way.message.channel]:
        kind, reason = await refusal(way.gateway, way.message._replace(to=address or "\0"))
        assert (kind, reason.startswith("there can be no such ")) == (Undeliverable, True), address
    assert await way.arrived() == []


# Mail


async def test_a_mail_says_who_sends_it_and_how_to_get_no_more(post):
    url = "https://appoint.example/unsubscribe/" + "token-_." * 40
    await Smtp(post.url, SENDER).send(LETTER._replace(reply_to="desk@lakeside.example", unsubscribe_url=url))
    (arrived,) = post.received
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


async def test_a_mail_shows_text_markup_and_calendar_and_brings_the_calendar_as_a_file(post):
    await Smtp(post.url, SENDER).send(
        LETTER._replace(html="<p>See <b>you</b></p>", calendar=INVITATION, calendar_method="REQUEST")
    )
    content = post.received[0].content
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


async def test_attempts_at_the_same_mail_have_the_same_message_id(post):
    for token in ("letter/1", "letter/1", "letter/2"):
        await Smtp(post.url, SENDER).send(LETTER._replace(token=token))
    names = sorted(str(arrived.content["Message-ID"]) for arrived in post.received)
    assert len(names) == 3
    assert len(set(names)) == 2
    assert {name.rpartition("@")[2] for name in names} == {"appoint.example>"}


async def test_a_mail_is_plain_ascii_on_the_way(post):
    await Smtp(post.url, SENDER).send(
        LETTER._replace(subject="Ärztin", text="Grüße\n", html="<p>Grüße</p>", sender_name="Müller")
    )
    content = post.received[0].envelope["content"]
    assert content.isascii()
    assert max(len(line) for line in content.split("\r\n")) <= 78


async def test_a_domain_beyond_ascii_is_written_in_ascii(post):
    await Smtp(post.url, SENDER).send(LETTER._replace(to="ana@straße.example"))
    assert post.received[0].envelope["to"] == ["ana@xn--strae-oqa.example"]


async def test_a_name_beyond_ascii_is_reached_where_the_server_knows_such_names():
    with mail_server(utf8=True) as server:
        await Smtp(server.url, SENDER).send(LETTER._replace(to="jörg@example.org"))
        (arrived,) = server.received
        assert (arrived.envelope["to"], arrived.envelope["utf8"], str(arrived.content["To"])) == (
            ["jörg@example.org"],
            True,
            "jörg@example.org",
        )


async def test_a_name_beyond_ascii_cannot_be_reached_elsewhere(post):
    assert await refusal(Smtp(post.url, SENDER), LETTER._replace(to="jörg@example.org")) == (
        Undeliverable,
        "the mail server takes no addresses with letters beyond ASCII",
    )


@pytest.mark.parametrize(
    "evil",
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
async def test_nothing_in_a_name_or_a_subject_becomes_a_header_or_a_recipient(post, evil):
    await Smtp(post.url, SENDER).send(LETTER._replace(subject=evil, sender_name=evil, reply_to="desk@lakeside.example"))
    (arrived,) = post.received
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
def test_whatever_people_write_a_mail_says_the_same_and_no_more(name, subject, text):
    message = ready(LETTER._replace(sender_name=name, subject=subject, text=text, html=text))
    written = mail(message, sender=SENDER, now=datetime(2027, 3, 1, tzinfo=UTC)).as_bytes()
    assert written.isascii()
    read = email.message_from_bytes(written, policy=email.policy.default)
    assert {*read} - {"Content-Transfer-Encoding"} == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    assert read["Subject"] == message.subject
    (address,) = read["From"].addresses
    assert ("".join(address.display_name.split()), address.addr_spec) == (
        "".join(message.sender_name.split()),
        SENDER,
    )  # Python reads some spaces twice
    lines = message.text.replace("\r\n", "\n").replace("\r", "\n")
    assert words(read) == lines + ("" if lines.endswith("\n") else "\n")


@bounds(deadline=None)
@given(st.text())
def test_an_address_that_is_taken_fits_on_a_line_of_smtp(address):
    written = mailbox(f"{address}@example.org")
    assert written is None or (
        written == f"{address}@example.org" and len(written.encode()) <= 254 and not set('\r\n <>,:;"\0') & set(written)
    )


@pytest.mark.parametrize(
    "name", ["ana", "ana+tag", "a.b.c", "o'brien", "a" * 64, "ana_{}|~!#$%&*/=?^`-", "jörg", "用户"]
)
def test_unusual_addresses_are_taken(name):
    assert mailbox(f"{name}@example.org") == f"{name}@example.org"


# TLS and login


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    path = certificate(tmp_path_factory.mktemp("tls"))
    if path is None:
        assert os.environ.get("CI") != "true", "CI has openssl"
        pytest.skip("openssl is not installed")
    return str(path)


@pytest.mark.parametrize(("kind", "scheme"), [("starttls", "smtp"), ("smtps", "smtps")])
async def test_mails_leave_encrypted_where_the_server_can(pem, kind, scheme):
    with mail_server(certificate=pem, tls=kind, login=True) as server:
        await Smtp(f"{scheme}://clinic:secret%2F1@localhost:{server.port}", SENDER).send(LETTER)
        (arrived,) = server.received
        assert (arrived.envelope["tls"], arrived.envelope["user"]) == (True, "clinic")


@pytest.mark.parametrize(("kind", "scheme"), [("starttls", "smtp"), ("smtps", "smtps")])
async def test_a_certificate_that_nobody_vouches_for_is_not_trusted_on_other_machines(pem, kind, scheme):
    with mail_server(certificate=pem, tls=kind) as server:
        assert await refusal(Smtp(f"{scheme}://0.0.0.0:{server.port}", SENDER), LETTER) == (
            Delayed,
            "TLS with the mail server fails, or its certificate is not valid",
        )


async def test_a_password_does_not_leave_in_the_clear_for_other_machines():
    heard: list[str] = []
    greeting = {"EHLO": b"250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n", "AUTH": "235 welcome"}
    async with serving(mail_talk(greeting, heard)) as port:
        assert await refusal(Smtp(f"smtp://clinic:secret@0.0.0.0:{port}", SENDER), LETTER) == (
            Delayed,
            "the mail server offers no TLS, and our password does not leave without",
        )
        assert "AUTH" not in heard
        await Smtp(f"smtp://clinic:secret@127.0.0.1:{port}", SENDER).send(LETTER)
        assert "AUTH" in heard


async def test_a_wrong_password_loses_no_mail():
    with mail_server(login=True) as server:
        assert await refusal(Smtp(f"smtp://clinic:wrong@127.0.0.1:{server.port}", SENDER), LETTER) == (
            Delayed,
            "the mail server refuses our login (535)",
        )
        assert await refusal(Smtp(server.url, SENDER), LETTER) == (
            Delayed,
            "the mail server refuses our own address (530)",
        )


# Mail servers that refuse, and that misbehave


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("nobody", Undeliverable, "the mail server refuses the recipient: there is no such mailbox (550 5.1.1)"),
        ("full", Undeliverable, "the mail server refuses the recipient: the mailbox is full (552 5.2.2)"),
        ("busy", Delayed, "the mail server does not take the recipient now (451 4.3.0)"),
        ("relayed", Delayed, "the mail server takes nothing from us (554 5.7.1)"),
    ],
)
async def test_a_server_that_refuses_the_recipient_is_understood(post, name, kind, reason):
    assert await refusal(Smtp(post.url, SENDER), LETTER._replace(to=f"{name}@example.org")) == (kind, reason)


SILENT = "the mail server takes too long"
GONE = "the mail server has closed the connection"
NO_SMTP = "the mail server does not speak SMTP"


@pytest.mark.parametrize(
    ("answers", "kind", "reason"),
    [
        ({"greeting": "554 not you"}, Delayed, "the mail server does not talk to us (554)"),
        ({"greeting": "421 busy"}, Delayed, "the mail server does not talk to us (421)"),
        ({"greeting": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, Delayed, NO_SMTP),
        ({"greeting": b"\xff\xfe\x00\x16\x03\x01\n"}, Delayed, NO_SMTP),
        ({"greeting": b"x" * 100_000}, Delayed, NO_SMTP),
        ({"greeting": b"220-more\r\n" * 20_000}, Delayed, NO_SMTP),
        ({"greeting": HANGS}, Delayed, SILENT),
        ({"greeting": b"220 and then noth"}, Delayed, SILENT),
        ({"greeting": DROPS}, Delayed, "the mail server cannot be reached"),
        ({"EHLO": "500 what?", "HELO": "502 what?"}, Delayed, "the mail server does not talk to us (502)"),
        ({"EHLO": "421 busy"}, Delayed, "the mail server does not talk to us (421)"),
        ({"EHLO": b"\0\0\0\n"}, Delayed, NO_SMTP),
        ({"EHLO": HANGS}, Delayed, SILENT),
        ({"EHLO": DROPS}, Delayed, GONE),
        (
            {"EHLO": b"250-mail.test\r\n250 STARTTLS\r\n", "STARTTLS": "454 not now"},
            Delayed,
            "the mail server does not talk to us (454)",
        ),
        (
            {"EHLO": b"250-mail.test\r\n250 STARTTLS\r\n", "STARTTLS": "220 go on"},
            Delayed,
            "TLS with the mail server fails, or its certificate is not valid",
        ),
        ({"MAIL": "550 5.7.1 not from there"}, Delayed, "the mail server refuses our own address (550)"),
        ({"MAIL": "451 later"}, Delayed, "the mail server refuses our own address (451)"),
        ({"MAIL": HANGS}, Delayed, SILENT),
        ({"MAIL": DROPS}, Delayed, GONE),
        ({"RCPT": "550 no ana@example.org"}, Undeliverable, "the mail server refuses the recipient (550)"),
        (
            {"RCPT": "550 5.1.1ana@example.org"},
            Undeliverable,
            "the mail server refuses the recipient: there is no such mailbox (550 5.1.1)",
        ),
        (
            {"RCPT": b"550-5.1.10 ana@example.org\r\n550 5.1.10 no\r\n"},
            Undeliverable,
            "the mail server refuses the recipient: the domain takes no mail (550 5.1.10)",
        ),
        ({"RCPT": "530 5.7.0 who are you?"}, Delayed, "the mail server takes nothing from us (530 5.7.0)"),
        ({"RCPT": "450 greylisted"}, Delayed, "the mail server does not take the recipient now (450)"),
        ({"RCPT": "421 busy"}, Delayed, "the mail server does not take the recipient now (421)"),
        ({"RCPT": "299 ana@example.org"}, Delayed, "the mail server does not take the recipient now (299)"),
        ({"RCPT": HANGS}, Delayed, SILENT),
        ({"RCPT": DROPS}, Delayed, GONE),
        ({"DATA": "554 no"}, Undeliverable, "the mail server refuses the mail (554)"),
        ({"DATA": "451 later"}, Delayed, "the mail server does not take the mail now (451)"),
        ({"DATA": HANGS}, Delayed, SILENT),
        ({"DATA": DROPS}, Delayed, GONE),
        (
            {".": "552 5.3.4 ana@example.org gets none so large"},
            Undeliverable,
            "the mail server refuses the mail: the mail is too large (552 5.3.4)",
        ),
        ({".": "554 5.7.1 looks like spam"}, Delayed, "the mail server takes nothing from us (554 5.7.1)"),
        ({".": "452 disk full"}, Delayed, "the mail server does not take the mail now (452)"),
        ({".": b"\xff\xff\n"}, Delayed, NO_SMTP),
        ({".": HANGS}, Delayed, SILENT),
        ({".": DROPS}, Delayed, GONE),
    ],
)
async def test_a_mail_server_that_refuses_or_misbehaves_is_understood(answers, kind, reason):
    waits = any(answer is HANGS or answer == b"220 and then noth" for answer in answers.values())
    async with serving(mail_talk(answers)) as port:
        assert await refusal(Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON if waits else 30), LETTER) == (
            kind,
            reason,
        )


@pytest.mark.parametrize("goodbye", [HANGS, DROPS, "500 what?", b"\xff\n"])
async def test_a_mail_that_was_taken_is_not_sent_again_whatever_the_server_says_then(goodbye):
    async with serving(mail_talk({"QUIT": goodbye})) as port:
        assert (
            await Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON if goodbye is HANGS else 30).send(LETTER)
            is None
        )


async def test_a_mail_server_may_take_long_to_accept_a_mail():
    """It has the mail by then: who gives up would send it twice."""

    async def scans(reader, writer):
        for answer in (b"220 mail.test", b"250 mail.test", b"250 fine", b"250 fine", b"354 go on"):
            writer.write(answer + b"\r\n")
            await (reader.readuntil(b"\r\n.\r\n") if answer.startswith(b"354") else reader.readline())
        await asyncio.sleep(3 * SOON)
        writer.write(b"250 queued\r\n")
        await reader.readline()

    async with serving(scans) as port:
        assert await Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON).send(LETTER) is None


async def test_a_clinics_own_address_beyond_ascii_keeps_no_mail_from_others():
    async with serving(mail_talk({})) as port:
        assert (
            await Smtp(f"smtp://127.0.0.1:{port}", SENDER).send(LETTER._replace(reply_to="praxis-ä@example.org"))
            is None
        )


async def test_a_mail_server_that_answers_forever_is_left():
    async def dribble(reader, writer):
        while True:
            writer.write(b"2")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(dribble) as port:
        assert await refusal(Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON), LETTER) == (Delayed, SILENT)


async def test_a_login_that_cannot_be_had_loses_no_mail():
    for offer, reason in (
        (b"250 mail.test\r\n", "the mail server offers no login, or none that we know"),
        (b"250-mail.test\r\n250 AUTH KERBEROS\r\n", "the mail server offers no login, or none that we know"),
        (b"250-mail.test\r\n250 AUTH PLAIN\r\n", "the mail server refuses our login (454)"),
    ):
        async with serving(mail_talk({"EHLO": offer, "AUTH": "454 not now"})) as port:
            assert await refusal(Smtp(f"smtp://clinic:secret@127.0.0.1:{port}", SENDER), LETTER) == (Delayed, reason)


async def test_a_mail_server_that_is_not_there_delays_the_mail():
    async with serving(mail_talk({})) as port:
        pass
    assert await refusal(Smtp(f"smtp://127.0.0.1:{port}", SENDER), LETTER) == (
        Delayed,
        "the mail server cannot be reached",
    )
    assert await refusal(Smtp("smtp://nowhere.invalid", SENDER), LETTER) == (
        Delayed,
        "the mail server cannot be reached",
    )


# Text messages


async def test_a_text_message_says_where_to_report_and_brings_back_its_id(texts):
    texts.received.clear()
    gateway = Sms(sms_url(texts), "Appoint")
    assert await gateway.send(NOTE._replace(status_url="https://appoint.example/api/reports/1")) == "SM1"
    assert texts.received == {
        "note/1": {
            "To": "+493012345678",
            "From": "Appoint",
            "Body": "See you on Monday.",
            "StatusCallback": "https://appoint.example/api/reports/1",
        }
    }


async def test_a_text_message_is_delivered_once_by_its_token(texts):
    texts.received.clear()
    gateway = Sms(sms_url(texts), "Appoint")
    assert [await gateway.send(NOTE._replace(token=token)) for token in ("note/1", "note/1", "note/2")] == [
        "SM1",
        "SM1",
        "SM2",
    ]


async def test_a_messaging_service_sends_instead_of_a_number(texts):
    texts.received.clear()
    await Sms(sms_url(texts), "MG" + "0" * 32).send(NOTE)
    assert texts.received["note/1"] == {
        "To": "+493012345678",
        "MessagingServiceSid": "MG" + "0" * 32,
        "Body": "See you on Monday.",
    }


@pytest.mark.parametrize(
    ("number", "kind", "reason"),
    [
        ("+15005550001", Undeliverable, "there is no such number (code 21211)"),
        ("+15005550009", Undeliverable, "the number takes no text messages (code 21614)"),
        ("+15005550010", Undeliverable, "the recipient has unsubscribed (code 21610)"),
        ("+15005550099", Undeliverable, "the gateway for text messages refuses the message (code 29999)"),
        (
            "+15005550006",
            Delayed,
            "the gateway for text messages does not accept our account or our number (code 21606)",
        ),
    ],
)
async def test_a_gateway_that_refuses_the_number_is_understood(texts, number, kind, reason):
    assert await refusal(Sms(sms_url(texts), "Appoint"), NOTE._replace(to=number)) == (kind, reason)


async def test_a_wrong_token_loses_no_text_message(texts):
    assert await refusal(Sms(sms_url(texts, "wrong"), "Appoint"), NOTE) == (
        Delayed,
        "the gateway for text messages refuses our login (401)",
    )


def not_now(status: int) -> str:
    return f"the gateway for text messages does not take the message now ({status})"


NO_HTTP = "the gateway for text messages cannot be reached, or does not speak HTTP"
SLOW = "the gateway for text messages takes too long"


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (
            http("400 Bad Request", '{"code": 21408, "message": "+493012345678"}'),
            Undeliverable,
            "text messages to that region are not enabled (code 21408)",
        ),
        (
            http("400 Bad Request", '{"code": 493012345678}'),
            Undeliverable,
            "the gateway for text messages refuses the message (400)",
        ),
        (
            http("400 Bad Request", '{"error": "no"}'),
            Undeliverable,
            "the gateway for text messages refuses the message (400)",
        ),
        (http("400 Bad Request", "<html>who are you?</html>"), Delayed, not_now(400)),
        (http("400 Bad Request", b'{"code": "\xff'), Delayed, not_now(400)),
        (http("403 Forbidden"), Delayed, "the gateway for text messages refuses our login (403)"),
        (http("404 Not Found"), Delayed, not_now(404)),
        (http("408 Request Timeout"), Delayed, not_now(408)),
        (http("429 Too Many Requests", '{"code": 20429}', "Retry-After: 3"), Delayed, not_now(429)),
        (http("500 Internal Server Error", '{"code": 20500}'), Delayed, not_now(500)),
        (http("503 Service Unavailable", "x" * 1_000_000), Delayed, not_now(503)),
        (http("302 Found", "", "Location: http://127.0.0.1:1/"), Delayed, not_now(302)),
        (http("308 Permanent Redirect", "", "Location: http://127.0.0.1:1/"), Delayed, not_now(308)),
        (b"220 mail.test\r\n", Delayed, NO_HTTP),
        (b"\x16\x03\x01\x00\xff" * 100, Delayed, NO_HTTP),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, Delayed, NO_HTTP),
        (DROPS, Delayed, NO_HTTP),
        (HANGS, Delayed, SLOW),
        ([b"H"] + [b"T"] * 1000, Delayed, SLOW),
    ],
)
async def test_a_gateway_that_refuses_or_misbehaves_is_understood(answer, kind, reason):
    async with serving(http_talk(answer)) as port:
        gateway = Sms(f"http://{ACCOUNT}:token@127.0.0.1:{port}", "Appoint", seconds=SOON if reason == SLOW else 30)
        assert await refusal(gateway, NOTE) == (kind, reason)


@pytest.mark.parametrize(
    ("answer", "id"),
    [
        (http("201 Created", '{"sid": "SM123", "error_code": null}'), "SM123"),
        (http("200 OK", '{"sid": "SM123"}'), "SM123"),
        (http("201 Created", "queued, thank you"), None),
        (http("201 Created", '{"sid": {"$ne": 1}}'), None),
        (http("201 Created", '{"sid": "SM\\n+493012345678"}'), None),
        (http("201 Created", "[" * 100_000), None),
        (http("201 Created", "x" * 1_000_000), None),
        (http("204 No Content", b""), None),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\nand then it is gone", None),
        (b"HTTP/1.1 201 Created\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", None),
        ([b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 1000], None),
    ],
)
async def test_a_text_message_that_was_taken_is_not_sent_again_whatever_the_answer_says(answer, id):
    async with serving(http_talk(answer)) as port:
        gateway = Sms(
            f"http://{ACCOUNT}:token@127.0.0.1:{port}", "Appoint", seconds=SOON if isinstance(answer, list) else 30
        )
        assert await gateway.send(NOTE) == id


async def test_a_gateway_that_is_not_there_delays_the_text_message():
    async with serving(http_talk(b"")) as port:
        pass
    assert await refusal(Sms(f"http://{ACCOUNT}:token@127.0.0.1:{port}", "Appoint"), NOTE) == (Delayed, NO_HTTP)


async def test_nobody_learns_from_the_log_whom_a_message_was_for(way, caplog):
    caplog.set_level(logging.INFO)
    await way.gateway.send(way.message)
    assert way.message.to not in caplog.text
    assert SECRET not in caplog.text


# What became of a text message


REPORT = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
REPORT_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def test_a_report_is_signed_as_twilio_does():
    """The example of Twilio's documentation, and the rule once more by hand."""
    assert signature(REPORT_URL, REPORT, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    by_hand = hmac.new(b"t", b"https://x.org/a" + b"A1" + b"B\xc3\xa4" + b"a3", hashlib.sha1).digest()
    assert signature("https://x.org/a", {"a": "3", "B": "ä", "A": "1"}, "t") == base64.b64encode(by_hand).decode()


@pytest.mark.parametrize(
    ("url", "parameters", "token", "given"),
    [
        (REPORT_URL.replace("https", "http"), REPORT, "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (REPORT_URL, REPORT | {"Digits": "1235"}, "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (REPORT_URL, REPORT | {"Show more": ""}, "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (REPORT_URL, REPORT, "12346", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (REPORT_URL, REPORT, "12345", ""),
        (REPORT_URL, REPORT, "12345", "Ümläut\ud800"),
        (REPORT_URL, REPORT, "", signature(REPORT_URL, REPORT, "")),
    ],
)
def test_a_report_with_another_signature_is_not_the_gateways(url, parameters, token, given):
    assert signed(REPORT_URL, REPORT, "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not signed(url, parameters, token, given)


def test_reports_are_signed_with_the_token_of_the_url():
    assert secret_of("https://AC1:to%2Fken@api.twilio.com") == "to/ken"


# What is set up


async def test_without_providers_everything_stays_in_the_mailbox_of_development(db):
    found = gateways(settings(), db)
    assert {channel: type(gateway) for channel, gateway in found.items()} == {"email": DevMailbox, "sms": DevMailbox}


async def test_without_providers_nothing_is_sent_in_production(db):
    assert gateways(settings(mode="production"), db) == {}


@pytest.mark.parametrize("mode", ["development", "production"])
async def test_what_has_a_provider_is_sent_by_it(db, mode):
    found = gateways(settings(mode=mode, smtp_url="smtp://mail.example", sms_url="https://AC1:token@sms.example"), db)
    assert {channel: type(gateway) for channel, gateway in found.items()} == {"email": Smtp, "sms": Sms}


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_url": "http://user:secret@mail.example"},
        {"smtp_url": "mail.example:587"},
        {"smtp_url": "smtp://user:secret@"},
        {"smtp_url": "smtp://user:secret@mail.example:port"},
        {"smtp_url": "smtp://user:secret@mail.example:99999"},
        {"smtp_url": "smtp://user:secret@[mail"},
        {"smtp_url": "smtp://user:secret@mail.example?tls=no"},
        {"smtp_url": "smtp://user:secret@mail.example", "mail_from": "nobody"},
        {"sms_url": "twilio://AC1:secret@api.twilio.com"},
        {"sms_url": "https://AC1:secret@"},
        {"sms_url": "https://api.twilio.com"},
        {"sms_url": "https://AC1@api.twilio.com"},
        {"sms_url": "http://AC1:secret@sms.example"},
        {"sms_url": "https://AC1:secret@ü..example"},
    ],
)
async def test_a_provider_that_cannot_be_used_is_named_at_the_start(db, wrong):
    with pytest.raises(StartupError, match=r"^APPOINT_(SMTP_URL|MAIL_FROM|SMS_URL) ") as refused:
        gateways(settings(**wrong), db)
    assert "secret" not in str(refused.value)
    assert (refused.value.__cause__, refused.value.__suppress_context__ or refused.value.__context__ is None) == (
        None,
        True,
    )
