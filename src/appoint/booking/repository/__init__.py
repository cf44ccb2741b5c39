"""SQL for appointments: reads, the facts that explain refusals, and writes."""

from .discounts import list_discounts
from .encrypted_columns import decrypted
from .gathered import can_gather, insert_gathered
from .patients import find_patient_facts
from .reads import (
    find,
    find_by_idempotency_key,
    find_details,
    find_latest_by_callers,
    has_link,
    list_changed_for_clinic,
    list_for_clinic,
    list_for_customer,
    list_visits,
    to_appointment,
    to_booked_appointments,
)
from .rebooking import ask_to_rebook
from .refusals import (
    count_upcoming,
    exceeded_stranger_bound,
    find_busy_times,
    find_remnants,
    find_slot_end,
    find_slot_times,
    has_joined,
    list_unreachable,
)
from .steps import find_undo, list_stepped
from .writes import (
    INSERT_APPOINTMENTS,
    NotesChange,
    change_notes,
    change_status,
    expire_holds,
    insert_appointments,
    lock,
    lock_hours,
    move,
    publish_missing,
    revoke_link,
    undo_step,
    withdraw_remnant,
)

__all__ = [
    "INSERT_APPOINTMENTS",
    "NotesChange",
    "ask_to_rebook",
    "can_gather",
    "change_notes",
    "change_status",
    "count_upcoming",
    "decrypted",
    "exceeded_stranger_bound",
    "expire_holds",
    "find",
    "find_busy_times",
    "find_by_idempotency_key",
    "find_details",
    "find_latest_by_callers",
    "find_patient_facts",
    "find_remnants",
    "find_slot_end",
    "find_slot_times",
    "find_undo",
    "has_joined",
    "has_link",
    "insert_appointments",
    "insert_gathered",
    "list_changed_for_clinic",
    "list_discounts",
    "list_for_clinic",
    "list_for_customer",
    "list_stepped",
    "list_unreachable",
    "list_visits",
    "lock",
    "lock_hours",
    "move",
    "publish_missing",
    "revoke_link",
    "to_appointment",
    "to_booked_appointments",
    "undo_step",
    "withdraw_remnant",
]
