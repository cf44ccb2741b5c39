"""Constraint cases for recordings and the consent that they need."""

from functools import partial

from support.constraint_rows import BOOKED, CALL, CANCELLED, CONSENT, FOREIGN_ID, MISSING_ID, NEW_ID, RECORDING, insert
from support.keys import CIPHERTEXT

settings = partial(insert, "call_settings", clinic_id=2, id=NEW_ID.replace("00000001", "00000002", 1), gateway="demo")
consent = partial(
    insert,
    "recording_consent",
    clinic_id=1,
    id=NEW_ID,
    appointment_id=CANCELLED,
    words_version=1,
    language="de",
    given_by="link",
    given_at="2027-03-01",
)
recording = partial(
    insert,
    "recording",
    clinic_id=1,
    id=NEW_ID,
    call_id=CALL,
    gateway="daily",
    provider_id="rec-2",
    state="deleting",
    due_at="2027-03-01",
)
stored = partial(recording, state="copied", key=CIPHERTEXT, bytes=3, sha256="\\x" + "00" * 32)
RECORDING_CASES = {
    "call_settings_recording": settings(recording="always"),
    "call_settings_recording_days": settings(recording_days=0),
    "recording_consent_pkey": consent(id=CONSENT),
    "recording_consent_id_of_clinic": consent(id=FOREIGN_ID),
    "recording_consent_words": consent(words_version=0),
    "recording_consent_language": consent(language="d"),
    "recording_consent_given_by": consent(given_by="x" * 101),
    "recording_consent_once": consent(appointment_id=BOOKED),
    "recording_consent_appointment": consent(appointment_id=MISSING_ID),
    "recording_pkey": recording(id=RECORDING),
    "recording_id_of_clinic": recording(id=FOREIGN_ID),
    "recording_gateway": recording(gateway="jitsi"),
    "recording_provider_id": recording(provider_id=""),
    "recording_state": recording(state="lost"),
    "recording_key": stored(key="key"),
    "recording_bytes": stored(bytes=0),
    "recording_sha256": stored(sha256="\\x00"),
    "recording_tries": recording(tries=-1),
    "recording_error": recording(error="x" * 201),
    "recording_once": recording(provider_id="rec-1"),
    "recording_content": recording(key=CIPHERTEXT),
    "recording_due": recording(due_at=None),
    "recording_retention": recording(delete_at="2027-03-01"),
    "recording_call": recording(call_id=MISSING_ID),
}
