"""SQL for appointments: reads in one module, writes in the other."""

from .reads import (
    appointment,
    booked_appointments,
    find,
    find_by_idempotency_key,
    for_holder,
    of_clinic,
    of_customer,
    visits_of_customers,
)
from .writes import (
    INSERT_APPOINTMENTS,
    change_notes,
    change_status,
    expire_holds,
    insert_appointments,
    lock,
    lock_hours,
    move,
    publish_missing,
    withdraw_remnant,
)

__all__ = [
    "INSERT_APPOINTMENTS",
    "appointment",
    "booked_appointments",
    "change_notes",
    "change_status",
    "expire_holds",
    "find",
    "find_by_idempotency_key",
    "for_holder",
    "insert_appointments",
    "lock",
    "lock_hours",
    "move",
    "of_clinic",
    "of_customer",
    "publish_missing",
    "visits_of_customers",
    "withdraw_remnant",
]
