"""Changes to appointments, and the notifications about them."""

from datetime import datetime, timedelta
from uuid import uuid4

from appoint.booking.model import RescheduleRequest
from appoint.booking.reschedule import reschedule
from appoint.kit import ids
from support.world import MONDAY, RECEPTION

TOMORROW = MONDAY + timedelta(days=1)
NEXT_WEEK = MONDAY + timedelta(days=7)


async def statuses(db) -> list[str]:
    return [f"{row.kind} {row.status}" for row in await db.fetch("select kind, status from notification order by id")]


async def move(world, appointment, start: datetime):
    return await reschedule(
        world.db,
        RECEPTION,
        appointment_id=appointment.id,
        to=RescheduleRequest(start_time=start),
        if_match=None,
        now=world.now,
    )


NOTIFICATION_ID = ids.compose_id(1, 0, 0)
CUSTOMER_ID = "01978a5c-7d3e-7a63-84f7-074d226b3d5d"
DEAD = "the mail server does not know this address (550)"


async def add_notification(db, clinic_id=1, *, status="queued", **columns) -> str:
    reason = DEAD if status in ("dead", "superseded") else None
    values = {
        "kind": "confirmation",
        "subject_id": str(uuid4()),
        "recipient_id": str(uuid4()),
        "channel": "email",
        "provider_id": None,
    } | columns
    return str(
        await db.fetchval(
            """
            insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                      status, reason, provider_id, due_at, expires_at, sent_at, leased_until)
            values ($1, mint_id($1), $2, $3, 0, 'customer', $4, $5, $6, $7, $8, now(), now() + interval '1 day',
                    case when $6 = 'sent' then now() end, case when $6 = 'leased' then now() + interval '1 minute' end)
            returning id
            """,
            clinic_id,
            values["kind"],
            values["subject_id"],
            values["recipient_id"],
            values["channel"],
            status,
            reason,
            values["provider_id"],
        )
    )
