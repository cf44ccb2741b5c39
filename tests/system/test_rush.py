"""A small rush: more people than times, one server process, and a comparison of every booking with the database."""

from datetime import timedelta

import pytest
from benchmarks import rush, rush_report, world
from benchmarks.load import SECRET_KEY
from benchmarks.world import World

from appoint.kit import clock
from support.app import TOKEN
from support.processes import appoint


@pytest.fixture
async def small(db, database_url, monkeypatch):
    """A data set with a hundred appointments at one clinic."""
    monkeypatch.setitem(world.CLINICS, 100, 1)
    await db.execute(world.fill(100, 10))
    return World(100, database_url, clock.now().date())


def must_hold(plan, journal, checks):
    """Return what did not hold, apart from how long things took."""
    faults = rush_report.faults_of(plan, journal, checks)
    return [fault for fault in faults if "waited" not in fault and "took" not in fault]


@pytest.mark.parametrize(("bookings", "processes"), [(0, 2), (20, 1)])
async def test_a_rush_books_each_time_once_and_no_request_fails(small, database_url, bookings, processes):
    settings = {"database_url": database_url, "secret_key": SECRET_KEY, "queue": "manual", "workers": processes}
    with appoint("serve", **settings) as server:
        plan = rush.plan_of(small, 200, 20, (100, 200), 4, bookings=bookings)._replace(patience=0.05)
        journal, checks = await rush.run(small, plan, server.url, TOKEN, memory=lambda: 0, connections=20)
    assert must_hold(plan, journal, checks) == []
    assert checks["booked"] == len(journal.acknowledged) > 0
    assert journal.statuses["queue 200"] >= 100


async def test_the_report_says_what_did_not_hold(small):
    plan = rush.plan_of(small, 1000, 1, (1, 1), 1)
    journal = rush.Journal()
    journal.waits["admitted"] = [(0.5, 1.5)]
    journal.statuses["admitted 503"] = 1
    journal.seconds[0]["queue"] = 7
    checks = {"times": 280, "booked": 2, "doubled": 1, "lost": 0, "unacknowledged": 1, "repeated": 0}
    text = rush_report.markdown(plan, journal, checks, "a machine")
    for fault in (
        "278 times were not booked",
        "1 responses were 5xx",
        "waited 1.50 s",
        "1 times were booked twice",
        "1 bookings were not ack",
    ):
        assert fault in text
    assert rush_report.plot(journal).count("<polyline") == 6
    assert plan.days[0] == small.created_on + timedelta(days=world.FREE[0])


def test_a_slower_machine_gets_less_to_do_and_the_report_says_so(small):
    fast = rush.doctolib_plan(small, seconds=60, healthz=20_000)
    slow = rush.doctolib_plan(small, seconds=60, healthz=4500)
    assert (fast.bookings_rate, fast.first_rate, fast.people) == (333, 5000, 300_000)
    assert (slow.bookings_rate, slow.last_rate, slow.people) == (166.5, 2500, 150_000)
    checks = {"times": 280, "booked": 0, "doubled": 0, "lost": 0, "unacknowledged": 0, "repeated": 0}
    text = rush_report.markdown(slow, rush.Journal(), checks, "a machine")
    assert "both rates are lower in proportion" in text
    assert "| bookings attempted per second | 166 |" in text


def test_a_rush_for_more_times_than_there_are_is_refused(small):
    with pytest.raises(ValueError, match="only 84,000 free times"):
        rush.doctolib_plan(small, seconds=600, healthz=20_000)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"doctolib": True, "minutes": 3.9}, "--minutes must be at most 3.8"), ({"times": 84_001}, "at most 84000")],
)
def test_a_rush_that_is_too_large_is_refused_before_it_begins(arguments, message):
    with pytest.raises(SystemExit, match=message):
        rush.main(**arguments)


def test_the_longest_record_minute_fits(small):
    plan = rush.doctolib_plan(small, seconds=60 * rush.MOST_MINUTES, healthz=20_000)
    assert len(plan.days) <= world.FREE[1] - world.FREE[0] + 1
