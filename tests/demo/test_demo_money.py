"""The demo world that `make run` loads shows money."""

from datetime import UTC, datetime

import asyncpg
import pytest

from appoint import demo
from appoint.database.rows import Row
from appoint.demo.money import INVOICES, OPEN
from appoint.oversight.invariants import service

pytestmark = pytest.mark.xdist_group("demo")
NOON = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)


async def test_the_first_clinic_has_paid_open_and_overdue_invoices_a_coupon_and_a_deposit(db, database_url):
    connection = await asyncpg.connect(database_url, record_class=Row)
    await demo.small(connection, now=NOON, password="a pass phrase for demos")
    await connection.close()
    invoices = await db.fetch(
        "select total = paid as is_paid, due_on < $1 as is_overdue from shown_invoice order by number", NOON.date()
    )
    assert len(invoices) == INVOICES
    assert [(number, row.is_overdue) for number, row in enumerate(invoices) if not row.is_paid] == [
        (number, number == min(OPEN)) for number in sorted(OPEN)
    ]
    assert await db.fetchval("select code from coupon") == "WELCOME"
    assert await db.fetchval("select count(*) from payment_policy where deposit_percent is not null") == 1
    reports = [report async for report in service.check(db, clinic_ids=await service.list_clinics(db))]
    assert [violation for report in reports for violation in report.violations] == []
