"""Random steps with a clinic's money, in the product and in a model."""

import random
from datetime import timedelta
from uuid import UUID

from appoint.kit.ids import new_id
from appoint.kit.money import Money
from appoint.payments.checkout import refunds as card_refunds
from appoint.payments.checkout import service as checkout
from appoint.payments.checkout.model import CheckoutSession, Dispute, PaymentIntent
from appoint.payments.checkout.model import Refund as SentRefund
from appoint.payments.checkout.repository import payments as card_payments
from appoint.payments.coupons import service as coupons
from appoint.payments.coupons.model import CouponContent
from appoint.payments.invoices import service as invoices
from support.money import NOW, TILL, Till, reason
from support.money_model import Model, ModelInvoice, ModelPayment

ASSETS = {"cash": "cash", "terminal": "bank", "transfer": "bank", "card": "gateway", "credit": "cash"}
DISCOUNT = 50
"""What the coupon takes off a line."""


class Steps:
    """Takes random steps at one clinic. Each is refused by both the product and the model, or by neither."""

    def __init__(self, till: Till, rng: random.Random) -> None:
        self.till, self.rng, self.model = till, rng, Model()
        self.steps = [
            self.invoice, self.pay, self.allocate, self.allocate, self.undo, self.refund, self.goodwill,
            self.use_coupon, self.drop_draft, self.correct, self.pay_by_card, self.dispute, self.resolve,
        ]  # fmt: skip

    @classmethod
    async def begin(cls, till: Till, seed: int) -> "Steps":
        steps = cls(till, random.Random(seed))
        await steps.add_coupon()
        return steps

    async def add_coupon(self) -> None:
        content = CouponContent(code="SPRING", amount=DISCOUNT, max_uses=Model.coupon_uses)
        await self.till.db.atomic(coupons.add, TILL, clinic_id=self.till.clinic, content=content)

    async def take(self, count: int) -> None:
        for _ in range(count):
            await self.rng.choice(self.steps)()

    async def check(self) -> None:
        """Compare every document and every account with the model."""
        model, till = self.model, self.till
        assert {id: (await till.invoice(id)).open.amount for id in model.invoices} == {
            id: len(billed.open) for id, billed in model.invoices.items()
        }
        stored = await till.db.fetch("select id, free from shown_payment where clinic_id = $1", till.clinic)
        assert {row.id: row.free for row in stored if row.free} == {
            id: len(paying.free) for id, paying in model.payments.items() if paying.free
        }
        assert await till.balances() == {name: amount for name, amount in model.balances.items() if amount}

    def choose(self, *methods: str) -> UUID | None:
        """Return a random payment by one of these methods or, without any, by any method except credit notes."""
        ids = [
            id
            for id, paying in self.model.payments.items()
            if paying.method in methods or not (methods or paying.method == "creditNote")
        ]
        return self.rng.choice(ids) if ids else None

    async def invoice(self) -> None:
        invoice = await self.till.issue(*(self.rng.randrange(0, 300) for _ in range(self.rng.randint(1, 3))))
        self.add_invoice(invoice.id, invoice.total.amount)

    def add_invoice(self, id: UUID, total: int) -> None:
        self.model.invoices[id] = ModelInvoice(total, list(range(total)))
        self.model.post("receivable", "revenue", total)

    async def pay(self) -> None:
        amount, deposit = self.rng.randint(1, 400), self.rng.random() < 0.3
        method = self.rng.choice(["cash", "terminal", "transfer"])
        payment = await self.till.pay(amount, method=method, deposit=deposit)
        self.add_payment(payment.id, ModelPayment(method, list(range(amount)), deposit))

    def add_payment(self, id: UUID, paying: ModelPayment) -> None:
        self.model.payments[id] = paying
        asset = "discounts" if paying.method == "goodwill" else ASSETS[paying.method]
        self.model.post(asset, paying.liability, len(paying.free))

    async def goodwill(self) -> None:
        amount = self.rng.randint(1, 100)
        payment = await self.till.pay(amount, method="goodwill")
        self.add_payment(payment.id, ModelPayment("goodwill", list(range(amount))))

    async def pay_by_card(self) -> None:
        """Let the provider collect a payment."""
        await self.collect(self.rng.randint(1, 400))

    async def collect(self, amount: int, *, booking_id: UUID | None = None) -> UUID:
        """Let the provider collect a payment, which is a deposit if it is for a booking."""
        id = new_id(self.till.clinic)
        await card_payments.add(
            self.till.db,
            payment_id=id,
            customer_id=self.till.ana,
            booking_id=booking_id,
            amount=Money(amount, "EUR"),
            expires_at=NOW + timedelta(hours=1),
        )
        session = CheckoutSession(id=f"cs_{id}", status="complete", payment_status="paid")
        intent = PaymentIntent(id=f"pi_{id}", status="succeeded", amount=amount, amount_received=amount, currency="eur")
        for _ in range(self.rng.randint(1, 2)):  # events can be repeated
            facts = checkout.ProviderFacts(session, intent)
            await self.till.db.atomic(checkout.apply, TILL, payment_id=id, facts=facts, now=NOW)
        self.add_payment(id, ModelPayment("card", list(range(amount)), booking_id is not None))
        return id

    async def allocate(self) -> None:
        payment = self.choose()
        if payment and self.model.invoices:
            invoice = self.rng.choice(list(self.model.invoices))
            outcome = await reason(self.till.allocate(payment, invoice))
            paid = self.model.allocate(payment, invoice)
            assert outcome == ("accepted" if paid else "not-enough")

    async def undo(self) -> None:
        pieces = [each for each in self.model.pieces if self.model.payments[each.payment].method != "creditNote"]
        if not pieces:
            return
        piece = self.rng.choice(pieces)
        allocation_id = await self.till.db.fetchval(
            "select id from allocation where clinic_id = $1 and payment_id = $2 and invoice_id = $3"
            " and of_payment = int8range($4, $5)",
            self.till.clinic,
            piece.payment,
            piece.invoice,
            piece.of_payment[0],
            piece.of_payment[-1] + 1,
        )
        await self.till.undo(allocation_id)
        self.model.undo(piece)

    async def refund(self) -> None:
        if (payment := self.choose()) is None:
            return
        paying, amount = self.model.payments[payment], self.rng.randint(1, 300)
        to = self.rng.choice(["credit", "method"])
        is_allowed = paying.method != "goodwill" and (paying.method, to) != ("credit", "credit")
        if not is_allowed or amount > len(paying.free):
            assert await reason(self.till.refund(payment, to, amount)) == "refund-too-large"
            return
        refund = await self.till.refund(payment, to, amount)
        credit = await self.till.db.fetchval(
            "select id from payment where clinic_id = $1 and refund_id = $2", self.till.clinic, refund.id
        )
        self.take_refund(refund.id, payment, amount, to, credit=credit)

    def take_refund(self, id: UUID, payment: UUID, amount: int, to: str, *, credit: UUID | None) -> None:
        """Refund part of a payment in the model. `credit` is the payment that a refund to credit becomes."""
        paying, cents = self.model.payments[payment], self.model.take(payment, amount)
        if to == "credit":
            self.model.post(paying.liability, "credit", amount)
            self.model.payments[credit] = ModelPayment("credit", list(range(amount)))
        elif paying.method == "card":
            self.model.pending[id] = (payment, cents)
        else:
            self.model.post(paying.liability, ASSETS[paying.method], amount)

    async def dispute(self) -> None:
        """Let a bank dispute a payment. It takes what refunds have left."""
        payment = self.choose("card")
        if payment is None or any(str(id).startswith(f"dp_{payment}") for id in self.model.pending):
            return
        await self.apply_dispute(payment, f"dp_{payment}_{self.rng.random()}", "needs_response")

    async def apply_dispute(self, payment: UUID, id: str, status: str) -> None:
        dispute = Dispute(id=id, status=status, amount=1000, currency="eur", payment_intent=f"pi_{payment}")
        for _ in range(self.rng.randint(1, 2)):
            await self.till.db.atomic(card_refunds.apply_dispute, TILL, payment_id=payment, dispute=dispute, now=NOW)
        if status == "needs_response":
            for piece in [each for each in self.model.pieces if each.payment == payment]:
                self.model.undo(piece)
            if cents := self.model.take(payment, 1000):
                self.model.pending[id] = (payment, cents)
                self.model.post("disputes", "gateway", len(cents))

    async def resolve(self) -> None:
        """Let the provider complete or refuse a refund, or a bank decide a dispute."""
        if not self.model.pending:
            return
        id = self.rng.choice(list(self.model.pending))
        payment, cents = self.model.pending.pop(id)
        is_kept = self.rng.random() < 0.5
        paying, amount = self.model.payments[payment], len(cents)
        if isinstance(id, str):
            await self.apply_dispute(payment, id, "won" if is_kept else "lost")
            self.model.post("gateway" if is_kept else paying.liability, "disputes", amount)
        else:
            sent = SentRefund(id=f"re_{id}", status="failed" if is_kept else "succeeded", amount=amount, currency="eur")
            await self.till.db.atomic(card_refunds.apply, TILL, refund_id=id, sent=sent, now=NOW)
            if not is_kept:
                self.model.post(paying.liability, "gateway", amount)
        if is_kept:
            self.model.failed.add(id)
            paying.free = sorted(paying.free + cents)

    async def use_coupon(self) -> None:
        price = self.rng.randint(0, 200)
        if not self.model.coupon_uses:
            assert await reason(self.till.issue(price, coupon="SPRING")) == "coupon-spent"
            return
        invoice = await self.till.issue(price, coupon="SPRING")
        self.model.coupon_uses -= 1
        assert invoice.total.amount == max(0, price - DISCOUNT)
        self.add_invoice(invoice.id, invoice.total.amount)

    async def drop_draft(self) -> None:
        """Draft an invoice with a coupon, and delete it."""
        if self.model.coupon_uses:
            draft = await self.till.draft(100, coupon="SPRING")
            await self.till.db.atomic(invoices.delete, TILL, invoice_id=draft.id, if_match=None, now=NOW)

    async def correct(self) -> None:
        if not self.model.invoices:
            return
        invoice = self.rng.choice(list(self.model.invoices))
        billed, amount = self.model.invoices[invoice], self.rng.randint(1, 200)
        outcome = await reason(self.till.correct(invoice, amount))
        assert outcome == ("accepted" if amount <= billed.total - billed.corrected else "not-enough")
        if outcome == "accepted":
            self.model.correct(invoice, amount, await self.find_note())

    async def find_note(self) -> UUID:
        """Return the payment that the latest credit note is."""
        return await self.till.db.fetchval(
            "select id from payment where clinic_id = $1 and method = 'creditNote' order by id desc limit 1",
            self.till.clinic,
        )
