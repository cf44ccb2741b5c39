"""Rows of several callers share a statement while another one is under way."""

import asyncio
from types import SimpleNamespace
from uuid import uuid4

import asyncpg
import pytest

from appoint.database.gathering import MAX_ROWS, gathering
from appoint.database.sql import parse
from appoint.kit import errors

QUERY = parse("test.gathered", "select id from unnest(:rows::uuid[]) as id")


class Statements:
    """A database that records the rows of each statement, and finishes a statement only when told to."""

    def __init__(self):
        self.gatherings = {}
        self.batches = []
        self.failure = None
        self.may_finish = asyncio.Event()
        self.missing = set()

    async def fetch_once(self, _, *, rows):
        self.batches.append(rows)
        await self.may_finish.wait()
        if self.failure:
            raise self.failure
        return [{"id": id} for (id,) in rows if id not in self.missing]

    def send(self, key=None):
        id = uuid4()
        return id, asyncio.create_task(gathering(self, QUERY).send(id, (id,), key=key or id))

    async def started(self, count):
        async with asyncio.timeout(5):
            while len(self.batches) < count:
                await asyncio.sleep(0)


@pytest.fixture
def db():
    return Statements()


async def results(sent):
    return [result and result["id"] for result in await asyncio.gather(*(task for _, task in sent))]


async def test_rows_that_arrive_during_a_statement_share_the_next_one(db):
    sent = [db.send()]
    await db.started(1)
    sent += [db.send() for _ in range(5)]
    await asyncio.sleep(0)
    db.may_finish.set()
    assert await results(sent) == [id for id, _ in sent]
    assert [len(batch) for batch in db.batches] == [1, 5]


async def test_a_statement_has_at_most_64_rows(db):
    db.may_finish.set()
    sent = [db.send() for _ in range(MAX_ROWS + 1)]
    assert await results(sent) == [id for id, _ in sent]
    assert [len(batch) for batch in db.batches] == [64, 1]


async def test_rows_with_the_same_key_never_share_a_statement(db):
    db.may_finish.set()
    sent = [db.send(key) for key in ("ana", "ben", "ana", "ana")]
    assert await results(sent) == [id for id, _ in sent]
    assert [len(batch) for batch in db.batches] == [2, 1, 1]


async def test_a_row_that_the_statement_leaves_out_has_no_result(db):
    db.may_finish.set()
    sent = [db.send() for _ in range(3)]
    db.missing = {sent[1][0]}
    assert await results(sent) == [sent[0][0], None, sent[2][0]]


async def test_a_caller_who_has_given_up_is_left_out(db):
    sent = [db.send()]
    await db.started(1)
    _, impatient = db.send()
    sent.append(db.send())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    db.may_finish.set()
    assert await results(sent) == [id for id, _ in sent]
    assert [len(batch) for batch in db.batches] == [1, 1]


async def test_a_caller_who_gives_up_during_the_statement_does_not_stop_the_others(db):
    sent = [db.send() for _ in range(3)]
    await db.started(1)
    sent[0][1].cancel()
    await asyncio.sleep(0)
    db.may_finish.set()
    assert await results(sent[1:]) == [id for id, _ in sent[1:]]


@pytest.mark.parametrize(
    "failure", [asyncpg.LockNotAvailableError(), asyncpg.ForeignKeyViolationError(), RuntimeError("bug")]
)
async def test_if_the_statement_fails_nobody_has_a_result(db, failure):
    db.may_finish.set()
    db.failure = failure
    assert await results([db.send() for _ in range(3)]) == [None] * 3
    db.failure = None
    sent = [db.send()]
    assert await results(sent) == [sent[0][0]]


async def test_if_the_database_is_unreachable_everyone_learns_it(db):
    db.may_finish.set()
    db.failure = errors.Unavailable()
    sent = [db.send() for _ in range(3)]
    outcomes = await asyncio.gather(*(task for _, task in sent), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [errors.Unavailable] * 3


async def test_each_statement_gathers_its_own_rows(db):
    other = SimpleNamespace(**{**QUERY._asdict(), "name": "test.other"})
    assert gathering(db, QUERY) is gathering(db, QUERY)
    assert gathering(db, other) is not gathering(db, QUERY)
