"""Seal entries: move them from the queue into a clinic's chain, whose head is signed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ...database.pool import Row, Statements, affected
from ..model import AuditHead, AuditStart, Entry


class Chain(NamedTuple):
    clinic_id: int
    position: int | None
    """The head's position; None if there is no head."""


class SealedEntry(NamedTuple):
    entry: Entry
    hash: bytes


class ChainSection(NamedTuple):
    """Consecutive entries from a chain, and its start and head at that time."""

    entries: list[SealedEntry]
    start: AuditStart | None
    """None if no entries have been deleted."""
    head: AuditHead | None


class Tail(NamedTuple):
    """A clinic's entries that are not sealed yet."""

    unsealed: int
    oldest_seconds: float
    """The age of the oldest entry; 0 if there are none."""


async def waiting(db: Statements) -> list[int]:
    """Return the ids of the clinics with entries to seal."""
    rows = await db.fetch(
        """
        with recursive waiting as (  -- skip from clinic to clinic in the index, without reading all entries
          (select clinic_id from audit_unsealed order by clinic_id limit 1)
          union all
          select (select u.clinic_id
                    from audit_unsealed u
                   where u.clinic_id > w.clinic_id
                   order by u.clinic_id
                   limit 1)
            from waiting w
           where w.clinic_id is not null
        )
        select w.clinic_id
          from waiting w
         where w.clinic_id = 0 or (select true from clinic c where c.id = w.clinic_id)  -- has not moved
        """
    )
    return [row.clinic_id for row in rows]


async def lock_head(tx: Statements, clinic_id: int) -> AuditHead | None:
    """Return the head, and lock it until the transaction ends. Return None if another worker has locked it or there is
    none."""
    row = await tx.fetchrow("select * from audit_head where clinic_id = $1 for update skip locked", clinic_id)
    return _head(row) if row else None


async def begin(tx: Statements, head: AuditHead) -> None:
    """Insert the clinic's first head, unless it already has one."""
    await tx.execute(
        """
        insert into audit_head (clinic_id, position, hash, sealed_at, public_key, signature)
        values ($1, $2, decode($3, 'hex'), $4, $5, $6)
        on conflict do nothing
        """,
        head.clinic_id,
        head.position,
        head.hash,
        head.sealed_at,
        head.public_key,
        head.signature,
    )


async def move_head(tx: Statements, head: AuditHead) -> None:
    await tx.execute(
        """
        update audit_head
           set position = $2, hash = decode($3, 'hex'), sealed_at = $4, public_key = $5, signature = $6
         where clinic_id = $1
        """,
        head.clinic_id,
        head.position,
        head.hash,
        head.sealed_at,
        head.public_key,
        head.signature,
    )


async def unsealed(tx: Statements, clinic_id: int, *, after: int, limit: int) -> list[Entry]:
    """Return the oldest unsealed entries, with the positions that follow `after`."""
    rows = await tx.fetch(
        """
        select id, extract(epoch from at)::text as at, actor, action, subjects, address, request_id, reason
          from audit_unsealed
         where clinic_id = $1
         order by id
         limit $2
        """,
        clinic_id,
        limit,
    )
    return [Entry(clinic_id, position, *row) for position, row in enumerate(rows, after + 1)]


async def move(tx: Statements, clinic_id: int, *, after: int, ids: Sequence[UUID], hashes: Sequence[bytes]) -> int:
    """Move entries into the chain after the position `after`, in this order and with these hashes. Return how many were
    moved. Their contents do not leave the database."""
    tag = await tx.execute(
        """
        with moved as (
          delete from audit_unsealed where clinic_id = $1 and id = any($3)
          returning clinic_id, id, at, actor, action, subjects, address, request_id, reason
        )
        insert into audit_entry
          (clinic_id, position, id, at, actor, action, subjects, address, request_id, reason, hash)
        select m.clinic_id, $2 + n, m.id, m.at, m.actor, m.action, m.subjects, m.address, m.request_id, m.reason, h.hash
          from moved m
          join unnest($3::uuid[], $4::bytea[]) with ordinality as h (id, hash, n) on h.id = m.id
        """,
        clinic_id,
        after,
        ids,
        hashes,
    )
    return affected(tag)


async def head(db: Statements, clinic_id: int) -> AuditHead | None:
    row = await db.fetchrow("select * from audit_head where clinic_id = $1", clinic_id)
    return _head(row) if row else None


async def heads(db: Statements) -> list[AuditHead]:
    """Return all heads, the platform's first."""
    return [_head(row) for row in await db.fetch("select * from audit_head order by clinic_id")]


def _head(row: Row) -> AuditHead:
    return AuditHead(
        clinic_id=row.clinic_id,
        position=row.position,
        hash=row.hash.hex(),
        sealed_at=row.sealed_at,
        public_key=row.public_key,
        signature=row.signature,
    )


async def chains(db: Statements) -> list[Chain]:
    """Return every clinic with audit entries or a head."""
    rows = await db.fetch(
        """
        with recursive sealed as (
          (select clinic_id from audit_entry order by clinic_id limit 1)
          union all
          select (select e.clinic_id
                    from audit_entry e
                   where e.clinic_id > s.clinic_id
                   order by e.clinic_id
                   limit 1)
            from sealed s
           where s.clinic_id is not null
        ), present as (
          select clinic_id from sealed where clinic_id is not null
          union select clinic_id from audit_head
          union select clinic_id from audit_unsealed
        )
        select p.clinic_id, h.position
          from present p
          left join audit_head h on h.clinic_id = p.clinic_id
         order by p.clinic_id
        """
    )
    return [Chain(*row) for row in rows]


async def stretch(db: Statements, clinic_id: int, *, after: int, most: int) -> ChainSection:
    """Return the next sealed entries after a position, including any duplicates at the positions they cover, with the
    chain's start and head. Return the start and head even if there are no entries."""
    rows = await db.fetch(
        """
        select e.*, h.position as head_position, h.hash as head_hash, h.sealed_at as head_sealed_at,
               h.public_key as head_public_key, h.signature as head_signature, s.position as start_position,
               s.hash as start_hash, s.before as start_before, s.public_key as start_public_key,
               s.signature as start_signature
          from (select) as one
          left join audit_head h on h.clinic_id = $1
          left join audit_start s on s.clinic_id = $1
          left join lateral (
            select position as first from audit_entry where clinic_id = $1 and position > $2 order by position limit 1
          ) as f on true
          left join lateral (
            select clinic_id, position, id, extract(epoch from at)::text as at, actor, action, subjects, address,
                   request_id, reason, hash
              from audit_entry
             where clinic_id = $1 and position >= f.first
               and position <= least(f.first, 9223372036854775807 - $3::bigint) + $3::bigint
          ) as e on true
         order by e.position
        """,
        clinic_id,
        after,
        most,
    )
    entries = [
        SealedEntry(Entry(*(row[name] for name in Entry._fields)), row.hash) for row in rows if row.position is not None
    ]
    return ChainSection(entries, _stretched_start(clinic_id, rows[0]), _stretched_head(clinic_id, rows[0]))


def _stretched_start(clinic_id: int, row: Row) -> AuditStart | None:
    if row.start_position is None:
        return None
    return AuditStart(
        clinic_id=clinic_id,
        position=row.start_position,
        hash=row.start_hash.hex(),
        before=row.start_before,
        public_key=row.start_public_key,
        signature=row.start_signature,
    )


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


async def tail(db: Statements, clinic_id: int, *, now: datetime) -> Tail:
    row = await db.fetchrow(
        """
        select count(*) as unsealed, coalesce(extract(epoch from $2 - min(at))::float8, 0) as oldest_seconds
          from audit_unsealed
         where clinic_id = $1
        """,
        clinic_id,
        now,
    )
    assert row
    return Tail(*row)
