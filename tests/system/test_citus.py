"""Journeys and the relay on a real Citus cluster, whose tables are distributed.

They run only if `APPOINT_TEST_CITUS_URL` is the URL of an empty database that has the extension and its nodes, with the
login that owns the database and `?plan_cache_mode=force_custom_plan`.
"""

import asyncio
import os
from datetime import timedelta

import pytest

from appoint.database import migrate
from appoint.database.distribution.distribute import distribute
from appoint.database.pool import ACROSS, connect
from appoint.events import repository as events
from appoint.kit import clock
from support.app import client_of, composed
from support.database import execute
from system.test_journeys import (  # noqa: F401  they run here with this module's `client` and `db`
    test_a_repeated_request_books_a_service_once,
    test_an_appointment_in_a_providers_week_is_booked_moved_and_cancelled,
    test_appointment_types_determine_times_and_the_clinic_chooses_a_doctor,
    test_concurrent_bookings_and_changes_never_overwrite_each_other,
    test_slots_are_generated_assigned_to_customers_and_removed,
)

URL = os.environ.get("APPOINT_TEST_CITUS_URL", "")
pytestmark = [
    pytest.mark.skipif(not URL, reason="APPOINT_TEST_CITUS_URL is not set: Citus is not in any package registry"),
    pytest.mark.xdist_group("citus"),
]

EMPTY = """
do $$ begin
  execute (select 'truncate ' || string_agg(oid::regclass::text, ', ')
             from pg_class
            where relnamespace = 'public'::regnamespace
              and relkind = 'r'
              and relname not in ('schema_migration', 'pg_dist_partition'));
end $$
"""


@pytest.fixture(scope="module")
async def cluster():
    """The URL of the migrated and distributed database."""
    await migrate.upgrade(URL)
    await distribute(URL, on_progress=lambda number, total: None)
    return URL


@pytest.fixture
async def db(cluster):
    """The database, without any rows."""
    await execute(cluster, EMPTY)
    db = connect(cluster, size=4, wait_seconds=10, statement_seconds=60, role=ACROSS)
    yield db
    await db.close()


@pytest.fixture
async def client(db, cluster):
    async with client_of(composed(cluster)) as client:
        yield client


async def test_all_tables_with_clinics_are_distributed(db):
    count = "select count(*) from pg_dist_partition where partmethod = 'h'"
    assert await db.fetchval(count) > 50


async def test_events_of_several_clinics_are_taken(db, client):
    for _ in range(3):
        await test_appointment_types_determine_times_and_the_clinic_chooses_a_doctor(client)
    async with asyncio.timeout(30):
        while await db.fetchval("select count(*) from event"):
            await db.atomic(events.take_batch, now=clock.now() + timedelta(hours=1), limit=100)
