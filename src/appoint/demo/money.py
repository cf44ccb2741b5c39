"""Money in the demo world: a clinic that charges by a policy, with invoices, payments and a coupon."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from ..database.pool import Transaction
from ..payments.billing import drafts
from ..payments.billing import repository as bills
from ..payments.billing.service import BILLING
from ..payments.coupons import service as coupons
from ..payments.coupons.model import CouponContent
from ..payments.invoices import service as invoices
from ..payments.payments import service as payments
from ..payments.payments.model import AllocationContent, PaymentContent, PositiveMoney
from ..payments.policies import repository as policies
from ..payments.policies.model import CancellationRule, PaymentPolicyContent
from .world import World

POLICY: Final = PaymentPolicyContent(
    cancellation=[CancellationRule(before_minutes=1440, keep_percent=50)], no_show_fee_amount=2500
)
DEPOSIT_POLICY: Final = PaymentPolicyContent(deposit_percent=50)
AGES: Final = (45, 40, 6, 4, 2)
"""How many days ago each invoice was issued. The first two are overdue unless they have been paid."""
PAID: Final = frozenset({1, 3})
"""The positions of the invoices that have been paid in cash."""


async def add_money(world: World, clinic_id: int) -> None:
    """Let a clinic charge by a policy, and bill its latest visits: some are paid, some open and one overdue."""
    tx = Transaction(world.connection)
    await world.connection.execute("select set_config('appoint.clinic_id', $1, true)", str(clinic_id))
    await policies.save(tx, clinic_id, None, POLICY)
    type_id = await _find_dearest_type(world.connection, clinic_id)
    await policies.save(tx, clinic_id, type_id, DEPOSIT_POLICY)
    coupon = CouponContent(code="WELCOME", description="For new patients", percent=10, first_visit_only=True)
    await coupons.add(tx, BILLING, clinic_id=clinic_id, content=coupon)
    visits = await _list_visits(world.connection, clinic_id, limit=len(AGES))
    for position, (appointment_id, days) in enumerate(zip(visits, AGES, strict=False)):
        await _bill(tx, world, appointment_id, days=days, is_paid=position in PAID)


async def _bill(tx: Transaction, world: World, appointment_id: UUID, *, days: int, is_paid: bool) -> None:
    issued_at = world.midnight - timedelta(days=days) + timedelta(hours=12)
    facts = await bills.find_facts(tx, appointment_id)
    assert facts, "the appointment exists"
    await drafts.draft_visit(tx, BILLING, facts, now=issued_at)
    for invoice_id in await bills.list_drafts(tx, appointment_id, occasions=("visit",)):
        invoice = await invoices.issue(tx, BILLING, invoice_id=invoice_id, if_match="*", now=issued_at)
        if is_paid:
            content = PaymentContent(
                customer_id=invoice.customer_id,
                method="cash",
                amount=PositiveMoney(invoice.total.amount, invoice.total.currency),
                allocations=[AllocationContent(invoice_id=invoice_id)],
            )
            await payments.record(tx, BILLING, clinic_id=invoice.clinic_id, content=content, now=issued_at)


async def _find_dearest_type(connection: Any, clinic_id: int) -> UUID:
    return await connection.fetchval(
        "select id from appointment_type where clinic_id = $1 order by price_amount desc nulls last, id limit 1",
        clinic_id,
    )


async def _list_visits(connection: Any, clinic_id: int, *, limit: int) -> list[UUID]:
    """Return the latest completed appointments with a price."""
    rows = await connection.fetch(
        """
        select id
          from appointment
         where clinic_id = $1 and status = 'fulfilled' and price_amount > 0
         order by lower(during) desc, id
         limit $2
        """,
        clinic_id,
        limit,
    )
    return [row["id"] for row in rows]
