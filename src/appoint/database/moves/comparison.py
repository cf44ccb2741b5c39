"""Compare a clinic's rows in both databases."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from .model import Move


class Sum(NamedTuple):
    rows: int
    checksum: int


async def compare(move: Move, tables: Sequence[str]) -> tuple[int, list[str]]:
    """Return the number of rows in the source, and what differs in the target. Rows are compared by checksums of their
    texts, including generated columns."""
    rows, differences = 0, list[str]()
    for table in tables:
        here, there = await asyncio.gather(*(_sum(each, move, table) for each in (move.source, move.target)))
        rows += here.rows
        if here.rows != there.rows:
            differences.append(f"{table} ({here.rows} rows, {there.rows} in the target)")
        elif here.checksum != there.checksum:
            differences.append(f"{table} (different content)")
    return rows, differences


async def count_rows(connection: Any, clinic_id: int, tables: Sequence[str]) -> int:
    counts = [
        await connection.fetchval(f"select count(*) from {table} where clinic_id = $1", clinic_id)  # noqa: S608
        for table in tables
    ]
    return sum(counts)


async def _sum(connection: Any, move: Move, table: str) -> Sum:
    row = await connection.fetchrow(
        f"""
        select count(*) as rows, coalesce(sum(hashtextextended(t::text, 0)), 0) as checksum
          from {table} t
         where clinic_id = $1
        """,  # noqa: S608 -- a name from the catalogue
        move.clinic_id,
    )
    return Sum(row["rows"], int(row["checksum"]))
