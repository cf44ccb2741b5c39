"""Coupons on bookings. A use of the coupon is reserved beside the booking, never in its statement.

The package for payments keeps the coupons. It registers its desk when the application starts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from ..database.pool import Database
from ..http.request import Request
from ..kit.money import Discount
from . import book as booking
from .book import Booked
from .planning import BookingCommand

COUPON_REASONS: Final = ("coupon-not-valid", "coupon-spent")


class CouponRequest(NamedTuple):
    """An appointment that a coupon might be for."""

    customer_id: UUID
    type_id: UUID | None


class Reservation(NamedTuple):
    """A use of a coupon that waits for its booking."""

    use_id: UUID
    position: int
    """The position of the request that the coupon is for."""
    discount: Discount


class Desk(Protocol):
    async def reserve(
        self, db: Database, *, clinic_id: int, code: str, requests: Sequence[CouponRequest], now: datetime
    ) -> Reservation: ...
    async def attach(self, db: Database, reservation: Reservation, *, appointment_id: UUID, now: datetime) -> None: ...
    async def release(self, db: Database, reservation: Reservation, *, now: datetime) -> None: ...


class CouponDesks(NamedTuple):
    """The registered desk."""

    desk: Desk


async def book_with_coupon(request: Request, command: BookingCommand, code: str | None) -> Booked:
    """Book as `book` does, with a coupon if there is a code. Raise a `coupon-not-valid` or `coupon-spent` `Conflict`
    before anything is booked."""
    db, cache = request.services.db, request.cache
    if code is None:
        return await booking.book(db, cache, command)
    if earlier := await booking.find_earlier(db, command):
        return Booked(earlier, replayed=True)
    desk = request.services.get(CouponDesks).desk
    requests = [CouponRequest(each.customer_id, each.time.appointment_type_id) for each in command.requests]
    reservation = await desk.reserve(db, clinic_id=command.clinic_id, code=code, requests=requests, now=command.now)
    requests_with_discount = [
        each._replace(discount=reservation.discount) if position == reservation.position else each
        for position, each in enumerate(command.requests)
    ]
    try:
        booked = await booking.book(db, cache, command._replace(requests=requests_with_discount))
    except BaseException:
        await desk.release(db, reservation, now=command.now)
        raise
    appointment = booked.booking.appointments[reservation.position]
    await desk.attach(db, reservation, appointment_id=appointment.id, now=command.now)
    return booked
