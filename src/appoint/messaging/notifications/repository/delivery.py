"""The queue that workers send from, at all clinics, and the providers' tokens."""

from datetime import datetime, timedelta
from uuid import UUID

from ....database import queue
from ....database.pool import Statements, Transaction
from ....kit import ids
from ...channels.model import Channel
from ..model import NotificationStatus


async def hand_over(tx: Transaction, *, channel: Channel, lease: timedelta, most: int, now: datetime) -> int:
    """Lease what is due, urgent first, and give it to the queue; returns how many. What a worker had and has not
    finished in time is due again.

    No more than `most` are leased at a time, so that something urgent never waits behind a long queue.
    """
    rows = await tx.fetch(
        """
        with room as (
          select greatest($4 - count(*), 0) as places from notification where channel = $1 and status = 'leased' and leased_until > $2
        ), waiting as (
          select ctid from notification
           where channel = $1 and status = 'queued' and due_at <= $2
           order by urgent desc, due_at
           limit (select places from room)
             for update skip locked
        ), lost as (
          select ctid from notification
           where channel = $1 and status = 'leased' and leased_until <= $2
           limit (select places from room)
             for update skip locked
        )
        update notification n
           set status = 'leased', leased_until = $2::timestamptz + $3::interval
         where n.ctid = any(array(table waiting union all table lost))  -- they are locked; how few they are, no planner can know
        returning n.id, n.urgent, n.attempts
        """,
        channel,
        now,
        lease,
        most,
    )
    if rows:
        payloads: list[bytes | None] = [f"{row.id} {row.attempts}".encode() for row in rows]
        await queue.queries(tx.connection).enqueue(
            [f"send-{channel}"] * len(rows), payloads, [int(row.urgent) for row in rows]
        )
    return len(rows)


async def begin(db: Statements, *, notification_id: UUID, attempts: int, leased_until: datetime) -> bool:
    """Start to send what was leased after so many attempts; False when somebody else has started by now, or it is not
    to be sent any more."""
    return (
        await db.fetchval(
            """
        update notification set leased_until = $4, attempts = attempts + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and status = 'leased' and attempts = $3
        returning true
        """,
            ids.clinic_of(notification_id),
            notification_id,
            attempts,
            leased_until,
        )
        or False
    )


async def renew(db: Statements, *, notification_id: UUID, attempts: int, leased_until: datetime) -> None:
    """The attempt that was begun goes on."""
    await db.execute(
        "update notification set leased_until = $4 where clinic_id = $1 and id = $2 and status = 'leased' and attempts = $3",
        ids.clinic_of(notification_id),
        notification_id,
        attempts,
        leased_until,
    )


async def finish(
    db: Statements,
    *,
    notification_id: UUID,
    status: NotificationStatus,
    reason: str | None,
    provider_id: str | None = None,
    now: datetime,
) -> None:
    """What became of a notification. One that was sent is sent, whatever was decided about it meanwhile."""
    await db.execute(
        """
        update notification
           set status = $3, reason = $4, provider_id = coalesce($5, provider_id), sent_at = case when $3 = 'sent' then $6::timestamptz end,
               leased_until = null, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and (status = 'leased' or $3 = 'sent')
        """,
        ids.clinic_of(notification_id),
        notification_id,
        status,
        reason,
        provider_id,
        now,
    )


async def put_off(db: Statements, *, notification_id: UUID, due_at: datetime, reason: str) -> None:
    """It could not be sent now; it is due again then."""
    await db.execute(
        """
        update notification set status = 'queued', leased_until = null, due_at = $3, reason = $4, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and status = 'leased'
        """,
        ids.clinic_of(notification_id),
        notification_id,
        due_at,
        reason,
    )


async def delivered(
    db: Statements, *, notification_id: UUID, provider_id: str, arrived: bool, reason: str | None, now: datetime
) -> bool:
    """The provider's word of what became of a message that it took: it has arrived, or never will. False where it took
    none of that id."""
    return (
        await db.fetchval(
            """
        update notification
           set status = case when $4 then 'sent' else 'dead' end, sent_at = case when $4 then sent_at end, delivered_at = case when $4 then $6::timestamptz end,
               reason = $5, version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2 and provider_id = $3 and status = 'sent'
        returning true
        """,
            ids.clinic_of(notification_id),
            notification_id,
            provider_id,
            arrived,
            reason,
            now,
        )
        or False
    )


async def queue_again(tx: Statements, notification_id: UUID, *, now: datetime) -> None:
    """It is sent once more, as a message of its own to providers that would drop a repeated one."""
    await tx.execute(
        """
        update notification
           set status = 'queued', due_at = $3, attempts = 0, round = round + 1, sent_at = null, delivered_at = null, reason = null,
               expires_at = greatest(expires_at, case when recipient in ('doctor', 'staff') then $3::timestamptz + interval '1 day' end),
               version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        ids.clinic_of(notification_id),
        notification_id,
        now,
    )


async def keep_tokens(db: Statements, *, channel: Channel, per_second: int) -> None:
    """The provider of a channel takes so many calls a second."""
    await db.execute(
        """
        with gone as (
          delete from send_token where channel = $1 and number > $2
        )
        insert into send_token (channel, number) select $1, generate_series(1, $2) on conflict do nothing
        """,
        channel,
        per_second,
    )


async def take_token(db: Statements, *, channel: Channel, longest: timedelta) -> int | None:
    """The right to call a channel's provider, for as long at most; None when all are in use. By the database's own
    clock, which all workers share."""
    return await db.fetchval(
        """
        update send_token set free_at = clock_timestamp() + $2::interval
         where channel = $1 and number = (select number from send_token
                                           where channel = $1 and free_at <= clock_timestamp()
                                           order by free_at limit 1 for update skip locked)
        returning number
        """,
        channel,
        longest,
    )


async def give_back_token(db: Statements, *, channel: Channel, number: int, after: timedelta) -> None:
    """The token is free again after that: a second when the call has ended, longer while it goes on."""
    await db.execute(
        "update send_token set free_at = clock_timestamp() + $3::interval where channel = $1 and number = $2",
        channel,
        number,
        after,
    )
