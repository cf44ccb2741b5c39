"""Coupons, and what they take off a price."""

from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ...booking.time_rules import BookedCode
from ...kit import errors
from ...kit.fields import Instant
from ...kit.i18n import translatable
from ...kit.money import MAX_AMOUNT, Discount, Money
from ...kit.structs import PageQuery, RequestBody, Resource

CODE_PATTERN: Final = r"^[A-Za-z0-9](-?[A-Za-z0-9]){2,39}$(?!\n)"
Code = Annotated[str, msgspec.Meta(pattern=CODE_PATTERN, max_length=79, examples=["SPRING"])]
Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Amount = Annotated[int, msgspec.Meta(ge=1, le=MAX_AMOUNT)]
Uses = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
End = Annotated[Instant, msgspec.Meta(examples=[datetime(2027, 6, 1, tzinfo=UTC)])]
Description = Annotated[str, msgspec.Meta(max_length=200)]


class CouponContent(RequestBody):
    """A coupon. It takes either a percentage or an amount off a price."""

    code: Code
    """Not case-sensitive."""
    description: Description | None = None
    percent: Percent | None = None
    amount: Amount | None = None
    """In minor units of the clinic's currency."""
    valid_from: Instant | None = None
    valid_until: End | None = None
    max_uses: Uses | None = None
    max_uses_per_customer: Uses | None = None
    first_visit_only: bool = False
    """Whether it is only for patients who have not been to the clinic before."""
    appointment_type_ids: Annotated[list[UUID], msgspec.Meta(max_length=100)] = []
    """The types that it is for. Empty for all types."""

    def __post_init__(self) -> None:
        if (self.percent is None) == (self.amount is None):
            raise errors.Invalid(
                errors.Fault(
                    "#/percent", translatable("must be given if there is no amount, and left out if there is one")
                )
            )
        if self.valid_from and self.valid_until and self.valid_from >= self.valid_until:
            raise errors.Invalid(errors.Fault("#/validUntil", "must be after the start"))


class CouponPatch(RequestBody):
    """Null removes a limit."""

    description: Description | None | UnsetType = UNSET
    valid_from: Instant | None | UnsetType = UNSET
    valid_until: End | None | UnsetType = UNSET
    max_uses: Uses | None | UnsetType = UNSET
    max_uses_per_customer: Uses | None | UnsetType = UNSET
    first_visit_only: bool | UnsetType = UNSET
    appointment_type_ids: Annotated[list[UUID], msgspec.Meta(max_length=100)] | UnsetType = UNSET


class Coupon(Resource):
    """A coupon, and how often it has been used."""

    id: UUID
    clinic_id: int
    code: str
    description: str | None
    percent: int | None
    amount: int | None
    valid_from: datetime | None
    valid_until: datetime | None
    max_uses: int | None
    max_uses_per_customer: int | None
    first_visit_only: bool
    appointment_type_ids: list[UUID]
    use_count: int
    active: bool
    removed_at: datetime | None

    @property
    def discount(self) -> Discount:
        return Discount(self.percent, self.amount)


class CouponFilter(PageQuery):
    """Newest first."""

    active: bool = True
    """If false, return only removed coupons."""


class CouponCheck(RequestBody, kw_only=True):
    """A coupon that someone wants to use."""

    code: BookedCode
    appointment_type_id: UUID


class CouponDiscount(msgspec.Struct, kw_only=True, rename="camel"):
    """What a coupon takes off a price now."""

    price: Money
    """The type's price without the coupon."""
    discount: Money


class IntendedAppointment(NamedTuple):
    """An appointment that someone is about to book."""

    customer_id: UUID | None
    """None for a new patient."""
    type_id: UUID | None


class CouponOffer(NamedTuple):
    """What a coupon would take off a booking."""

    code: str
    position: int
    """The position of the appointment that it is for."""
    discount: Discount


def check_validity(coupon: Coupon, *, type_id: UUID | None, is_first_visit: bool | None, now: datetime) -> None:
    """Raise a `coupon-not-valid` `Conflict` if the coupon is not for this time, type or patient. `is_first_visit` is
    None if that is unknown."""
    valid = (
        coupon.active
        and (coupon.valid_from is None or coupon.valid_from <= now)
        and (coupon.valid_until is None or now < coupon.valid_until)
        and (not coupon.appointment_type_ids or type_id in coupon.appointment_type_ids)
        and (not coupon.first_visit_only or is_first_visit is not False)
    )
    if not valid:
        raise errors.Conflict("coupon-not-valid")
