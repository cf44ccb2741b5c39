"""Random steps with appointments and their bills, in the product and in the model: deposits, coupons used when booking,
invoices, cancellations, no-shows, fees and waivers.
"""

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from appoint.kit.ids import new_id
from appoint.payments.billing import repository as bills
from appoint.payments.billing import service as billing
from appoint.payments.coupons import repository as coupon_uses
from appoint.payments.coupons import service as coupons
from appoint.payments.invoices import service as invoices
from appoint.payments.policies import repository as policies
from support.money import NOW, TILL, Till, reason
from support.money_bills import BillSteps, Visit
from support.money_steps import DISCOUNT
from support.world import publish_slot

HOUR = timedelta(hours=1)
NOTICES = (600, 1439, 1440, 1999, 2000, 2879, 2880, 5000)


class VisitSteps(BillSteps):
    """Takes random steps at a clinic that bills appointments."""

    def __init__(self, till: Till, rng: random.Random) -> None:
        super().__init__(till, rng)
        self.steps += [
            self.book, self.book, self.issue_visit, self.complete, self.end, self.end, self.charge_fee, self.waive_fee,
        ]  # fmt: skip

    @classmethod
    async def begin(cls, till: Till, seed: int) -> "VisitSteps":
        steps = cls(till, random.Random(seed))
        await steps.add_coupon()
        await till.db.atomic(policies.save, till.clinic, None, steps.policy)
        steps.doctor = await till.db.fetchval(
            "insert into doctor (clinic_id, id, name) values ($1, mint_id($1), 'Dr Shah') returning id", till.clinic
        )
        return steps

    # steps

    async def book(self) -> None:
        """Book an appointment, perhaps with a coupon and with a deposit that is paid by card."""
        clinic, price = self.till.clinic, self.rng.randint(1, 300)
        visit = Visit(new_id(clinic), new_id(clinic), NOW + 300 * HOUR + len(self.visits) * HOUR, price, False)
        await publish_slot(self.till.db, self.doctor, visit.start, visit.start + HOUR)
        await self.till.db.execute(
            """
            insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed, price_amount,
                                     price_currency)
            values ($1, $2, $3, $4, $5, tstzrange($6, $7), tstzrange($6, $7), $8, 'EUR')
            """,
            clinic,
            visit.id,
            visit.booking_id,
            self.doctor,
            self.till.ana,
            visit.start,
            visit.start + HOUR,
            price,
        )
        if self.rng.random() < 0.4:
            await self.use_coupon_for(visit)
        if visit.price and self.rng.random() < 0.6:
            amount = self.rng.randint(1, visit.price)
            visit.deposit = await self.collect(amount, booking_id=visit.booking_id)
        self.visits.append(visit)
        await self.bill(visit)
        visit.is_drafted = self.policy.invoices_at == "booking"

    async def use_coupon_for(self, visit: Visit) -> None:
        async def use(tx: Any) -> None:
            use_id, _ = await coupons.use(
                tx,
                clinic_id=self.till.clinic,
                code="SPRING",
                customer_id=self.till.ana,
                type_id=None,
                appointment_id=None,
                now=NOW,
                reserved_until=NOW + HOUR,
            )
            await coupon_uses.attach_use(tx, use_id, appointment_id=visit.id)

        outcome = await reason(self.till.db.atomic(use))
        assert outcome == ("accepted" if self.model.coupon_uses else "coupon-spent")
        if outcome == "accepted":
            self.model.coupon_uses -= 1
            visit.has_coupon, visit.price = True, max(0, visit.price - DISCOUNT)

    async def issue_visit(self) -> None:
        if visit := self.pick(lambda each: each.is_drafted):
            visit.is_drafted = False
            visit.invoice = await self.issue_drafted(visit, "visit", visit.price)

    async def complete(self) -> None:
        if visit := self.pick(lambda each: each.status == "booked"):
            await self.change_status(visit, "fulfilled")
            await self.bill(visit)
            visit.is_drafted = visit.invoice is None

    async def end(self) -> None:
        """Cancel an appointment for the patient or the clinic, or record that the patient did not come."""
        visit = self.pick(lambda each: each.status == "booked")
        if visit is None:
            return
        how = self.rng.choice(["patient", "clinic", "noshow"])
        visit.ended_at = visit.start - timedelta(minutes=self.rng.choice(NOTICES))
        await self.change_status(visit, "noshow" if how == "noshow" else "cancelled", by_staff=how == "clinic")
        await self.bill(visit)
        if visit.has_coupon and visit.status == "cancelled" and visit.invoice is None:
            self.model.coupon_uses += 1
        visit.is_drafted = False
        await self.settle(visit, how)

    async def charge_fee(self) -> None:
        if visit := self.pick(lambda each: each.fee > 0):
            amount, visit.fee = visit.fee, 0
            visit.fee_invoice = await self.issue_drafted(visit, self.occasion(visit), amount)

    async def waive_fee(self) -> None:
        visit = self.pick(lambda each: each.fee > 0)
        if visit is None:
            return
        visit.fee = 0
        refund_to, share = self.refund_to(visit), self.share_of_deposit(visit)
        fee = await self.find_draft(visit, self.occasion(visit))
        await self.till.db.atomic(billing.waive_fee, TILL, invoice_id=fee, reason="Snowstorm", now=NOW)
        await self.check_returned(visit, self.plan_return(visit.deposit, share, refund_to))

    # the product

    async def issue_drafted(self, visit: Visit, occasion: str, total: int) -> UUID:
        id = await self.find_draft(visit, occasion)
        await self.till.db.atomic(invoices.issue, TILL, invoice_id=id, if_match=None, now=NOW)
        self.add_issued(visit, id, total, "revenue" if occasion == "visit" else "fees")
        return id

    async def bill(self, visit: Visit) -> None:
        async def work(tx: Any) -> None:
            request = bills.BillRequest(self.till.clinic, visit.id, visit.ended_at)
            await bills.request_bills(tx, [request], due_at=NOW)
            assert await billing.bill(tx, billing.BILLING, appointment_id=visit.id, now=NOW)

        await self.till.db.atomic(work)

    async def change_status(self, visit: Visit, status: str, *, by_staff: bool = False) -> None:
        visit.status = status
        await self.till.db.execute(
            """
            update appointment
               set status = $3, cancel_cause = case when $3 = 'cancelled' then 'request' end,
                   undo_status = case when $4 then 'booked' end, stepped_at = case when $4 then now() end
             where clinic_id = $1 and id = $2
            """,
            self.till.clinic,
            visit.id,
            status,
            by_staff,
        )

    async def find_draft(self, visit: Visit, occasion: str) -> UUID:
        (id,) = await bills.list_drafts(self.till.db, visit.id, occasions=(occasion,))
        return id

    def pick(self, fits: Any) -> Visit | None:
        """Return a random visit that fits."""
        visits = [each for each in self.visits if fits(each)]
        return self.rng.choice(visits) if visits else None
