"""Constraint cases for patients' joined records and corrections."""

from functools import partial

from support.constraint_rows import (
    ANA,
    BEN,
    BOOKED,
    CY,
    FOREIGN_ID,
    NEW_ID,
    OTHER_ID,
    appointment,
    day,
    insert,
)

correction = partial(
    insert,
    "patient_correction",
    clinic_id=1,
    id=NEW_ID,
    detail="name",
    customer_id=ANA,
    actor="user:mia",
    old_value="Ana",
    new_value="Anna",
)
PATIENT_CASES = {
    "person_free": appointment(
        "09:15", "09:45", claimed=day(1, "09:15", "09:45"), doctor_id=OTHER_ID, customer_id=BEN, person_id=ANA
    ),
    "patient_person": insert("patient", clinic_id=1, customer_id=ANA),
    "patient_main": insert("patient", clinic_id=1, customer_id=CY, main_id=BEN, joined_at="2027-03-01"),
    "patient_joined": f"update patient set joined_at = now() where customer_id = '{ANA}'",
    "patient_corrected": insert("patient", clinic_id=1, customer_id=CY, corrected_name="Cy"),
    "patient_corrected_name": insert("patient", clinic_id=1, customer_id=CY, corrected_name=" "),
    "patient_corrected_phone": insert("patient", clinic_id=1, customer_id=CY, corrected_phone="030 123"),
    "patient_corrected_locale": insert("patient", clinic_id=1, customer_id=CY, corrected_locale="la"),
    "patient_correction_pkey": correction(id=BOOKED),
    "patient_correction_id_of_clinic": correction(id=FOREIGN_ID),
    "patient_correction_detail": correction(detail="hair"),
    "patient_correction_values": correction(new_value="Ana"),
    "patient_correction_patient": correction(customer_id=CY),
    "patient_correction_customer": correction(customer_id=BEN),
}
