"""Notifications for the API, staff pages and the command line."""

from uuid import UUID

from ....database.pool import Statements, to
from ....kit import ids
from ..model import DeadNotification, ListedNotification, Notification, NotificationStatus


async def find(db: Statements, notification_id: UUID) -> Notification | None:
    row = await db.fetchrow(
        "select * from notification where clinic_id = $1 and id = $2", ids.clinic_of(notification_id), notification_id
    )
    return to(Notification, row) if row else None


async def lock(tx: Statements, notification_id: UUID) -> Notification | None:
    """Return the notification, and lock it against changes until the transaction ends."""
    row = await tx.fetchrow(
        "select * from notification where clinic_id = $1 and id = $2 for no key update",
        ids.clinic_of(notification_id),
        notification_id,
    )
    return to(Notification, row) if row else None


async def list_for_clinic(
    db: Statements,
    *,
    clinic_id: int,
    status: NotificationStatus | None,
    subject_id: str | None,
    after: tuple[UUID] | None,
    limit: int,
) -> list[Notification]:
    """Return up to `limit` of a clinic's notifications, oldest first, plus one if there are more."""
    rows = await db.fetch(
        """
        select * from notification
         where clinic_id = $1 and id > $4
           and ($2::text is null or status = $2) and ($3::text is null or subject_id = $3)
         order by id
         limit $5 + 1
        """,
        clinic_id,
        status,
        subject_id,
        after[0] if after else UUID(int=0),
        limit,
    )
    return [to(Notification, row) for row in rows]


async def list_newest(
    db: Statements, *, clinic_id: int, status: str | None, customer_id: str | None, before: UUID | None, limit: int
) -> list[ListedNotification]:
    """Return up to `limit` of a clinic's notifications, newest first, plus one if there are more. Include the
    recipients' names.
    """
    rows = await db.fetch(
        """
        select n.id, n.kind, n.recipient, n.recipient_id, n.channel, n.status, n.due_at, n.attempts, n.sent_at,
               n.delivered_at, n.reason, coalesce(cu.name, d.name, m.name, u.name) as name
          from notification n
          left join lateral (
            select name
              from clinic_customer
             where id = case when n.recipient = 'customer' then n.recipient_id::uuid end
            offset 0) cu on true
          left join doctor d
            on d.clinic_id = n.clinic_id and d.id = case when n.recipient = 'doctor' then n.recipient_id::uuid end
          left join membership m
            on m.clinic_id = n.clinic_id and m.user_id = case when n.recipient = 'user' then n.recipient_id::uuid end
          left join app_user u on u.id = m.user_id
         where n.clinic_id = $1
           and ($2::text is null or n.status = $2)
           and ($3::text is null
                or n.recipient = 'customer'
                and n.recipient_id = any(array(select customers_joined($1, $3::uuid)::text)))
           and ($4::uuid is null or n.id < $4)
         order by n.id desc
         limit $5 + 1
        """,
        clinic_id,
        status,
        customer_id,
        before,
        limit,
    )
    return [ListedNotification(*row.values()) for row in rows]


async def count_dead(db: Statements, clinic_id: int) -> int:
    return await db.fetchval("select count(*) from notification where clinic_id = $1 and status = 'dead'", clinic_id)


async def list_dead(db: Statements, *, clinic_id: int | None, limit: int) -> list[DeadNotification]:
    """Return notifications that will not be sent, for one clinic or all, newest first."""
    rows = await db.fetch(
        """
        select clinic_id, id, kind, channel, recipient, attempts, reason, due_at, updated_at
          from notification
         where status = 'dead' and ($1::int is null or clinic_id = $1)
         order by updated_at desc
         limit $2
        """,
        clinic_id,
        limit,
    )
    return [DeadNotification(*row.values()) for row in rows]
