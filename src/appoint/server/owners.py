"""The owners of the resources that paths name, for access rules such as “their own patients”."""

from collections.abc import Mapping
from typing import Final

from ..booking import owners as booking_owners
from ..http.ownership import FindOwners
from ..payments import owners as payment_owners
from ..scheduling import owners as scheduling_owners

OWNERS: Final[Mapping[str, FindOwners]] = {
    "appointment_id": booking_owners.owners_of_appointment,
    "step_id": booking_owners.owners_of_step,
    "booking_id": booking_owners.owners_of_booking,
    "customer_id": booking_owners.owners_of_patient,
    "invoice_id": payment_owners.owners_of_invoice,
    "payment_id": payment_owners.owners_of_payment,
    "booking_slot_id": scheduling_owners.owners_of_booking_slot,
    "doctor_slot_id": scheduling_owners.owners_of_doctor_slot,
    "absence_id": scheduling_owners.owners_of_absence,
}
"""Functions that find a resource's owners, keyed by the path parameter that contains its id."""
