"""The statements that distribute the tables over the nodes of a Citus cluster.

Each clinic's rows are on one node, so its statements and constraints work there as they do on a single server. Citus
distributes a table only while no foreign key, view or SQL function refers to it, so they are dropped and created
again as the database describes them.
"""

from collections.abc import Sequence
from graphlib import TopologicalSorter
from typing import Any, Final, NamedTuple

from ..logins import SERVING_ROLES
from ..sql import Query, load

REFERENCE: Final = ("app_user", "clinic", "customer", "image")
"""Tables that every node has a copy of, because clinics' rows refer to them. `clinic` refers to `image`."""
LOCAL: Final = ("broker_message", "clinic_home", "clinic_move")
"""Tables that stay on the coordinator although their rows belong to clinics. Tables without clinics stay there too."""
TABLES: Final = load(__name__, "tables")
FOREIGN_KEYS: Final = load(__name__, "foreign_keys")
DEPENDENTS: Final = load(__name__, "dependents")
COLUMN_GRANTS: Final = load(__name__, "column_grants")
OBSTACLES: Final = load(__name__, "obstacles")
PLACEMENTS: Final = "select logicalrelid::oid as id, partmethod::text as method from pg_dist_partition"
ROLES: Final = "select rolname::text as name from pg_roles where rolname = any($1) and not rolcanlogin order by rolname"


class Plan(NamedTuple):
    statements: list[str]
    """Statements for one transaction."""
    on_shards: list[str]
    """Statements that follow it, because they work on the shards. They can be repeated."""


async def has_citus(connection: Any) -> bool:
    """Return whether the database has the Citus extension."""
    return await connection.fetchval("select to_regproc('create_distributed_table') is not null")


async def find_obstacles(connection: Any) -> list[str]:
    """Return the parts of the schema that Citus cannot distribute."""
    rows = await _fetch(connection, OBSTACLES, reference=list(REFERENCE), local=list(LOCAL))
    return [row["text"] for row in rows]


async def make_plan(connection: Any) -> Plan:
    """Return the statements that distribute all tables that are not distributed yet."""
    placements: list[Any] = await connection.fetch(PLACEMENTS) if await has_citus(connection) else []
    tables = await _fetch(
        connection, TABLES, reference=list(REFERENCE), local=list(LOCAL), placed=[row["id"] for row in placements]
    )
    roles = await connection.fetch(ROLES, list(SERVING_ROLES))
    statements = [f"alter role {role['name']} login" for role in roles]  # Citus connects to the nodes as these roles
    if tables:
        names = [table["name"] for table in tables]
        keys = await _fetch(connection, FOREIGN_KEYS, tables=names)
        dependents = _in_order(await _fetch(connection, DEPENDENTS, tables=names))
        statements += [
            "set local citus.multi_shard_modify_mode = 'sequential'",
            *(each["dropping"] for each in reversed(dependents)),
            *(key["dropping"] for key in keys),
            *_place(tables, await _first_distributed(connection, placements)),
            *(key["adding"] for key in keys),
            *(statement for each in dependents for statement in each["creating"]),
        ]
    grants = await _fetch(connection, COLUMN_GRANTS, reference=list(REFERENCE), local=list(LOCAL))
    return Plan(statements, [grant["text"] for grant in grants])


def _place(tables: Sequence[Any], first: str | None) -> list[str]:
    """Return the statements that copy and distribute tables. A clinic's rows in all tables are on the same node,
    because all tables are placed like the first."""
    statements = list[str]()
    for table in tables:
        if table["kind"] == "reference":
            statements.append(f"select create_reference_table('{table['name']}')")
            continue
        beside = first or "none"
        statements.append(
            f"select create_distributed_table('{table['name']}', 'clinic_id', colocate_with => '{beside}')"
        )
        first = first or table["name"]
    return statements


async def _first_distributed(connection: Any, placements: Sequence[Any]) -> str | None:
    ids = [row["id"] for row in placements if row["method"] == "h"]
    return await connection.fetchval("select min(id::regclass::text) from unnest($1::oid[]) as id", ids)


def _in_order(objects: Sequence[Any]) -> list[Any]:
    """Return views and functions so that each comes after those that it uses."""
    by_id = {each["oid"]: each for each in objects}
    return [by_id[id] for id in TopologicalSorter({each["oid"]: each["sources"] for each in objects}).static_order()]


async def _fetch(connection: Any, query: Query, **values: Any) -> list[Any]:
    return await connection.fetch(query.text, *query.arguments(values))
