"""Tokens and addresses that providers accept."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from appoint.calls.providers.demo import DemoGateway, read_entry
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.fixed_link import FixedLinkGateway
from appoint.calls.providers.gateway import Providers
from appoint.calls.providers.jitsi import JitsiGateway
from appoint.calls.providers.model import Connection, Person, Room, person_id, room_name

NOW = datetime(2027, 3, 28, 0, 50, tzinfo=UTC)
"""Ten minutes before the clocks go forward in Berlin."""
CALL, OTHER_CALL, DOCTOR = (UUID(int=1 << 96 | 0x8 << 76 | 0b10 << 62 | number) for number in (1, 2, 3))
ROOM = Room(room_name("key", CALL), CALL, DOCTOR, NOW, NOW + timedelta(minutes=30))
PATIENT, HOST = Person("p", "Ana", is_host=False), Person("d", "Dr Shah", is_host=True)
JITSI = Connection(url="https://meet.example.org/", app_id="lakeside", secret="a secret of at least 32 bytes …")


def read_token(token: str, secret: str) -> dict:
    """Verify a token's signature by hand, as RFC 7515 describes, and return its claims."""
    head, body, signature = token.split(".")
    expected = hmac.digest(secret.encode(), f"{head}.{body}".encode(), "sha256")
    assert base64.urlsafe_b64decode(signature + "==") == expected
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}
    return json.loads(base64.urlsafe_b64decode(body + "=="))


@pytest.mark.parametrize(("person", "moderator"), [(PATIENT, "false"), (HOST, "true")])
async def test_a_jitsi_token_is_for_one_room_and_only_the_doctor_moderates(person, moderator):
    address = await JitsiGateway(JITSI).enter(ROOM, person, now=NOW)
    start, _, token = address.partition("?jwt=")
    assert start == f"https://meet.example.org/{ROOM.name}"
    claims = read_token(token, JITSI.secret)
    assert (claims["iss"], claims["sub"], claims["room"]) == ("lakeside", "meet.example.org", ROOM.name)
    assert claims["context"]["user"]["moderator"] == moderator
    assert set(claims["context"]["features"].values()) == {"false"}


async def test_a_jitsi_token_is_valid_until_the_call_closes_even_when_the_clocks_change():
    token = JitsiGateway(JITSI).token(ROOM, PATIENT, now=NOW)
    claims = read_token(token, JITSI.secret)
    assert claims["nbf"] <= NOW.timestamp()
    assert claims["exp"] == (NOW + timedelta(minutes=60)).timestamp()


async def test_a_room_needs_a_complete_connection():
    with pytest.raises(ProviderFailure):
        await JitsiGateway(Connection(url="https://meet.example.org")).make(ROOM)
    with pytest.raises(ProviderFailure):
        await FixedLinkGateway(Connection(url="")).make(ROOM)


async def test_a_doctors_own_link_takes_precedence():
    connection = Connection(url="https://meet.example.org/all", doctor_links={DOCTOR: "https://meet.example.org/shah"})
    assert await FixedLinkGateway(connection).enter(ROOM, PATIENT, now=NOW) == "https://meet.example.org/shah"


async def test_a_demo_entry_expires_when_the_call_closes():
    address = await DemoGateway("http://localhost:8000", "key").enter(ROOM, PATIENT, now=NOW)
    token = address.rpartition("/")[2]
    entry = read_entry("key", token, now=NOW)
    assert entry
    assert (entry.name, entry.is_host) == ("Ana", False)
    assert read_entry("key", token, now=ROOM.closes_at) is None
    assert read_entry("another key", token, now=NOW) is None


def test_production_has_no_demo_rooms():
    with pytest.raises(ProviderFailure):
        Providers("https://appoint.example", "key", None).gateway_for("demo", None)


def test_rooms_and_people_have_different_names_in_every_call():
    assert room_name("key", CALL) not in (room_name("key", OTHER_CALL), room_name("another key", CALL))
    assert person_id("key", CALL, "doctor") != person_id("key", OTHER_CALL, "doctor")
