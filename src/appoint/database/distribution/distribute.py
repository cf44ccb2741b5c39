"""Run the plan that distributes the tables."""

from collections.abc import Callable
from typing import Final

import asyncpg

from ...kit.errors import StartupError
from ..migrate import LOCK
from .plan import Plan, find_obstacles, has_citus, make_plan

MAX_SHOWN: Final = 5


async def distribute(url: str, *, on_progress: Callable[[int, int], None]) -> Plan:
    """Distribute all tables that are not distributed yet, in one transaction, and return what was done. Other sessions
    cannot use the tables until it ends.

    `on_progress` gets the number of statements that have run, and of all statements. Raise `StartupError` if the
    database does not have Citus, if its schema has something that Citus cannot distribute, or if a node refuses a
    grant.
    """
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if not await has_citus(connection):
            raise StartupError(
                "This database does not have the Citus extension. Install it on all nodes, run `create extension "
                "citus` in this database, and add the nodes with citus_add_node. See docs/scale.md."
            )
        await _expect_no_obstacles(connection)
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
            plan = await make_plan(connection)
            total = len(plan.statements) + len(plan.on_shards)
            for number, statement in enumerate(plan.statements, 1):
                await connection.execute(statement)
                on_progress(number, total)
        for number, statement in enumerate(plan.on_shards, len(plan.statements) + 1):
            for row in await connection.fetch(statement):
                if not row["success"]:
                    raise StartupError(f"A node refused a grant: {row['result']}. Run the command again.")
            on_progress(number, total)
        return plan
    finally:
        await connection.close()


async def preview(url: str) -> tuple[Plan, bool]:
    """Return what `distribute` would do, and whether the database has Citus. Change nothing."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await _expect_no_obstacles(connection)
        return await make_plan(connection), await has_citus(connection)
    finally:
        await connection.close()


async def _expect_no_obstacles(connection: asyncpg.Connection) -> None:
    if obstacles := await find_obstacles(connection):
        more = len(obstacles) - MAX_SHOWN
        text = "; ".join(obstacles[:MAX_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        raise StartupError(f"Citus cannot distribute this schema: {text}.")
