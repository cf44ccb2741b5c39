"""During a rolling upgrade, servers of the previous and of this release share a database that this release migrated."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from appoint.database import migrate
from support import previous_release
from support.app import ADMIN, TOKEN
from support.database import temporary
from support.keys import KEY
from support.processes import Process, appoint
from support.staff import PASSWORD, SECRET, add_user, works_at

NINE = (datetime.now(UTC) + timedelta(days=7)).replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
def previous(tmp_path) -> Path:
    """The previous release's `src`."""
    return previous_release.extract(tmp_path)


@contextmanager
def previous_process(source: Path, *arguments: str, **settings: Any) -> Iterator[Process]:
    """Run the previous release's `appoint`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("APPOINT_")}
    values = {"mode": "development", "port": 0, "admin_token": TOKEN, "encryption_keys": KEY, **settings}
    environment |= {f"APPOINT_{name.upper()}": str(value) for name, value in values.items()}
    process = Process(arguments, environment | {"PYTHONPATH": str(source)}, program=Path(sys.executable))
    try:
        yield process
    finally:
        process.stop()
        assert process.popen.stdout
        process.popen.stdout.close()


@pytest.fixture
def empty_url(server_url, worker_id) -> Iterator[str]:
    """The URL of a database without a schema."""
    with temporary(server_url, f"upgrade_{worker_id}", migrated=False) as url:
        yield url


async def test_servers_of_both_releases_book_move_cancel_and_show_the_same_appointments(previous, empty_url, tmp_path):
    own = {
        "database_url": empty_url,
        "data_dir": tmp_path / "data",
        "secret_key": SECRET,
        "rate_limits": False,
        "availability_seconds": 0,
    }
    with previous_process(previous, "migrate", **own) as migration:
        assert migration.popen.wait(120) == 0, migration.output
    old_revision = await read_revision(empty_url)
    with previous_process(previous, "serve", **own) as old:
        before = httpx2.AsyncClient(base_url=old.url, headers=ADMIN)
        await set_up(empty_url, before)
        await migrate.upgrade(empty_url)
        assert old_revision < await read_revision(empty_url)
        with appoint("serve", **own) as new:
            after = httpx2.AsyncClient(base_url=new.url, headers=ADMIN)
            for hour, (one, other) in enumerate(permutations((before, after))):
                await share_an_appointment(one, other, start=NINE + timedelta(hours=2 * hour))
                await share_a_session(one, other)
            for client in (before, after):
                parts = (await client.get("/readyz?exclude=worker")).json()["parts"]
                assert parts["migrations"]["ok"]
                await client.aclose()
        assert re.findall(r'"status": ?5\d\d', old.output + new.output) == []


async def read_revision(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        revision = await migrate.revision(connection)
    finally:
        await connection.close()
    assert revision
    return revision


async def set_up(url: str, client: httpx2.AsyncClient) -> None:
    """Create a clinic with a doctor who has hours, and a receptionist."""
    clinic = {"name": "Lakeside", "timeZone": "UTC", "policy": {"confirmAddress": "never"}}
    assert (await client.post("/api/clinics", json=clinic)).json()["id"] == 1
    doctor = (await client.post("/api/clinics/1/doctors", json={"name": "Dr Shah"})).json()["id"]
    await client.post("/api/clinics/1/appointmentTypes", json={"name": "Check-up", "minutes": 30})
    slot = {"doctorId": doctor, "startTime": NINE.isoformat(), "endTime": (NINE + timedelta(hours=8)).isoformat()}
    assert (await client.post("/api/bookingSlots", json=slot)).status_code == 201
    connection = await asyncpg.connect(url)
    try:
        await works_at(connection, await add_user(connection), role="receptionist")
    finally:
        await connection.close()


async def share_an_appointment(one: httpx2.AsyncClient, other: httpx2.AsyncClient, *, start: datetime) -> None:
    """Book at one server, and continue at the other."""
    doctor = (await one.get("/api/clinics/1/doctors")).json()["items"][0]["id"]
    type = (await one.get("/api/clinics/1/appointmentTypes")).json()["items"][0]["id"]
    customer = (await one.post("/api/customers", json={"name": "Ana"})).json()["id"]
    request = {"doctorId": doctor, "customerId": customer, **times(start)}
    booked = await one.post("/api/appointments", json=request)
    assert booked.status_code == 201, booked.text
    path = f"/api/appointments/{booked.json()['id']}"
    assert (await other.post("/api/appointments", json=request)).status_code == 409
    assert (await other.get(path)).json()["startTime"] == booked.json()["startTime"]

    moved = await other.put(path, json=times(start + timedelta(hours=1)))
    assert moved.status_code == 200, moved.text
    assert (await one.get(path)).json()["startTime"] == moved.json()["startTime"]
    for client in (one, other):
        day = {"from": f"{start:%Y-%m-%d}", "to": f"{start + timedelta(days=1):%Y-%m-%d}"}
        listed = await client.get("/api/clinics/1/appointments", params=day)
        assert booked.json()["id"] in [each["id"] for each in listed.json()["items"]]
        query = {"date": day["from"], "appointmentTypeId": type}
        free = (await client.get(f"/api/doctors/{doctor}/availability", params=query)).text
        assert f'"startTime":"{start:%Y-%m-%dT%H:%M}' in free
        assert f'"startTime":"{start + timedelta(hours=1):%Y-%m-%dT%H:%M}' not in free

    assert (await one.post(f"{path}/arrive")).status_code == 200
    assert (await other.post(f"{path}/unarrive")).status_code == 200
    assert (await one.delete(path)).status_code == 204
    assert (await other.get(path)).json()["status"] == "cancelled"


async def share_a_session(one: httpx2.AsyncClient, other: httpx2.AsyncClient) -> None:
    """Sign a receptionist in at one server, and show the day at both."""
    form = {"email": "mia@example.org", "password": PASSWORD}
    signed_in = await one.post("/staff/sign-in", data=form, headers={"Authorization": ""})
    # sent as a header, because the client sends secure cookies only over TLS
    cookies = [cookie.partition(";")[0] for cookie in signed_in.headers.get_list("set-cookie")]
    for client in (one, other):
        headers = {"Authorization": "", "Cookie": "; ".join(cookies)}
        page = await client.get(f"/staff/1/day?date={NINE:%Y-%m-%d}", headers=headers)
        assert page.status_code == 200, page.text[:500]
        assert "Dr Shah" in page.text


def times(start: datetime) -> dict[str, str]:
    return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=30)).isoformat()}
