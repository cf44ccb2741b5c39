"""What a migration does to the rows that it finds."""

import asyncpg
import pytest

from appoint.database import migrate
from support.database import create_empty


@pytest.fixture
async def before_leases(server_url, worker_id):
    """A connection to a database of its own, with the schema of revision 0007."""
    old = await asyncpg.connect(await create_empty(server_url, f"before_leases_{worker_id}"))
    await old.execute(migrate.BOOKKEEPING)
    for migration in migrate.migrations():
        if migration.revision <= "0007":
            await old.execute(migration.sql)
    yield old
    await old.close()


async def test_the_end_of_the_job_queue_keeps_what_was_queued(before_leases):
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
        "select name, to_char(due_at at time zone 'UTC', 'DD HH24:MI'), failed_at is not null from job_run order by name"
    )
    assert [tuple(row) for row in rows] == [
        ("forget-codes", "02 01:00", True),
        ("forget-requests", "01 00:45", False),
        ("publish-slots", "02 00:15", False),
    ]
