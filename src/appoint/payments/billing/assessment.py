"""Work out the cost of an appointment that did not take place."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from ...booking.bookings import service as bookings
from ...booking.deposits import find_deposits, find_discount
from ...clinics.catalogue import repository as catalogues
from ...database.pool import Statements
from ...kit.money import Money
from ..policies import service as policies
from ..policies.model import PaymentPolicy, RefundTo
from . import repository
from .model import Decision, End, EndedAppointment, Settlement, decide, minutes_between, share_out
from .repository import BillingFacts, Charge, DepositPayment


class Assessment(NamedTuple):
    facts: BillingFacts
    policy: PaymentPolicy
    ended: EndedAppointment
    decision: Decision
    charges: Sequence[Charge]
    deposits: Sequence[tuple[DepositPayment, int]]
    """The booking's deposits, each with what is left of the appointment's share."""

    @property
    def settlement(self) -> Settlement:
        currency = self.facts.currency
        return Settlement(
            self.facts.id,
            self.ended.end,
            Money(self.ended.paid, currency),
            Money(self.decision.kept, currency),
            Money(self.decision.returned(self.ended), currency),
            self.refund_to,
        )

    @property
    def refund_to(self) -> RefundTo:
        """Where returned money goes. Only card payments can be refunded automatically; others become credit."""
        by_card = any(each.by_card for each in (*self.charges, *(deposit for deposit, _ in self.deposits)))
        return "credit" if self.policy.refund_to == "method" and not by_card else self.policy.refund_to


async def assess(db: Statements, facts: BillingFacts, *, end: End, by_clinic: bool, ended_at: datetime) -> Assessment:
    """Apply the clinic's policy to an appointment that ended in this way, or as if it had."""
    policy = await policies.get_policy(db, facts.clinic_id, type_id=facts.appointment_type_id)
    charges = await repository.list_charges(db, facts.id)
    deposits = await share_of_deposits(db, facts)
    billed = sum(charge.billed for charge in charges)
    ended = EndedAppointment(
        end=end,
        by_clinic=by_clinic,
        notice_minutes=minutes_between(ended_at, facts.start_time),
        price=billed or await _agreed_price(db, facts),
        deposit=sum(share for _, share in deposits),
        billed=billed,
        open=sum(min(charge.open, charge.billed) for charge in charges),
    )
    return Assessment(facts, policy, ended, decide(policy, ended), charges, deposits)


async def _agreed_price(db: Statements, facts: BillingFacts) -> int:
    """Return the appointment's price without what its coupon takes off, even if cancelling has released the coupon."""
    price = facts.price_amount or 0
    discount = await find_discount(db, clinic_id=facts.clinic_id, appointment_id=facts.id)
    return price - (discount.of(price) if discount else 0)


async def share_of_deposits(db: Statements, facts: BillingFacts) -> list[tuple[DepositPayment, int]]:
    """Return the deposits that were paid for an appointment's booking, each with what is left of the appointment's
    share."""
    deposits = await repository.list_deposits(db, facts)
    if not deposits:
        return []
    together = await bookings.list_together(db, clinic_id=facts.clinic_id, booking_id=facts.booking_id)
    position = next(index for index, each in enumerate(together) if each.id == facts.id)
    weights = [0] * len(together)
    if len(together) > 1:
        catalogue = await catalogues.load(db, facts.clinic_id)
        assert catalogue, "the appointments refer to the clinic"
        by_id = await find_deposits(db, catalogue, together)
        weights = [by_id[each.id].amount if each.id in by_id else 0 for each in together]
    return [(each, min(each.free, max(0, share_out(each.amount, weights)[position] - each.used))) for each in deposits]
