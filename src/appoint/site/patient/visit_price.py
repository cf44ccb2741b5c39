"""What the appointments in the booking form cost, with a coupon, and how much is due before they are booked."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ...booking.deposits import add_up
from ...http.problems.catalogue import PROBLEMS
from ...kit import clock, errors
from ...kit.i18n import translate
from ...kit.money import Money
from ...payments.coupons import service as coupons
from ...payments.coupons.model import CouponOffer, IntendedAppointment
from .booking_choice import BookingChoice


class VisitPrice(NamedTuple):
    """What everything in the form costs together."""

    price: Money | None
    """Without the coupon. None if nothing has a price."""
    deposit: Money | None
    """Due before the appointments are booked. None if there is nothing to pay yet."""
    coupon: str = ""
    discount: Money | None = None
    """What the coupon takes off, or None without a valid coupon."""
    is_on_first: bool = False
    """Whether the coupon is for the form's own appointment, rather than for another one in the visit."""
    fault: str = ""
    """Why the coupon cannot be used."""

    @property
    def left(self) -> Money | None:
        """The price with the coupon."""
        if not self.price or not self.discount:
            return self.price
        return Money(self.price.amount - self.discount.amount, self.price.currency)


async def price_visit(
    choices: Sequence[BookingChoice], *, code: str, customer_ids: Sequence[UUID | None]
) -> VisitPrice:
    """Return what the appointments cost with the coupon, which is not used yet. A customer's id is None for someone
    new."""
    visit = choices[0].visit
    fault, offer = "", None
    if code:
        try:
            offer = await _find_offer(choices, code, customer_ids)
        except errors.Conflict as refusal:
            fault = translate(visit.language, PROBLEMS[refusal.type].happened)
    prices = [each.type.price if each.type else None for each in choices]
    deposits = [
        visit.catalogue.deposit_for(
            each.type and each.type.id, price, offer.discount if offer and offer.position == position else None
        )
        for position, (each, price) in enumerate(zip(choices, prices, strict=True))
    ]
    priced = VisitPrice(add_up(filter(None, prices)), add_up(filter(None, deposits)), fault=fault)
    discounted = prices[offer.position] if offer else None
    if offer is None or discounted is None:
        return priced
    discount = Money(offer.discount.of(discounted.amount), discounted.currency)
    return priced._replace(coupon=offer.code, discount=discount, is_on_first=offer.position == 0)


async def _find_offer(choices: Sequence[BookingChoice], code: str, customer_ids: Sequence[UUID | None]) -> CouponOffer:
    visit = choices[0].visit
    clinic_id = visit.catalogue.clinic_id
    intended = [
        IntendedAppointment(customer_id, each.type and each.type.id)
        for each, customer_id in zip(choices, customer_ids, strict=True)
    ]
    db = visit.request.services.db.within(clinic_id)
    return await coupons.find_offer(db, clinic_id=clinic_id, code=code, appointments=intended, now=clock.now())
