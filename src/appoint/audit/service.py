"""Sealing the audit, showing it, and checking that nobody has changed it."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from ..database.pool import Row, Statements, Transaction
from ..kit import errors, ids
from .model import (
    BEGINNING,
    AuditActor,
    AuditEntry,
    AuditHead,
    ClinicReport,
    Entry,
    Key,
    Walk,
    chained,
    fault,
)
from .repository import chain
from .repository import entries as entry_rows

BATCH: Final = 1000
MOST_FAULTS: Final = 100
LAST: Final = UUID(int=2**128 - 1)
NEAR: Final = timedelta(days=1)
"""An entry's time is when its transaction began; its id, by which lists go, says when it was written. They are never so
far apart."""


class Broken(Exception):
    """The head of a clinic's chain is not what was signed, so nothing may be sealed behind it: that would make it look
    whole."""


async def seal(tx: Transaction, *, clinic_id: int, key: Key, now: datetime) -> int:
    """Seal the clinic's oldest entries, `BATCH` at most; returns how many. None while somebody else does so. Raises
    `Broken`."""
    row = await chain.lock_head(tx, clinic_id)
    if row is None:
        await chain.begin(tx, key.signed(clinic_id=clinic_id, position=0, hash=BEGINNING, now=now))
        row = await chain.lock_head(tx, clinic_id)
    if row is None:
        return 0
    if text := fault(_head(row), public_key=key.public):
        raise Broken(f"the head {text}")
    found = await chain.unsealed(tx, clinic_id, most=BATCH)
    position, hash = row.position, row.hash
    hashes: list[bytes] = []
    for position, entry in enumerate(found, row.position + 1):
        hash = chained(hash, Entry(position=position, **entry))
        hashes.append(hash)
    if found:
        moved = await chain.move(tx, clinic_id, after=row.position, ids=[entry.id for entry in found], hashes=hashes)
        assert moved == len(found), "only who has locked the head takes entries away"
        await chain.move_head(tx, key.signed(clinic_id=clinic_id, position=position, hash=hash, now=now))
    return len(found)


def _head(row: Row) -> AuditHead:
    return AuditHead(**{name: row[name] for name in AuditHead.__struct_fields__ if name != "hash"}, hash=row.hash.hex())


class Place(NamedTuple):
    """Where a list goes on, and where it ends: at the newest entry that there was when it was begun, for reading it
    makes entries too."""

    after: UUID
    until: UUID


class Listed(NamedTuple):
    entries: list[AuditEntry]
    until: UUID


async def entries(
    db: Statements,
    *,
    clinic_id: int,
    first: date | None = None,
    last: date | None = None,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    place: Place | None = None,
    limit: int,
) -> Listed:
    """A clinic's entries, or the platform's (clinic 0), of its local dates `first…last`, oldest first; one more than
    `limit` when the list goes on. Raises `NotFound`."""
    bounds = await entry_rows.bounds(db, clinic_id, first=first, last=last)
    if bounds is None:
        raise errors.NotFound
    after, until = place or Place(UUID(int=0), bounds.newest or UUID(int=0))
    if bounds.start:
        after = max(after, ids.smallest_uuid7(bounds.start - NEAR))
    rows = await entry_rows.entries(
        db,
        clinic_id,
        start=bounds.start,
        end=bounds.end,
        actor=actor,
        action=action,
        subject=subject,
        after=after,
        until=min(until, ids.smallest_uuid7(bounds.end + NEAR)) if bounds.end else until,
        limit=limit,
    )
    return Listed([_entry(row) for row in rows], until)


async def newest(
    db: Statements,
    *,
    clinic_id: int,
    first: date | None,
    last: date | None,
    actor: str | None,
    action: str | None,
    subject: str | None,
    before: UUID | None,
    limit: int,
) -> list[AuditEntry]:
    """The same, newest first: those before that one, or the newest. Raises `NotFound`."""
    bounds = await entry_rows.bounds(db, clinic_id, first=first, last=last)
    if bounds is None:
        raise errors.NotFound
    rows = await entry_rows.newest(
        db,
        clinic_id,
        start=bounds.start,
        end=bounds.end,
        actor=actor,
        action=action,
        subject=subject,
        since=ids.smallest_uuid7(bounds.start - NEAR) if bounds.start else UUID(int=0),
        before=min(before or LAST, ids.smallest_uuid7(bounds.end + NEAR) if bounds.end else LAST),
        limit=limit,
    )
    return [_entry(row) for row in rows]


def _entry(row: Row) -> AuditEntry:
    kind, _, id = row.actor.partition(":")
    shown: dict[str, Any] = {**row, "actor": AuditActor(kind, id or None), "hash": row.hash and row.hash.hex()}
    return AuditEntry(**shown)


async def head(db: Statements, *, clinic_id: int) -> AuditHead:
    """Return the signed head of a clinic's chain, or the platform's. Raises `NotFound`, also while nothing is sealed."""
    row = await chain.head(db, clinic_id)
    if row is None:
        raise errors.NotFound
    return _head(row)


async def sign_anew(tx: Transaction, *, clinic_id: int, old_public_key: str, key: Key, now: datetime) -> bool:
    """Sign the clinic's head with the new key. Return False when it is signed with that already. Raises `Broken` for a
    head that neither key has signed."""
    row = await chain.lock_head(tx, clinic_id)
    if row is None:
        raise errors.Unavailable
    if fault(_head(row), public_key=key.public) is None:
        return False
    if text := fault(_head(row), public_key=old_public_key):
        raise Broken(f"the head {text}")
    await chain.move_head(tx, key.signed(clinic_id=clinic_id, position=row.position, hash=row.hash, now=now))
    return True


async def verify(
    db: Statements,
    *,
    clinic_ids: Iterable[int],
    public_key: str,
    exported: Sequence[AuditHead] = (),
    now: datetime,
    passed: Callable[[int], object] = lambda _: None,
) -> AsyncGenerator[ClinicReport]:
    """Check the clinics' chains, from the beginning, and against heads that were exported. `passed` is told how many
    entries more have been looked at.

    Sealing may go on meanwhile.
    """
    for clinic_id in clinic_ids:
        walk = Walk(public_key=public_key, exported=[head for head in exported if head.clinic_id == clinic_id])
        faults = list(walk.begin())
        entries = 0
        while True:
            rows = await chain.stretch(db, clinic_id, after=walk.position, most=BATCH)
            found = [row for row in rows if row.position is not None]
            for row in found:
                faults += walk.follow(Entry(*(row[name] for name in Entry._fields)), row.hash)
            if not found:
                break
            entries += len(found)
            passed(len(found))
        faults += walk.end(_stretched_head(clinic_id, rows[0]))
        tail = await chain.tail(db, clinic_id, now=now)
        yield ClinicReport(clinic_id, entries, faults[:MOST_FAULTS], tail.unsealed, tail.oldest_seconds)


def _stretched_head(clinic_id: int, row: Row) -> AuditHead | None:
    if row.head_position is None:
        return None
    return AuditHead(
        clinic_id=clinic_id,
        position=row.head_position,
        hash=row.head_hash.hex(),
        sealed_at=row.head_sealed_at,
        public_key=row.head_public_key,
        signature=row.head_signature,
    )


def read_heads(text: bytes) -> list[AuditHead]:
    """Exported heads, one or several after each other. Raises `msgspec.DecodeError`."""
    return [msgspec.json.decode(line, type=AuditHead) for line in text.splitlines() if line.strip()]
