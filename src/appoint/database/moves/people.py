"""Copy what belongs to a clinic in tables that all clinics share: customers, the staff's accounts, and the keys of its
requests.

They stay in the source, too, where other clinics may need them.
"""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg

from .model import Move, MoveFailed
from .tables import columns_of, references

BATCH_SIZE: Final = 1000
OF_CUSTOMERS: Final = ("notification_preference", "address_change")
OF_USERS: Final = ("passkey", "user_identity", "recovery_code")
REQUEST_KEYS: Final = """
select coalesce(jsonb_agg(to_jsonb(k)), '[]')::text
  from request_key k
 where answer::text like '%"' || lpad(to_hex($1::integer), 8, '0') || '-%'
    or answer #>> '{}' in (select customer_id::text from patient where clinic_id = $1)
"""
"""The keys of requests that have created something at the clinic: their answers contain ids, which begin with its
number."""


async def copy_people(move: Move) -> int:
    """Copy the customers and accounts that the target lacks or has an older version of. Return how many."""
    customers = await _outdated(move, "customer")
    users = await _outdated(move, "app_user")
    try:
        await _copy(move, "customer", "id", customers, versioned=True)
        for table in OF_CUSTOMERS:
            await _copy(move, table, "customer_id", customers)
        await _copy(move, "guardianship", "ward_id", customers)
        await _copy(move, "app_user", "id", users, versioned=True)
        for table in OF_USERS:
            await _copy(move, table, "user_id", users)
    except asyncpg.UniqueViolationError as error:
        raise MoveFailed(
            f"A member of staff already has a different account in {move.cell} ({error.constraint_name}): "
            "remove one of the two accounts."
        ) from error
    return len(customers) + len(users)


async def copy_request_keys(move: Move) -> None:
    """Copy the keys of the clinic's requests, so that a request that is repeated after the move has no second
    effect."""
    keys = await move.source.fetchval(REQUEST_KEYS, move.clinic_id)
    await _insert(move, "request_key", await columns_of(move.source, "request_key"), keys)


async def count_people(connection: Any, clinic_id: int) -> int:
    return sum([len(await _versions(connection, clinic_id, table)) for table in ("customer", "app_user")])


async def _outdated(move: Move, table: str) -> list[UUID]:
    versions = await _versions(move.source, move.clinic_id, table)
    rows = await move.target.fetch(f"select id, version from {table} where id = any($1)", list(versions))  # noqa: S608
    present = {row["id"]: row["version"] for row in rows}
    return [id for id, version in versions.items() if present.get(id, 0) < version]


async def _versions(connection: Any, clinic_id: int, table: str) -> dict[UUID, int]:
    """Return the rows of a shared table that the clinic's rows refer to, and their versions."""
    ids = " union ".join(
        f"select {column} from {name} where clinic_id = $1"  # noqa: S608 -- names from the catalogue
        for name, column in await references(connection, table)
    )
    rows = await connection.fetch(f"select id, version from {table} where id in ({ids})", clinic_id)  # noqa: S608
    return {row["id"]: row["version"] for row in rows}


async def _copy(move: Move, table: str, column: str, ids: Sequence[UUID], *, versioned: bool = False) -> None:
    """Copy the rows whose column has one of the values, and replace older versions. Leave other existing rows as they
    are, and leave out rows that refer to people who are not in the target."""
    columns = await columns_of(move.source, table)
    rest = "on conflict do nothing"
    if versioned:
        changes = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ") if name != "id")
        rest = f"on conflict (id) do update set {changes} where {table}.version < excluded.version"
    elif table == "guardianship":
        rest = f"where exists (select from customer c where c.id = guardian_id) {rest}"
    for start in range(0, len(ids), BATCH_SIZE):
        rows = await move.source.fetchval(
            f"select coalesce(jsonb_agg(to_jsonb(t)), '[]')::text from {table} t where {column} = any($1)",  # noqa: S608
            ids[start : start + BATCH_SIZE],
        )
        await _insert(move, table, columns, rows, rest)


async def _insert(move: Move, table: str, columns: str, rows: str, rest: str = "on conflict do nothing") -> None:
    """Insert rows in JSON into the target's table."""
    await move.target.execute(
        f"""
        insert into {table} ({columns})
        select {columns} from jsonb_populate_recordset(null::{table}, $1::text::jsonb) {rest}
        """,  # noqa: S608 -- names from the catalogue
        rows,
    )
