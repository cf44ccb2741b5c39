"""Mail servers: encryption, login, refusals and faults."""

import asyncio
import os

import pytest

from appoint.messaging.channels import gateway
from appoint.messaging.channels.gateway import Smtp
from appoint.messaging.channels.model import Delayed, Undeliverable
from support.channels import LETTER, SENDER, SOON, refusal
from support.gateways import DROPS, HANGS, mail_server, mail_talk, self_signed_certificate, serving


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    path = self_signed_certificate(tmp_path_factory.mktemp("tls"))
    if path is None:
        assert os.environ.get("CI") != "true", "CI must have openssl"
        pytest.skip("openssl is not installed")
    return str(path)


@pytest.mark.parametrize(("kind", "scheme"), [("starttls", "smtp"), ("smtps", "smtps")])
async def test_emails_are_encrypted_when_the_server_supports_it(pem, kind, scheme):
    with mail_server(certificate=pem, tls=kind, login=True) as server:
        await Smtp(f"{scheme}://clinic:secret%2F1@localhost:{server.port}", SENDER).send(LETTER)
        (arrived,) = server.received
        assert (arrived.envelope["tls"], arrived.envelope["user"]) == (True, "clinic")


@pytest.mark.parametrize(("kind", "scheme"), [("starttls", "smtp"), ("smtps", "smtps")])
async def test_an_untrusted_certificate_from_another_machine_is_rejected(pem, kind, scheme):
    with mail_server(certificate=pem, tls=kind) as server:
        assert await refusal(Smtp(f"{scheme}://0.0.0.0:{server.port}", SENDER), LETTER) == (
            Delayed,
            "the TLS connection to the mail server failed, or its certificate is not valid",
        )


@pytest.mark.parametrize("login", ["clinic:secret@", ""])
async def test_nothing_is_sent_unencrypted_to_another_machine_unless_a_setting_allows_it(login):
    commands: list[str] = []
    greeting = {"EHLO": b"250-mail.test\r\n250 AUTH PLAIN LOGIN\r\n", "AUTH": "235 welcome"}
    async with serving(mail_talk(greeting, commands)) as port:
        assert await refusal(Smtp(f"smtp://{login}0.0.0.0:{port}", SENDER), LETTER) == (
            Delayed,
            "the mail server does not offer TLS, and Appoint will not send email without it",
        )
        assert "AUTH" not in commands
        assert "MAIL" not in commands
        await Smtp(f"smtp://{login}127.0.0.1:{port}", SENDER).send(LETTER)
        await Smtp(f"smtp://{login}0.0.0.0:{port}", SENDER, without_tls=True).send(LETTER)
        assert (commands.count("AUTH"), commands.count("MAIL")) == (2 if login else 0, 2)


async def test_a_wrong_password_delays_the_email():
    with mail_server(login=True) as server:
        assert await refusal(Smtp(f"smtp://clinic:wrong@127.0.0.1:{server.port}", SENDER), LETTER) == (
            Delayed,
            "the mail server rejects the login (535)",
        )
        assert await refusal(Smtp(server.url, SENDER), LETTER) == (
            Delayed,
            "the mail server refuses the sender address (530)",
        )


# refusals and faults


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("nobody", Undeliverable, "the mail server refuses the recipient: there is no such mailbox (550 5.1.1)"),
        ("full", Undeliverable, "the mail server refuses the recipient: the mailbox is full (552 5.2.2)"),
        ("busy", Delayed, "the mail server temporarily refuses the recipient (451 4.3.0)"),
        ("relayed", Delayed, "the mail server does not accept email from this sender (554 5.7.1)"),
    ],
)
async def test_the_servers_refusal_of_a_recipient_is_explained(inbox, name, kind, reason):
    assert await refusal(Smtp(inbox.url, SENDER), LETTER._replace(to=f"{name}@example.org")) == (kind, reason)


SILENT = "the mail server did not respond in time"
GONE = "the mail server closed the connection"
NO_SMTP = "the mail server does not speak SMTP"


@pytest.mark.parametrize(
    ("replies", "kind", "reason"),
    [
        ({"greeting": "554 not you"}, Delayed, "the mail server refuses the connection (554)"),
        ({"greeting": "421 busy"}, Delayed, "the mail server refuses the connection (421)"),
        ({"greeting": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, Delayed, NO_SMTP),
        ({"greeting": b"\xff\xfe\x00\x16\x03\x01\n"}, Delayed, NO_SMTP),
        ({"greeting": b"x" * 100_000}, Delayed, NO_SMTP),
        ({"greeting": b"220-more\r\n" * 20_000}, Delayed, NO_SMTP),
        ({"greeting": HANGS}, Delayed, SILENT),
        ({"greeting": b"220 and then noth"}, Delayed, SILENT),
        ({"greeting": DROPS}, Delayed, "the mail server cannot be reached"),
        ({"EHLO": "500 what?", "HELO": "502 what?"}, Delayed, "the mail server refuses the connection (502)"),
        ({"EHLO": "421 busy"}, Delayed, "the mail server refuses the connection (421)"),
        ({"EHLO": b"\0\0\0\n"}, Delayed, NO_SMTP),
        ({"EHLO": HANGS}, Delayed, SILENT),
        ({"EHLO": DROPS}, Delayed, GONE),
        (
            {"EHLO": b"250-mail.test\r\n250 STARTTLS\r\n", "STARTTLS": "454 not now"},
            Delayed,
            "the mail server refuses the connection (454)",
        ),
        (
            {"EHLO": b"250-mail.test\r\n250 STARTTLS\r\n", "STARTTLS": "220 go on"},
            Delayed,
            "the TLS connection to the mail server failed, or its certificate is not valid",
        ),
        ({"MAIL": "550 5.7.1 not from there"}, Delayed, "the mail server refuses the sender address (550)"),
        ({"MAIL": "451 later"}, Delayed, "the mail server refuses the sender address (451)"),
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
            "the mail server refuses the recipient: the domain does not accept email (550 5.1.10)",
        ),
        (
            {"RCPT": "530 5.7.0 who are you?"},
            Delayed,
            "the mail server does not accept email from this sender (530 5.7.0)",
        ),
        ({"RCPT": "450 greylisted"}, Delayed, "the mail server temporarily refuses the recipient (450)"),
        ({"RCPT": "421 busy"}, Delayed, "the mail server temporarily refuses the recipient (421)"),
        ({"RCPT": "299 ana@example.org"}, Delayed, "the mail server temporarily refuses the recipient (299)"),
        ({"RCPT": HANGS}, Delayed, SILENT),
        ({"RCPT": DROPS}, Delayed, GONE),
        ({"DATA": "554 no"}, Undeliverable, "the mail server refuses the email (554)"),
        ({"DATA": "451 later"}, Delayed, "the mail server temporarily refuses the email (451)"),
        ({"DATA": HANGS}, Delayed, SILENT),
        ({"DATA": DROPS}, Delayed, GONE),
        (
            {".": "552 5.3.4 ana@example.org gets none so large"},
            Undeliverable,
            "the mail server refuses the email: the email is too large (552 5.3.4)",
        ),
        (
            {".": "554 5.7.1 looks like spam"},
            Delayed,
            "the mail server does not accept email from this sender (554 5.7.1)",
        ),
        ({".": "452 disk full"}, Delayed, "the mail server temporarily refuses the email (452)"),
        ({".": b"\xff\xff\n"}, Delayed, NO_SMTP),
        ({".": HANGS}, Delayed, SILENT),
        ({".": DROPS}, Delayed, GONE),
    ],
)
async def test_a_mail_server_refusal_or_fault_is_explained(replies, kind, reason, monkeypatch):
    monkeypatch.setattr(gateway, "DATA_TIMEOUT_FACTOR", 1)
    times_out = any(reply is HANGS or reply == b"220 and then noth" for reply in replies.values())
    async with serving(mail_talk(replies)) as port:
        assert await refusal(Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON if times_out else 30), LETTER) == (
            kind,
            reason,
        )


@pytest.mark.parametrize("goodbye", [HANGS, DROPS, "500 what?", b"\xff\n"])
async def test_an_accepted_email_is_not_sent_again_whatever_the_server_replies_next(goodbye):
    async with serving(mail_talk({"QUIT": goodbye})) as port:
        assert (
            await Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON if goodbye is HANGS else 30).send(LETTER)
            is None
        )


async def test_a_mail_server_can_take_a_long_time_to_accept_an_email():
    """The server already has the email by then, so if Appoint gave up, it would send the email twice."""

    async def scans(reader, writer):
        for reply in (b"220 mail.test", b"250 mail.test", b"250 fine", b"250 fine", b"354 go on"):
            writer.write(reply + b"\r\n")
            await (reader.readuntil(b"\r\n.\r\n") if reply.startswith(b"354") else reader.readline())
        await asyncio.sleep(3 * SOON)
        writer.write(b"250 queued\r\n")
        await reader.readline()

    async with serving(scans) as port:
        assert await Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON).send(LETTER) is None


async def test_a_non_ascii_reply_address_does_not_prevent_delivery():
    async with serving(mail_talk({})) as port:
        assert (
            await Smtp(f"smtp://127.0.0.1:{port}", SENDER).send(LETTER._replace(reply_to="praxis-ä@example.org"))
            is None
        )


async def test_a_mail_server_with_an_endless_reply_times_out():
    async def dribble(reader, writer):
        while True:
            writer.write(b"2")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with serving(dribble) as port:
        assert await refusal(Smtp(f"smtp://127.0.0.1:{port}", SENDER, seconds=SOON), LETTER) == (Delayed, SILENT)


async def test_an_unavailable_login_delays_the_email():
    for offer, reason in (
        (b"250 mail.test\r\n", "the mail server does not offer a supported login method"),
        (b"250-mail.test\r\n250 AUTH KERBEROS\r\n", "the mail server does not offer a supported login method"),
        (b"250-mail.test\r\n250 AUTH PLAIN\r\n", "the mail server rejects the login (454)"),
    ):
        async with serving(mail_talk({"EHLO": offer, "AUTH": "454 not now"})) as port:
            assert await refusal(Smtp(f"smtp://clinic:secret@127.0.0.1:{port}", SENDER), LETTER) == (Delayed, reason)


async def test_an_unreachable_mail_server_delays_the_email():
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
