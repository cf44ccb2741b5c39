"""Channels: their settings, and their behaviour, which is the same for real servers as for the development mailbox."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from appoint.kit.errors import StartupError
from appoint.messaging.channels.gateway import DevMailbox, Gateway, Sms, Smtp, create_gateways
from appoint.messaging.channels.model import Message, Undeliverable
from support.app import settings
from support.channels import LETTER, NOTE, SENDER, refusal, sms_url, words
from support.gateways import SECRET


class Arrived(NamedTuple):
    to: str
    subject: str
    text: str


class Route(NamedTuple):
    gateway: Gateway
    message: Message
    arrived: Callable[[], Any]


@pytest.fixture(params=["mail server", "text gateway", "mailbox for emails", "mailbox for text messages"])
def route(request, db, inbox, texts) -> Route:
    texts.received.clear()

    async def in_mailbox() -> list[Arrived]:
        return [Arrived(*row) for row in await db.fetch("select recipient, subject, text from dev_message order by id")]

    async def by_mail() -> list[Arrived]:
        return [Arrived(str(m.content["To"]), str(m.content["Subject"]), words(m.content)) for m in inbox.received]

    async def by_text() -> list[Arrived]:
        return [Arrived(form["To"], "", form["Body"]) for form in texts.received.values()]

    return {
        "mail server": Route(Smtp(inbox.url, SENDER), LETTER, by_mail),
        "text gateway": Route(Sms(sms_url(texts), "Appoint"), NOTE, by_text),
        "mailbox for emails": Route(DevMailbox(db), LETTER, in_mailbox),
        "mailbox for text messages": Route(DevMailbox(db), NOTE, in_mailbox),
    }[request.param]


async def test_a_message_arrives_with_its_text(route):
    await route.gateway.send(route.message)
    assert await route.arrived() == [Arrived(route.message.to, route.message.subject, route.message.text)]


async def test_markup_and_text_in_any_script_arrive_unchanged(route):
    text = 'Ärzte & Söhne <b>"Ост"</b> — 診療所 عيادة 👩🏽‍⚕️\n.\n..\nFrom here: 50 % = half\\n' + "long " * 500 + "\n"
    await route.gateway.send(route.message._replace(text=text))
    assert [arrived.text for arrived in await route.arrived()] == [text]


async def test_many_concurrent_messages_all_arrive(route):
    await asyncio.gather(
        *(
            route.gateway.send(route.message._replace(token=f"many/{number}", text=f"{number}\n"))
            for number in range(12)
        )
    )
    assert sorted(int(arrived.text) for arrived in await route.arrived()) == list(range(12))


async def test_control_characters_arrive_as_spaces(route):
    await route.gateway.send(
        route.message._replace(
            subject=route.message.subject and "a\0b\r\nBcc: eve@example.org\x85c", text="a\0b\x1b[2J\ud800c\n"
        )
    )
    (arrived,) = await route.arrived()
    assert (arrived.to, arrived.text) == (route.message.to, "a b [2J c\n")
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


async def test_an_invalid_address_is_rejected_permanently(route):
    for address in IMPOSSIBLE[route.message.channel]:
        kind, reason = await refusal(route.gateway, route.message._replace(to=address or "\0"))
        assert (kind, reason.endswith(" is not valid")) == (Undeliverable, True), address
    assert await route.arrived() == []


async def test_the_log_does_not_contain_the_recipient(route, caplog):
    caplog.set_level(logging.INFO)
    await route.gateway.send(route.message)
    assert route.message.to not in caplog.text
    assert SECRET not in caplog.text


async def test_development_without_providers_uses_the_mailbox(db):
    by_channel = create_gateways(settings(), db)
    assert {channel: type(gateway) for channel, gateway in by_channel.items()} == {
        "email": DevMailbox,
        "sms": DevMailbox,
    }


async def test_production_without_providers_has_no_channels(db):
    assert create_gateways(settings(mode="production"), db) == {}


@pytest.mark.parametrize("mode", ["development", "production"])
async def test_a_channel_with_a_provider_uses_it(db, mode):
    by_channel = create_gateways(
        settings(mode=mode, smtp_url="smtp://mail.example", sms_url="https://AC1:token@sms.example"), db
    )
    assert {channel: type(gateway) for channel, gateway in by_channel.items()} == {"email": Smtp, "sms": Sms}


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
        {"smtp_url": "smtp://user:secret@mail.example", "mail_from": "not-an-address"},
        {"sms_url": "twilio://AC1:secret@api.twilio.com"},
        {"sms_url": "https://AC1:secret@"},
        {"sms_url": "https://api.twilio.com"},
        {"sms_url": "https://AC1@api.twilio.com"},
        {"sms_url": "http://AC1:secret@sms.example"},
        {"sms_url": "https://AC1:secret@ü..example"},
    ],
)
async def test_unusable_provider_settings_are_reported_at_startup(db, wrong):
    with pytest.raises(StartupError, match=r"^APPOINT_(SMTP_URL|MAIL_FROM|SMS_URL) ") as refusal_info:
        create_gateways(settings(**wrong), db)
    assert "secret" not in str(refusal_info.value)
    assert (
        refusal_info.value.__cause__,
        refusal_info.value.__suppress_context__ or refusal_info.value.__context__ is None,
    ) == (
        None,
        True,
    )
