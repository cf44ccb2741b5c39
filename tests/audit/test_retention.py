"""Old audit entries are deleted, and the rest can still be verified."""

from datetime import timedelta

import pytest

from appoint.audit import jobs, service
from appoint.audit.model import Key
from appoint.audit.repository import starts
from appoint.audit.walk import MIN_RETENTION
from appoint.kit import clock
from appoint.server.schedule import years_before
from support.audit import KEY, add_entries, faults, seal
from support.world import NOW

OLD = timedelta(days=12 * 366)


async def add_old_entries(db, count: int, *, age: timedelta = OLD, clinic_id: int = 1) -> None:
    """Add sealed entries of that age."""
    await add_entries(db, count, clinic_id=clinic_id)
    await db.execute("update audit_unsealed set at = $1", clock.now() - age)
    await seal(db)


async def delete_old(db, *, years: int = 10, key: Key = KEY) -> None:
    await jobs.delete_old(db, key, before=years_before(clock.now(), years), now=clock.now())


async def positions(db) -> list[int]:
    rows = await db.fetch("select position from audit_entry where clinic_id = 1 order by position")
    return [row.position for row in rows]


@pytest.fixture
async def shortened(db, monkeypatch):
    """A chain that had ten entries, the first six of which have been deleted."""
    monkeypatch.setattr(service, "BATCH_SIZE", 4)
    await add_old_entries(db, 6)
    await add_old_entries(db, 4, age=timedelta(days=5 * 366))
    await delete_old(db)
    return db


async def test_only_entries_older_than_the_retention_period_are_deleted(shortened):
    assert await positions(shortened) == [7, 8, 9, 10]
    await delete_old(shortened)
    assert await positions(shortened) == [7, 8, 9, 10]


async def test_the_remaining_chain_is_intact_and_grows(shortened):
    assert await faults(shortened) == []
    await add_entries(shortened, 2)
    await seal(shortened)
    assert await faults(shortened) == []
    assert (await positions(shortened))[-1] == 12


async def test_a_chain_with_only_old_entries_can_grow_again(db):
    await add_old_entries(db, 3)
    await delete_old(db)
    assert (await positions(db), await faults(db)) == ([], [])
    await add_entries(db, 1)
    await seal(db)
    assert (await positions(db), await faults(db)) == ([4], [])


async def test_an_old_entry_after_a_newer_one_is_kept(db):
    await add_old_entries(db, 1)
    await add_old_entries(db, 1, age=timedelta(days=1))
    await add_old_entries(db, 1)
    await delete_old(db)
    assert (await positions(db), await faults(db)) == ([2, 3], [])


async def test_the_platforms_entries_are_deleted_too(db):
    await add_old_entries(db, 3, clinic_id=0)
    await delete_old(db)
    assert (await db.fetchval("select count(*) from audit_entry"), await faults(db, 0)) == (0, [])


TAMPERINGS = {
    "an entry is deleted by hand": ("delete from audit_entry where position = 7", "entry 7 is missing"),
    "an entry is changed": (
        "update audit_entry set actor = 'x' where position = 7",
        "the entry differs from the one that was sealed here",
    ),
    "the start is removed": ("delete from audit_start", "entries 1 to 6 are missing"),
    "the start is moved": (
        "update audit_start set position = 7; delete from audit_entry where position = 7",
        "has a signature that does not match it",
    ),
    "the start's time is changed": (
        "update audit_start set before = before - interval '1 day'",
        "has a signature that does not match it",
    ),
    "the start is not signed": (
        "update audit_start set clinic_id = 1, public_key = '', signature = ''",
        "is signed with a different key",
    ),
}


@pytest.mark.parametrize(("statements", "fault"), TAMPERINGS.values(), ids=TAMPERINGS)
async def test_tampering_after_entries_were_deleted_is_detected(shortened, statements, fault):
    for statement in statements.split("; "):
        await shortened.execute(statement)
    assert fault in (await faults(shortened))[0]


async def test_an_earlier_start_does_not_hide_that_more_entries_are_missing(db):
    await add_old_entries(db, 6)
    await add_old_entries(db, 2, age=timedelta(days=8 * 366))
    await delete_old(db)
    earlier = await starts.find(db, 1)
    await delete_old(db, years=5)
    await starts.move(db, earlier)
    assert await faults(db) == ["1 at 7: the end is cut off: the head is at 8"]


async def test_old_entries_that_were_tampered_with_are_kept_and_sealing_continues_elsewhere(db):
    await add_old_entries(db, 3)
    await db.execute("update audit_entry set actor = 'x' where position = 2")
    await delete_old(db)
    assert await positions(db) == [1, 2, 3]


async def test_a_database_role_cannot_delete_entries_that_are_less_than_a_year_old(db):
    await add_old_entries(db, 2, age=timedelta(days=300))
    assert await db.sealing().fetchval("select delete_old_audit_entries(1, 2)") == 0
    assert await positions(db) == [1, 2]


async def test_an_exported_head_reveals_entries_that_were_deleted_too_early_with_the_key(db):
    """An attacker with the database and the key pretends that last week's entries are twelve years old."""
    await add_old_entries(db, 2, age=timedelta(days=7))
    exported = await service.head(db, clinic_id=1)
    await add_old_entries(db, 2, age=timedelta(days=6))
    await db.execute("delete from audit_entry where position <= 3")
    hash = await db.fetchval("select hash from audit_entry where position = 4")
    await db.execute("delete from audit_entry")
    before = years_before(clock.now(), 10)
    await starts.move(db, KEY.signed_start(clinic_id=1, position=4, hash=hash, before=before))
    assert await faults(db) == []
    (fault,) = await faults(db, exported=[exported])
    assert fault.startswith("1 at 3: entries were deleted too early: they were sealed after ")


async def test_a_start_that_claims_to_cover_recent_entries_is_a_fault(db):
    await add_old_entries(db, 1)
    await delete_old(db)
    start = await starts.find(db, 1)
    recent = NOW - MIN_RETENTION + timedelta(days=1)
    signed = KEY.signed_start(clinic_id=1, position=1, hash=bytes.fromhex(start.hash), before=recent)
    await starts.move(db, signed)
    assert await faults(db) == ["1 at 1: entries were deleted that were less than 365 days old"]


async def test_heads_exported_before_and_after_the_deletion_still_match(db):
    await add_old_entries(db, 3)
    hash = bytes.fromhex((await service.head(db, clinic_id=1)).hash)
    before = KEY.signed(clinic_id=1, position=3, hash=hash, now=clock.now() - OLD)
    await add_old_entries(db, 2, age=timedelta(days=1))
    await delete_old(db)
    after = await service.head(db, clinic_id=1)
    assert await faults(db, exported=[before, after]) == []


async def test_signing_again_with_a_new_key_covers_the_start(shortened, run_command):
    audit = await run_command("audit", "re-sign", "--public-key", KEY.public, secret_key="another")
    assert audit.code == 0, audit.text
    assert await faults(shortened, public_key=Key("another").public) == []


async def test_the_command_line_says_how_many_entries_were_deleted(shortened, run_command):
    outcome = await run_command("audit", "verify", "--clinic", "1")
    assert (outcome.code, outcome.text) == (0, "clinic 1: 4 sealed entries, all intact; 6 older ones deleted")
