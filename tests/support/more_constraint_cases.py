"""Constraint cases for strangers' appointments, manage links and reports."""

from support.constraint_rows import (
    BOOKED,
    FOREIGN_ID,
    MISSING_ID,
    appointment,
    daily_sums,
    insert,
    stranger_appointment,
)

MORE_CASES = {
    "appointment_link_number": appointment(link_number=0),
    "stranger_appointment_pkey": stranger_appointment(appointment_id=BOOKED),
    "stranger_appointment_networks": stranger_appointment(networks="{}"),
    "stranger_appointment_minutes": stranger_appointment(minutes=0),
    "stranger_appointment_of": stranger_appointment(appointment_id=MISSING_ID),
    "doctor_day_pkey": daily_sums(date="2027-03-01"),
    "doctor_day_doctor": daily_sums(doctor_id=FOREIGN_ID),
    "doctor_day_hours": daily_sums(opens=23),
    "doctor_day_counts": daily_sums(kept=2),
    "doctor_day_lead": daily_sums(lead="{3}"),
    "unsummed_pkey": insert("unsummed", clinic_id=1, id=BOOKED, days="[2027-03-02,2027-03-03)"),
}
