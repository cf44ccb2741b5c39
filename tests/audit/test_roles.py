"""Which database roles can read and change the audit log."""

import asyncpg
import pytest

from appoint.database.pool import ACROSS, SERVER
from support.audit import add_entries, as_role, seal


@pytest.mark.parametrize("role", [SERVER, ACROSS])
async def test_the_serving_roles_can_only_add_entries(db, database_url, role):
    await add_entries(db, 2)
    await seal(db)
    await add_entries(db, 2)
    serving_db = as_role(database_url, role).within(1)
    for statement in (
        "update audit_unsealed set actor = 'stranger'",
        "delete from audit_unsealed",
        "truncate audit_unsealed",
        "update audit_entry set actor = 'stranger'",
        "delete from audit_entry",
        "truncate audit_entry",
        "update audit_head set position = 0",
        "delete from audit_head",
        "insert into audit_head select 2, position, hash, sealed_at, public_key, signature from audit_head",
        """
        insert into audit_entry
        select clinic_id, 3, uuidv7(), at, actor, action, subjects, address, request_id, reason, hash
          from audit_entry where position = 1
        """,
        "insert into audit_unsealed (clinic_id, actor, action, at) values (1, 'user:1', 'listAudit', '2020-01-01')",
        "insert into audit_unsealed (clinic_id, actor, action, id) values (1, 'user:1', 'listAudit', uuidv7())",
        "select from audit_unsealed for update",
        "drop table audit_entry",
        "alter table audit_entry disable row level security",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await serving_db.execute(statement)
    await add_entries(serving_db, 1)
    await add_entries(as_role(database_url, role), 1, clinic_id=2)  # adding entries does not require a current clinic
    assert await db.fetchval("select count(*) from audit_unsealed") == 4


async def test_the_sealing_role_cannot_change_sealed_entries(db):
    await add_entries(db, 2)
    await seal(db)
    for statement in (
        "update audit_entry set actor = 'stranger'",
        "delete from audit_entry",
        "update audit_unsealed set actor = 'stranger'",
        "delete from audit_head",
        "insert into audit_unsealed (clinic_id, actor, action) values (1, 'user:1', 'listAudit')",
        "select from customer",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.sealing().execute(statement)


async def test_the_serving_role_sees_only_the_current_clinics_entries(db, database_url):
    for count in (2, 1):
        for number in (1, 2):
            await add_entries(db, count, clinic_id=number)
        if count == 2:
            await seal(db)
    serving_db = as_role(database_url, SERVER)
    for table, own_count in (("audit_unsealed", 1), ("audit_entry", 2), ("audit_head", 1)):
        assert [row.clinic_id for row in await serving_db.within(1).fetch(f"select clinic_id from {table}")] == [
            1
        ] * own_count
        assert await serving_db.fetch(f"select clinic_id from {table}") == []
