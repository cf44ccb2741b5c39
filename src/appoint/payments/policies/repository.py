"""SQL for payment policies."""

from typing import Final
from uuid import UUID

import msgspec

from ...database.pool import Statements
from ...database.sql import load
from .model import CancellationRule, PaymentPolicyContent

SAVE_POLICY: Final = load(__name__, "save_policy")
SCALARS: Final = tuple(name for name in PaymentPolicyContent.__struct_fields__ if name != "cancellation")


async def find(db: Statements, clinic_id: int, type_id: UUID | None) -> list[PaymentPolicyContent]:
    """Return the type's and the clinic's policies, as far as they exist, in this order."""
    rows = await db.fetch(
        """
        select p.*, coalesce((select json_agg(json_build_object('beforeMinutes', r.before_minutes,
                                                                'keepPercent', r.keep_percent)
                                              order by r.before_minutes)
                                from cancellation_rule r
                               where r.clinic_id = p.clinic_id and r.policy_id = p.id), '[]')::text as cancellation
          from payment_policy p
         where p.clinic_id = $1 and (p.appointment_type_id is null or p.appointment_type_id = $2)
         order by p.appointment_type_id nulls last
        """,
        clinic_id,
        type_id,
    )
    return [
        PaymentPolicyContent(
            **{name: row[name] for name in SCALARS},
            cancellation=msgspec.json.decode(row.cancellation, type=list[CancellationRule]),
        )
        for row in rows
    ]


async def find_own(db: Statements, clinic_id: int, type_id: UUID | None) -> PaymentPolicyContent:
    """Return what the policy of the clinic or type states itself."""
    contents = await find(db, clinic_id, type_id)
    exists = await db.fetchval(
        """
        select exists (select from payment_policy
                        where clinic_id = $1 and appointment_type_id is not distinct from $2::uuid)
        """,
        clinic_id,
        type_id,
    )
    return contents[0] if exists else PaymentPolicyContent()


async def count_clinics_with_deposits(db: Statements) -> int:
    return await db.fetchval(
        "select count(distinct clinic_id) from payment_policy where num_nonnulls(deposit_amount, deposit_percent) > 0"
    )


async def save(tx: Statements, clinic_id: int, type_id: UUID | None, content: PaymentPolicyContent) -> None:
    """Replace the policy of a clinic or type."""
    await tx.execute(
        SAVE_POLICY,
        clinic_id=clinic_id,
        type_id=type_id,
        before_minutes=[rule.before_minutes for rule in content.cancellation],
        keep_percents=[rule.keep_percent for rule in content.cancellation],
        **{name: getattr(content, name) for name in SCALARS},
    )


async def has_deposits(db: Statements, clinic_id: int) -> bool:
    """Return whether any of a clinic's policies asks for a deposit."""
    return await db.fetchval(
        """
        select exists (select from payment_policy
                        where clinic_id = $1 and num_nonnulls(deposit_amount, deposit_percent) > 0)
        """,
        clinic_id,
    )
