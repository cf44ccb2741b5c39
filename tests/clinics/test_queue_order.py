"""No one overtakes anyone in a queue, whatever happens to the server's processes."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from math import isclose

import pytest

from appoint.clinics.queues import line, repository
from appoint.clinics.queues.line import Queues
from appoint.clinics.queues.pace import PEAK, START
from appoint.clinics.queues.shuffle import Shuffle
from appoint.clinics.queues.tickets import Ticket
from appoint.kit import clock
from support.queues import SECRET, SteadyClock, Visitor, change_queue, create_queue, queue_client, waits
from support.world import create_clinic

CHI_SQUARE_9 = 27.9
"""With nine degrees of freedom, one fair experiment in a thousand exceeds this."""


def process(db) -> Queues:
    return Queues(db, secret=SECRET, mode="manual", most=100)


async def take(queues, ticket=None):
    state = queues.find("1")
    return await queues.take_turn(state, ticket, sends_form=False, now=clock.now())


@pytest.mark.parametrize("seed", range(8))
async def test_no_ticket_overtakes_another_across_processes_and_restarts(db, client, monkeypatch, seed):
    """Whenever a visitor is let in, everyone with a lower number can be let in too, as fast as passes are issued."""
    steady = SteadyClock(monkeypatch)
    await open_queue(db, client)
    chance = random.Random(seed)
    processes = [process(db) for _ in range(3)]
    for each in processes:
        await each.refresh()
    waiting: list[Ticket] = []
    last_number = dict.fromkeys(range(3), 0)
    for _ in range(120):
        number = chance.randrange(3)
        queues = processes[number]
        match chance.choices(["come", "return", "advance", "restart"], [6, 6, 2, 0.3])[0]:
            case "come":
                turn = await take(queues)
                assert turn.wait
                assert turn.ticket.number > max(last_number[number], queues.find("1").served)
                last_number[number] = turn.ticket.number
                waiting.append(turn.ticket)
            case "return" if waiting:
                ticket = chance.choice(waiting)
                steady.forward(1 / (PEAK * START))
                if (await take(queues, ticket)).wait is None:
                    ahead = [each for each in waiting if each.number < ticket.number]
                    for each in ahead:
                        steady.forward(1 / (PEAK * START))
                        assert (await take(queues, each)).wait is None
                    waiting.remove(ticket)
            case "advance":
                await queues.advance()
            case "restart":
                processes[number] = process(db)
                await processes[number].refresh()
    numbers = [ticket.number for ticket in waiting]
    assert len(set(numbers)) == len(numbers)


async def open_queue(db, client):
    await create_clinic(client)
    await repository.open_queue(db, 1, "staff")


async def test_a_ticket_keeps_its_place_when_the_server_restarts(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch) as client:
        await create_queue(client)
        visitor = Visitor(client)
        for _ in range(20):
            await Visitor(client).get()
        await visitor.get()
    async with queue_client(database_url, monkeypatch) as client:
        visitor.client = client
        await client.queues.refresh()
        assert ">21<" in (await visitor.get()).text
        for _ in range(6):
            await client.queues.advance()
        assert not waits(await visitor.get())


@pytest.fixture
def sizes(monkeypatch):
    """The sizes of the blocks that are taken from now on, and do not expire."""
    sizes, issue = [], repository.issue

    async def record(db, clinic_id, number):
        sizes.append(number)
        return await issue(db, clinic_id, number)

    monkeypatch.setattr(repository, "issue", record)
    monkeypatch.setattr(line, "BLOCK_SECONDS", 3600)
    return sizes


async def test_numbers_come_in_blocks_once_many_people_arrive(db, client, sizes):
    await open_queue(db, client)
    queues = process(db)
    await queues.refresh()
    turns = [await take(queues) for _ in range(1000)]
    assert [turn.ticket.number for turn in turns] == list(range(1, 1001))
    assert len(sizes) < 15
    await queues.refresh()
    sizes.clear()
    for _ in range(1500):
        await take(queues)
    assert sizes == [976, 250, 312], "the first block has 24 numbers left"


async def test_simultaneous_visitors_share_a_statement_even_if_the_first_one_leaves(db, client, sizes):
    await open_queue(db, client)
    queues = process(db)
    await queues.refresh()
    first, *others = [asyncio.create_task(take(queues)) for _ in range(400)]
    while not sizes:
        await asyncio.sleep(0)
    first.cancel()
    turns = await asyncio.gather(*others)
    assert len({turn.ticket.number for turn in turns}) == 399
    assert sizes == [400]


async def test_simultaneous_visitors_get_different_numbers(db, client, many_connections):
    await open_queue(db, client)
    processes = [process(db) for _ in range(4)]
    for queues in processes:
        await queues.refresh()
    turns = await asyncio.gather(*(take(processes[number % 4]) for number in range(400)))
    assert len({turn.ticket.number for turn in turns}) == 400


async def test_without_the_database_visitors_keep_their_places_and_newcomers_wait_without_one(db, client, monkeypatch):
    await open_queue(db, client)
    queues = process(db)
    await queues.refresh()
    known = (await take(queues)).ticket

    async def fail(*_):
        raise line.errors.Unavailable

    monkeypatch.setattr(repository, "issue", fail)
    queues._lines[1].block = None
    assert (await take(queues, known)).wait.ahead == 1
    turn = await take(queues)
    assert (turn.wait.ahead, turn.ticket) == (None, None)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 100, 1000])
def test_the_shuffle_gives_each_ticket_a_place_of_its_own(size):
    shuffle = Shuffle(b"secret")
    assert sorted(shuffle.place(index, size) for index in range(size)) == list(range(size))


@pytest.mark.parametrize("index", [0, 4, 9])
def test_the_shuffle_is_fair(index):
    """Across many secrets, each ticket gets each place equally often."""
    places = Counter(Shuffle(b"%d" % seed).place(index, 10) for seed in range(5000))
    chi_square = sum((places[place] - 500) ** 2 / 500 for place in range(10))
    assert chi_square < CHI_SQUARE_9


def test_neighbours_are_not_neighbours_after_the_shuffle():
    shuffle = Shuffle(b"secret")
    places = [shuffle.place(index, 5000) for index in range(5000)]
    mean = sum(abs(a - b) for a, b in pairwise(places)) / 4999
    assert isclose(mean, 5000 / 3, rel_tol=0.05)


async def open_lobby(db, client, minutes=10):
    """Announce an opening that is near, and let visitors take tickets for it."""
    await create_queue(client)
    await change_queue(client, open=False)
    await change_queue(client, opensAt=(clock.now() + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z"))
    await client.queues.advance()
    await client.queues.refresh()


async def begin(db, client):
    """Let the announced opening begin."""
    await db.execute("update visitor_queue set opens_at = now()")
    await client.queues.refresh()


async def test_tickets_from_before_an_opening_are_shuffled_and_later_ones_come_after_them(
    db, database_url, monkeypatch
):
    async with queue_client(database_url, monkeypatch) as client:
        await open_lobby(db, client)
        early = [Visitor(client) for _ in range(30)]
        for visitor in early:
            page = await visitor.get()
            assert waits(page)
            assert "Booking opens on" in page.text
        for _ in range(3):
            await client.queues.advance()
        assert waits(await early[0].get())
        await begin(db, client)
        await client.queues.advance()
        late = [Visitor(client) for _ in range(5)]
        for visitor in late:
            await visitor.get()
        order = await admission_order(client, [*early, *late], SteadyClock(monkeypatch))
        assert sorted(order[:30]) == list(range(30))
        assert order[:30] != list(range(30))
        assert order[30:] == list(range(30, 35))


async def admission_order(client, visitors, steady):
    """Let visitors in one at a time, and return the order."""
    client.queues.pace.rate = 1.0
    order, left = [], dict(enumerate(visitors))
    for _ in range(200):
        order += (admitted := [index for index, visitor in left.items() if not waits(await visitor.get())])
        left = {index: visitor for index, visitor in left.items() if index not in admitted}
        if not left:
            return order
        steady.forward(1)
        client.queues.pace.rate = 1.0
        await client.queues.advance()
    raise AssertionError("not everyone was let in")


async def test_an_opening_that_is_far_off_changes_nothing(db, database_url, monkeypatch):
    async with queue_client(database_url, monkeypatch) as client:
        await open_lobby(db, client, minutes=31)
        assert not waits(await Visitor(client).get())
