"""Meetings on a BigBlueButton server."""

from datetime import UTC, datetime, timedelta

import pytest

from appoint.calls.providers.bigbluebutton import BigBlueButtonGateway, checksum, parse
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.model import Connection, Person
from appoint.calls.providers.transport import Response
from support.call_providers import BIG_BLUE_BUTTON, FakeBigBlueButton, room_at

NOW = datetime(2027, 3, 28, 0, 50, tzinfo=UTC)
ROOM = room_at("room-of-this-call", NOW, NOW + timedelta(minutes=30))
PATIENT, HOST = Person("p", "Ana & Ünal", is_host=False), Person("d", "Dr Shah", is_host=True)
GUIDE_QUERY = (
    "name=Demo&meetingID=replace-with-meeting-id&attendeePW=replace-with-password&moderatorPW=replace-with-password"
)
BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE response [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>
<response><returncode>SUCCESS</returncode><createTime>&c;</createTime></response>"""
EXTERNAL = b"""<!DOCTYPE response [<!ENTITY file SYSTEM "file:///etc/passwd">]>
<response><returncode>SUCCESS</returncode><createTime>&file;</createTime></response>"""


@pytest.mark.parametrize(
    ("query", "secret", "expected"),
    [
        (  # the example in BigBlueButton's documentation, with SHA-256 as OpenOlat's tests publish it
            "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444",
            "639259d4-9dd8-4b25-bf01-95f9567eaf4b",
            "da9185f7f333cfdfcd6eeac32dca3777510c4c436020d8b887ba5515bd1d189e",
        ),
        (  # bbbserver.com's guide to the API
            GUIDE_QUERY,
            "replace-with-secret",
            "7e5a0a48f1542462e56ca034dc83d741bff1deb5feab0cd9ef74fa6e009fe1fd",
        ),
    ],
)
def test_checksums_are_the_published_ones(query, secret, expected):
    assert checksum("create", query, secret) == expected


async def test_the_meeting_is_created_when_the_doctor_enters():
    server = FakeBigBlueButton()
    await server.gateway().make(ROOM)
    assert server.meetings == {}
    address = await server.gateway().enter(ROOM, HOST, now=NOW)
    joined = server.join(address)
    assert address.startswith("https://bbb.example.org/bigbluebutton/api/join?")
    assert (joined["role"], joined["fullName"], joined["userID"], "guest" in joined) == (
        "MODERATOR",
        "Dr Shah",
        "d",
        False,
    )
    meeting = server.meetings[ROOM.name]
    assert (meeting["guestPolicy"], meeting["record"], meeting["allowStartStopRecording"], meeting["duration"]) == (
        "ASK_MODERATOR",
        "false",
        "false",
        "60",
    )


async def test_patients_enter_the_same_meeting_as_guests():
    server = FakeBigBlueButton()
    for person in (HOST, PATIENT, HOST):
        joined = server.join(await server.gateway().enter(ROOM, person, now=NOW + timedelta(minutes=5)))
    assert server.made == {ROOM.name: 1}
    joined = server.join(await server.gateway().enter(ROOM, PATIENT, now=NOW))
    assert (joined["role"], joined["fullName"], joined["guest"]) == ("VIEWER", "Ana & Ünal", "true")


async def test_a_meeting_that_the_server_dropped_is_created_again_and_does_not_accept_old_links():
    server = FakeBigBlueButton()
    old = await server.gateway().enter(ROOM, PATIENT, now=NOW)
    server.meetings.clear()
    server.join(await server.gateway().enter(ROOM, PATIENT, now=NOW))
    with pytest.raises(AssertionError):
        server.join(old)


async def test_ending_a_meeting_twice_does_not_fail():
    server = FakeBigBlueButton()
    await server.gateway().enter(ROOM, HOST, now=NOW)
    for _ in range(2):
        await server.gateway().end(ROOM)
    assert server.meetings == {}


async def test_a_wrong_secret_is_reported():
    gateway = BigBlueButtonGateway(Connection(url=BIG_BLUE_BUTTON.url, secret="wrong"), FakeBigBlueButton())
    with pytest.raises(ProviderFailure, match="key-refused"):
        await gateway.make(ROOM)


@pytest.mark.parametrize("body", [BOMB, EXTERNAL, b"", b"<response>", b"{}", b"\xff\xfe", b"<?xml encoding='x'?><a/>"])
def test_bombs_files_and_garbage_are_refused(body):
    with pytest.raises(ProviderFailure, match="unexpected-response"):
        parse(body)


@pytest.mark.parametrize("response", [Response(500, b""), Response(302, b""), Response(200, b"<response/>")])
async def test_an_unexpected_response_is_a_failure(response):
    async def respond(_) -> Response:
        return response

    with pytest.raises(ProviderFailure):
        await BigBlueButtonGateway(BIG_BLUE_BUTTON, respond).enter(ROOM, HOST, now=NOW)
