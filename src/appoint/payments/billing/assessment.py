"""Work out the cost of an appointment that did not take place."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ...booking.bookings import service as bookings
from ...booking.model import Appointment
from ...database.pool import Statements
from ...kit.money import Money
from ..policies import service as policies
from ..policies.model import PaymentPolicy, RefundTo
from . import repository
from .model import Decision, End, EndedAppointment, Settlement, decide, minutes_between, share_out
from .repository import Charge, DepositPayment, Facts


class Assessment(NamedTuple):
    facts: Facts
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


async def assess(db: Statements, facts: Facts, *, end: End, by_clinic: bool, ended_at: datetime) -> Assessment:
    """Apply the clinic's policy to an appointment that ended in this way, or as if it had."""
    policy = await policies.get_policy(db, facts.clinic_id, type_id=facts.appointment_type_id)
    charges = await repository.list_charges(db, facts.id)
    deposits = await share_of_deposits(db, facts)
    billed = sum(charge.billed for charge in charges)
    ended = EndedAppointment(
        end=end,
        by_clinic=by_clinic,
        notice_minutes=minutes_between(ended_at, facts.start_time),
        price=billed or facts.price_amount or 0,
        deposit=sum(share for _, share in deposits),
        billed=billed,
        open=sum(min(charge.open, charge.billed) for charge in charges),
    )
    return Assessment(facts, policy, ended, decide(policy, ended), charges, deposits)


async def share_of_deposits(db: Statements, facts: Facts) -> list[tuple[DepositPayment, int]]:
    """Return the deposits that were paid for an appointment's booking, each with what is left of the appointment's
    share."""
    deposits = await repository.list_deposits(db, facts)
    if not deposits:
        return []
    together = await bookings.list_together(db, clinic_id=facts.clinic_id, booking_id=facts.booking_id)
    position = next(index for index, each in enumerate(together) if each.id == facts.id)
    weights = await _deposits_asked(db, facts.clinic_id, together)
    return [(each, min(each.free, max(0, share_out(each.amount, weights)[position] - each.used))) for each in deposits]


async def _deposits_asked(db: Statements, clinic_id: int, together: Sequence[Appointment]) -> list[int]:
    if len(together) == 1:
        return [1]
    type_ids = {each.appointment_type_id for each in together}
    by_type: dict[UUID | None, PaymentPolicy] = {
        type_id: await policies.get_policy(db, clinic_id, type_id=type_id) for type_id in type_ids
    }
    return [by_type[each.appointment_type_id].deposit(each.price.amount) if each.price else 0 for each in together]
