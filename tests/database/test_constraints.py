"""The database proves the rules by itself: each of its constraints is broken here by plain SQL, as any other program
could, and refuses it."""

from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from appoint.kit import ids


def id_of(clinic: int, number: int) -> str:
    return str(UUID(int=clinic << 96 | 0x8 << 76 | 0b10 << 62 | number))


SHAH, TYPE, MORNING, LINE, SLOT, FIRST, SECOND, AWAY = (id_of(1, number) for number in range(1, 9))
NEW, OTHER, NOBODY = (id_of(1, number) for number in range(100, 103))
ELSEWHERE = id_of(2, 1)
WORDS, TOLD = id_of(1, 30), id_of(1, 31)
PARTNER, DELIVERY = id_of(1, 40), id_of(1, 41)
PORTAL = id_of(1, 50)
ANA, BEN, STRANGER = (str(UUID(int=0x7 << 76 | 0b10 << 62 | number)) for number in range(1, 4))
MIA, NORA, HERE = (str(UUID(int=0x7 << 76 | 0b10 << 62 | number)) for number in range(10, 13))

# Ana is booked from 9:00 to 9:30 with Dr Shah, who has published 8:00 to 16:00. Ben was at 10:00 and has cancelled.
SETUP = f"""
insert into clinic (id, name, time_zone, slug) values (1, 'Lakeside', 'Europe/Berlin', 'lakeside'), (2, 'Hillside', 'Europe/Berlin', null);
insert into clinic (id, name, time_zone, active, removed_at) values (3, 'Closed', 'Europe/Berlin', false, now());
insert into doctor (clinic_id, id, name) values (1, '{SHAH}', 'Dr Shah'), (2, '{ELSEWHERE}', 'Dr Okafor');
insert into appointment_type (clinic_id, id, name, minutes) values (1, '{TYPE}', 'Check-up', 30), (2, '{ELSEWHERE}', 'Check-up', 30);
insert into doctor_appointment_type values (1, '{SHAH}', '{TYPE}');
insert into customer (id, name) values ('{ANA}', 'Ana'), ('{BEN}', 'Ben'), ('{STRANGER}', 'Cy');
insert into patient (clinic_id, customer_id, record_number) values (1, '{ANA}', '7'), (1, '{BEN}', null);
insert into time_slot (clinic_id, id, minutes) values (1, '{MORNING}', '[540,750)'), (2, '{ELSEWHERE}', '[540,750)');
insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid, time_slot_id) values (1, '{LINE}', '{SHAH}', 1, '[540,750)', '[,)', '{MORNING}');
insert into absence (clinic_id, id, during) values (1, '{AWAY}', '[2027-04-01 08:00Z, 2027-04-01 16:00Z)');
insert into booking_slot (clinic_id, id, doctor_id, date, during) values (1, '{SLOT}', '{SHAH}', '2027-03-01', '[2027-03-01 08:00Z, 2027-03-01 16:00Z)');
insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed, status, idempotency_caller, idempotency_key, request_digest) values
  (1, '{FIRST}', '{FIRST}', '{SHAH}', '{ANA}', '[2027-03-01 09:00Z, 2027-03-01 09:30Z)', '[2027-03-01 09:00Z, 2027-03-01 09:30Z)', 'booked', 'ana', 'once', ''),
  (1, '{SECOND}', '{SECOND}', '{SHAH}', '{BEN}', '[2027-03-01 10:00Z, 2027-03-01 10:30Z)', '[2027-03-01 10:00Z, 2027-03-01 10:30Z)', 'cancelled', null, null, null);
insert into event (clinic_id, id, type, subject_id, subject_version, data) values (1, '{FIRST}', 'appointment.booked', '{FIRST}', 1, '{{}}');
insert into request_key (caller, key, digest) values ('ana', 'once', '');
insert into worker_heartbeat values ('worker/1', now());
insert into job_run (name, due_at) values ('publish-slots', now());
insert into dev_message (token, channel, recipient, subject, text) values ('told', 'email', 'ana@example.org', 'Rescheduled', 'It is later now.');
insert into event_log (clinic_id, id, type, subject_id, subject_version, data, created_at) values (1, '{FIRST}', 'appointment.booked', '{FIRST}', 1, '{{}}', now());
insert into broker_message (position, clinic_id, event_id, type, subject_id, body) values (1, 1, '{FIRST}', 'appointment.booked', '{FIRST}', '');
insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel, due_at, expires_at)
  values (1, '{TOLD}', 'confirmation', '{FIRST}', 0, 'customer', '{ANA}', 'email', now(), now());
insert into notification_preference (customer_id, channel, wanted) values ('{ANA}', 'email', false);
insert into send_token (channel, number) values ('email', 1);
insert into message_template (clinic_id, id, kind, channel, locale, subject, text) values (1, '{WORDS}', 'moved', 'email', 'en', 'Rescheduled', 'It is later now.');
insert into webhook (clinic_id, id, url, secret) values (1, '{PARTNER}', 'https://partner.example.com/', sha256(''));
insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
  values (1, '{DELIVERY}', '{PARTNER}', '{FIRST}', 'slot.moved', '{SLOT}', now());
insert into audit_unsealed (clinic_id, id, actor, action) values (1, '{FIRST}', 'system', 'expireHold');
insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash) values (1, 1, '{FIRST}', now(), 'system', 'expireHold', '{{}}', sha256(''));
insert into audit_head (clinic_id, position, hash, sealed_at, public_key, signature) values (1, 1, sha256(''), now(), '', '');
insert into api_key (clinic_id, id, name, scopes, secret_hash) values (1, '{PORTAL}', 'Portal', '{{book}}', sha256(''));
insert into app_user (id, name, email) values ('{MIA}', 'Mia', 'mia@example.org'), ('{NORA}', 'Nora', 'nora@example.org');
insert into membership (clinic_id, user_id, role) values (1, '{MIA}', 'manager');
insert into session (id, token_hash, user_id, expires_at) values ('{HERE}', sha256(''), '{MIA}', now());
insert into sign_in_code (id, channel, customer_ids, expires_at) values ('{HERE}', 'email', '{{}}', now());
insert into doctor_day values (1, '2027-03-01', '{SHAH}', 9, '{{60,60}}', '{{30,0}}', 2, 1, 0, 0, 3, '{{0,0,2,0,0,0,0,0}}');
insert into unsummed (clinic_id, id, days) values (1, '{FIRST}', '[2027-03-01,2027-03-02)');
"""


def insert(table: str, /, **columns: object) -> str:
    values = ("null" if value is None else f"'{value}'" for value in columns.values())
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join(values)})"


def day(number: int, start: str, end: str, bounds: str = "[)") -> str:
    return f"{bounds[0]}2027-03-{number:02} {start}Z, 2027-03-{number:02} {end}Z{bounds[1]}"


# Rows that nothing speaks against; the cases below change one thing about them.
clinic = partial(insert, "clinic", id=5, name="Seaside", time_zone="Europe/Berlin")
doctor = partial(insert, "doctor", clinic_id=1, id=NEW, name="Dr New")
appointment_type = partial(insert, "appointment_type", clinic_id=1, id=NEW, name="Long visit", minutes=60)
customer = partial(insert, "customer", name="Dee")
time_slot = partial(insert, "time_slot", clinic_id=1, id=NEW, minutes="[780,840)")
line = partial(insert, "doctor_slot", clinic_id=1, id=NEW, doctor_id=SHAH, weekday=2, minutes="[540,600)", valid="[,)")
absence = partial(insert, "absence", clinic_id=1, id=NEW, during=day(3, "08:00", "16:00"))
slot = partial(
    insert, "booking_slot", clinic_id=1, id=NEW, doctor_id=SHAH, date="2027-03-02", during=day(2, "08:00", "16:00")
)
logged = partial(
    insert,
    "event_log",
    clinic_id=1,
    id=NEW,
    type="slot.moved",
    subject_id=SLOT,
    subject_version=1,
    data="{}",
    created_at="2027-03-01",
)
SHA256 = r"\x" + "00" * 32
unsealed = partial(insert, "audit_unsealed", clinic_id=1, id=NEW, actor="system", action="expireHold")
sealed = partial(
    insert,
    "audit_entry",
    clinic_id=1,
    position=2,
    id=NEW,
    at="2027-03-01",
    actor="system",
    action="expireHold",
    subjects="{}",
    hash=SHA256,
)
head = partial(
    insert, "audit_head", clinic_id=2, position=1, hash=SHA256, sealed_at="2027-03-01", public_key="", signature=""
)
broker_message = partial(
    insert, "broker_message", position=2, clinic_id=1, event_id=NEW, type="slot.moved", subject_id=SLOT, body="{}"
)
notification = partial(
    insert,
    "notification",
    clinic_id=1,
    id=NEW,
    kind="reminder-120",
    subject_id=FIRST,
    sequence=0,
    recipient="customer",
    recipient_id=ANA,
    channel="email",
    due_at="2027-03-01",
    expires_at="2027-03-01",
)
preference = partial(insert, "notification_preference", customer_id=BEN, channel="email", wanted=True)
job_run = partial(insert, "job_run", name="forget-codes", due_at="2027-03-02 01:00Z")
token = partial(insert, "send_token", channel="email", number=2)
words = partial(
    insert,
    "message_template",
    clinic_id=1,
    id=NEW,
    kind="reminder",
    channel="email",
    locale="en",
    subject="Soon",
    text="It is soon.",
)
dev_message = partial(
    insert, "dev_message", token="new", channel="sms", recipient="+493012345678", subject="", text="It is soon."
)
webhook = partial(
    insert, "webhook", clinic_id=1, id=NEW, url="https://partner.example.com/new", secret="\\x" + "00" * 32
)
delivery = partial(
    insert,
    "webhook_delivery",
    clinic_id=1,
    id=NEW,
    webhook_id=PARTNER,
    event_id=SECOND,
    event_type="slot.moved",
    subject_id=SLOT,
    due_at="2027-03-01",
)
api_key = partial(
    insert, "api_key", clinic_id=1, id=NEW, name="Laboratory", scopes="{book}", secret_hash="\\x" + "00" * 32
)
user = partial(insert, "app_user", name="Olga", email="olga@example.org")
member = partial(insert, "membership", clinic_id=1, user_id=NORA, role="receptionist")
sign_in_code = partial(insert, "sign_in_code", channel="sms", customer_ids="{}", expires_at="2027-03-01")
session = partial(insert, "session", token_hash="\\x" + "00" * 32, user_id=MIA, expires_at="2027-03-01")
sums = partial(
    insert,
    "doctor_day",
    clinic_id=1,
    date="2027-03-02",
    doctor_id=SHAH,
    opens=22,
    published_minutes="{60,60}",
    booked_minutes="{60,60}",
    booked=3,
    cancelled=1,
    missed=1,
    kept=1,
    lead_days=0,
    lead="{3,0,0,0,0,0,0,0}",
)
event = partial(insert, "event", clinic_id=1, type="slot.moved", subject_id=SLOT, subject_version=1, data="{}")


def appointment(start: str = "11:00", end: str = "11:30", **columns: object) -> str:
    during = day(1, start, end)
    who = {"clinic_id": 1, "id": NEW, "booking_id": NEW, "doctor_id": SHAH, "customer_id": ANA}
    return insert("appointment", **{**who, "during": during, "claimed": during, **columns})


GONE = {"active": False, "removed_at": "2027-01-01"}
CASES = {
    "clinic_pkey": clinic(id=3, **GONE),
    "clinic_number": clinic(id=0),
    "clinic_name": clinic(name=" \n"),
    "clinic_slug": clinic(slug="lakeside"),
    "clinic_slug_form": clinic(slug="Lake side"),
    "clinic_time_zone": clinic(time_zone="Europe/Atlantis"),
    "clinic_locale": clinic(locale="la"),
    "clinic_currency": clinic(currency="euro"),
    "clinic_slot_step": clinic(slot_step_minutes=0),
    "clinic_min_notice": clinic(min_notice_minutes=-1),
    "clinic_horizon": clinic(horizon_days=367),
    "clinic_cancel_notice": clinic(cancel_notice_minutes=-1),
    "clinic_doctor_choice": clinic(doctor_choice="tallest"),
    "clinic_removed": clinic(active=False),
    "clinic_active": clinic(id=1),
    "doctor_pkey": doctor(id=SHAH),
    "doctor_id_of_clinic": doctor(id=id_of(2, 100)),
    "doctor_name": doctor(name=""),
    "doctor_removed": doctor(removed_at="2027-01-01"),
    "doctor_clinic": doctor(clinic_id=4, id=id_of(4, 1), **GONE),
    "doctor_active_clinic": doctor(clinic_id=3, id=id_of(3, 1)),
    "appointment_type_pkey": appointment_type(id=TYPE),
    "appointment_type_id_of_clinic": appointment_type(id=id_of(2, 100)),
    "appointment_type_name": appointment_type(name=""),
    "appointment_type_minutes": appointment_type(minutes=4),
    "appointment_type_buffer_before": appointment_type(buffer_before_minutes=-1),
    "appointment_type_buffer_after": appointment_type(buffer_after_minutes=721),
    "appointment_type_price": appointment_type(price_amount=4500),
    "appointment_type_price_amount": appointment_type(price_amount=-1, price_currency="EUR"),
    "appointment_type_price_currency": appointment_type(price_amount=1, price_currency="€"),
    "appointment_type_mode": appointment_type(mode="by letter"),
    "appointment_type_removed": appointment_type(active=False),
    "appointment_type_clinic": appointment_type(clinic_id=4, id=id_of(4, 1)),
    "doctor_appointment_type_pkey": f"insert into doctor_appointment_type values (1, '{SHAH}', '{TYPE}')",
    "offered_by": f"insert into doctor_appointment_type values (2, '{NOBODY}', '{ELSEWHERE}')",
    "offered_type": f"insert into doctor_appointment_type values (2, '{ELSEWHERE}', '{TYPE}')",
    "customer_pkey": customer(id=ANA),
    "customer_name": customer(name="x" * 201),
    "customer_phone": customer(phone="030 123"),
    "customer_locale": customer(locale="la"),
    "customer_time_zone": customer(time_zone="Europe/Atlantis"),
    "customer_removed": customer(active=False),
    "customer_erased": customer(name="(erased)", email="ana@example.org", erased_at="2027-01-01", **GONE),
    "customer_present": customer(id=ANA),
    "patient_noted": insert("patient", clinic_id=1, customer_id=STRANGER, notes="likes tea"),
    "clinic_retain_patients": clinic(retain_patients_months=0),
    "clinic_retain_messages": clinic(retain_messages_days=0),
    "dev_message_customer": dev_message(customer_id=NOBODY),
    "patient_pkey": f"insert into patient values (1, '{ANA}')",
    "patient_record_number": f"insert into patient (clinic_id, customer_id, record_number) values (1, '{STRANGER}', '7')",
    "patient_clinic": f"insert into patient values (4, '{STRANGER}')",
    "patient_customer": f"insert into patient values (1, '{NOBODY}')",
    "time_slot_pkey": time_slot(id=MORNING, **GONE),
    "time_slot_id_of_clinic": time_slot(id=id_of(2, 100)),
    "time_slot_in_a_day": time_slot(minutes="[1410,1450)"),
    "time_slot_removed": time_slot(active=False),
    "time_slot_clinic": time_slot(clinic_id=4, id=id_of(4, 1), **GONE),
    "time_slot_active_clinic": time_slot(clinic_id=3, id=id_of(3, 1)),
    "time_slot_minutes": time_slot(id=MORNING, minutes="[540,750)"),
    "time_slots_intersect": time_slot(minutes="[749,800)"),
    "doctor_slot_pkey": line(id=LINE),
    "doctor_slot_id_of_clinic": line(id=id_of(2, 100)),
    "doctor_slot_weekday": line(weekday=0),
    "doctor_slot_in_a_day": line(minutes="empty"),
    "doctor_slot_valid": line(valid="empty"),
    "doctor_slot_removed": line(active=False),
    "doctor_slot_doctor": line(doctor_id=ELSEWHERE),
    "doctor_slot_time_slot": line(time_slot_id=ELSEWHERE, **GONE),
    "doctor_slot_keeps_time": line(time_slot_id=MORNING),
    "schedule_lines_overlap": line(weekday=1, minutes="[749,800)", valid="[2027-03-01,2027-03-02)"),
    "absence_pkey": absence(id=AWAY),
    "absence_id_of_clinic": absence(id=id_of(2, 100)),
    "absence_half_open": absence(during="[2027-04-02 08:00Z,)"),
    "absence_removed": absence(active=False),
    "absence_clinic": absence(clinic_id=4, id=id_of(4, 1)),
    "absence_doctor": absence(doctor_id=ELSEWHERE),
    "booking_slot_pkey": slot(id=SLOT),
    "booking_slot_id_of_clinic": slot(id=id_of(2, 100)),
    "booking_slot_half_open": slot(during=day(2, "08:00", "16:00", "[]")),
    "booking_slot_source": slot(source="rumour"),
    "booking_slot_doctor": slot(doctor_id=ELSEWHERE),
    "booking_slot_time_slot": slot(time_slot_id=ELSEWHERE),
    "published": slot(during=day(1, "15:59", "17:00")),
    "appointment_pkey": appointment(id=FIRST),
    "appointment_id_of_clinic": appointment(id=id_of(2, 100)),
    "appointment_booking_of_clinic": appointment(booking_id=id_of(2, 100)),
    "appointment_position": appointment(position=-1),
    "appointment_status": appointment(status="forgotten"),
    "appointment_half_open": appointment(during=day(1, "11:00", "11:30", "[]"), claimed=day(1, "11:00", "11:40")),
    "appointment_claim_half_open": appointment(claimed=day(1, "10:50", "11:40", "()")),
    "appointment_claim_covers": appointment(claimed=day(1, "11:00", "11:29")),
    "appointment_hold": appointment(status="pending"),
    "appointment_cancel_reason": appointment(cancel_reason="ill"),
    "appointment_cancel_cause": appointment(status="cancelled", cancel_cause="boredom"),
    "appointment_price": appointment(price_currency="EUR"),
    "appointment_price_amount": appointment(price_amount=-1, price_currency="EUR"),
    "appointment_price_currency": appointment(price_amount=1, price_currency="eur"),
    "appointment_overridden": appointment(overridden="{taken}", override_reason="In pain"),
    "appointment_override": appointment(overridden="{too-soon}"),
    "appointment_request": appointment(idempotency_caller="ana"),
    "appointment_only_held": appointment(only_held=True),
    "same_request": appointment(idempotency_caller="ana", idempotency_key="once", request_digest=""),
    "doctor_free": appointment("09:15", "09:45", customer_id=BEN),
    "customer_free": appointment("09:15", "09:45", claimed=day(1, "09:15", "09:45"), doctor_id=OTHER),
    "appointment_doctor": appointment(doctor_id=NOBODY, status="cancelled"),
    "appointment_type_of_clinic": appointment(appointment_type_id=ELSEWHERE),
    "appointment_booker": appointment(booker_id=NOBODY),
    "is_patient": appointment(customer_id=STRANGER),
    "within_hours": appointment("15:45", "16:01"),
    "event_pkey": event(id=FIRST),
    "event_clinic": event(clinic_id=-1),
    "event_type": event(type="Rescheduled"),
    "request_key_pkey": "insert into request_key (caller, key, digest) values ('ana', 'once', 'x')",
    "event_attempts": event(attempts=-1),
    "event_subject_version": event(subject_version=-1),
    "event_log_pkey": logged(id=FIRST),
    "event_log_clinic": logged(clinic_id=-1),
    "broker_message_pkey": broker_message(position=1),
    "clinic_reminders": clinic(reminder_minutes="{10}"),
    "clinic_quiet_from": clinic(quiet_from=1440, quiet_until=0),
    "clinic_quiet_until": clinic(quiet_from=0, quiet_until=-1),
    "clinic_quiet": clinic(quiet_from=1200, quiet_until=1200),
    "clinic_agenda": clinic(agenda_minute=1440),
    "appointment_sequence": appointment(sequence=-1),
    "notification_pkey": notification(id=TOLD),
    "notification_id_of_clinic": notification(id=id_of(2, 100)),
    "notification_kind": notification(kind="Reminder"),
    "notification_sequence": notification(sequence=-1),
    "notification_recipient": notification(recipient="neighbour"),
    "notification_channel": notification(channel="letter"),
    "notification_status": notification(status="lost"),
    "notification_attempts": notification(attempts=-1),
    "notification_round": notification(round=-1),
    "notification_clinic": notification(clinic_id=4, id=id_of(4, 1)),
    "told_once": notification(kind="confirmation"),
    "notification_lease": notification(status="leased"),
    "notification_sent": notification(status="sent"),
    "notification_delivered": notification(delivered_at="2027-03-01"),
    "notification_reason": notification(status="dead"),
    "notification_preference_pkey": preference(customer_id=ANA),
    "notification_preference_channel": preference(channel="letter"),
    "notification_preference_customer": preference(customer_id=NOBODY),
    "send_token_pkey": token(number=1),
    "send_token_channel": token(channel="letter"),
    "send_token_number": token(number=0),
    "message_template_pkey": words(id=WORDS),
    "message_template_id_of_clinic": words(id=id_of(2, 100)),
    "message_template_kind": words(kind="Soon"),
    "message_template_channel": words(channel="letter", subject=None),
    "message_template_locale": words(locale="la"),
    "message_template_text": words(text=" \n"),
    "message_template_clinic": words(clinic_id=4, id=id_of(4, 1)),
    "message_template_once": words(kind="moved"),
    "message_template_subject": words(channel="sms"),
    "dev_message_pkey": "insert into dev_message overriding system value select id, 'new', channel, recipient, subject, text from dev_message",
    "dev_message_once": dev_message(token="told"),
    "dev_message_channel": dev_message(channel="letter"),
    "webhook_pkey": webhook(id=PARTNER),
    "webhook_id_of_clinic": webhook(id=id_of(2, 100)),
    "webhook_url": webhook(url="ftp://partner.example.com/"),
    "webhook_secret": webhook(secret="short"),
    "webhook_clinic": webhook(clinic_id=4, id=id_of(4, 1)),
    "webhook_removed": webhook(active=False),
    "webhook_old_secret": webhook(old_secret="old"),
    "webhook_disabled": webhook(disabled_at="2027-01-01"),
    "webhook_delivery_pkey": delivery(id=DELIVERY),
    "webhook_delivery_id_of_clinic": delivery(id=id_of(2, 100)),
    "webhook_delivery_status": delivery(status="lost"),
    "webhook_delivery_attempts": delivery(attempts=-1),
    "webhook_delivery_once": delivery(event_id=FIRST),
    "webhook_delivery_webhook": delivery(webhook_id=ELSEWHERE),
    "webhook_delivery_delivered": delivery(delivered_at="2027-03-01"),
    "webhook_delivery_reason": delivery(status="failed"),
    "api_key_pkey": api_key(id=PORTAL),
    "api_key_id_of_clinic": api_key(id=id_of(2, 100)),
    "api_key_name": api_key(name=" \n"),
    "api_key_scopes": api_key(scopes="{book,null}"),
    "api_key_secret": api_key(secret_hash="short"),
    "api_key_old_secret_hash": api_key(old_secret_hash="short", old_secret_until="2027-03-01"),
    "api_key_old_secret": api_key(old_secret_until="2027-03-01"),
    "api_key_requests": api_key(requests_per_minute=0),
    "api_key_clinic": api_key(clinic_id=4, id=id_of(4, 1)),
    "api_key_removed": api_key(active=False),
    "app_user_pkey": user(id=MIA),
    "app_user_name": user(name=" \n"),
    "app_user_email": user(email="mia@example.org"),
    "app_user_email_form": user(email="Olga@example.org"),
    "app_user_locale": user(locale="la"),
    "app_user_removed": user(active=False),
    "app_user_totp": user(totp_step=1),
    "membership_pkey": member(user_id=MIA),
    "membership_role": member(role="owner"),
    "membership_name": member(name=" "),
    "membership_clinic": member(clinic_id=4),
    "membership_user": member(user_id=ANA),
    "membership_doctor": member(doctor_id=ELSEWHERE),
    "membership_of_doctor": member(role="doctor"),
    "session_pkey": session(id=HERE),
    "session_token": session(token_hash="\\x" + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    "session_token_hash": session(token_hash="short"),
    "session_of_one": session(customer_id=ANA),
    "session_user_of": session(user_id=ANA),
    "sign_in_code_pkey": sign_in_code(id=HERE),
    "sign_in_code_channel": sign_in_code(channel="letter"),
    "sign_in_code_attempts": sign_in_code(attempts=6),
    "session_customer": session(user_id=None, customer_id=MIA),
    "audit_unsealed_pkey": unsealed(id=FIRST),
    "audit_unsealed_clinic": unsealed(clinic_id=-1),
    "audit_entry_pkey": sealed(position=1),
    "audit_entry_clinic": sealed(clinic_id=-1),
    "audit_entry_position": sealed(position=0),
    "audit_entry_hash": sealed(hash="short"),
    "audit_entry_once": sealed(id=FIRST),
    "audit_head_pkey": head(clinic_id=1),
    "audit_head_clinic": head(clinic_id=-1),
    "audit_head_position": head(position=-1),
    "audit_head_hash": head(hash="short"),
    "doctor_day_pkey": sums(date="2027-03-01"),
    "doctor_day_doctor": sums(doctor_id=ELSEWHERE),
    "doctor_day_hours": sums(opens=23),
    "doctor_day_counts": sums(kept=2),
    "doctor_day_lead": sums(lead="{3}"),
    "unsummed_pkey": insert("unsummed", clinic_id=1, id=FIRST, days="[2027-03-02,2027-03-03)"),
    "job_run_pkey": job_run(name="publish-slots"),
    "job_run_attempts": job_run(attempts=-1),
    "job_run_reason": job_run(failed_at="2027-03-02 01:20Z"),
    "worker_heartbeat_pkey": "insert into worker_heartbeat values ('worker/1', now())",
    "schema_migration_pkey": "insert into schema_migration table schema_migration",
}
BEFOREHAND = {
    # Dr Okafor comes to the same clinic, to see the same patient
    "customer_free": f"insert into doctor (clinic_id, id, name) values (1, '{OTHER}', 'Dr Okafor');"
    + slot(id=OTHER, doctor_id=OTHER, during=day(1, "08:00", "16:00")),
    # Cy was erased
    "patient_noted": f"update customer set name = '(erased)', active = false, removed_at = now(), erased_at = now() where id = '{STRANGER}'",
    # these are there for foreign keys to point at, and say less than others do
    "customer_present": "alter table customer drop constraint customer_pkey cascade",
    "customer_pkey": "alter table customer drop constraint customer_present cascade",
    "clinic_active": "alter table clinic drop constraint clinic_pkey cascade",
    "time_slot_minutes": "alter table time_slot drop constraint time_slot_pkey cascade, drop constraint time_slots_intersect",
}


async def declared(db, *, not_null: bool):
    """The database's own list of constraints."""
    return await db.fetch(
        """
        select conrelid::regclass::text as table, conname as name, (select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1]) as column
          from pg_constraint
         where connamespace <> all ('{pg_catalog,information_schema}'::regnamespace[]) and (contype = 'n') = $1
        """,
        not_null,
    )


@pytest.fixture
async def plain(db):
    """A plain connection with the small world in an open transaction."""
    async with db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(SETUP + "set constraints all immediate")
        yield connection
        await transaction.rollback()


async def refusal(connection, statement: str) -> asyncpg.PostgresError | None:
    """What the database says against it, by the end of the transaction at the latest; the connection is as before."""
    try:
        async with connection.transaction():
            await connection.execute(f"set constraints all deferred; {statement}; set constraints all immediate")
    except asyncpg.PostgresError as error:
        return error
    return None


async def test_every_constraint_there_is_has_a_case_that_breaks_it(db):
    assert {constraint.name for constraint in await declared(db, not_null=False)} == set(CASES)


async def test_each_refuses_what_nothing_else_would(plain):
    """The case is refused by the constraint, and is written once that is gone: no other says the same."""
    refused_by, left = {}, {}
    for name, case in CASES.items():
        transaction = plain.transaction()
        await transaction.start()
        await plain.execute(BEFOREHAND.get(name, "select"))
        refused_by[name] = named(await refusal(plain, case), name)
        table = await plain.fetchval("select conrelid::regclass::text from pg_constraint where conname = $1", name)
        await plain.execute(f"alter table {table} drop constraint {name} cascade")
        left[name] = await refusal(plain, case)
        await transaction.rollback()
    assert refused_by == {name: name for name in CASES}
    assert left == dict.fromkeys(CASES)


def named(error: asyncpg.PostgresError | None, expected: str) -> str:
    """The constraint that an error comes from. That a zone does not exist is said by PostgreSQL itself, while it looks
    at the constraint."""
    by_zone = isinstance(error, asyncpg.InvalidParameterValueError) and expected.endswith("_time_zone")
    return expected if by_zone else str(getattr(error, "constraint_name", error))


async def test_nothing_that_must_be_there_can_be_left_out(plain, db):
    for constraint in await declared(db, not_null=True):
        error = await refusal(plain, f"update {constraint.table} set {constraint.column} = null")
        assert isinstance(error, asyncpg.NotNullViolationError), constraint.name
        assert (error.table_name, error.column_name) == (constraint.table, constraint.column)


async def test_all_constraints_are_declared_on_tables_and_in_force(db):
    assert (
        await db.fetchval(
            "select count(*) from pg_constraint where connamespace = 'public'::regnamespace and (contypid <> 0 or not convalidated or not conenforced)"
        )
        == 0
    )


async def test_no_table_of_ours_has_a_trigger_or_a_rule(db):
    """Those that foreign keys are made of are the database's own."""
    assert (
        await db.fetchval(
            "select count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'public'::regnamespace and not t.tgisinternal"
        )
        == 0
    )
    assert await db.fetchval("select count(*) from pg_rules where schemaname = 'public'") == 0


async def test_uniqueness_is_always_declared_as_a_constraint(db):
    """So that the list above has all of it."""
    assert (
        await db.fetch(
            """
        select indexrelid::regclass from pg_index join pg_class c on c.oid = indexrelid
         where indisunique and c.relnamespace = 'public'::regnamespace and not exists (select from pg_constraint where conindid = indexrelid)
        """
        )
        == []
    )


async def test_every_key_of_a_clinics_table_begins_with_the_clinic(db):
    """Foreign keys too, so that a row can only refer to rows of its own clinic. A customer is the platform's, and so is
    what waits for the broker."""
    found = await db.fetch(
        """
        select conname as name from pg_constraint
         where contype in ('p', 'u', 'x', 'f')
           and exists (select from pg_attribute where attrelid = conrelid and attname = 'clinic_id')
           and conkey[1] <> (select attnum from pg_attribute where attrelid = conrelid and attname = 'clinic_id')
         order by name
        """
    )
    assert [constraint.name for constraint in found] == [
        "appointment_booker",
        "broker_message_pkey",
        "membership_user",
        "notification_clinic",
        "patient_customer",
        "patient_noted",
    ]


async def writes(connection, statement: str) -> None:
    error = await refusal(connection, statement)
    assert error is None, error


async def refuses(connection, constraint: str, statement: str) -> None:
    error = await refusal(connection, statement)
    assert error
    assert error.constraint_name == constraint


async def test_two_live_appointments_of_a_doctor_cannot_overlap_and_a_cancelled_one_is_in_nobodys_way(plain):
    await refuses(plain, "doctor_free", appointment("09:29", "10:00", customer_id=BEN))
    await writes(plain, appointment("09:30", "10:00", customer_id=BEN))
    await writes(plain, appointment("10:00", "10:30", id=OTHER))  # where Ben has cancelled
    await refuses(plain, "doctor_free", f"update appointment set status = 'booked' where id = '{SECOND}'")
    await writes(
        plain,
        f"update appointment set status = 'noshow' where id = '{OTHER}'; update appointment set status = 'booked' where id = '{SECOND}'",
    )


async def test_buffers_keep_the_next_one_off_even_outside_published_hours(plain):
    await writes(plain, appointment("15:30", "16:00", claimed=day(1, "15:20", "16:20")))
    await refuses(plain, "doctor_free", appointment("15:00", "15:21", id=OTHER, customer_id=BEN))


async def test_a_customer_cannot_be_with_two_doctors_of_a_clinic_at_once_and_can_after_cancelling(plain):
    await writes(plain, BEFOREHAND["customer_free"])
    await refuses(plain, "customer_free", appointment("09:00", "09:30", doctor_id=OTHER))
    await writes(
        plain,
        f"update appointment set status = 'cancelled' where id = '{FIRST}';"
        + appointment("09:00", "09:30", doctor_id=OTHER),
    )


async def test_staff_can_book_a_customer_beside_another_appointment_and_a_doctor_never(plain):
    await writes(plain, BEFOREHAND["customer_free"])
    beside = {"overridden": "{customer-busy}", "override_reason": "Both want to see her"}
    await writes(plain, appointment("09:00", "09:30", doctor_id=OTHER, **beside))
    await refuses(plain, "doctor_free", appointment("09:00", "09:30", id=NOBODY, **beside))
    await refuses(
        plain, "customer_free", f"update appointment set overridden = '{{}}', override_reason = null where id = '{NEW}'"
    )


async def test_at_two_clinics_a_customer_may_be_at_once(plain):
    there = {"clinic_id": 2, "id": id_of(2, 9), "doctor_id": ELSEWHERE}
    await writes(plain, f"insert into patient values (2, '{ANA}');" + slot(**there, during=day(1, "08:00", "16:00")))
    await writes(plain, appointment("09:00", "09:30", **there, booking_id=id_of(2, 9)))


async def test_an_appointment_may_span_adjacent_slots_and_not_a_gap_between_them(plain):
    await writes(plain, slot(during=day(1, "16:00", "18:00")) + ";" + slot(id=OTHER, during=day(1, "18:05", "19:00")))
    await writes(plain, appointment("15:30", "16:30"))
    await refuses(plain, "within_hours", appointment("17:45", "18:15", id=OTHER, customer_id=BEN))


@pytest.mark.parametrize(
    "withdrawal",
    [
        f"delete from booking_slot where id = '{SLOT}'",
        f"update booking_slot set removed_at = now() where id = '{SLOT}'",
        f"update booking_slot set during = '{day(1, '09:10', '16:00')}' where id = '{SLOT}'",
        f"update booking_slot set doctor_id = '{OTHER}' where id = '{SLOT}'",
    ],
)
async def test_a_slot_cannot_be_withdrawn_under_a_live_appointment_and_can_once_it_is_cancelled(plain, withdrawal):
    await plain.execute(f"insert into doctor (clinic_id, id, name) values (1, '{OTHER}', 'Dr Okafor')")
    await refuses(plain, "within_hours", withdrawal)
    await writes(plain, f"update appointment set status = 'cancelled' where id = '{FIRST}'; {withdrawal}")


async def test_a_deactivated_clinic_cannot_keep_active_doctors_or_time_slots(plain):
    close = "update clinic set active = false, removed_at = now() where id = 1"
    await refuses(plain, "doctor_active_clinic", close)
    await plain.execute("update doctor set active = false, removed_at = now()")
    await refuses(plain, "time_slot_active_clinic", close)
    await plain.execute(
        "update doctor_slot set active = false, removed_at = now(); update time_slot set active = false, removed_at = now()"
    )
    await writes(plain, close)


async def test_a_time_slots_lines_move_with_it_or_it_does_not_move(plain):
    move = f"update time_slot set minutes = '[480,720)' where id = '{MORNING}'"
    await refuses(plain, "doctor_slot_keeps_time", move)
    await writes(plain, move + f"; update doctor_slot set minutes = '[480,720)' where id = '{LINE}'")


async def test_who_has_a_history_cannot_be_deleted(plain):
    await refuses(plain, "patient_customer", f"delete from customer where id = '{BEN}'")
    await refuses(plain, "is_patient", f"delete from patient where customer_id = '{BEN}'")
    await refuses(plain, "offered_by", f"delete from doctor where id = '{SHAH}'")


def parts(id: UUID) -> tuple[int, int, int, int]:
    """Clinic, version, variant and milliseconds of an id."""
    bits = f"{id.int:0128b}"
    return int(bits[:32], 2), int(bits[48:52], 2), int(bits[64:66], 2), int(bits[32:48] + bits[52:64] + bits[66:86], 2)


@pytest.mark.parametrize("clinic_id", [1, 2**31 - 1])
async def test_python_and_the_database_mint_ids_of_one_layout_that_sort_by_time(db, clinic_id):
    minted: list[UUID] = []
    for _ in range(50):
        minted.append(ids.new_id(clinic_id))
        minted.append(await db.fetchval("select mint_id($1) from pg_sleep(0.002)", clinic_id))
        await db.execute("select pg_sleep(0.002)")
    assert {parts(id)[:3] for id in minted} == {(clinic_id, 8, 0b10)}
    assert minted == sorted(minted)
    now = datetime.now(UTC).timestamp() * 1000
    assert all(abs(parts(id)[3] - now) < 60_000 for id in minted)
    assert (
        {ids.clinic_of(id) for id in minted}
        == {await db.fetchval("select clinic_of($1)", id) for id in minted}
        == {clinic_id}
    )


async def test_ids_minted_at_once_differ(db):
    minted = [row[0] for row in await db.fetch("select mint_id(1) from generate_series(1, 10000)")]
    assert len({*minted, *(ids.new_id(1) for _ in range(10000))}) == 20000


async def test_a_clinic_number_that_cannot_be_has_no_ids(db):
    """The first 32 bits of a foreign id may be any; what does not fit is nobody's, in both."""
    foreign = UUID("ffffffff-0000-8000-8000-000000000000")
    assert ids.clinic_of(foreign) == ids.PLATFORM
    assert await db.fetchval("select clinic_of($1)", foreign) < 0
