"""No demo world violates an invariant."""

from datetime import UTC, datetime

import asyncpg
import pytest

from appoint import demo
from appoint.oversight.invariants import service

NOON = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("size", ["small", "large"])
async def test_a_demo_world_violates_no_rule(db, database_url, size):
    connection = await asyncpg.connect(database_url)
    await (demo.small(connection, now=NOON) if size == "small" else demo.large(connection, appointments=800, now=NOON))
    await connection.close()
    reports = [report async for report in service.check(db, clinic_ids=await service.list_clinics(db))]
    assert len(reports) > 1
    assert [violation for report in reports for violation in report.violations] == []
