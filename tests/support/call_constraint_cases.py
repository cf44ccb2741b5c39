"""Constraint cases for calls, their settings and guests."""

from functools import partial

from support.constraint_rows import (
    BOOKED,
    CALL,
    CALL_SETTINGS,
    CANCELLED,
    FOREIGN_ID,
    GUEST,
    MISSING_ID,
    NEW_ID,
    day,
    id_of,
    insert,
)
from support.keys import CIPHERTEXT
from support.recording_constraint_cases import RECORDING_CASES

settings = partial(insert, "call_settings", clinic_id=2, id=id_of(2, 100), gateway="demo")
call = partial(
    insert,
    "call",
    clinic_id=1,
    id=NEW_ID,
    appointment_id=CANCELLED,
    sequence=0,
    gateway="demo",
    state="made",
    during=day(1, "10:00", "10:30"),
)
guest = partial(insert, "call_guest", clinic_id=1, id=NEW_ID, appointment_id=BOOKED, name="Ines")
token = partial(insert, "call_token", gateway="daily", number=2)
CALL_CASES = {
    **RECORDING_CASES,
    "call_settings_pkey": settings(clinic_id=1, id=CALL_SETTINGS),
    "call_settings_id_of_clinic": settings(id=NEW_ID),
    "call_settings_gateway": settings(gateway="fax", connection=CIPHERTEXT),
    "call_settings_once": settings(clinic_id=1, id=NEW_ID),
    "call_settings_connection": settings(gateway="jitsi"),
    "call_settings_connection_encrypted": settings(gateway="jitsi", connection="{}"),
    "call_settings_opening": settings(opens_before_minutes=4),
    "call_settings_phone": settings(phone="030 12345678"),
    "call_settings_clinic": settings(clinic_id=4, id=id_of(4, 1)),
    "call_pkey": call(id=CALL),
    "call_id_of_clinic": call(id=FOREIGN_ID),
    "call_sequence": call(sequence=-1),
    "call_gateway": call(gateway="fax"),
    "call_state": call(state="ringing"),
    "call_half_open": call(during=day(1, "10:00", "10:30", "[]")),
    "call_tries": call(tries=-1),
    "call_error": call(error="lost"),
    "call_delay": call(delay_minutes=0),
    "call_once": call(appointment_id=BOOKED, state="ended"),
    "call_live_once": call(appointment_id=BOOKED, sequence=1),
    "call_due": call(due_at="2027-03-01"),
    "call_opened": call(state="open"),
    "call_appointment": call(appointment_id=MISSING_ID),
    "call_token_pkey": token(number=1),
    "call_token_gateway": token(gateway="jitsi"),
    "call_token_number": token(number=0),
    "call_guest_pkey": guest(id=GUEST),
    "call_guest_id_of_clinic": guest(id=FOREIGN_ID),
    "call_guest_name": guest(name=" \n"),
    "call_guest_appointment": guest(appointment_id=MISSING_ID),
}
