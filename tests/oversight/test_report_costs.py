"""How many database pages reports read from the daily sums, compared with plain queries on appointments and slots."""

import json
from datetime import UTC, date, datetime

import asyncpg
import pytest
from benchmarks.numbers import NUMBERS, statement_from_sums

from appoint import demo
from support.report_sums import sums_agree


@pytest.fixture
async def large(database_url):
    """A smaller version of the large demo world: three clinics with sixteen or seventeen doctors each."""
    connection = await asyncpg.connect(database_url, server_settings={"jit": "off"})
    await demo.large(connection, appointments=50_000, now=datetime(2027, 3, 10, 12, tzinfo=UTC))
    yield connection
    await connection.close()


async def pages(connection, sql: str, *arguments) -> int:
    (explained,) = json.loads(await connection.fetchval(f"explain (analyze, buffers, format json) {sql}", *arguments))
    return explained["Plan"]["Shared Hit Blocks"] + explained["Plan"]["Shared Read Blocks"]


async def test_each_report_reads_at_most_a_tenth_of_the_pages_that_its_plain_query_reads(db, large):
    assert await sums_agree(db, 1)
    first, last = date(2026, 12, 17), date(2027, 3, 10)  # only past dates
    for name, plain in NUMBERS.items():
        statement, more = statement_from_sums(name)
        all_rows, sums = (
            await pages(large, plain, 1, first, last, None),
            await pages(large, statement, 1, None, first, last, *more),
        )
        assert 0 < sums * 10 <= all_rows, name
