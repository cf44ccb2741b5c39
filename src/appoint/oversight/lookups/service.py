"""Look up other clinics' customers, and notify them."""

from datetime import datetime

from ...customers import service as customers
from ...customers.model import FoundCustomer
from ...database.pool import Transaction
from ...messaging.notifications import service as notifications


async def find(
    tx: Transaction, *, clinic_id: int, email: str | None, phone: str | None, now: datetime
) -> list[FoundCustomer]:
    """Return the customers with exactly this email address or phone number. If some are not the clinic's patients, send
    one message to the address they share, at most once a day for each clinic.

    Raise `NotFound` for an unknown clinic, and `Invalid` for an invalid number.
    """
    matches = await customers.find_at_address(tx, clinic_id=clinic_id, email=email, phone=phone)
    others = (customer for customer in matches if not customer.is_patient)
    if other := next(others, None):
        await notifications.notify_about_lookup(tx, clinic_id=clinic_id, customer_id=other.customer_id, now=now)
    return matches
