"""Audit log entries, and their verification."""

from uuid import UUID, uuid4

from appoint.audit import jobs, record, service
from appoint.audit.model import Key
from appoint.database.pool import Database, connect
from appoint.kit import clock
from appoint.kit.actors import Actor
from support.world import NOW, ensure_clinic

KEY = Key("signs links in tests")
MIA_ID = UUID("01978a5c-7d3e-7a63-84f7-074d226b3d5d")
MIA = Actor(f"user:{MIA_ID}", user_id=MIA_ID, address="203.0.113.7", operation="patchPatient")

COLUMNS = "clinic_id, id, at, actor, action, subjects, address, request_id, reason"


async def unsealed(db: Database, since: int = 0) -> list[dict]:
    """Return the unsealed entries, skipping the first `since`."""
    return [dict(row) for row in await db.fetch(f"select {COLUMNS} from audit_unsealed order by id")][since:]


async def seal(db: Database) -> None:
    await jobs.seal(db, KEY, now=clock.now)


async def add_entries(db: Database, count: int, *, clinic_id: int = 1) -> None:
    """Add entries for a clinic, which is created if necessary, or for the platform."""
    await ensure_clinic(db, clinic_id)
    for number in range(count):
        await record(
            db,
            MIA,
            clinic_id=clinic_id,
            subjects=[str(uuid4()) for _ in range(number % 3)],
            reason="Why not" if number % 2 else None,
        )


async def faults(db, *clinic_ids: int, exported=(), public_key=KEY.public) -> list[str]:
    reports = service.verify(db, clinic_ids=clinic_ids or (1,), public_key=public_key, exported=exported, now=NOW)
    return [
        f"{report.clinic_id} at {fault.position}: {fault.text}" async for report in reports for fault in report.faults
    ]


def as_role(database_url: str, role: str) -> Database:
    return connect(database_url, size=8, wait_seconds=30, statement_seconds=60, role=role)
