"""A migration adds a prefix to numeric slugs."""

import asyncpg

from appoint.database import migrate
from support.database import create_empty, drop


async def test_numeric_slugs_get_a_prefix(server_url, worker_id):
    url = await create_empty(server_url, f"before_slugs_{worker_id}")
    connection = await asyncpg.connect(url)
    await connection.execute(migrate.BOOKKEEPING)
    (slugs,) = (migration for migration in migrate.migrations() if migration.name == "slugs")
    for migration in migrate.migrations():
        if migration.revision < slugs.revision:
            await connection.execute(migration.sql)
    await connection.execute(
        """
        insert into clinic (name, time_zone, slug)
        values ('A', 'Europe/Berlin', '312'), ('B', 'Europe/Berlin', '7'), ('C', 'Europe/Berlin', 'clinic-7')
        """
    )
    await connection.execute(slugs.sql)
    rows = await connection.fetch("select slug from clinic order by name")
    assert [row["slug"] for row in rows] == ["clinic-312", None, "clinic-7"]
    await connection.close()
    await drop(url)
