"""Rooms and tokens at Daily."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from appoint.calls.providers.daily import DailyGateway
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.model import Connection, Person
from appoint.calls.providers.transport import Response
from support.call_providers import DAILY, FakeDaily, room_at

NOW = datetime(2027, 3, 28, 0, 50, tzinfo=UTC)
ROOM = room_at("room-of-this-call", NOW, NOW + timedelta(minutes=30))
PATIENT, HOST = Person("p", "Ana", is_host=False), Person("d", "Dr Shah", is_host=True)


async def test_a_room_is_private_and_open_only_around_the_visit():
    daily = FakeDaily()
    await daily.gateway().make(ROOM)
    assert daily.rooms[ROOM.name]["privacy"] == "private"
    assert daily.rooms[ROOM.name]["properties"] == {
        "nbf": (NOW - timedelta(hours=1)).timestamp(),
        "exp": (NOW + timedelta(minutes=60)).timestamp(),
        "eject_at_room_exp": True,
        "enable_knocking": False,
    }


async def test_making_a_room_twice_makes_one_room():
    daily = FakeDaily()
    for _ in range(2):
        await daily.gateway().make(ROOM)
    assert daily.made == {ROOM.name: 1}


async def test_a_public_room_with_the_same_name_is_refused():
    daily = FakeDaily()
    daily.rooms[ROOM.name] = {"id": "1", "name": ROOM.name, "privacy": "public"}
    with pytest.raises(ProviderFailure, match="room-not-private"):
        await daily.gateway().make(ROOM)


async def test_ending_a_room_twice_does_not_fail():
    daily = FakeDaily()
    await daily.gateway().make(ROOM)
    for _ in range(2):
        await daily.gateway().end(ROOM)
    assert daily.rooms == {}


@pytest.mark.parametrize("person", [PATIENT, HOST])
async def test_a_token_is_for_one_person_in_one_room_until_the_call_closes(person):
    address = urlsplit(await FakeDaily().gateway().enter(ROOM, person, now=NOW))
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{DAILY.url}/{ROOM.name}"
    assert json.loads(parse_qs(address.query)["t"][0]) == {
        "room_name": ROOM.name,
        "nbf": (NOW - timedelta(hours=1)).timestamp(),
        "exp": (NOW + timedelta(minutes=60)).timestamp(),
        "eject_at_token_exp": True,
        "is_owner": person.is_host,
        "user_name": person.name,
        "user_id": person.id,
    }


async def test_all_pages_of_the_list_are_read():
    daily = FakeDaily()
    for number in range(250):
        await daily.gateway().make(ROOM._replace(name=f"room-{number}"))
    assert [name async for name in daily.gateway().list_rooms()] == [
        f"room-{number}" for number in reversed(range(250))
    ]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(401, b""), "key-refused"),
        (Response(429, b""), "too-many-requests"),
        (Response(500, b""), "error-response: status 500"),
        (Response(302, b""), "error-response: status 302"),
        (Response(200, b"<html>"), "unexpected-response"),
        (Response(200, b'{"id": 1}'), "unexpected-response"),
        (Response(200, b'"\xff"'), "unexpected-response"),
    ],
)
async def test_an_unexpected_response_is_a_failure_that_says_why(response, reason):
    async def respond(_) -> Response:
        return response

    with pytest.raises(ProviderFailure, match=reason):
        await DailyGateway(DAILY, respond).make(ROOM)


@pytest.mark.parametrize("connection", [Connection(url=""), Connection(url=DAILY.url, secret="schlüssel")])
async def test_daily_needs_an_address_and_a_usable_key(connection):
    with pytest.raises(ProviderFailure):
        await DailyGateway(connection, FakeDaily()).make(ROOM)
