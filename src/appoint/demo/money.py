"""Money in the demo world: a clinic that charges by a policy, with invoices, payments and a coupon."""

from collections.abc import Sequence
from datetime import datetime, timedelta
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
from ..payments.payments.model import AllocationContent, ManualMethod, PaymentContent, PositiveMoney
from ..payments.policies import repository as policies
from ..payments.policies.model import CancellationRule, PaymentPolicyContent
from .world import World

POLICY: Final = PaymentPolicyContent(
    cancellation=[CancellationRule(before_minutes=1440, keep_percent=50)], no_show_fee_amount=2500
)
DEPOSIT_POLICY: Final = PaymentPolicyContent(deposit_percent=50)
INVOICES: Final = 16
OPEN: Final = frozenset({1, 13, 15})
"""The positions of the invoices that are still open, oldest first. The first of them is overdue. Patients have paid the
others after their visits."""
METHODS: Final[Sequence[ManualMethod]] = ("cash", "terminal")
"""How patients have paid, in turn."""


async def add_money(world: World, clinic_id: int) -> None:
    """Let a clinic charge by a policy, and bill visits of the last weeks: most are paid, some open and one overdue."""
    tx = Transaction(world.connection)
    await world.connection.execute("select set_config('appoint.clinic_id', $1, true)", str(clinic_id))
    await policies.save(tx, clinic_id, None, POLICY)
    type_id = await _find_dearest_type(world.connection, clinic_id)
    await policies.save(tx, clinic_id, type_id, DEPOSIT_POLICY)
    coupon = CouponContent(code="WELCOME", description="For new patients", percent=10, first_visit_only=True)
    await coupons.add(tx, BILLING, clinic_id=clinic_id, content=coupon)
    visits = await _list_visits(world, clinic_id)
    for position, (appointment_id, ended_at) in enumerate(visits):
        method = None if position in OPEN else METHODS[position % len(METHODS)]
        await _bill(tx, appointment_id, issued_at=ended_at + timedelta(minutes=5), method=method)


async def _bill(tx: Transaction, appointment_id: UUID, *, issued_at: datetime, method: ManualMethod | None) -> None:
    facts = await bills.find_facts(tx, appointment_id)
    assert facts, "the appointment exists"
    await drafts.draft_visit(tx, BILLING, facts, now=issued_at)
    for invoice_id in await bills.list_drafts(tx, appointment_id, occasions=("visit",)):
        invoice = await invoices.issue(tx, BILLING, invoice_id=invoice_id, if_match="*", now=issued_at)
        if method:
            content = PaymentContent(
                customer_id=invoice.customer_id,
                method=method,
                amount=PositiveMoney(invoice.total.amount, invoice.total.currency),
                allocations=[AllocationContent(invoice_id=invoice_id)],
            )
            await payments.record(tx, BILLING, clinic_id=invoice.clinic_id, content=content, now=issued_at)


async def _find_dearest_type(connection: Any, clinic_id: int) -> UUID:
    return await connection.fetchval(
        "select id from appointment_type where clinic_id = $1 order by price_amount desc nulls last, id limit 1",
        clinic_id,
    )


async def _list_visits(world: World, clinic_id: int) -> list[tuple[UUID, datetime]]:
    """Return completed appointments with a price, with their ends: some at regular intervals, oldest first."""
    rows = await world.connection.fetch(
        """
        select id, ended_at
          from (select id, upper(during) as ended_at, row_number() over (order by during, id) - 1 as number,
                       count(*) over () as count
                  from appointment
                 where clinic_id = $1 and status = 'fulfilled' and price_amount > 0 and upper(during) < $2) as visit
         where number % greatest(count / $3, 1) = 0
         order by number
         limit $3
        """,
        clinic_id,
        world.midnight,
        INVOICES,
    )
    return [tuple(row) for row in rows]
