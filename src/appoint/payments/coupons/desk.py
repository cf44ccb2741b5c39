"""Coupons on bookings: a use is reserved before the booking, and belongs to the appointment afterwards."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from ...booking.coupons import CouponRequest, Reservation
from ...database.pool import Database, Transaction
from ...kit import errors
from ...kit.ids import clinic_of
from . import repository, service

RESERVATION_TTL: Final = timedelta(minutes=5)
"""How long a reserved use waits for its booking. Bookings take seconds."""


class CouponDesk:
    """What bookings need to know about coupons (`booking.coupons.Desk`)."""

    async def reserve(
        self, db: Database, *, clinic_id: int, code: str, requests: Sequence[CouponRequest], now: datetime
    ) -> Reservation:
        """Take a use of a coupon for the first request that it is valid for and that has a price.

        Raise a `coupon-not-valid`, `coupon-spent` or `coupon-without-price` `Conflict`.
        """
        return await db.within(clinic_id).atomic(_reserve, clinic_id=clinic_id, code=code, requests=requests, now=now)

    async def attach(self, tx: Transaction, reservation: Reservation, *, appointment_id: UUID) -> None:
        """Give a reserved use to an appointment. Raise a `coupon-spent` `Conflict` if the reservation has expired."""
        if not await repository.attach_use(tx, reservation.use_id, appointment_id=appointment_id):
            raise errors.Conflict("coupon-spent")

    async def release(self, db: Database, reservation: Reservation, *, now: datetime) -> None:
        """Release a reserved use, unless an appointment has it."""
        await repository.release_reservation(db.within(clinic_of(reservation.use_id)), reservation.use_id, now=now)


async def _reserve(
    tx: Transaction, *, clinic_id: int, code: str, requests: Sequence[CouponRequest], now: datetime
) -> Reservation:
    refusal = errors.Conflict("coupon-without-price")
    for index, request in enumerate(requests):
        if not await service.has_price(tx, request.type_id):
            continue
        try:
            use_id, discount = await service.use(
                tx,
                clinic_id=clinic_id,
                code=code,
                customer_id=request.customer_id,
                type_id=request.type_id,
                appointment_id=None,
                now=now,
                reserved_until=now + RESERVATION_TTL,
            )
        except errors.Conflict as conflict:
            refusal = conflict
            continue
        return Reservation(use_id, index, discount)
    raise refusal


async def release_expired(db: Database, *, now: datetime) -> None:
    """Release the uses that were reserved for bookings that never happened."""
    await repository.release_expired(db, now=now)
