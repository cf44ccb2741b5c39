"""Entries are sealed in one chain per clinic, in batches and by any number of workers."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest

from appoint.audit import service
from appoint.audit.repository import chain
from appoint.database.pool import ACROSS, Database
from support.audit import add_entries, as_role, faults, seal, unsealed


async def test_sealing_covers_all_entries_of_every_clinic_in_batches(db, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 10)
    for number, count in ((0, 3), (1, 25), (2, 10), (9, 1)):
        await add_entries(db, count, clinic_id=number)
    await seal(db)
    rows = await db.fetch("select clinic_id, count(*), max(position) from audit_entry group by 1 order by 1")
    assert ([tuple(row) for row in rows], await unsealed(db), await faults(db, 0, 1, 2, 9)) == (
        [(0, 3, 3), (1, 25, 25), (2, 10, 10), (9, 1, 1)],
        [],
        [],
    )


async def test_a_clinics_backlog_does_not_delay_other_clinics(db, monkeypatch):
    """The other clinics get a turn after each of the busy clinic's batches, even if their entries were added in the
    meantime.
    """
    monkeypatch.setattr(service, "BATCH_SIZE", 5)
    await add_entries(db, 50)
    await add_entries(db, 1, clinic_id=2)
    order = []

    async def recording(tx, *, clinic_id, **more):
        count = await original(tx, clinic_id=clinic_id, **more)
        if clinic_id == 1 and len(order) == 2:
            await add_entries(db, 1, clinic_id=3)
        order.append(clinic_id)
        return count

    original = service.seal
    monkeypatch.setattr(service, "seal", recording)
    await seal(db)
    assert max(order.index(2), 1) == 1
    assert order.index(3) <= 4
    assert order.count(1) >= 10


async def test_a_clinic_that_cannot_be_sealed_does_not_stop_other_clinics(db):
    """One clinic's head and another's entries are invalid."""
    for number in (1, 2, 3):
        await add_entries(db, 2, clinic_id=number)
    await seal(db)
    await db.execute("update audit_head set hash = sha256('') where clinic_id = 1")
    await db.execute(
        """
        insert into audit_unsealed (clinic_id, id, actor, action)
        select 2, id, 'a', 'b' from audit_entry where clinic_id = 2 and position = 1
        """
    )
    for number in (1, 2, 3):
        await add_entries(db, 2, clinic_id=number)
    await seal(db)
    rows = await db.fetch("select clinic_id, max(position) from audit_entry group by 1 order by 1")
    assert [tuple(row) for row in rows] == [(1, 2), (2, 2), (3, 4)]


async def test_nothing_is_sealed_after_an_invalid_head(db):
    """Otherwise, the next sealing run would repair a chain that an attacker has cut."""
    await add_entries(db, 6)
    await seal(db)
    await db.execute("delete from audit_entry where position > 3")
    await db.execute("update audit_head set position = 3, hash = (select hash from audit_entry where position = 3)")
    await add_entries(db, 2)
    await seal(db)
    assert len(await unsealed(db)) == 2
    assert await faults(db) == ["1 at None: the head has a signature that does not match it"]


async def test_concurrent_sealers_build_one_chain(db, database_url, monkeypatch):
    monkeypatch.setattr(service, "BATCH_SIZE", 7)
    sealers = [as_role(database_url, ACROSS) for _ in range(5)]
    writing = True

    async def write(clinic_id: int) -> None:
        for _ in range(60):
            await add_entries(db, 1, clinic_id=clinic_id)

    async def work(sealer: Database) -> None:
        while writing:
            await seal(sealer)
            await asyncio.sleep(0.001)

    working = [asyncio.create_task(work(sealer)) for sealer in sealers]
    await asyncio.gather(*(write(number) for number in (1, 1, 2, 3)))
    writing = False
    await asyncio.gather(*working)
    await seal(db)
    assert await faults(db, 1, 2, 3) == []
    rows = await db.fetch(
        "select clinic_id, count(*), count(distinct id), max(position) from audit_entry group by 1 order by 1"
    )
    assert [tuple(row) for row in rows] == [(1, 120, 120, 120), (2, 60, 60, 60), (3, 60, 60, 60)]
    for sealer in sealers:
        await sealer.close()


@pytest.mark.parametrize("step", ["begin", "unsealed", "move", "move_head"])
async def test_a_killed_sealer_leaves_the_chain_unchanged(db, monkeypatch, step):
    await add_entries(db, 5)
    if step != "begin":
        await seal(db)
        await add_entries(db, 5)
    original = getattr(chain, step)

    async def run_and_die(tx, *args, **kwargs):
        result = await original(tx, *args, **kwargs)
        with suppress(asyncpg.PostgresError):
            await tx.execute("select pg_terminate_backend(pg_backend_pid())")
        return result

    before = await db.fetchval("select count(*) from audit_entry")
    with monkeypatch.context() as patch:
        patch.setattr(chain, step, run_and_die)
        with suppress(Exception):
            await seal(db)
    assert (await db.fetchval("select count(*) from audit_entry"), await faults(db)) == (before, [])
    assert len(await unsealed(db)) == 5
    await seal(db)
    assert (await db.fetchval("select count(*) from audit_entry"), await unsealed(db), await faults(db)) == (
        before + 5,
        [],
        [],
    )


async def test_metrics_show_how_many_entries_are_waiting_and_for_how_long(client, db):
    await add_entries(db, 3)
    await db.execute(
        """
        update audit_unsealed set at = now() - interval '1 minute'
         where id = (select id from audit_unsealed order by id limit 1)
        """
    )
    metrics = dict(
        line.rsplit(" ", 1)
        for line in (await client.get("/metrics")).text.splitlines()
        if line.startswith("appoint_audit")
    )
    assert float(metrics["appoint_audit_unsealed"]) == 3
    assert 60 <= float(metrics["appoint_audit_unsealed_seconds"]) < 120
