"""Writing and listing entries. The statements that book appointments and expire holds write their own."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from ...database.pool import Row, Statements


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


async def bounds(db: Statements, clinic_id: int, *, first: date | None, last: date | None) -> Row | None:
    """Return the bounds of a list: from `start` to before `end` (None: unbounded), and up to the id `newest`. Return
    None if the clinic does not exist.

    Dates are in the clinic's time zone, for the platform in UTC.
    """
    return await db.fetchrow(
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


async def entries(
    db: Statements,
    clinic_id: int,
    *,
    start: datetime | None,
    end: datetime | None,
    actor: str | None,
    action: str | None,
    subject: str | None,
    after: UUID,
    until: UUID,
    limit: int,
) -> list[Row]:
    """Return a clinic's entries with ids in `(after, until]`, sealed or not, by id, which sealing does not change: one
    more than `limit` if there is another page.

    Every entry is in exactly one of the two tables at any moment, and one statement reads both at the same moment.
    """
    return await db.fetch(
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
        start,
        end,
        actor,
        action,
        subject,
        limit,
    )


async def newest(
    db: Statements,
    clinic_id: int,
    *,
    start: datetime | None,
    end: datetime | None,
    actor: str | None,
    action: str | None,
    subject: str | None,
    since: UUID,
    before: UUID,
    limit: int,
) -> list[Row]:
    """Return entries like `entries`, with ids in `[since, before)`, newest first."""
    return await db.fetch(
        """
        (select id, at, actor, action, subjects, address, request_id, reason, null::bigint as position,
                null::bytea as hash
           from audit_unsealed
          where clinic_id = $1 and id >= $2 and id < $3
            and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
            and ($6::text is null or actor = $6 or starts_with(actor, $6 || ':')) and ($7::text is null or action = $7)
            and ($8::text is null or $8 = any(subjects))
          order by id desc
          limit $9 + 1)
        union all
        (select id, at, actor, action, subjects, address, request_id, reason, position, hash
           from audit_entry
          where clinic_id = $1 and id >= $2 and id < $3
            and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
            and ($6::text is null or actor = $6 or starts_with(actor, $6 || ':')) and ($7::text is null or action = $7)
            and ($8::text is null or $8 = any(subjects))
          order by id desc
          limit $9 + 1)
         order by id desc
         limit $9 + 1
        """,
        clinic_id,
        since,
        before,
        start,
        end,
        actor,
        action,
        subject,
        limit,
    )


async def names(db: Statements, clinic_id: int) -> dict[tuple[str, str], str]:
    """Return the names of the clinic's staff and partner systems, by the kind and id of the audit's actors."""
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
