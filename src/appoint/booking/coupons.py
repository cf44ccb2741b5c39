"""Coupons on bookings. A use of the coupon is reserved before the booking, and attached in the booking's transaction.

The package for payments keeps the coupons. It registers its desk when the application starts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from ..database.pool import Database, Transaction
from ..http.request import Request
from ..kit.money import Discount
from . import book as booking
from .book import Booked
from .model import BookedAppointments
from .planning import BookingCommand

COUPON_REASONS: Final = ("coupon-not-valid", "coupon-spent", "coupon-without-price")


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
    async def attach(self, tx: Transaction, reservation: Reservation, *, appointment_id: UUID) -> None: ...
    async def release(self, db: Database, reservation: Reservation, *, now: datetime) -> None: ...


class CouponDesks(NamedTuple):
    """The registered desk."""

    desk: Desk


async def book_with_coupon(request: Request, command: BookingCommand, code: str | None) -> Booked:
    """Book as `book` does, with a coupon if there is a code. Raise a `Conflict` with one of `COUPON_REASONS` without
    booking anything. If this process dies, the reservation expires, or the appointment has its coupon."""
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

    async def attach(tx: Transaction, booking: BookedAppointments) -> None:
        await desk.attach(tx, reservation, appointment_id=booking.appointments[reservation.position].id)

    try:
        booked = await booking.book(db, cache, command._replace(requests=requests_with_discount), complete=attach)
    except BaseException:
        await desk.release(db, reservation, now=command.now)
        raise
    if booked.replayed:
        await desk.release(db, reservation, now=command.now)
    return booked
