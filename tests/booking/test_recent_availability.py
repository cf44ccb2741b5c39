"""The API's free times may be a second old, but a process shows its own changes at once."""

import asyncio
from datetime import timedelta

import pytest

from appoint.booking.availability import recent
from appoint.http.rate_limits.counters import Rate
from support.app import ADMIN, client_of, composed
from support.races import DAY, appointment_body, free_doctor
from support.statements import StatementCounter
from support.world import create_clinic, create_customer, insert_appointment

DATE = DAY.date()


@pytest.fixture
async def client(db, database_url):
    """A client for an application that reuses free times for a minute instead of a second."""
    async with client_of(composed(database_url, availability_seconds=2)) as client:
        client.headers.update(ADMIN)
        await create_clinic(client)
        services = client._transport.app.state.services
        client.app_cache, client.app_limits = services.cache, services.limits
        client.app_cache.recent.seconds = 60
        client.doctor, client.slot = await free_doctor(client)
        client.other, _ = await free_doctor(client)
        yield client
        client.app_cache.recent.seconds = 2


async def count_free(client, doctor=None):
    path = f"/api/doctors/{doctor}/availability" if doctor else "/api/clinics/1/availability"
    response = await client.get(path, params={"date": str(DATE), "minutes": 30})
    assert response.status_code == 200
    return response.json()["days"][0]["free"]


async def counts(client):
    return [await count_free(client, doctor) for doctor in (client.doctor, client.other, None)]


async def test_a_repeated_request_runs_no_statement(client, monkeypatch):
    before = await counts(client)
    statements = StatementCounter(monkeypatch)
    assert await counts(client) == before
    assert statements.count == 0
    first, second = [await client.get(f"/api/doctors/{client.doctor}/availability?date={DATE}") for _ in range(2)]
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    repeat = await client.get(
        f"/api/doctors/{client.doctor}/availability?date={DATE}", headers={"If-None-Match": first.headers["etag"]}
    )
    assert repeat.status_code == 304


async def test_each_query_has_its_own_times(client):
    path = f"/api/doctors/{client.doctor}/availability"
    queries = ({"minutes": 30}, {"minutes": 60}, {}, {"minutes": 30, "show": "all"}, {"minutes": 30, "from": "x"})
    responses = [
        await client.get(path, params={"date": str(DATE), **query} if "from" not in query else query)
        for query in (*queries, *queries)
    ]
    contents = [response.content for response in responses]
    assert contents[:4] == contents[5:9]
    assert len(set(contents[:4])) == 4 or len(set(contents[:3])) == 3
    assert responses[4].status_code == responses[9].status_code == 400


async def test_a_booking_shows_at_once_for_its_doctor_and_keeps_other_doctors_times(client, db, monkeypatch):
    before = await counts(client)
    await insert_appointment(db, client.other, await create_customer(client), DAY, DAY + timedelta(minutes=30))
    body = appointment_body(client.doctor, await create_customer(client))
    assert (await client.post("/api/appointments", json=body)).status_code == 201
    after = await counts(client)
    assert after[0] < before[0]
    assert after[1] == before[1]  # another process's booking
    assert after[2] < before[2]


async def change_by(client, kind, appointment_id):
    """Change the doctor's times with a request, and return its status."""
    hour = timedelta(hours=1)
    match kind:
        case "cancel":
            return await client.delete(f"/api/appointments/{appointment_id}")
        case "move":
            to = {"startTime": (DAY + 3 * hour).isoformat(), "doctorId": client.other}
            return await client.put(f"/api/appointments/{appointment_id}", json=to)
        case "publish":
            slot = {
                "doctorId": client.doctor,
                "startTime": (DAY + 9 * hour).isoformat(),
                "endTime": (DAY + 10 * hour).isoformat(),
            }
            return await client.post("/api/bookingSlots", json=slot)
        case "absence":
            absence = {
                "doctorId": client.doctor,
                "startTime": (DAY + 4 * hour).isoformat(),
                "endTime": (DAY + 5 * hour).isoformat(),
            }
            return await client.post("/api/clinics/1/absences", json=absence)
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["cancel", "move", "publish", "absence"])
async def test_every_other_change_by_this_process_shows_at_once(client, kind):
    body = appointment_body(client.doctor, await create_customer(client))
    appointment_id = (await client.post("/api/appointments", json=body)).json()["id"]
    before = await counts(client)
    response = await change_by(client, kind, appointment_id)
    assert response.status_code < 300, response.text
    assert await counts(client) != before


async def test_another_processs_change_shows_soon(client, db):
    client.app_cache.recent.seconds = 0.05
    before = await count_free(client, client.doctor)
    await insert_appointment(db, client.doctor, await create_customer(client), DAY, DAY + timedelta(minutes=30))
    async with asyncio.timeout(10):
        while await count_free(client, client.doctor) == before:
            await asyncio.sleep(0.02)


async def test_if_nothing_is_free_a_later_change_shows_at_once_in_the_next_available_time(client):
    path = f"/api/doctors/{client.doctor}/availability"
    empty = {"date": str(DATE - timedelta(days=3)), "minutes": 30}
    assert (await client.get(path, params=empty)).json()["nextAvailable"]["startTime"] == DAY.isoformat().replace(
        "+00:00", "Z"
    )
    body = appointment_body(client.doctor, await create_customer(client))
    assert (await client.post("/api/appointments", json=body)).status_code == 201
    assert (await client.get(path, params=empty)).json()["nextAvailable"]["startTime"] > DAY.isoformat()


def told(response):
    """Return a response's status, body and headers, except for those that differ each time."""
    headers = {name: value for name, value in response.headers.items() if name not in ("x-request-id", "date")}
    return response.status_code, response.content, headers


async def test_a_repeated_response_is_the_same_as_the_first(client, monkeypatch):
    del client.headers["Authorization"]
    path = f"/api/doctors/{client.doctor}/availability?date={DATE}&minutes=30"
    first = await client.get(path)
    monkeypatch.setattr(recent, "find_recent", None)  # the framework's handlers would fail
    assert told(await client.get(path)) == told(first)
    head = await client.head(path)
    assert (head.status_code, head.headers["etag"]) == (200, first.headers["etag"])
    known = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", first.headers["etag"])
    assert known.headers["cache-control"] == first.headers["cache-control"] == "public, max-age=2"


@pytest.mark.parametrize("headers", [ADMIN, {"Cookie": "a=b"}, {"Origin": "https://example.org"}])
async def test_callers_who_may_be_someone_get_their_own_response(client, headers, monkeypatch):
    path = f"/api/doctors/{client.doctor}/availability?date={DATE}&minutes=30"
    del client.headers["Authorization"]
    await client.get(path)
    found = []
    find_recent = recent.find_recent

    async def record(*args, **values):
        found.append(values["query"])
        return await find_recent(*args, **values)

    monkeypatch.setattr(recent, "find_recent", record)
    assert (await client.get(path, headers=headers)).status_code == 200
    assert len(found) == 1


async def test_an_invalid_credential_is_refused_even_if_the_times_are_at_hand(client):
    path = f"/api/doctors/{client.doctor}/availability?date={DATE}&minutes=30"
    assert (await client.get(path)).status_code == 200
    assert (await client.get(path, headers={"Authorization": "Bearer wrong"})).status_code == 401


@pytest.mark.usefixtures("still_clock")
async def test_repeated_requests_count_against_the_limit(client):
    limits = client.app_limits
    limits.on, limits.rates["requests"] = True, Rate(3, 60)
    del client.headers["Authorization"]
    path = f"/api/doctors/{client.doctor}/availability?date={DATE}&minutes=30"
    responses = [await client.get(path) for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert [response.headers["ratelimit-remaining"] for response in responses] == ["2", "1", "0", "0"]
    assert responses[3].json()["type"].endswith("too-many-requests")
