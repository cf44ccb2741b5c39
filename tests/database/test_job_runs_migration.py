"""Migration 0008 moves the former job queue's state into job runs."""

import asyncpg
import pytest

from appoint.database import migrate
from support.database import create_empty, drop


@pytest.fixture
async def before_leases(server_url, worker_id):
    """A connection to a database with the schema at revision 0007."""
    url = await create_empty(server_url, f"before_leases_{worker_id}")
    connection = await asyncpg.connect(url)
    await connection.execute(migrate.BOOKKEEPING)
    for migration in migrate.migrations():
        if migration.revision <= "0007":
            await connection.execute(migration.sql)
    yield connection
    await connection.close()
    await drop(url)


async def test_replacing_the_job_queue_preserves_queued_jobs(before_leases):
    await before_leases.execute(
        """
        insert into jobs.pgqueuer_schedules (expression, entrypoint, next_run)
        values ('15 0 * * *', 'publish-slots', '2027-03-02 00:15Z'),
               ('45 0 * * *', 'forget-requests', '2027-03-02 00:45Z'),
               ('0 1 * * *', 'forget-codes', '2027-03-02 01:00Z');
        insert into jobs.pgqueuer (priority, status, entrypoint, execute_after, updated)
        values (0, 'queued', 'forget-requests', '2027-03-01 00:45Z', now()),
               (0, 'failed', 'forget-codes', '2027-03-01 01:00Z', '2027-03-01 01:20Z'),
               (1, 'picked', 'send-email', now(), now());
        """
    )
    (leases,) = (migration for migration in migrate.migrations() if migration.revision == "0008")
    await before_leases.execute(leases.sql)
    rows = await before_leases.fetch(
        """
        select name, to_char(due_at at time zone 'UTC', 'DD HH24:MI'), failed_at is not null
          from job_run order by name
        """
    )
    assert [tuple(row) for row in rows] == [
        ("forget-codes", "02 01:00", True),
        ("forget-requests", "01 00:45", False),
        ("publish-slots", "02 00:15", False),
    ]
