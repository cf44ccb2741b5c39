"""SQL for appointments: reads, the facts that explain refusals, and writes."""

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
from .refusals import busy_times, remnant_ids, slot_times, upcoming_counts
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
    "busy_times",
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
    "remnant_ids",
    "slot_times",
    "upcoming_counts",
    "visits_of_customers",
    "withdraw_remnant",
]
