"""Visitors who come together get in one after another, on all processes, and keep their places while they wait."""

import heapq
import random
from collections import Counter
from itertools import count

import pytest

from appoint.clinics.queues import repository
from appoint.clinics.queues.line import Queues
from appoint.clinics.queues.model import MAX_REFRESH_SECONDS, refresh_seconds
from appoint.clinics.queues.pace import BURST, PEAK
from appoint.kit import clock
from support.queues import SECRET, SteadyClock, Visitor, create_queue, queue_client, waits
from support.world import create_clinic


@pytest.mark.parametrize(
    ("seconds", "waiting", "earliest", "latest"),
    [
        (None, 1, 15, 30),
        (3600, 500, 15, 30),
        (20, 500, 7, 14),
        (3, 500, 5, 10),
        (9000, 200_000, 133, 267),
        (100, 200_000, 33, 67),
        (None, 2_000_000, 200, 400),
    ],
)
def test_pages_refresh_often_if_the_turn_is_near_and_less_often_if_very_many_people_wait(
    seconds, waiting, earliest, latest
):
    times = [refresh_seconds(number, seconds, waiting) for number in range(1, 3000)]
    assert min(times) == pytest.approx(earliest, abs=1)
    assert max(times) == pytest.approx(latest, abs=1)


def test_visitors_who_come_together_come_back_evenly():
    times = Counter(refresh_seconds(number, None, 300_000) for number in range(10**6, 10**6 + 2000))
    assert max(times.values()) <= 2000 / (MAX_REFRESH_SECONDS * 2 / 3) * 1.3


def test_a_page_refreshes_before_its_turn_is_expected():
    for seconds in range(20, 3000, 7):
        assert max(refresh_seconds(number, seconds, 10**6) for number in range(100)) <= seconds


class Rush:
    """Visitors who return when their page says so, to a random one of the processes, in simulated time."""

    def __init__(self, processes: list[Queues], steady: SteadyClock, *, seed: int) -> None:
        self.processes, self.steady, self.chance = processes, steady, random.Random(seed)
        self.due, self.order = [], count()
        self.passes: list[tuple[float, int]] = []
        """When each ticket became a pass."""
        self.peaks: list[float] = []
        """How many passes the processes could issue in each second."""

    async def take(self, ticket=None):
        """Take a turn. Come back if it is a wait."""
        queues = self.chance.choice(self.processes)
        turn = await queues.take_turn(queues.find("1"), ticket, sends_form=False, now=clock.now())
        if turn.wait:
            at = self.steady.now + turn.wait.refresh_seconds + self.chance.random() / 10
            heapq.heappush(self.due, (at, next(self.order), turn.ticket or ticket))
        else:
            self.passes.append((self.steady.now, turn.ticket.number))

    async def run(self, seconds: int) -> None:
        """Let time pass."""
        start = self.steady.now
        for second in range(1, seconds + 1):
            self.peaks.append(sum(each.pace.rate for each in self.processes) * PEAK)
            while self.due and self.due[0][0] <= start + second:
                at, _, ticket = heapq.heappop(self.due)
                self.steady.now = max(at, self.steady.now)
                await self.take(ticket)
            self.steady.now = start + second
            for each in self.processes:
                await each.advance()


@pytest.fixture
async def start(db, client, monkeypatch):
    """Return a function that opens a queue and starts a rush on this many processes."""

    async def start(processes, seed=1):
        await create_clinic(client)
        await repository.open_queue(db, 1, "staff")
        rush = Rush([Queues(db, secret=SECRET, mode="manual", most=50) for _ in range(processes)], steady, seed=seed)
        for each in rush.processes:
            await each.refresh()
        return rush

    steady = SteadyClock(monkeypatch)
    return start


@pytest.mark.parametrize("processes", [1, 3])
async def test_people_who_come_at_the_same_moment_get_in_one_after_another(start, processes):
    rush = await start(processes)
    for _ in range(600):
        await rush.take()
    began, tickets = rush.steady.now, sorted(ticket.number for _, _, ticket in rush.due)
    await rush.run(150)
    per_second = Counter(int(at - began) for at, _ in rush.passes)
    assert all(number <= rush.peaks[second] + BURST * processes for second, number in per_second.items())
    assert sorted(number for _, number in rush.passes) == tickets, "everyone gets in once, with their number"


@pytest.mark.parametrize("processes", [1, 3])
async def test_people_who_leave_do_not_keep_others_waiting(start, processes):
    rush = await start(processes)
    for _ in range(1200 * processes):
        await rush.take()
    rush.due = heapq.nsmallest(len(rush.due), [each for each in rush.due if each[1] % 5 == 0])
    staying = len(rush.due)
    await rush.run(140)
    assert (len(rush.passes), rush.due) == (staying, [])


async def test_people_who_come_long_after_their_turn_get_in_one_after_another_too(start):
    rush = await start(2)
    for _ in range(400):
        await rush.take()
    rush.due = [(rush.steady.now + 60, number, ticket) for _, number, ticket in rush.due]
    await rush.run(60)
    assert rush.processes[0].find("1").waiting == 0
    began = rush.steady.now
    await rush.run(60)
    times = sorted(at - began for at, _ in rush.passes)
    assert len(times) == 400
    assert times[100] > 3
    assert times[-1] < 30


@pytest.mark.usefixtures("still_clock")
async def test_no_turn_is_missed_while_visitors_wait_for_their_pass(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch) as client:
        await create_queue(client)
        steady = SteadyClock(monkeypatch)
        visitors = [Visitor(client) for _ in range(40)]
        for visitor in visitors:
            await visitor.get()
        for _ in range(10):
            await client.queues.advance()
        tickets = [visitor.ticket().number for visitor in visitors]
        waiting = visitors
        for _ in range(5):
            await db.execute("update visitor_queue set marked_at = now() - interval '11 minutes'")
            waiting = [visitor for visitor in waiting if waits(await visitor.get())]
            await client.queues.advance()
        assert waiting, "the clock stands still, so some are still waiting for their pass"
        page = await waiting[0].get()
        assert 1 <= int(page.headers["refresh"]) <= 3
        assert "Less than a minute" in page.text
        for _ in range(20):
            steady.forward(1)
            waiting = [visitor for visitor in waiting if waits(await visitor.get())]
        assert not waiting
        assert [visitor.ticket().number for visitor in visitors] == tickets
