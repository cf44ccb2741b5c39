"""Daily and BigBlueButton as their documentation describes them, with faults: errors before and after they act, too
many requests, garbage, and no response at all."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

from appoint.calls.providers.bigbluebutton import BigBlueButtonGateway, checksum
from appoint.calls.providers.daily import API, DailyGateway
from appoint.calls.providers.failures import ProviderFailure
from appoint.calls.providers.model import Connection, Room
from appoint.calls.providers.transport import Request, Response

DAILY = Connection(url="https://lakeside.daily.co", secret="key")
BIG_BLUE_BUTTON = Connection(url="https://bbb.example.org/bigbluebutton/", secret="8cd8ef52e8e101574e400365b55e11a6")
DOCTOR = UUID("00000001-0000-8000-8000-000000000001")
BAD_RESPONSES = (
    Response(500, b"Internal Server Error"),
    Response(429, b'{"error": "rate-limit-error"}'),
    Response(302, b""),
    Response(200, b'<html>{"garbage": '),
)


class FaultyServer:
    """Answers requests, unless it misbehaves before or after it has acted."""

    def __init__(self, *, failure_rate: float = 0.0, seed: int = 1) -> None:
        self.failure_rate = failure_rate
        self.dice = random.Random(seed)
        self.requests: list[Request] = []
        self.made: Counter[str] = Counter()

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        await asyncio.sleep(0)  # so that workers can be killed before and after the server has acted
        if self._fails():
            return self._bad_response()
        response = self.act(request)
        await asyncio.sleep(0)
        return self._bad_response() if self._fails() else response

    def act(self, request: Request) -> Response:
        raise NotImplementedError

    def _fails(self) -> bool:
        return self.dice.random() < self.failure_rate

    def _bad_response(self) -> Response:
        response = self.dice.choice([None, *BAD_RESPONSES])
        if response is None:
            raise ProviderFailure("unreachable")
        return response


class FakeDaily(FaultyServer):
    """One account at Daily."""

    def __init__(self, **behaviour) -> None:
        super().__init__(**behaviour)
        self.rooms: dict[str, dict] = {}
        """By name, in the order in which they were made."""
        self.recordings: dict[str, bytes] = {}

    def gateway(self) -> DailyGateway:
        return DailyGateway(DAILY, self)

    def act(self, request: Request) -> Response:
        if request.headers["Authorization"] != f"Bearer {DAILY.secret}":
            return self._error(401, "authentication-error")
        path, _, query = request.url.removeprefix(API).partition("?")
        kind, _, name = path.lstrip("/").partition("/")
        content = json.loads(request.body or b"{}")
        match request.method, kind:
            case "POST", "rooms":
                return self._make(content)
            case "POST", "meeting-tokens":
                return self._answer({"token": json.dumps(content["properties"], sort_keys=True)})
            case "GET", "rooms" if name:
                return self._answer(self.rooms[name]) if name in self.rooms else self._error(404, "not-found")
            case "GET", "rooms":
                return self._list(dict(parse_qsl(query)))
            case "GET", "recordings":
                id = name.removesuffix("/access-link")
                return self._answer({"download_link": id}) if id in self.recordings else self._error(404, "not-found")
            case "DELETE", "recordings":
                return self._answer({}) if self.recordings.pop(name, None) else self._error(404, "not-found")
            case "DELETE", "rooms":
                found = self.rooms.pop(name, None)
                return self._answer({"deleted": True, "name": name}) if found else self._error(404, "not-found")
        return self._error(404, "not-found")

    async def download(self, link: str) -> AsyncIterator[bytes]:
        for start in range(0, len(self.recordings[link]), 50_000):
            yield self.recordings[link][start : start + 50_000]

    def _make(self, content: dict) -> Response:
        name = content["name"]
        if name in self.rooms:
            return self._error(400, "invalid-request-error", f"a room named {name} already exists")
        self.made[name] += 1
        self.rooms[name] = {"id": str(uuid4()), "privacy": "public", **content}
        return self._answer(self.rooms[name])

    def _list(self, query: dict[str, str]) -> Response:
        newest_first = list(reversed(self.rooms.values()))
        ids = [room["id"] for room in newest_first]
        first = ids.index(query["starting_after"]) + 1 if "starting_after" in query else 0
        return self._answer({"total_count": len(ids), "data": newest_first[first : first + int(query["limit"])]})

    @staticmethod
    def _answer(content: dict) -> Response:
        return Response(200, json.dumps(content).encode())

    @staticmethod
    def _error(status: int, error: str, info: str = "") -> Response:
        return Response(status, json.dumps({"error": error, "info": info}).encode())


class FakeBigBlueButton(FaultyServer):
    """One BigBlueButton server."""

    def __init__(self, **behaviour) -> None:
        super().__init__(**behaviour)
        self.meetings: dict[str, dict[str, str]] = {}
        self.time = 1531155809613

    def gateway(self) -> BigBlueButtonGateway:
        return BigBlueButtonGateway(BIG_BLUE_BUTTON, self)

    def act(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        call = parts.path.removeprefix("/bigbluebutton/api/")
        query, _, given = parts.query.rpartition("checksum=")
        if given != checksum(call, query.removesuffix("&"), BIG_BLUE_BUTTON.secret):
            return self._failed("checksumError")
        values = dict(parse_qsl(query))
        match call:
            case "create":
                return self._create(values)
            case "end":
                found = self.meetings.pop(values["meetingID"], None)
                return self._answer("<messageKey>sentEndMeetingRequest</messageKey>") if found else self._failed()
            case "isMeetingRunning":
                return self._answer(f"<running>{str(values['meetingID'] in self.meetings).lower()}</running>")
            case "getMeetings":
                meetings = "".join(
                    f"<meeting><meetingID>{id}</meetingID><attendees/></meeting>" for id in self.meetings
                )
                return self._answer(f"<meetings>{meetings}</meetings>")
        return self._failed("unsupportedRequest")

    def join(self, url: str) -> dict[str, str]:
        """Return how the holder of a join link enters. Raise `KeyError` if there is no such meeting."""
        query, _, given = urlsplit(url).query.rpartition("&checksum=")
        assert given == checksum("join", query, BIG_BLUE_BUTTON.secret)
        values = dict(parse_qsl(query))
        assert values["createTime"] == self.meetings[values["meetingID"]]["createTime"]
        return values

    def _create(self, values: dict[str, str]) -> Response:
        id = values["meetingID"]
        existing = self.meetings.get(id)
        if existing and (existing["moderatorPW"] != values["moderatorPW"]):
            return self._failed("idNotUnique")
        if existing is None:
            self.made[id] += 1
            self.time += 1
            self.meetings[id] = values | {"createTime": str(self.time)}
        return self._answer(
            f"<meetingID>{id}</meetingID><createTime>{self.meetings[id]['createTime']}</createTime>"
            f"<messageKey>{'duplicateWarning' if existing else ''}</messageKey>"
        )

    @staticmethod
    def _answer(content: str) -> Response:
        return Response(200, f"<response><returncode>SUCCESS</returncode>{content}</response>".encode())

    @staticmethod
    def _failed(key: str = "notFound") -> Response:
        failure = f"<response><returncode>FAILED</returncode><messageKey>{key}</messageKey></response>"
        return Response(200, failure.encode())


def room_at(name: str, starts_at: datetime, ends_at: datetime) -> Room:
    return Room(name, UUID(int=0), DOCTOR, starts_at, ends_at)
