"""SQL for differences between our books and the payment provider's."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from ....database.pool import Statements

DriftKind = Literal[
    "payment-not-recorded",
    "payment-unknown",
    "payment-not-collected",
    "amount-differs",
    "refund-not-recorded",
    "refund-unknown",
    "refund-not-made",
    "dispute-not-recorded",
]


class Drift(NamedTuple):
    clinic_id: int
    kind: DriftKind
    gateway_id: str
    """The provider's object or, if it has none, our own id."""
    payment_id: UUID | None
    repaired: bool


async def save(db: Statements, drifts: Sequence[Drift], *, now: datetime) -> None:
    """Save the differences that a comparison has found. Those that it no longer finds are resolved."""
    await db.execute(
        """
        with found as (
          select f.*
            from unnest($1::integer[], $2::text[], $3::text[], $4::uuid[], $5::boolean[])
                 as f (clinic_id, kind, gateway_id, payment_id, repaired)
            join clinic c on c.id = f.clinic_id
        ), saved as (
          insert into payment_drift (clinic_id, kind, gateway_id, payment_id, found_at, resolved_at)
          select clinic_id, kind, gateway_id, payment_id, $6::timestamptz, case when repaired then $6 end from found
          on conflict (clinic_id, kind, gateway_id) do update
             set resolved_at = excluded.resolved_at,
                 found_at = case when payment_drift.resolved_at is null then payment_drift.found_at
                                 else excluded.found_at end
        )
        update payment_drift d
           set resolved_at = $6
         where d.resolved_at is null
           and not exists (select
                             from found f
                            where f.clinic_id = d.clinic_id and f.kind = d.kind and f.gateway_id = d.gateway_id)
        """,
        [drift.clinic_id for drift in drifts],
        [drift.kind for drift in drifts],
        [drift.gateway_id for drift in drifts],
        [drift.payment_id for drift in drifts],
        [drift.repaired for drift in drifts],
        now,
    )


class StoredDrift(NamedTuple):
    kind: DriftKind
    gateway_id: str
    payment_id: UUID | None
    found_at: datetime
    resolved_at: datetime | None


async def list_for_clinic(db: Statements, clinic_id: int, *, limit: int) -> list[StoredDrift]:
    """Return a clinic's differences, unresolved ones first, then the latest."""
    rows = await db.fetch(
        """
        select kind, gateway_id, payment_id, found_at, resolved_at
          from payment_drift
         where clinic_id = $1
         order by resolved_at is not null, found_at desc
         limit $2
        """,
        clinic_id,
        limit,
    )
    return [StoredDrift(row.kind, row.gateway_id, row.payment_id, row.found_at, row.resolved_at) for row in rows]
