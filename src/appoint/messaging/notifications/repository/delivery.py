"""The queue that workers send from, for all clinics, and the providers' tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ....database.pool import Statements
from ....database.sql import load
from ....kit import ids
from ...channels.model import Channel
from ..model import NotificationStatus

LEASE_DUE: Final = load(__name__, "lease_due")
MAX_FOLLOWERS: Final = 49
"""The maximum number of other notifications that can share a notification's message."""


class Attempt(NamedTuple):
    """The right to send a message once: the lease on its notifications, and one of the provider's tokens."""

    notification_id: UUID | None
    """None if another worker got there first, in which case the token must be released."""
    attempts: int | None
    """The number of attempts, including this one. Distinguishes this lease from a later one."""
    token: int
    follower_ids: Sequence[UUID] = ()
    """The other notifications that can share the message."""


async def lease_due(db: Statements, *, channel: Channel, lease: timedelta, limit: int, now: datetime) -> list[Attempt]:
    """Lease due notifications, urgent ones first, each with one of the provider's tokens, and count the attempt.

    Notifications that share a message are leased together, with one token. All workers treat the same notification as
    the first of its group, so only one worker can lease the group.

    A notification whose lease has expired is due again. Never lease more than there are free tokens, so that an urgent
    notification waits only for the attempts in progress.
    """
    rows = await db.fetch(LEASE_DUE, channel=channel, lease=lease, limit=limit, followers=MAX_FOLLOWERS, now=now)
    return [Attempt(*row.values()) for row in rows]


async def renew(
    db: Statements,
    *,
    leases: Sequence[tuple[UUID, int]],
    channel: Channel,
    token: int,
    lease: timedelta,
    now: datetime,
) -> None:
    """While an attempt is in progress, extend the leases on the message's notifications, each given by its notification
    and attempt, and the lease on the token."""
    notification_ids, attempts = zip(*leases, strict=True)
    await db.execute(
        """
        with token as (
          update send_token set free_at = clock_timestamp() + $6::interval where channel = $4 and number = $5
        )
        update notification n
           set leased_until = $7::timestamptz + $6::interval
          from unnest($2::uuid[], $3::smallint[]) as lease (id, attempts)
         where n.clinic_id = $1 and n.id = lease.id and n.attempts = lease.attempts and n.status = 'leased'
        """,
        ids.clinic_of(notification_ids[0]),
        notification_ids,
        attempts,
        channel,
        token,
        lease,
        now,
    )


async def finish(
    db: Statements,
    *,
    notification_ids: Sequence[UUID],
    status: NotificationStatus,
    reason: str | None,
    provider_id: str | None = None,
    now: datetime,
) -> None:
    """Record the final status of leased notifications, and that they shared the first one's message. `sent` overrides
    any status set in the meantime."""
    await db.execute(
        """
        update notification
           set status = $3, reason = $4, provider_id = coalesce($5, provider_id),
               sent_at = case when $3 = 'sent' then $6::timestamptz end, leased_until = null,
               leader_id = nullif(($2::uuid[])[1], id), version = version + 1, updated_at = now()
         where clinic_id = $1 and id = any($2) and (status = 'leased' or $3 = 'sent')
        """,
        ids.clinic_of(notification_ids[0]),
        notification_ids,
        status,
        reason,
        provider_id,
        now,
    )


async def postpone(db: Statements, *, notification_ids: Sequence[UUID], due_at: datetime, reason: str) -> None:
    """Put leased notifications back in the queue, due at `due_at`."""
    await db.execute(
        """
        update notification
           set status = 'queued', leased_until = null, leader_id = null, due_at = $3, reason = $4,
               version = version + 1, updated_at = now()
         where clinic_id = $1 and id = any($2) and status = 'leased'
        """,
        ids.clinic_of(notification_ids[0]),
        notification_ids,
        due_at,
        reason,
    )


async def release(db: Statements, *, notification_ids: Sequence[UUID]) -> None:
    """Put leased notifications that need a message of their own back in the queue, without counting the attempt."""
    await db.execute(
        """
        update notification
           set status = 'queued', leased_until = null, leader_id = null, attempts = attempts - 1, updated_at = now()
         where clinic_id = $1 and id = any($2) and status = 'leased'
        """,
        ids.clinic_of(notification_ids[0]),
        notification_ids,
    )


async def record_delivery(
    db: Statements, *, notification_id: UUID, provider_id: str, arrived: bool, reason: str | None, now: datetime
) -> bool:
    """Record the provider's report that a message was delivered or has failed, for all notifications that shared it.
    Return False if the provider has not accepted a message with that id."""
    recorded = await db.fetchval(
        """
        update notification
           set status = case when $4 then 'sent' else 'dead' end, sent_at = case when $4 then sent_at end,
               delivered_at = case when $4 then $6::timestamptz end,
               reason = $5, version = version + 1, updated_at = now()
         where clinic_id = $1 and (id = $2 or leader_id = $2) and provider_id = $3 and status = 'sent'
        returning true
        """,
        ids.clinic_of(notification_id),
        notification_id,
        provider_id,
        arrived,
        reason,
        now,
    )
    return recorded is True


async def requeue(tx: Statements, notification_id: UUID, *, now: datetime) -> None:
    """Queue the notification again with a new token, so that providers do not drop it as a duplicate."""
    await tx.execute(
        """
        update notification
           set status = 'queued', due_at = $3, attempts = 0, round = round + 1,
               sent_at = null, delivered_at = null, reason = null,
               expires_at = greatest(
                 expires_at, case when recipient in ('doctor', 'staff') then $3::timestamptz + interval '1 day' end),
               version = version + 1, updated_at = now()
         where clinic_id = $1 and id = $2
        """,
        ids.clinic_of(notification_id),
        notification_id,
        now,
    )


async def set_token_count(db: Statements, *, channel: Channel, per_second: int) -> None:
    """Set how many calls per second a channel's provider accepts."""
    await db.execute(
        """
        with surplus as (
          delete from send_token where channel = $1 and number > $2
        )
        insert into send_token (channel, number) select $1, generate_series(1, $2) on conflict do nothing
        """,
        channel,
        per_second,
    )


async def release_token(db: Statements, *, channel: Channel, number: int, after: timedelta) -> None:
    """Make the token available again after the given time."""
    await db.execute(
        "update send_token set free_at = clock_timestamp() + $3::interval where channel = $1 and number = $2",
        channel,
        number,
        after,
    )


async def list_clinic_places(db: Statements) -> list[tuple[str, str]]:
    """Return the time zones and languages of all active clinics."""
    rows = await db.fetch("select distinct time_zone, locale from clinic where active")
    return [(row.time_zone, row.locale) for row in rows]
