"""What a cancelled or missed appointment costs the patient, and what they get back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...kit.money import Money
from ...kit.structs import RequestBody
from ..policies.model import CancellationRule, PaymentPolicy, RefundTo

End = Literal["cancellation", "noShow"]
"""How an appointment ended without taking place. Also the occasion for a fee."""
MINUTE: Final = 60


class EndedAppointment(NamedTuple):
    """An appointment that did not take place, and what its patient has paid for it."""

    end: End
    by_clinic: bool
    notice_minutes: int
    """How many minutes before the start it was cancelled. Negative for a no-show."""
    price: int
    deposit: int
    """The remainder of its deposit."""
    billed: int
    """What issued invoices charge for it."""
    open: int
    """The unpaid part of these invoices."""

    @property
    def paid(self) -> int:
        return self.deposit + self.paid_on_invoices

    @property
    def paid_on_invoices(self) -> int:
        return max(0, self.billed - self.open)


class Decision(NamedTuple):
    """How the policy settles an appointment that did not take place, in minor units."""

    kept: int
    """What the patient pays in the end."""
    rule: CancellationRule | None = None
    """The row of the cancellation table that decided, if one did."""

    def correction(self, ended: EndedAppointment) -> int:
        """Return how much a credit note takes off the issued invoices."""
        return max(0, ended.billed - self.kept)

    def fee(self, ended: EndedAppointment) -> int:
        """Return the fee for an appointment that has not been invoiced."""
        return 0 if ended.billed else self.kept

    def returned(self, ended: EndedAppointment) -> int:
        return max(0, ended.paid - self.kept)

    def returned_deposit(self, ended: EndedAppointment) -> int:
        """Return the part of the deposit that the patient gets back. What they have paid on invoices counts first."""
        return max(0, ended.deposit - max(0, self.kept - ended.paid_on_invoices))


class Settlement(NamedTuple):
    """What happens to the money for an appointment that did not take place."""

    appointment_id: UUID
    end: End
    paid: Money
    kept: Money
    returned: Money
    refund_to: RefundTo
    """`credit` or `method`: where the returned part goes; `ask`: the clinic asks the patient."""


class Waiver(RequestBody):
    """Why a fee is waived."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S", examples=["Snowstorm"])]
    """Recorded in the audit log."""


class PaymentTerms(msgspec.Struct, kw_only=True, rename="camel"):
    """What an appointment of a type costs, and what it costs to cancel or miss it."""

    price: Money | None
    deposit: Money | None
    """What patients pay to book."""
    deposit_refund_minutes: int
    """Until how many minutes ahead patients can cancel and get the whole deposit back."""
    cancellation: list[CancellationRule]
    """If several rules apply, the one with the fewest minutes does. If none does, cancelling is free."""
    no_show_fee: Money | None
    text: list[str]
    """The rules in sentences, in the caller's language. Empty if cancelling is always free."""


class SettlementView(msgspec.Struct, kw_only=True, rename="camel"):
    """What happens to the money for an appointment that did not take place."""

    paid: Money
    kept: Money
    """What the patient pays in the end. If this is more than they have paid, the rest is invoiced."""
    returned: Money
    refund_to: RefundTo
    """`credit`: the returned part becomes credit at the clinic; `method`: it goes back to the card; `ask`: the clinic
    asks the patient."""

    @classmethod
    def of(cls, settlement: Settlement) -> "SettlementView":
        return cls(
            paid=settlement.paid,
            kept=settlement.kept,
            returned=settlement.returned,
            refund_to=settlement.refund_to,
        )


def decide(policy: PaymentPolicy, ended: EndedAppointment) -> Decision:
    """Return how the policy settles an appointment.

    When the clinic cancels, it keeps nothing. When the patient cancels, it keeps the share of the price given in the
    cancellation table, and at least the deposit if it is too late to get that back. For a no-show, it keeps the fee, or
    what has been paid if that is more.
    """
    if ended.by_clinic and ended.end == "cancellation":
        return Decision(0)
    if ended.end == "noShow":
        return Decision(max(policy.no_show_fee_amount, ended.paid))
    rule = find_rule(policy.cancellation, ended.notice_minutes)
    share = (ended.price * rule.keep_percent + 50) // 100 if rule else 0
    deposit = ended.deposit if ended.notice_minutes < policy.deposit_refund_minutes else 0
    return Decision(max(share, deposit), rule)


def find_rule(rules: Sequence[CancellationRule], notice_minutes: int) -> CancellationRule | None:
    """Return the row of a cancellation table that applies to this much notice, or None if cancelling is free."""
    applying = [rule for rule in rules if notice_minutes < rule.before_minutes]
    return min(applying, key=lambda rule: rule.before_minutes, default=None)


def minutes_between(ended_at: datetime, start: datetime) -> int:
    """Return how many whole minutes before its start an appointment was cancelled."""
    return int((start - ended_at).total_seconds() // MINUTE)


def share_out(amount: int, weights: Sequence[int]) -> list[int]:
    """Share an amount out in proportion to the weights, or evenly if all are zero. The shares add up to the amount."""
    effective = list(weights) if any(weights) else [1] * len(weights)
    total, start, shares = sum(effective), 0, list[int]()
    for position in range(len(effective)):
        until = amount * sum(effective[: position + 1]) // total
        shares.append(until - start)
        start = until
    return shares
