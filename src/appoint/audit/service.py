"""Seal, list and verify audit entries."""

import itertools
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from ..database.pool import Statements, Transaction
from ..kit import errors, ids
from .model import (
    BEGINNING,
    AuditEntry,
    AuditHead,
    EntryFilter,
    Key,
    chained,
    fault,
)
from .repository import chain, starts
from .repository import entries as entry_rows
from .walk import ClinicReport, Walk

BATCH_SIZE: Final = 1000
MAX_FAULTS: Final = 100
ALL_ENTRIES: Final = EntryFilter()
LAST_ID: Final = UUID(int=2**128 - 1)
MAX_CLOCK_GAP: Final = timedelta(days=1)
"""Lists are sorted by id, which contains the time of writing, whereas an entry's own time is when its transaction
started. The two are always closer together than this."""


class ChainBroken(Exception):
    """A clinic's chain has been tampered with. Sealing more entries, or deleting old ones, would hide the damage."""


async def seal(tx: Transaction, *, clinic_id: int, key: Key, now: datetime) -> int:
    """Seal up to `BATCH_SIZE` of the clinic's oldest entries and return how many were sealed: 0 while another worker is
    sealing them. Raise `ChainBroken`."""
    head = await chain.lock_head(tx, clinic_id)
    if head is None:
        await chain.begin(tx, key.signed(clinic_id=clinic_id, position=0, hash=BEGINNING, now=now))
        head = await chain.lock_head(tx, clinic_id)
    if head is None:
        return 0
    if text := fault(head, public_key=key.public):
        raise ChainBroken(f"the head {text}")
    entries = await chain.unsealed(tx, clinic_id, after=head.position, limit=BATCH_SIZE)
    if not entries:
        return 0
    hash = bytes.fromhex(head.hash)
    hashes = [hash := chained(hash, entry) for entry in entries]
    moved = await chain.move(tx, clinic_id, after=head.position, ids=[entry.id for entry in entries], hashes=hashes)
    assert moved == len(entries), "only the holder of the head's lock moves entries"
    await chain.move_head(tx, key.signed(clinic_id=clinic_id, position=entries[-1].position, hash=hash, now=now))
    return len(entries)


class ListPosition(NamedTuple):
    """A position in a list, and the list's end. The end is the entry that was newest when the first page was read,
    because reading the list adds entries to it."""

    after: UUID
    until: UUID


class Listing(NamedTuple):
    entries: list[AuditEntry]
    until: UUID


async def entries(
    db: Statements,
    *,
    clinic_id: int,
    matching: EntryFilter = ALL_ENTRIES,
    place: ListPosition | None = None,
    limit: int,
) -> Listing:
    """Return a clinic's entries, or the platform's (clinic 0), oldest first: one more than `limit` if there is another
    page. Raise `NotFound` for an unknown clinic."""
    bounds = await entry_rows.bounds(db, clinic_id, first=matching.first, last=matching.last)
    if bounds is None:
        raise errors.NotFound
    after, until = place or ListPosition(UUID(int=0), bounds.newest or UUID(int=0))
    if bounds.start:
        after = max(after, ids.smallest_uuid7(bounds.start - MAX_CLOCK_GAP))
    entries = await entry_rows.entries(
        db,
        clinic_id,
        matching,
        bounds,
        after=after,
        until=min(until, ids.smallest_uuid7(bounds.end + MAX_CLOCK_GAP)) if bounds.end else until,
        limit=limit,
    )
    return Listing(entries, until)


async def newest(
    db: Statements,
    *,
    clinic_id: int,
    matching: EntryFilter,
    before: UUID | None,
    limit: int,
) -> list[AuditEntry]:
    """Return entries as `entries` does, but newest first, starting before an entry or with the newest. Raise `NotFound`
    for an unknown clinic."""
    bounds = await entry_rows.bounds(db, clinic_id, first=matching.first, last=matching.last)
    if bounds is None:
        raise errors.NotFound
    return await entry_rows.newest(
        db,
        clinic_id,
        matching,
        bounds,
        since=ids.smallest_uuid7(bounds.start - MAX_CLOCK_GAP) if bounds.start else UUID(int=0),
        before=min(before or LAST_ID, ids.smallest_uuid7(bounds.end + MAX_CLOCK_GAP) if bounds.end else LAST_ID),
        limit=limit,
    )


async def head(db: Statements, *, clinic_id: int) -> AuditHead:
    """Return the signed head of a clinic's chain, or the platform's. Raise `NotFound` for an unknown clinic, or if
    nothing is sealed yet."""
    if head := await chain.head(db, clinic_id):
        return head
    raise errors.NotFound


async def heads(db: Statements) -> list[AuditHead]:
    """Return the signed heads of all chains that have sealed entries, the platform's first."""
    return [head for head in await chain.heads(db) if head.position > 0]


async def sealed_position(db: Statements, *, clinic_id: int) -> int | None:
    """Return the position up to which a clinic's entries are sealed; None if nothing is sealed yet."""
    sealed = await chain.head(db, clinic_id)
    return sealed.position if sealed else None


async def actor_names(db: Statements, *, clinic_id: int) -> dict[tuple[str, str], str]:
    """Return the names of a clinic's staff and partner systems, keyed by the audit actor's kind and id."""
    return await entry_rows.names(db, clinic_id)


async def re_sign(tx: Transaction, *, clinic_id: int, old_public_key: str, key: Key, now: datetime) -> bool:
    """Sign the clinic's head again, with the new key. Return False if the new key has already signed it. Raise
    `ChainBroken` for a head that neither key has signed."""
    head = await chain.lock_head(tx, clinic_id)
    if head is None:
        raise errors.Unavailable
    if fault(head, public_key=key.public) is None:
        return False
    if text := fault(head, public_key=old_public_key):
        raise ChainBroken(f"the head {text}")
    hash = bytes.fromhex(head.hash)
    await chain.move_head(tx, key.signed(clinic_id=clinic_id, position=head.position, hash=hash, now=now))
    if start := await starts.find(tx, clinic_id):
        if text := fault(start, public_key=old_public_key):
            raise ChainBroken(f"the start {text}")
        hash = bytes.fromhex(start.hash)
        signed = key.signed_start(clinic_id=clinic_id, position=start.position, hash=hash, before=start.before)
        await starts.move(tx, signed)
    return True


async def delete_old(tx: Transaction, *, clinic_id: int, key: Key, before: datetime, now: datetime) -> int:
    """Delete a batch of the clinic's oldest sealed entries, if they were written before the given time. The
    chain then starts with a signed record of the last deleted entry's hash, so the rest can still be verified.

    Return how many entries were deleted: 0 while a worker is sealing entries. Raise `ChainBroken` if the entries to
    delete have been tampered with, because deleting them would hide that.
    """
    head = await chain.lock_head(tx, clinic_id)
    if head is None:
        return 0
    stretch = await chain.stretch(tx, clinic_id, after=0, most=BATCH_SIZE)
    walk = Walk(public_key=key.public)
    faults = list(walk.skip(stretch.start, now=now))
    old = list(itertools.takewhile(lambda sealed: sealed.entry.is_before(before), stretch.entries))
    for sealed in old:
        faults += walk.follow(*sealed)
    if text := fault(head, public_key=key.public):
        raise ChainBroken(f"the head {text}")
    if faults:
        raise ChainBroken(f"position {faults[0].position}: {faults[0].text}")
    if old:
        deleted = await starts.delete_until(tx, clinic_id, walk.position)
        assert deleted == len(old), "entries are at least a year old before they are deleted"
        position, hash = walk.position, walk.hash
        await starts.move(tx, key.signed_start(clinic_id=clinic_id, position=position, hash=hash, before=before))
    return len(old)


async def verify(
    db: Statements,
    *,
    clinic_ids: Iterable[int],
    public_key: str,
    exported: Sequence[AuditHead] = (),
    now: datetime,
    on_progress: Callable[[int], object] = lambda _: None,
) -> AsyncGenerator[ClinicReport]:
    """Check the clinics' chains from their start, and against any exported heads. Calls `on_progress` with the number
    of entries after each batch.

    Entries can be sealed, and old ones deleted, while this runs.
    """
    exported_by_clinic: dict[int, list[AuditHead]] = {}
    for head in exported:
        exported_by_clinic.setdefault(head.clinic_id, []).append(head)
    for clinic_id in clinic_ids:
        walk = Walk(public_key=public_key, exported=exported_by_clinic.get(clinic_id, ()))
        faults = list(walk.begin())
        entries = 0
        while True:
            stretch = await chain.stretch(db, clinic_id, after=walk.position, most=BATCH_SIZE)
            faults += walk.skip(stretch.start, now=now)
            for sealed in stretch.entries:
                faults += walk.follow(*sealed)
            if not stretch.entries:
                break
            entries += len(stretch.entries)
            on_progress(len(stretch.entries))
        faults += walk.end(stretch.head)
        tail = await chain.tail(db, clinic_id, now=now)
        deleted = stretch.start.position if stretch.start else 0
        yield ClinicReport(clinic_id, entries, deleted, faults[:MAX_FAULTS], tail.unsealed, tail.oldest_seconds)


def read_heads(text: bytes) -> list[AuditHead]:
    """Read exported heads, one per line. Raise `msgspec.DecodeError`."""
    return [msgspec.json.decode(line, type=AuditHead) for line in text.splitlines() if line.strip()]
