"""The tables whose rows move with a clinic."""

from typing import Any, Final

LEFT_BEHIND: Final = ("broker_message", "clinic_home", "clinic_move", "invariant_violation")
"""Tables with clinics' numbers whose rows do not move. The source still publishes its own messages to the broker, and
each cell checks the invariants itself."""


async def clinic_tables(connection: Any) -> list[str]:
    """Return the names of the tables whose rows have a clinic's number, except `clinic` itself."""
    rows = await connection.fetch(
        """
        select c.relname::text as name
          from pg_class c
          join pg_attribute a on a.attrelid = c.oid and a.attname = 'clinic_id'
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> all($1)
         order by name
        """,
        list(LEFT_BEHIND),
    )
    return [row["name"] for row in rows]


async def columns_of(connection: Any, table: str) -> str:
    """Return the table's columns that are not generated, for SQL."""
    return await connection.fetchval(
        """
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
          from pg_attribute a
         where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        """,
        table,
    )


async def references(connection: Any, target: str) -> list[tuple[str, str]]:
    """Return the clinics' tables and columns that refer to the id of a table without clinics."""
    rows = await connection.fetch(
        """
        select distinct c.relname::text as name, a.attname::text as column_name
          from pg_constraint f
          join pg_class c on c.oid = f.conrelid
          join pg_attribute a on a.attrelid = c.oid and a.attnum = f.conkey[1] and cardinality(f.conkey) = 1
         where f.contype = 'f' and f.confrelid = $1::text::regclass and c.relname <> all($2)
           and exists (select from pg_attribute k where k.attrelid = c.oid and k.attname = 'clinic_id')
         order by 1, 2
        """,
        target,
        list(LEFT_BEHIND),
    )
    return [(row["name"], row["column_name"]) for row in rows]
