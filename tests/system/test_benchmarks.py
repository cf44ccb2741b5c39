"""The benchmarks measure what they say they do. How fast that is, is no matter of a test."""

import os
import re
from pathlib import Path

import pytest
from benchmarks import load, world
from benchmarks.world import World

from appoint.booking.repository import INSERT_APPOINTMENTS
from appoint.database import embedded
from appoint.kit import clock


@pytest.fixture
async def small(db, database_url, monkeypatch):
    """A data set of a hundred appointments, in one clinic."""
    monkeypatch.setitem(world.CLINICS, 100, 1)
    await db.execute(world.fill(100, 10))
    return World(100, database_url, clock.now().date())


def test_what_pgbench_runs_is_the_booking_statement_word_for_word():
    rest = load.statement()
    for words in re.split(r"\$\d+", INSERT_APPOINTMENTS.text):
        before, found, rest = rest.partition(words)
        assert found
        assert before in ("", *load.PARAMETERS.values())
    assert rest == ""


async def test_the_data_set_has_the_appointments_that_its_name_says(small):
    assert await small.count() == 100


async def test_pgbench_books_what_it_counts(small):
    with embedded.running(Path(os.environ["APPOINT_TESTS_DIR"]), durable=False, say=lambda _: None) as server:
        found = load.pgbench(small, server.binaries, seconds=1)
    assert found.broken == 0
    assert 0 < await small.count() - 100 <= found.made + load.CLIENTS  # what was under way at the end is not counted
    await small.sweep()
    assert await small.count() == 100
