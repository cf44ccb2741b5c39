"""Only the payment provider can sign events, with any current secret and within five minutes."""

import random
from datetime import timedelta

import pytest
import stripe

from appoint.kit import clock
from appoint.payments.checkout.signatures import is_signed, sign

BODY = b'{"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}'
SECRET = "whsec_current"
OTHER = "whsec_other"


@pytest.mark.parametrize("secrets", [[SECRET], [OTHER, SECRET], [SECRET, OTHER]])
def test_a_signature_with_any_of_several_secrets_is_valid(secrets):
    now = clock.now()
    assert is_signed(BODY, sign(BODY, secret=SECRET, now=now), secrets=secrets, now=now)


def test_one_of_several_signatures_is_enough():
    now = clock.now()
    ours, theirs = (sign(BODY, secret=secret, now=now) for secret in (SECRET, OTHER))
    header = f"{theirs},{ours.split(',')[1]},v0=0000"
    assert is_signed(BODY, header, secrets=[SECRET], now=now)


@pytest.mark.parametrize(("seconds", "valid"), [(-301, False), (-299, True), (0, True), (299, True), (301, False)])
def test_a_signature_is_valid_for_five_minutes_in_either_direction(seconds, valid):
    now = clock.now().replace(microsecond=0)
    header = sign(BODY, secret=SECRET, now=now + timedelta(seconds=seconds))
    assert is_signed(BODY, header, secrets=[SECRET], now=now) == valid


@pytest.mark.parametrize(
    "header",
    ["", "t=", "v1=", "t=1,t=2,v1=0", "t=x,v1=0", "t=１,v1=0", "t=-1,v1=0", "garbage", "t=1;v1=0", "v1=é", "t" * 1001],
)
def test_a_malformed_header_is_invalid(header):
    assert not is_signed(BODY, header, secrets=[SECRET], now=clock.now())


def test_no_signature_is_valid_without_a_secret():
    now = clock.now()
    assert not is_signed(BODY, sign(BODY, secret="", now=now), secrets=[], now=now)


def test_no_change_of_one_bit_keeps_a_signature_valid():
    now = clock.now()
    header = sign(BODY, secret=SECRET, now=now)
    choose = random.Random(0)
    for _ in range(1000):
        raw = bytearray(BODY + header.encode())
        bit = choose.randrange(len(raw) * 8)
        raw[bit // 8] ^= 1 << bit % 8
        body, changed = bytes(raw[: len(BODY)]), raw[len(BODY) :].decode("latin-1")
        assert not is_signed(body, changed, secrets=[SECRET], now=now), bit


def test_the_official_library_accepts_our_signatures_and_we_accept_its(monkeypatch):
    now = clock.now()
    monkeypatch.setattr("time.time", now.timestamp)
    text = BODY.decode()
    assert stripe.Webhook.construct_event(BODY, sign(BODY, secret=SECRET, now=now), SECRET).id == "evt_1"
    theirs = stripe.WebhookSignature.generate_signature_header(text, SECRET)
    assert is_signed(BODY, theirs, secrets=[SECRET], now=now)
