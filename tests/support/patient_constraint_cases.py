"""Constraint cases for patients' joined records, corrections and guardians."""

from functools import partial

from support.constraint_rows import (
    ANA,
    BEN,
    BOOKED,
    CY,
    FOREIGN_ID,
    MISSING_ID,
    NEW_ID,
    OTHER_ID,
    SESSION,
    appointment,
    day,
    insert,
    platform_id,
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
guardianship = partial(insert, "guardianship", guardian_id=ANA, ward_id=CY, granting_clinic_id=1, ends_on="2028-03-01")
difference = partial(insert, "patient_difference", clinic_id=1, customer_id=ANA, other_id=BEN)
address_change = partial(
    insert, "address_change", customer_id=ANA, channel="email", old_address="ana@example.com", id=NEW_ID
)
PATIENT_CASES = {
    "address_change_pkey": address_change(id=SESSION),
    "address_change_channel": address_change(channel="fax"),
    "address_change_customer": address_change(customer_id=MISSING_ID),
    "patient_difference_pkey": difference(),
    "patient_difference_order": difference(customer_id=BEN, other_id=ANA),
    "patient_difference_customer": difference(customer_id=platform_id(0)),
    "patient_difference_other": difference(other_id=CY),
    "guardianship_pkey": guardianship(id=SESSION),
    "guardianship_of_another": guardianship(ward_id=ANA),
    "guardianship_once": guardianship(ward_id=BEN),
    "guardianship_guardian": guardianship(guardian_id=MISSING_ID),
    "guardianship_ward": guardianship(ward_id=MISSING_ID),
    "guardianship_clinic": guardianship(granting_clinic_id=4),
    "person_free": appointment(
        "09:15", "09:45", claimed=day(1, "09:15", "09:45"), doctor_id=OTHER_ID, customer_id=BEN, person_id=ANA
    ),
    "patient_person": insert("patient", clinic_id=1, customer_id=ANA),
    "patient_main": insert("patient", clinic_id=1, customer_id=CY, main_id=BEN, joined_at="2027-03-01"),
    "patient_joined": f"update patient set joined_at = now() where customer_id = '{ANA}'",
    "patient_corrected": insert("patient", clinic_id=1, customer_id=CY, corrected_name="Cy"),
    "patient_corrected_name": insert("patient", clinic_id=1, customer_id=CY, corrected_name=" "),
    "patient_corrected_phone": insert("patient", clinic_id=1, customer_id=CY, corrected_phone="030 123"),
    "patient_corrected_postal_address": insert("patient", clinic_id=1, customer_id=CY, corrected_postal_address=" "),
    "patient_corrected_locale": insert("patient", clinic_id=1, customer_id=CY, corrected_locale="la"),
    "patient_correction_pkey": correction(id=BOOKED),
    "patient_correction_id_of_clinic": correction(id=FOREIGN_ID),
    "patient_correction_detail": correction(detail="hair"),
    "patient_correction_values": correction(new_value="Ana"),
    "patient_correction_patient": correction(customer_id=CY),
    "patient_correction_customer": correction(customer_id=BEN),
}
