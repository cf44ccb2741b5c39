"""The text message provider: requests, refusals, faults and signed reports."""

import base64
import hashlib
import hmac

import pytest

from appoint.messaging.channels.gateway import Sms
from appoint.messaging.channels.model import Delayed, Undeliverable
from appoint.messaging.channels.report_signatures import is_signed_by_gateway, secret_of, signature
from support.channels import NOTE, SOON, refusal, sms_url
from support.gateways import ACCOUNT, DROPS, HANGS, http, http_talk, serving


async def test_sending_a_text_message_passes_its_callback_and_returns_its_id(texts):
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


async def test_a_text_message_is_delivered_once_per_token(texts):
    texts.received.clear()
    gateway = Sms(sms_url(texts), "Appoint")
    assert [await gateway.send(NOTE._replace(token=token)) for token in ("note/1", "note/1", "note/2")] == [
        "SM1",
        "SM1",
        "SM2",
    ]


async def test_a_messaging_service_can_be_the_sender(texts):
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
        ("+15005550009", Undeliverable, "the number does not accept text messages (code 21614)"),
        ("+15005550010", Undeliverable, "the recipient has unsubscribed (code 21610)"),
        ("+15005550099", Undeliverable, "the text message provider refuses the message (code 29999)"),
        (
            "+15005550006",
            Delayed,
            "the text message provider does not accept the account or the sender number (code 21606)",
        ),
    ],
)
async def test_the_providers_refusal_of_a_number_is_explained(texts, number, kind, reason):
    assert await refusal(Sms(sms_url(texts), "Appoint"), NOTE._replace(to=number)) == (kind, reason)


async def test_a_wrong_token_delays_the_text_message(texts):
    assert await refusal(Sms(sms_url(texts, "wrong"), "Appoint"), NOTE) == (
        Delayed,
        "the text message provider rejects the login (401)",
    )


def not_accepted_now(status: int) -> str:
    return f"the text message provider temporarily refuses the message ({status})"


NO_HTTP = "the text message provider cannot be reached, or does not speak HTTP"
SLOW = "the text message provider did not respond in time"


@pytest.mark.parametrize(
    ("response", "kind", "reason"),
    [
        (
            http("400 Bad Request", '{"code": 21408, "message": "+493012345678"}'),
            Undeliverable,
            "text messages to that region are not enabled (code 21408)",
        ),
        (
            http("400 Bad Request", '{"code": 493012345678}'),
            Undeliverable,
            "the text message provider refuses the message (400)",
        ),
        (
            http("400 Bad Request", '{"error": "no"}'),
            Undeliverable,
            "the text message provider refuses the message (400)",
        ),
        (http("400 Bad Request", "<html>who are you?</html>"), Delayed, not_accepted_now(400)),
        (http("400 Bad Request", b'{"code": "\xff'), Delayed, not_accepted_now(400)),
        (http("403 Forbidden"), Delayed, "the text message provider rejects the login (403)"),
        (http("404 Not Found"), Delayed, not_accepted_now(404)),
        (http("408 Request Timeout"), Delayed, not_accepted_now(408)),
        (http("429 Too Many Requests", '{"code": 20429}', "Retry-After: 3"), Delayed, not_accepted_now(429)),
        (http("500 Internal Server Error", '{"code": 20500}'), Delayed, not_accepted_now(500)),
        (http("503 Service Unavailable", "x" * 1_000_000), Delayed, not_accepted_now(503)),
        (http("302 Found", "", "Location: http://127.0.0.1:1/"), Delayed, not_accepted_now(302)),
        (http("308 Permanent Redirect", "", "Location: http://127.0.0.1:1/"), Delayed, not_accepted_now(308)),
        (b"220 mail.test\r\n", Delayed, NO_HTTP),
        (b"\x16\x03\x01\x00\xff" * 100, Delayed, NO_HTTP),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, Delayed, NO_HTTP),
        (DROPS, Delayed, NO_HTTP),
        (HANGS, Delayed, SLOW),
        ([b"H"] + [b"T"] * 1000, Delayed, SLOW),
    ],
)
async def test_a_provider_refusal_or_fault_is_explained(response, kind, reason):
    async with serving(http_talk(response)) as port:
        gateway = Sms(f"http://{ACCOUNT}:token@127.0.0.1:{port}", "Appoint", seconds=SOON if reason == SLOW else 30)
        assert await refusal(gateway, NOTE) == (kind, reason)


@pytest.mark.parametrize(
    ("response", "id"),
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
async def test_an_accepted_text_message_is_not_sent_again_whatever_the_response_contains(response, id):
    async with serving(http_talk(response)) as port:
        gateway = Sms(
            f"http://{ACCOUNT}:token@127.0.0.1:{port}", "Appoint", seconds=SOON if isinstance(response, list) else 30
        )
        assert await gateway.send(NOTE) == id


async def test_an_unreachable_provider_delays_the_text_message():
    async with serving(http_talk(b"")) as port:
        pass
    assert await refusal(Sms(f"http://{ACCOUNT}:token@127.0.0.1:{port}", "Appoint"), NOTE) == (Delayed, NO_HTTP)


REPORT = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
REPORT_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"


def test_a_reports_signature_matches_twilios():
    """Check the example from Twilio's documentation and one computed here."""
    assert signature(REPORT_URL, REPORT, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    by_hand = hmac.new(b"t", b"https://x.org/a" + b"A1" + b"B\xc3\xa4" + b"a3", hashlib.sha1).digest()
    assert signature("https://x.org/a", {"a": "3", "B": "ä", "A": "1"}, "t") == base64.b64encode(by_hand).decode()


@pytest.mark.parametrize(
    ("url", "parameters", "token", "received"),
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
def test_a_report_with_a_wrong_signature_is_rejected(url, parameters, token, received):
    assert is_signed_by_gateway(REPORT_URL, REPORT, "12345", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not is_signed_by_gateway(url, parameters, token, received)


def test_reports_are_signed_with_the_token_in_the_url():
    assert secret_of("https://AC1:to%2Fken@api.twilio.com") == "to/ken"
