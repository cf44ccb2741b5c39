"""Readiness, and recovery from a lost database."""

import asyncio
from datetime import timedelta

from appoint.database import migrate, upkeep
from appoint.kit import clock
from appoint.server import app as application
from support.app import TOKEN, client_of, settings
from support.processes import own_postgres


async def test_a_server_is_ready_once_a_worker_is_running(client, db):
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    alone = await client.get("/readyz")
    assert (alone.status_code, alone.json()["parts"]["worker"]["ok"]) == (503, False)
    await upkeep.beat(db, worker="one")
    assert (await client.get("/readyz")).json() == {
        "ready": True,
        "parts": {
            part: {"ok": True, "detail": None} for part in ("database", "migrations", "worker", "timeZones", "clock")
        },
    }


async def test_a_wrong_clock_is_reported_and_does_not_make_the_server_unready(client, db, monkeypatch):
    await upkeep.beat(db, worker="one")
    monkeypatch.setattr(clock.CLOCK, "skew", timedelta(hours=-1))
    response = await client.get("/readyz")
    assert (response.status_code, response.json()["parts"]["clock"]) == (
        200,
        {
            "ok": False,
            "detail": "this machine's clock is 3600 s behind the database's; Appoint uses the database's",
        },
    )


async def test_a_silent_worker_makes_the_server_unready_unless_excluded(client, db):
    await db.execute("insert into worker_heartbeat (worker, seen_at) values ('one', now() - interval '31 seconds')")
    assert [(await client.get(path)).status_code for path in ("/readyz", "/readyz?exclude=worker")] == [503, 200]


async def test_a_server_is_ready_for_a_newer_schema(client, db):
    """In a rolling upgrade, servers from the previous release run on the migrated database."""
    await upkeep.beat(db, worker="one")
    await db.execute("insert into schema_migration (revision, name) values ('9999', 'from a later release')")
    try:
        response = await client.get("/readyz")
    finally:
        await db.execute("delete from schema_migration where revision = '9999'")
    assert (response.status_code, response.json()["parts"]["migrations"]) == (200, {"ok": True, "detail": None})


async def test_a_server_is_not_ready_for_an_older_schema(client, db):
    await upkeep.beat(db, worker="one")
    await db.execute("update schema_migration set revision = '0000' || revision where revision > '0001'")
    try:
        response = await client.get("/readyz")
    finally:
        await db.execute("update schema_migration set revision = substr(revision, 5) where revision like '0000%'")
    assert (response.status_code, response.json()["parts"]["migrations"]["detail"]) == (
        503,
        f"the database is at revision 0001; this version needs {migrate.newest()}",
    )


async def test_a_server_reports_a_lost_database_and_recovers_on_its_own():
    with own_postgres() as postgres:
        await migrate.upgrade(postgres.url)
        app = application.create(settings(), database_url=postgres.url, admin_token=TOKEN)
        async with client_of(app) as client:
            assert (await client.get("/api/clinics")).status_code == 200
            postgres.stop()
            outage = await client.get("/api/clinics")
            assert (outage.status_code, outage.headers["Retry-After"], outage.json()["type"]) == (
                503,
                "2",
                "/problems/unavailable",
            )
            assert (await client.get("/readyz")).json()["parts"]["database"]["ok"] is False
            assert [(await client.get(path)).status_code for path in ("/healthz", "/metrics")] == [200, 200]
            postgres.start()
            async with asyncio.timeout(5):
                while (await client.get("/api/clinics")).status_code != 200:  # it tries to connect once a second
                    await asyncio.sleep(0.1)
