"""Constraint cases for billing appointments."""

from functools import partial

from support.constraint_rows import BOOKED, CANCELLED, MISSING_ID, insert
from support.money_constraint_rows import refund

appointment_bill = partial(insert, "appointment_bill", clinic_id=1, appointment_id=CANCELLED)
settled_bill = partial(
    appointment_bill,
    settled_as="noShow",
    settled_at="2027-03-01",
    currency="EUR",
    paid=1000,
    kept=1000,
    returned=0,
    refund_to="credit",
)

BILLING_CASES = {
    "appointment_bill_pkey": appointment_bill(appointment_id=BOOKED),
    "appointment_bill_appointment": appointment_bill(appointment_id=MISSING_ID),
    "appointment_bill_settled": appointment_bill(settled_as="noShow"),
    "appointment_bill_settled_as": settled_bill(settled_as="death"),
    "appointment_bill_currency": settled_bill(currency="eur"),
    "appointment_bill_paid": settled_bill(paid=-1),
    "appointment_bill_kept": settled_bill(kept=-1),
    "appointment_bill_returned": settled_bill(returned=1001),
    "appointment_bill_refund_to": settled_bill(refund_to="charity"),
    "refund_appointment": refund(appointment_id=MISSING_ID),
}
