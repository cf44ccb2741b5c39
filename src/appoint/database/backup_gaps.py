"""Periods that no backup can restore: from the last stored change until the next base backup."""

from datetime import datetime

from .pool import Statements


async def begin(db: Statements) -> datetime | None:
    """Record that changes after the last stored one cannot be restored. Return when that was, or None if this is known
    already or nothing has been stored yet."""
    return await db.fetchval(
        """
        insert into backup_gap (began_at)
        select finished_at from job_run where name = 'store-wal' and finished_at is not null
        on conflict do nothing
        returning began_at
        """
    )


async def end(db: Statements, *, at: datetime, forget_before: datetime) -> None:
    """Record that later moments can be restored again, and delete gaps that ended before `forget_before`."""
    await db.execute(
        """
        with forgotten as (delete from backup_gap where ended_at < $2)
        update backup_gap set ended_at = $1 where ended_at is null and began_at < $1
        """,
        at,
        forget_before,
    )
