"""SQL for appointments: reads, the facts that explain refusals, and writes."""

from .reads import (
    find,
    find_by_idempotency_key,
    find_details,
    find_undo,
    list_for_clinic,
    list_for_customer,
    list_visits,
    to_appointment,
    to_booked_appointments,
)
from .refusals import count_upcoming, find_busy_times, find_remnants, find_slot_times
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
    undo_step,
    withdraw_remnant,
)

__all__ = [
    "INSERT_APPOINTMENTS",
    "change_notes",
    "change_status",
    "count_upcoming",
    "expire_holds",
    "find",
    "find_busy_times",
    "find_by_idempotency_key",
    "find_details",
    "find_remnants",
    "find_slot_times",
    "find_undo",
    "insert_appointments",
    "list_for_clinic",
    "list_for_customer",
    "list_visits",
    "lock",
    "lock_hours",
    "move",
    "publish_missing",
    "to_appointment",
    "to_booked_appointments",
    "undo_step",
    "withdraw_remnant",
]
