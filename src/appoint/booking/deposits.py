"""What patients pay before their appointments are booked."""

from collections.abc import Sequence

from ..clinics.catalogue.model import Catalogue
from ..kit.money import Money
from .model import Appointment, Status


def deposit_of(catalogue: Catalogue, appointment: Appointment) -> Money | None:
    """Return the deposit that the clinic asks for, or None if it asks for none."""
    type_id = appointment.appointment_type_id
    return catalogue.deposit_for(catalogue.types.get(type_id) if type_id else None)


def due_deposit(catalogue: Catalogue, appointments: Sequence[Appointment]) -> Money | None:
    """Return the sum of the deposits for those appointments that are on hold, or None if there is nothing to pay."""
    deposits = [
        deposit
        for appointment in appointments
        if appointment.status == Status.PENDING and (deposit := deposit_of(catalogue, appointment))
    ]
    if not deposits:
        return None
    currency = deposits[0].currency
    return Money(sum(deposit.amount for deposit in deposits if deposit.currency == currency), currency)
