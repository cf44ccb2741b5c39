"""The stream of changes that keeps an open day board up to date."""

import asyncio
import signal
import tempfile

import httpx2
import pytest

from appoint.booking.day_board import service
from appoint.site.staff import day as pages
from support.app import ADMIN, composed
from support.processes import appoint
from support.staff import sign_in_receptionist
from support.streams import listening
from support.world import create_clinic


@pytest.fixture(autouse=True)
def frequent_polling(monkeypatch):
    """Poll for changes so often that no test waits a full second."""
    monkeypatch.setattr(service, "POLL_SECONDS", 0.05)


@pytest.fixture
async def api(client):
    await create_clinic(client)
    return client


@pytest.fixture
def app(api):
    return api._transport.app


async def insert_event(db, type: str, table: str = "event") -> None:
    await db.execute(
        f"""
        insert into {table} (clinic_id, id, type, subject_id, subject_version, data, created_at)
        values (1, uuidv7(), $1, 'x', 1, '{{}}', now())
        """,
        type,
    )


async def test_a_change_is_sent_as_its_event_type_without_personal_data(db, app, api):
    async with listening(app, await sign_in_receptionist(db, api)) as stream:
        await stream.receive_text("event: changed")
        before = len(stream.text)
        await insert_event(db, "appointment.booked")
        await stream.receive_text("appointment.booked")
        assert stream.text[before:].replace("\r", "").strip() == 'event: changed\ndata: ["appointment.booked"]'


async def test_a_change_that_commits_late_is_sent(db, app, api):
    async with listening(app, await sign_in_receptionist(db, api)) as stream, db.connection() as connection:
        await stream.receive_text("event: changed")
        await connection.execute("begin")
        await connection.execute(
            """
            insert into event (clinic_id, type, subject_id, subject_version, data)
            values (1, 'absence.added', 'x', 1, '{}')
            """
        )
        await insert_event(db, "slot.published")
        await stream.receive_text("slot.published")
        assert "absence.added" not in stream.text
        await connection.execute("commit")
        await stream.receive_text("absence.added")


async def test_a_change_that_was_already_relayed_is_sent_once(db, app, api):
    async with listening(app, await sign_in_receptionist(db, api)) as stream:
        await stream.receive_text("event: changed")
        await insert_event(db, "absence.added", "event_log")
        await stream.receive_text("absence.added")
        await insert_event(db, "slot.published")
        await stream.receive_text("slot.published")
        assert stream.text.count("absence.added") == 1


async def test_a_stream_contains_no_changes_from_other_clinics(db, app, api):
    await api.post("/api/clinics", json={"name": "Another", "timeZone": "Europe/Berlin"}, headers=ADMIN)
    other_headers = await sign_in_receptionist(db, api, "theirs@example.org", 2)
    async with (
        listening(app, await sign_in_receptionist(db, api)) as own_stream,
        listening(app, other_headers, "/staff/2/changes") as stream,
    ):
        await stream.receive_text("event: changed")
        await insert_event(db, "appointment.booked")
        await own_stream.receive_text("appointment.booked")
        assert "appointment.booked" not in stream.text


async def test_a_stream_ends_after_its_listener_signs_out(db, app, api, monkeypatch):
    monkeypatch.setattr(pages, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(pages, "ACCESS_CHECK_SECONDS", 0.0)
    headers = await sign_in_receptionist(db, api)
    async with listening(app, headers) as stream:
        await stream.receive_text("event: beat", times=3)
        await api.delete("/api/sessions/current", headers=headers)
        await stream.wait_until_closed()


async def test_a_stream_outlives_the_request_timeout(db, database_url, monkeypatch):
    monkeypatch.setattr(pages, "HEARTBEAT_SECONDS", 0.2)
    app = composed(database_url, request_seconds=1)
    await db.execute("insert into clinic (name, time_zone) values ('Lakeside', 'UTC')")
    async with app.lifespan(), listening(app, ADMIN) as stream:
        await stream.receive_text("event: beat", times=6)
        assert not stream.closed.is_set()


async def test_the_number_of_streams_per_caller_is_limited(db, app, api, monkeypatch):
    monkeypatch.setattr(pages, "MAX_LISTENERS", 1)
    async with listening(app, ADMIN) as stream:
        await stream.receive_text("event: beat")
        assert (await api.get("/staff/1/changes", headers=ADMIN)).status_code == 429


async def test_polling_for_changes_stops_without_listeners(db, app, api):
    async with listening(app, ADMIN) as stream:
        await stream.receive_text("event: changed")
    async with asyncio.timeout(30):
        await app.state.services.get(service.Changes)._task


async def test_a_server_ends_open_streams_when_it_stops(db, database_url):
    await db.execute("insert into clinic (name, time_zone) values ('Lakeside', 'UTC')")
    with (
        tempfile.TemporaryDirectory() as folder,
        appoint("serve", data_dir=folder, database_url=database_url, shutdown_seconds=300) as process,
    ):
        async with (
            httpx2.AsyncClient(base_url=process.url, timeout=60) as client,
            client.stream("GET", "/staff/1/changes", headers=ADMIN) as response,
        ):
            lines = response.aiter_lines()
            await anext(lines)
            process.popen.send_signal(signal.SIGTERM)
            async for _ in lines:  # until the server closes the stream
                pass
        assert process.stop() == 0
