"""The model of what the clinic's policies do to appointments' bills: each is settled here as in the product."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from appoint.payments.policies.model import CancellationRule, PaymentPolicyContent
from support.money import Till
from support.money_model import ModelInvoice
from support.money_steps import Steps

FULL_PRICE_MINUTES, HALF_PRICE_MINUTES, DEPOSIT_MINUTES = 1440, 2880, 2000


@dataclass
class Visit:
    """An appointment and what has been billed for it."""

    id: UUID
    booking_id: UUID
    start: datetime
    price: int
    """With the coupon."""
    has_coupon: bool
    deposit: UUID | None = None
    """The payment."""
    status: str = "booked"
    is_drafted: bool = False
    invoice: UUID | None = None
    fee: int = 0
    """The amount of a drafted fee."""
    fee_invoice: UUID | None = None
    ended_at: datetime | None = None
    returned: dict[UUID, int] | None = None
    """The refunds of its deposit."""


class BillSteps(Steps):
    """A clinic that bills appointments by a random policy."""

    def __init__(self, till: Till, rng: random.Random) -> None:
        super().__init__(till, rng)
        self.doctor: UUID
        self.visits: list[Visit] = []
        self.compared: set[UUID] = set()
        """The refunds that have been compared."""
        self.policy = PaymentPolicyContent(
            cancellation=[
                CancellationRule(before_minutes=HALF_PRICE_MINUTES, keep_percent=50),
                CancellationRule(before_minutes=FULL_PRICE_MINUTES, keep_percent=100),
            ][: rng.randint(0, 2)],
            deposit_percent=25,
            deposit_refund_minutes=DEPOSIT_MINUTES,
            no_show_fee_amount=rng.choice([0, 120]),
            issues_fees=rng.random() < 0.5,
            invoices_at=rng.choice(["booking", "visit"]),
            refund_to=rng.choice(["credit", "method", "ask"]),
        )

    async def settle(self, visit: Visit, how: str) -> None:
        """Settle an appointment in the model, as the clinic's policy says, and expect the product to have done so."""
        model, billed, unpaid = self.model, 0, 0
        earlier: dict[UUID, int] = {}
        if visit.invoice:
            invoice = model.invoices[visit.invoice]
            billed = max(0, invoice.total - invoice.corrected)
            unpaid = min(len(invoice.open), billed)
            earlier = {
                piece.payment: len(model.payments[piece.payment].free)
                for piece in model.pieces
                if piece.invoice == visit.invoice
            }
        share, refund_to, paid = self.share_of_deposit(visit), self.refund_to(visit), billed - unpaid
        charge = self.charge(visit, how, billed or visit.price, share, paid)
        if billed > charge:
            note = await self.find_note()
            assert visit.invoice, "it has been billed"
            model.correct(visit.invoice, billed - charge, note)
        plan: list[tuple[UUID, int, str]] = []
        for payment in sorted(earlier):
            plan += self.plan_return(payment, len(model.payments[payment].free) - earlier[payment], refund_to)
        plan += self.plan_return(visit.deposit, min(share, max(0, share - max(0, charge - paid))), refund_to)
        await self.check_returned(visit, plan)
        if not billed and charge:
            if self.policy.issues_fees:
                visit.fee_invoice = await self.find_issued(visit)
                self.add_issued(visit, visit.fee_invoice, charge, "fees")
            else:
                visit.fee = charge

    def charge(self, visit: Visit, how: str, price: int, share: int, paid: int) -> int:
        """Return what the patient pays in the end."""
        if how == "clinic":
            return 0
        if how == "noshow":
            return max(self.policy.no_show_fee_amount or 0, share + paid)
        assert visit.ended_at, "it has ended"
        notice = (visit.start - visit.ended_at) // timedelta(minutes=1)
        percents = [rule.keep_percent for rule in self.policy.cancellation if notice < rule.before_minutes]
        return max(
            (price * max(percents, default=0) + 50) // 100,
            share if notice < DEPOSIT_MINUTES else 0,
        )

    def share_of_deposit(self, visit: Visit) -> int:
        """Return what is left of an appointment's deposit."""
        if visit.deposit is None:
            return 0
        used = sum(
            len(piece.of_payment)
            for piece in self.model.pieces
            if piece.payment == visit.deposit and piece.invoice in (visit.invoice, visit.fee_invoice)
        )
        used += sum(amount for id, amount in (visit.returned or {}).items() if id not in self.model.failed)
        paying = self.model.payments[visit.deposit]
        return min(len(paying.free), max(0, paying.amount - used))

    def refund_to(self, visit: Visit) -> str:
        by_card = visit.deposit is not None or any(
            piece.invoice == visit.invoice and self.model.payments[piece.payment].method == "card"
            for piece in self.model.pieces
            if visit.invoice
        )
        return "credit" if self.policy.refund_to == "method" and not by_card else str(self.policy.refund_to)

    def plan_return(self, payment: UUID | None, amount: int, refund_to: str) -> list[tuple[UUID, int, str]]:
        """Return the refund to expect: its payment, amount and destination."""
        if payment is None or amount <= 0 or refund_to == "ask":
            return []
        paying = self.model.payments[payment]
        if paying.liability == "credit" or paying.method == "creditNote":
            return []
        return [(payment, amount, "method" if refund_to == "method" and paying.method == "card" else "credit")]

    async def check_returned(self, visit: Visit, plan: list[tuple[UUID, int, str]]) -> None:
        """Expect exactly these new refunds for an appointment, and make them in the model."""
        visit.returned = visit.returned or {}
        rows = await self.till.db.fetch(
            """
            select r.id, r.payment_id, r.amount, r.destination, p.id as credit
              from refund r
              left join payment p on p.clinic_id = $1 and p.refund_id = r.id
             where r.clinic_id = $1 and r.appointment_id = $2 and not r.id = any($3::uuid[])
             order by r.id
            """,
            self.till.clinic,
            visit.id,
            list(self.compared),
        )
        assert [(row.payment_id, row.amount, row.destination) for row in rows] == plan
        for row in rows:
            self.compared.add(row.id)
            if row.payment_id == visit.deposit:
                visit.returned[row.id] = row.amount
            self.take_refund(row.id, row.payment_id, row.amount, row.destination, credit=row.credit)

    def add_issued(self, visit: Visit, id: UUID, total: int, account: str) -> None:
        """Issue an invoice in the model. The deposit goes towards it."""
        share = self.share_of_deposit(visit)
        self.model.invoices[id] = ModelInvoice(total, list(range(total)), account=account)
        self.model.post("receivable", account, total)
        if visit.deposit:
            self.model.allocate(visit.deposit, id, most=share)

    async def find_issued(self, visit: Visit) -> UUID:
        return await self.till.db.fetchval(
            "select id from invoice where clinic_id = $1 and appointment_id = $2 and occasion = $3"
            " and status = 'issued'",
            self.till.clinic,
            visit.id,
            self.occasion(visit),
        )

    def occasion(self, visit: Visit) -> str:
        return "noShow" if visit.status == "noshow" else "cancellation"
