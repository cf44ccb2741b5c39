"""What patients pay before their appointments are booked. A coupon lowers the deposit, because it lowers the price."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ..clinics.catalogue.model import Catalogue
from ..database.pool import Statements
from ..kit.money import Discount, Money
from . import repository
from .bookings import repository as bookings
from .model import Appointment, Status


async def find_deposits(
    db: Statements, catalogue: Catalogue, appointments: Sequence[Appointment]
) -> Mapping[UUID, Money]:
    """Return the deposits for these appointments by appointment id, leaving out those that need none.

    Queries the database for coupons only if one of the appointments can have a deposit.
    """
    priced = [each for each in appointments if catalogue.deposit_for(each.appointment_type_id, each.price)]
    if not priced:
        return {}
    discounts = await repository.list_discounts(
        db, clinic_id=catalogue.clinic_id, appointment_ids=[each.id for each in priced]
    )
    return {
        each.id: deposit
        for each in priced
        if (deposit := catalogue.deposit_for(each.appointment_type_id, each.price, discounts.get(each.id)))
    }


async def find_discount(db: Statements, *, clinic_id: int, appointment_id: UUID) -> Discount | None:
    """Return what a coupon took off the appointment's price when it was booked, or None."""
    discounts = await repository.list_discounts(db, clinic_id=clinic_id, appointment_ids=[appointment_id])
    return discounts.get(appointment_id)


async def due_deposit(db: Statements, catalogue: Catalogue, appointments: Iterable[Appointment]) -> Money | None:
    """Return the sum of the deposits for those appointments that are on hold, or None if there is nothing to pay."""
    on_hold = [each for each in appointments if each.status == Status.PENDING]
    return add_up((await find_deposits(db, catalogue, on_hold)).values())


async def due_for_booking(db: Statements, catalogue: Catalogue, appointment: Appointment) -> Money | None:
    """Return the deposit for everything on hold that was booked together with an appointment, or None if there is
    nothing to pay or the appointment is not on hold."""
    if appointment.status != Status.PENDING or not catalogue.deposits:
        return None
    booking_id = appointment.booking_id
    by_id = await bookings.load_bookings(db, clinic_id=catalogue.clinic_id, booking_ids=[booking_id])
    return await due_deposit(db, catalogue, by_id[booking_id].appointments)


def add_up(amounts: Iterable[Money]) -> Money | None:
    """Return the sum of the amounts that are in the first one's currency, or None if there are none."""
    terms = list(amounts)
    if not terms:
        return None
    currency = terms[0].currency
    return Money(sum(each.amount for each in terms if each.currency == currency), currency)
