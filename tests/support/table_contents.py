"""What a database's tables contain, to compare before and after an upgrade."""

import asyncpg


async def columns(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """Return the columns of all tables except the bookkeeping and the job queue, which 0008 drops."""
    rows = await connection.fetch(
        """
        select attrelid::regclass::text as table, array_agg(attname::text order by attname) as columns
          from pg_attribute
          join pg_class on pg_class.oid = attrelid
          join pg_namespace on pg_namespace.oid = relnamespace
         where nspname = 'public' and relkind = 'r' and relname not in ('schema_migration', 'alembic_version')
           and attnum > 0 and not attisdropped
         group by attrelid
        """
    )
    return {row["table"]: row["columns"] for row in rows}


async def contents(connection: asyncpg.Connection, tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return all rows in the tables, as text."""
    return {
        table: sorted(str(row) for row in await connection.fetch(f"select {', '.join(names)} from {table}"))
        for table, names in tables.items()
    }
