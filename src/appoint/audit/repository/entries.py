"""Write and list entries. The statements that book appointments and expire holds write their own."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from ...database.pool import Row, Statements
from ...database.sql import load
from ..model import AuditActor, AuditEntry, EntryFilter

NEWEST_ENTRIES: Final = load(__name__, "newest_entries")


class Bounds(NamedTuple):
    """The bounds for a list of entries."""

    start: datetime | None
    """None if unbounded."""
    end: datetime | None
    """The time before which the list ends; None if unbounded."""
    newest: UUID | None
    """The newest entry's id; None if there are no entries."""


async def insert_entry(
    db: Statements,
    *,
    clinic_id: int,
    actor: str,
    action: str,
    subjects: Sequence[str],
    address: str | None,
    request_id: str | None,
    reason: str | None,
) -> None:
    await db.execute(
        """
        insert into audit_unsealed (clinic_id, actor, action, subjects, address, request_id, reason)
        values ($1, $2, $3, $4, $5, $6, $7)
        """,
        clinic_id,
        actor,
        action,
        subjects,
        address,
        request_id,
        reason,
    )


async def insert_refusals(
    db: Statements,
    *,
    clinic_ids: Sequence[int],
    actor: str,
    action: str,
    subjects: Sequence[str],
    address: str | None,
    reason: str,
) -> None:
    """Write the same entry for several clinics. Skip unknown clinics, because a request can name any clinic."""
    await db.execute(
        """
        insert into audit_unsealed (clinic_id, actor, action, subjects, address, reason)
        select named.id::integer, $2, $3, $4, $5, $6
          from unnest($1::bigint[]) as named (id)
         where named.id = 0 or exists (select from clinic c where c.id = named.id)
        """,
        clinic_ids,
        actor,
        action,
        subjects,
        address,
        reason,
    )


async def bounds(db: Statements, clinic_id: int, *, first: date | None, last: date | None) -> Bounds | None:
    """Return the bounds for a list of entries on the dates `first…last`, which are in the clinic's time zone, or in UTC
    for the platform. Return None if the clinic does not exist."""
    row = await db.fetchrow(
        """
        select local_instant($2, 0, z.time_zone) as start, local_instant($3::date + 1, 0, z.time_zone) as end,
               greatest((select id from audit_unsealed where clinic_id = $1 order by id desc limit 1),
                        (select id from audit_entry where clinic_id = $1 order by id desc limit 1)) as newest
          from (select time_zone from clinic where id = $1 union all select 'UTC' where $1 = 0) as z
        """,
        clinic_id,
        first,
        last,
    )
    return Bounds(*row) if row else None


async def entries(
    db: Statements,
    clinic_id: int,
    matching: EntryFilter,
    bounds: Bounds,
    *,
    after: UUID,
    until: UUID,
    limit: int,
) -> list[AuditEntry]:
    """Return a clinic's entries with ids in `(after, until]`, sealed or not: one more than `limit` if there is another
    page. They are sorted by id, which does not change when an entry is sealed.

    At any time, every entry is in exactly one of the two tables, and one statement reads both in a single snapshot.
    """
    rows = await db.fetch(
        """
        (select id, at, actor, action, subjects, address, request_id, reason, null::bigint as position,
                null::bytea as hash
           from audit_unsealed
          where clinic_id = $1 and id > $2 and id <= $3
            and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
            and ($6::text is null or actor = $6 or starts_with(actor, $6 || ':')) and ($7::text is null or action = $7)
            and ($8::text is null or $8 = any(subjects))
          order by id
          limit $9 + 1)
        union all
        (select id, at, actor, action, subjects, address, request_id, reason, position, hash
           from audit_entry
          where clinic_id = $1 and id > $2 and id <= $3
            and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
            and ($6::text is null or actor = $6 or starts_with(actor, $6 || ':')) and ($7::text is null or action = $7)
            and ($8::text is null or $8 = any(subjects))
          order by id
          limit $9 + 1)
         order by id
         limit $9 + 1
        """,
        clinic_id,
        after,
        until,
        bounds.start,
        bounds.end,
        matching.actor,
        matching.action,
        matching.subject,
        limit,
    )
    return [_entry(row) for row in rows]


async def newest(
    db: Statements,
    clinic_id: int,
    matching: EntryFilter,
    bounds: Bounds,
    *,
    since: UUID,
    before: UUID,
    limit: int,
) -> list[AuditEntry]:
    """Return entries as `entries` does, but only those with ids in `[since, before)`, newest first."""
    rows = await db.fetch(
        NEWEST_ENTRIES,
        clinic_id=clinic_id,
        since=since,
        before=before,
        start=bounds.start,
        end=bounds.end,
        actor=matching.actor,
        actions=[matching.action] if matching.action else matching.actions,
        without=matching.without,
        subjects=[matching.subject] if matching.subject else matching.subjects,
        limit=limit,
    )
    return [_entry(row) for row in rows]


def _entry(row: Row) -> AuditEntry:
    kind, _, id = row.actor.partition(":")
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor=AuditActor(kind, id or None),
        action=row.action,
        subjects=row.subjects,
        address=row.address,
        request_id=row.request_id,
        reason=row.reason,
        position=row.position,
        hash=row.hash and row.hash.hex(),
    )


async def names(db: Statements, clinic_id: int) -> dict[tuple[str, str], str]:
    """Return the names of the clinic's staff and partner systems, keyed by the audit actor's kind and id."""
    rows = await db.fetch(
        """
        select 'user' as kind, m.user_id::text as id, coalesce(m.name, u.name) as name
          from membership m join app_user u on u.id = m.user_id
         where m.clinic_id = $1
        union all
        select 'key', id::text, name from api_key where clinic_id = $1
        """,
        clinic_id,
    )
    return {(row.kind, row.id): row.name for row in rows}
