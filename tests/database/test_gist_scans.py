"""Updates of appointments never repeat a scan of a GiST index.

Otherwise PostgreSQL 18 loses index entries: such a scan remembers dead entries of an index that has one page. If the
update splits that page before the scan is repeated, it marks the entries at the same places of a new page as dead. The
indexes are those of the constraints. A row without an entry is invisible to them, so its time could be booked twice.
"""

import json
from collections.abc import Iterator

from support.source import statements


def repeated_scans(node: dict, *, in_update: bool = False, repeated: bool = False) -> Iterator[str]:
    """Yield the indexes of appointments that the inner side of a nested loop reads within an update of them."""
    if node.get("Operation") == "Update":
        in_update, repeated = node["Relation Name"] == "appointment", False
    if in_update and repeated and node.get("Relation Name") == "appointment" and "Index Name" in node:
        yield node["Index Name"]
    for child in node.get("Plans", []):
        inner = node["Node Type"] == "Nested Loop" and child["Parent Relationship"] == "Inner"
        yield from repeated_scans(child, in_update=in_update, repeated=repeated or inner)


async def test_an_update_of_appointments_reads_the_index_of_a_constraint_once(db):
    await db.execute("truncate appointment, booking_slot cascade")  # plans are those of a new database
    found, updates = [], 0
    async with db.connection() as connection:
        gist = {row[0] for row in await connection.fetch(
            "select relname from pg_class join pg_am on pg_am.oid = relam where amname = 'gist'"
        )}  # fmt: skip
        for name, sql in statements():
            if "update appointment" not in sql:
                continue
            updates += 1
            await connection.execute(f"prepare statement as {sql}")
            count = await connection.fetchval(
                "select cardinality(parameter_types) from pg_prepared_statements where name = 'statement'"
            )
            arguments = f"({', '.join(['null'] * count)})" if count else ""
            (explained,) = json.loads(await connection.fetchval(f"explain (format json) execute statement {arguments}"))
            await connection.execute("deallocate statement")
            found += [(name, index) for index in repeated_scans(explained["Plan"]) if index in gist]
    assert updates > 5
    assert found == []
