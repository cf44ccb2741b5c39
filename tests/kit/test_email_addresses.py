"""Email addresses as people type and paste them: some mistakes are corrected, and invalid addresses refused."""

import pytest

from appoint.kit import email_addresses
from appoint.messaging.channels.model import Message, sanitize


@pytest.mark.parametrize(
    "typed",
    [
        " ana@example.org ",
        "ana@example.org,",
        "ana@example.org;",
        "ana@example.org.",
        "mailto:ana@example.org",
        "MAILTO:ana@example.org?subject=Appointment",
        "ana@example.org\u200b",  # zero-width space
        "\ufeff\u202aana@example.org\u202c",  # byte-order mark, direction marks
        "a\u00adna@exam\u00adple.org",  # soft hyphens
        "ａｎａ＠ｅｘａｍｐｌｅ．ｏｒｇ",
        "ana@example。org",
        "\u00a0ana@example.org\u3000",
    ],
)
def test_text_pasted_around_an_address_is_removed(typed):
    assert (email_addresses.check(typed), email_addresses.clean(typed)) == (None, "ana@example.org")


@pytest.mark.parametrize(
    "address",
    ["o'brien+web@example.org", "jürgen@müller.example", "ana@例え.example", "ana_s@ex-ample.example", "a@b.co"],
)
def test_unusual_addresses_stay_as_they_are(address):
    assert (email_addresses.check(address), email_addresses.clean(address)) == (None, address)


def test_letters_with_separate_accents_become_single_letters():
    assert email_addresses.clean("ju\u0308rgen@example.org") == "jürgen@example.org"


INVALID = [
    "ana",
    "ana@",
    "@example.org",
    "ana@example",
    "ana..souza@example.org",
    ".ana@example.org",
    "ana.@example.org",
    "a,b@example.org",
    "a;b@example.org",
    'a"b@example.org',
    '"ana"@example.org',
    "a(b)@example.org",
    "a:b@example.org",
    "a b@example.org",
    "ana@exam ple.org",
    "ana@exam_ple.org",
    "ana@-example.org",
    "ana@example-.org",
    "ana@example..org",
    "ana@[192.0.2.1]",
    "ana@192.0.2.1",
    "ana@example.123",
    "a@b@example.org",
    f"{'a' * 65}@example.org",
    f"ana@{'a' * 64}.org",
    f"ana@{'a.' * 125}org",
    "ana@example.org, ben@example.org",
    "ana@example.org\nBcc: ben@example.org",
    "ana@example.org\n",
    "Ana <ana@example.org>",
    "ana\x00@example.org",
]


@pytest.mark.parametrize("typed", INVALID)
def test_text_that_is_not_an_address_is_refused(typed):
    assert email_addresses.check(typed) == email_addresses.INVALID


@pytest.mark.parametrize("typed", INVALID)
async def test_the_api_refuses_text_that_is_not_an_address(client, typed):
    refusal = await client.post("/api/customers", json={"name": "Ana", "email": typed})
    assert (refusal.status_code, [fault["pointer"] for fault in refusal.json()["errors"]]) == (400, ["#/email"])


async def test_the_api_stores_the_clean_address(client):
    response = await client.post("/api/customers", json={"name": "Ana", "email": "mailto:Ana@example.org,"})
    assert (response.status_code, response.json()["email"]) == (201, "Ana@example.org")


@pytest.mark.parametrize("address", ["jürgen@müller.example", "o'brien+web@example.org", "x@y.z"])
def test_every_accepted_address_can_receive_email(address):
    assert email_addresses.check(address) is None
    assert sanitize(Message("token", "email", address, "Subject", "Text")).to == address
