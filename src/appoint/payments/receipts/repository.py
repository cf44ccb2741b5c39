"""SQL for receipts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from ...database.pool import Statements
from ...kit.ids import clinic_of
from ..documents.model import Receipt


class StoredReceipt(msgspec.Struct, frozen=True):
    """A receipt. `document` is None until its text is frozen, and `content` until its PDF is rendered."""

    document: Receipt | None
    hash: str | None
    content: bytes | None


async def find(db: Statements, payment_id: UUID) -> StoredReceipt | None:
    row = await db.fetchrow(
        "select document::text, hash, content from receipt where clinic_id = $1 and payment_id = $2",
        clinic_of(payment_id),
        payment_id,
    )
    if row is None:
        return None
    document = msgspec.json.decode(row.document, type=Receipt) if row.document else None
    return StoredReceipt(document, row.hash, row.content)


async def request(tx: Statements, payment_id: UUID) -> None:
    """Request the receipt of a payment with a receipt number, unless that has already been done."""
    await tx.execute(
        """
        insert into receipt (clinic_id, payment_id)
        select clinic_id, id from payment where clinic_id = $1 and id = $2 and number is not null
        on conflict do nothing
        """,
        clinic_of(payment_id),
        payment_id,
    )


async def freeze(db: Statements, payment_id: UUID, document: Receipt) -> None:
    """Store what a requested receipt says, unless that is already stored."""
    await db.execute(
        """
        update receipt set document = $3::text::jsonb
         where clinic_id = $1 and payment_id = $2 and document is null and content is null
        """,
        clinic_of(payment_id),
        payment_id,
        msgspec.json.encode(document).decode(),
    )


async def list_due(db: Statements, *, now: datetime, limit: int) -> Sequence[UUID]:
    """List payments whose receipts are due, in all clinics, oldest first."""
    rows = await db.fetch(
        """
        select payment_id
          from receipt d
         where content is null and due_at <= $1
           and exists (select from clinic c where c.id = d.clinic_id)  -- has not moved
         order by due_at
         limit $2
        """,
        now,
        limit,
    )
    return [row.payment_id for row in rows]


async def store_pdf(db: Statements, payment_id: UUID, *, hash: str, content: bytes) -> None:
    """Store a PDF, unless there is already one."""
    await db.execute(
        """
        update receipt set hash = $3, content = $4 where clinic_id = $1 and payment_id = $2 and content is null
        """,
        clinic_of(payment_id),
        payment_id,
        hash,
        content,
    )


async def postpone(db: Statements, payment_id: UUID, *, due_at: datetime) -> None:
    await db.execute(
        "update receipt set due_at = $3 where clinic_id = $1 and payment_id = $2 and content is null",
        clinic_of(payment_id),
        payment_id,
        due_at,
    )
