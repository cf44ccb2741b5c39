"""Statements that change appointments or publish hours never repeat a GiST index scan between changes.

Otherwise, PostgreSQL 18 loses index entries. A repeated scan remembers the dead entries of a single-page index. If the
statement splits that page before the scan is repeated, the scan marks the entries at the same positions on a new page
as dead. These indexes enforce the constraints. They cannot see a row without an entry, so its time could be booked
twice.
"""

import json
import re
from collections.abc import Iterator

import pytest

from support.source import statements

pytestmark = pytest.mark.xdist_group("source")  # one worker parses the source

CHANGES = {
    ("Update", "appointment"),
    ("Update", "booking_slot"),
    ("Insert", "booking_slot"),
    ("Update", "allocation"),
    ("Insert", "allocation"),
    ("Insert", "coupon_use"),
}


def repeated_scans(node: dict, *, change: tuple | None = None, repeated: bool = False) -> Iterator[str]:
    """Yield a table's indexes that a change to the table reads once per row: on the inner side of a nested loop, or in
    an insert's correlated subquery.
    """
    if "Operation" in node:
        change = (node["Operation"], node["Relation Name"])
        repeated = False
    elif change in CHANGES and repeated and node.get("Relation Name") == change[1] and "Index Name" in node:
        yield node["Index Name"]
    for child in node.get("Plans", []):
        is_inner = node["Node Type"] == "Nested Loop" and child["Parent Relationship"] == "Inner"
        is_correlated = child["Parent Relationship"] == "SubPlan" and change == ("Insert", "booking_slot")
        yield from repeated_scans(child, change=change, repeated=repeated or is_inner or is_correlated)


async def test_changes_read_each_constraints_index_only_once(db):
    # so that the plans are the same as in a new database
    await db.execute("truncate appointment, booking_slot cascade")
    found, changes = [], 0
    async with db.connection() as connection:
        names = await connection.fetch(
            "select relname from pg_class join pg_am on pg_am.oid = relam where amname = 'gist'"
        )
        for name, sql in statements():
            if not re.search(r"update appointment|insert into booking_slot|(update|into) (allocation|coupon_use)", sql):
                continue
            changes += 1
            await connection.execute(f"prepare statement as {sql}")
            count = await connection.fetchval(
                "select cardinality(parameter_types) from pg_prepared_statements where name = 'statement'"
            )
            arguments = f"({', '.join(['null'] * count)})" if count else ""
            (explained,) = json.loads(await connection.fetchval(f"explain (format json) execute statement {arguments}"))
            await connection.execute("deallocate statement")
            scans = repeated_scans(explained["Plan"])
            found += [(name, index) for index in scans if index in {row["relname"] for row in names}]
    assert changes > 8
    assert found == []
