"""The board's pages and the stream of changes, asked directly."""

import asyncio
import signal
import tempfile
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from appoint.booking.day_board.service import Changes
from appoint.database import pool
from appoint.server import app as application
from appoint.site.staff import day as pages
from support.app import ADMIN, TOKEN, settings
from support.processes import appoint
from support.rows import NOW, book, clinic, customer, doctor, later, publish
from support.staff import add_user, bearer, works_at

pytestmark = pytest.mark.anyio
DAY = later(24 * 7).replace(hour=9, minute=0, second=0)
PLACES = ["day", "week", "day/print", "day/search?q=ana", f"board.json?from={DAY.date()}&to={DAY.date()}", "changes"]


class Stream:
    """What an address of the application says, for as long as it says anything."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""
        self.over = asyncio.Event()
        self._more = asyncio.Condition()

    async def receive(self):
        await self.over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message) -> None:
        async with self._more:
            self.status = message.get("status", self.status)
            self.text += message.get("body", b"").decode()
            self._more.notify_all()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.over.set()

    async def says(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(30), self._more:
            await self._more.wait_for(lambda: self.text.count(text) >= times)

    async def ends(self) -> None:
        async with asyncio.timeout(30):
            await self.over.wait()


@asynccontextmanager
async def listening(app, headers, path="/staff/1/changes"):
    stream = Stream()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver.local", 80),
        "state": {},
    }
    answering = asyncio.create_task(app(scope, stream.receive, stream.send))
    try:
        yield stream
    finally:
        stream.over.set()
        await answering


@pytest.fixture
async def app(db, database_url):
    app = application.create(settings(), database_url=database_url, admin_token=TOKEN)
    async with app.lifespan():
        yield app


@pytest.fixture
async def asking(app):
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://testserver.local", timeout=60
    ) as client:
        await clinic(client)
        yield client


async def happens(db, type: str, table: str = "event") -> None:
    await db.execute(
        f"insert into {table} (clinic_id, id, type, subject_id, subject_version, data, created_at) values (1, uuidv7(), $1, 'x', 1, '{{}}', now())",
        type,
    )


async def receptionist(db, client, email="mia@example.org", clinic_id=1):
    await works_at(db, await add_user(db, email), clinic_id, "receptionist")
    return await bearer(client, email)


async def board(client, headers, day=DAY):
    return (await client.get(f"/staff/1/board.json?from={day.date()}&to={day.date()}", headers=headers)).json()


async def one_more_doctor(db, client, number: int) -> str:
    doctor_id, who = await doctor(client, name=f"Dr {number}"), await customer(client, name=f"Ana {number}")
    await publish(db, doctor_id, DAY, DAY + timedelta(hours=4))
    for visit in range(number):
        await book(db, doctor_id, who, DAY + timedelta(minutes=30 * visit), DAY + timedelta(minutes=30 * visit + 20))
    return doctor_id


async def test_a_board_costs_as_many_statements_for_five_doctors_as_for_one(db, asking, monkeypatch):
    counted = []
    for door in (pool.Database, pool.Transaction):
        monkeypatch.setattr(door, "run", lambda *args, run=door.run: (counted.append(args), run(*args))[1])
    costs = []
    for many in (1, 4):
        for number in range(1, many + 1):
            await one_more_doctor(db, asking, number)
        await board(asking, ADMIN)  # fills the cache
        for path in ("/staff/1/board.json?from={0}&to={0}", "/staff/1/day?date={0}", "/staff/1/week?date={0}"):
            counted.clear()
            assert (await asking.get(path.format(DAY.date()), headers=ADMIN)).status_code == 200
            costs.append(len(counted))
    assert costs[:3] == costs[3:]


async def test_a_clinic_without_doctors_says_so_where_somebody_would_book(db, asking):
    said = "No doctors can be booked yet."
    assert said in (await asking.get("/staff/1/day", headers=ADMIN)).text
    await doctor(asking)
    assert said not in (await asking.get("/staff/1/day", headers=ADMIN)).text


async def test_a_patients_appointments_are_found_by_words_and_by_the_date_of_birth(db, asking):
    doctor_id, who = await doctor(asking), await customer(asking, name="Zoë Müller", birthDate="1984-04-05")
    await publish(db, doctor_id, DAY, DAY + timedelta(hours=4))
    await book(db, doctor_id, who, DAY, DAY + timedelta(minutes=20))
    for q, language, found in [
        ("mueller zoe", "de", True),
        ("5.4.1984", "de", True),
        ("5.4.84 müller", "de", True),
        ("5.4.1984", "en", True),
        ("4.5.1984", "de", False),
    ]:
        answer = await asking.get("/staff/1/day/search", params={"q": q}, headers=ADMIN | {"Accept-Language": language})
        assert ("Zoë Müller</a>" in answer.text) is found, q


async def test_a_look_at_a_board_is_one_entry_of_the_record(db, asking):
    await one_more_doctor(db, asking, 3)
    await board(asking, ADMIN)
    rows = await db.fetch("select cardinality(subjects) from audit_unsealed where action = 'getBoard'")
    assert [row[0] for row in rows] == [3]


async def test_a_doctor_sees_their_own_column(db, asking):
    own, _ = await one_more_doctor(db, asking, 1), await one_more_doctor(db, asking, 2)
    await works_at(db, await add_user(db), 1, "doctor", own)
    shown = await board(asking, await bearer(asking))
    assert ([each["id"] for each in shown["doctors"]], {each["doctorId"] for each in shown["appointments"]}) == (
        [own],
        {own},
    )


async def test_times_are_those_of_the_clinics_wall_also_when_its_clocks_change(db, asking):
    doctor_id = await doctor(asking)
    spring = datetime(2027, 3, 28, tzinfo=UTC)  # at 2:00 in Berlin it is 3:00
    await publish(db, doctor_id, spring, spring + timedelta(hours=3))
    (hours,) = (await board(asking, ADMIN, spring))["times"]
    assert (hours["start"], hours["end"]) == ("2027-03-28T01:00:00", "2027-03-28T05:00:00")


@pytest.mark.parametrize("place", PLACES)
async def test_nobody_but_the_clinics_own_people_sees_its_days(db, asking, place):
    other = await asking.post("/api/clinics", json={"name": "Another", "timeZone": "Europe/Berlin"}, headers=ADMIN)
    stranger = await receptionist(db, asking, "theirs@example.org", other.json()["id"])
    await add_user(db, "nowhere@example.org")
    seen = [
        (await asking.get(f"/staff/1/{place}", headers=headers)).status_code
        for headers in ({}, stranger, await bearer(asking, "nowhere@example.org"))
    ]
    assert seen == [303, 404, 403]


async def test_a_patient_does_not_see_the_clinics_days(db, asking):
    token = "aps_" + "x" * 43
    who = await customer(asking)
    await db.execute(
        "insert into session (token_hash, customer_id, created_at, seen_at, expires_at) values (sha256($1::text::bytea), $2, now(), now(), now() + interval '1 hour')",
        token,
        who,
    )
    assert [
        (await asking.get(f"/staff/1/{place}", headers={"Authorization": f"Bearer {token}"})).status_code
        for place in PLACES
    ] == [403] * len(PLACES)


async def test_a_listener_is_told_what_kind_of_thing_has_changed_and_of_nobody(db, app, asking):
    async with listening(app, await receptionist(db, asking)) as stream:
        await stream.says("event: changed")
        before = len(stream.text)
        await happens(db, "appointment.booked")
        await stream.says("appointment.booked")
        assert stream.text[before:].replace("\r", "").strip() == 'event: changed\ndata: ["appointment.booked"]'


async def test_a_change_that_is_committed_late_is_told(db, app, asking):
    async with listening(app, await receptionist(db, asking)) as stream, db.connection() as connection:
        await stream.says("event: changed")
        await connection.execute("begin")
        await connection.execute(
            "insert into event (clinic_id, type, subject_id, subject_version, data) values (1, 'absence.added', 'x', 1, '{}')"
        )
        await happens(db, "slot.published")
        await stream.says("slot.published")
        assert "absence.added" not in stream.text
        await connection.execute("commit")
        await stream.says("absence.added")


async def test_a_change_that_was_relayed_already_is_told_once(db, app, asking):
    async with listening(app, await receptionist(db, asking)) as stream:
        await stream.says("event: changed")
        await happens(db, "absence.added", "event_log")
        await stream.says("absence.added")
        await happens(db, "slot.published")
        await stream.says("slot.published")
        assert stream.text.count("absence.added") == 1


async def test_nobody_hears_of_another_clinics_changes(db, app, asking):
    await asking.post("/api/clinics", json={"name": "Another", "timeZone": "Europe/Berlin"}, headers=ADMIN)
    theirs = await receptionist(db, asking, "theirs@example.org", 2)
    async with (
        listening(app, await receptionist(db, asking)) as ours,
        listening(app, theirs, "/staff/2/changes") as stream,
    ):
        await stream.says("event: changed")
        await happens(db, "appointment.booked")
        await ours.says("appointment.booked")
        assert "appointment.booked" not in stream.text


async def test_a_stream_ends_when_who_listens_has_signed_out(db, app, asking, monkeypatch):
    monkeypatch.setattr(pages, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(pages, "ACCESS_CHECK_SECONDS", 0.0)
    headers = await receptionist(db, asking)
    async with listening(app, headers) as stream:
        await stream.says("event: beat", times=3)
        await asking.delete("/api/sessions/current", headers=headers)
        await stream.ends()


async def test_a_stream_goes_on_when_a_request_would_have_been_given_up(db, database_url, monkeypatch):
    monkeypatch.setattr(pages, "HEARTBEAT_SECONDS", 0.3)
    app = application.create(settings(request_seconds=1), database_url=database_url, admin_token=TOKEN)
    async with (
        app.lifespan(),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://testserver.local") as client,
    ):
        await clinic(client)
        async with listening(app, ADMIN) as stream:
            await stream.says("event: beat", times=6)
            assert not stream.over.is_set()


async def test_nobody_listens_with_more_windows_than_anybody_has(db, app, asking, monkeypatch):
    monkeypatch.setattr(pages, "MAX_LISTENERS", 1)
    async with listening(app, ADMIN) as stream:
        await stream.says("event: beat")
        assert (await asking.get("/staff/1/changes", headers=ADMIN)).status_code == 429


async def test_nobody_looks_for_changes_when_nobody_listens(db, app, asking):
    async with listening(app, ADMIN) as stream:
        await stream.says("event: changed")
    async with asyncio.timeout(30):
        await app.state.services.get(Changes)._task


async def test_what_a_page_asks_by_itself_does_not_keep_a_session_open(db, asking):
    headers = await receptionist(db, asking)
    await db.execute("update session set seen_at = $1", NOW - timedelta(minutes=10))
    await board(asking, headers)
    assert await db.fetchval("select seen_at from session") == NOW - timedelta(minutes=10)
    await asking.get("/staff/1/day", headers=headers)
    assert await db.fetchval("select seen_at from session") > NOW - timedelta(minutes=10)


async def test_a_server_that_is_stopped_does_not_wait_for_who_listens(db, database_url):
    await db.execute("insert into clinic (name, time_zone) values ('Lakeside', 'UTC')")
    with (
        tempfile.TemporaryDirectory() as folder,
        appoint("serve", data_dir=folder, database_url=database_url, shutdown_seconds=300) as process,
    ):
        async with (
            httpx2.AsyncClient(base_url=process.url, timeout=60) as client,
            client.stream("GET", "/staff/1/changes", headers=ADMIN) as answer,
        ):
            lines = answer.aiter_lines()
            await anext(lines)
            process.popen.send_signal(signal.SIGTERM)
            async for _ in lines:  # to its regular end
                pass
        assert process.stop() == 0
