"""The benchmarks measure what they claim to measure. The tests do not judge the results."""

import asyncio
import os
import re
from pathlib import Path

import pytest
from benchmarks import load, world
from benchmarks.bookings import booking
from benchmarks.world import World

from appoint.booking.repository import INSERT_APPOINTMENTS
from appoint.database import embedded
from appoint.kit import clock
from support.processes import appoint


@pytest.fixture
async def small(db, database_url, monkeypatch):
    """A data set with a hundred appointments at one clinic."""
    monkeypatch.setitem(world.CLINICS, 100, 1)
    await db.execute(world.fill(100, 10))
    return World(100, database_url, clock.now().date())


def test_pgbench_runs_the_booking_statement_word_for_word():
    rest = load.statement()
    for words in re.split(r"\$\d+", INSERT_APPOINTMENTS.text):
        before, separator, rest = rest.partition(words)
        assert separator == words
        assert before in ("", *load.PARAMETERS.values())
    assert rest == ""


async def test_the_data_set_has_as_many_appointments_as_its_name_says(small):
    assert await small.count() == 100


async def test_pgbench_books_as_many_appointments_as_it_counts(small):
    with embedded.running(Path(os.environ["APPOINT_TESTS_DIR"]), durable=False, say=lambda _: None) as server:
        result = load.pgbench(small, server.binaries, seconds=1)
    assert result.errors == 0
    assert (
        0 < await small.count() - 100 <= result.successes + load.CLIENTS
    )  # some of the last transactions are not counted
    await small.sweep()
    assert await small.count() == 100


async def test_bookings_at_a_steady_rate_are_booked(small, database_url):
    settings = {"database_url": database_url, "secret_key": load.SECRET_KEY, "appointments_per_customer": 1000}
    with appoint("serve", **settings, rate_limits="false") as server:
        async with booking(small, server.url, 40) as statuses:
            await asyncio.sleep(2)
    assert set(statuses) <= {201, 409}
    assert statuses[201] > 20
    assert await small.count() - 100 >= statuses[201]
