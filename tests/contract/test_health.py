"""Readiness, and recovery from a lost database."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

from appoint.database import migrate, upkeep
from appoint.http.health import PaymentHealth
from appoint.kit import clock
from appoint.payments.checkout import health as payment_health
from appoint.payments.checkout.gateway import Checkout
from appoint.payments.checkout.model import GatewayUnavailable
from appoint.server import app as application
from support.app import ADMIN, TOKEN, client_of, settings
from support.processes import own_postgres
from support.world import create_clinic


async def test_a_server_is_ready_once_a_worker_is_running(client, db):
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    alone = await client.get("/readyz")
    assert (alone.status_code, alone.json()["parts"]["worker"]["ok"]) == (503, False)
    await upkeep.beat(db, worker="one")
    assert (await client.get("/readyz")).json() == {
        "ready": True,
        "parts": {
            part: {"ok": True, "detail": None}
            for part in ("database", "migrations", "worker", "timeZones", "clock", "payments")
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


async def test_payments_are_reported_and_do_not_make_the_server_unready(client, db, monkeypatch):
    services = client._transport.app.state.services
    await upkeep.beat(db, worker="one")

    async def payments(gateway) -> tuple[int, object]:
        checkout = replace(services.features[Checkout], gateway=gateway)
        monkeypatch.setitem(services.features, PaymentHealth, payment_health.watch(checkout))
        response = await client.get("/readyz")
        return response.status_code, response.json()["parts"].get("payments")

    gateway = services.features[Checkout].gateway
    gateway.outage = GatewayUnavailable("the payment provider responded with 503")
    assert await payments(gateway) == (200, {"ok": False, "detail": "the payment provider responded with 503"})
    gateway.outage = None
    assert await payments(gateway) == (200, {"ok": True, "detail": None})
    assert await payments(None) == (200, None)
    await create_clinic(client)
    await client.put("/api/clinics/1/paymentPolicy", json={"depositPercent": 10}, headers=ADMIN)
    detail = "clinics that ask for deposits: 1, but no payment provider is configured"
    assert await payments(None) == (200, {"ok": False, "detail": detail})


async def test_the_age_of_backups_is_reported_and_does_not_make_the_server_unready(client, db):
    await upkeep.beat(db, worker="one")
    for statement, ok, detail in (
        (
            "insert into job_run (name, due_at) values ('back-up', now())",
            False,
            "no changes stored yet; no base backup yet; not verified yet",
        ),
        (
            """
            insert into job_run (name, due_at, finished_at)
            values ('store-wal', now(), now() - interval '20 s'), ('check-backup', now(), now() - interval '3 days')
            """,
            False,
            "changes stored until 0:00:20 ago; no base backup yet; verified 3 days, 0:00:00 ago",
        ),
        (
            "update job_run set finished_at = now() - interval '1 hour' where name = 'back-up'",
            True,
            "changes stored until 0:00:20 ago; base backup made 1:00:00 ago; verified 3 days, 0:00:00 ago",
        ),
        (
            "update job_run set finished_at = now() - interval '1 hour' where name = 'store-wal'",
            False,
            "changes stored until 1:00:00 ago; base backup made 1:00:00 ago; verified 3 days, 0:00:00 ago",
        ),
        (
            """
            with stored as (update job_run set finished_at = now() - interval '1 minute' where name = 'store-wal')
            insert into backup_gap (began_at) values ('2026-11-01T12:00Z')
            """,
            False,
            (
                "changes stored until 0:01:00 ago; base backup made 1:00:00 ago; verified 3 days, 0:00:00 ago; changes "
                "since 2026-11-01T12:00:00Z cannot be restored until there is a new base backup"
            ),
        ),
        (
            "update backup_gap set ended_at = '2026-11-01T12:05Z'",
            True,
            (
                "changes stored until 0:01:00 ago; base backup made 1:00:00 ago; verified 3 days, 0:00:00 ago; no "
                "moment between 2026-11-01T12:00:00Z and 2026-11-01T12:05:00Z can be restored"
            ),
        ),
    ):
        await db.execute(statement)
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["parts"]["backup"]["ok"]) == (200, ok)
        assert rounded(response.json()["parts"]["backup"]["detail"]) == rounded(detail)
    assert 60 <= (await upkeep.read_backups(db)).wal < 160


def rounded(detail: str) -> str:
    """Drop the seconds, which pass during the test."""
    return re.sub(r":\d\d\b(?= ago)", "", detail)


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
