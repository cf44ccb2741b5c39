"""Valid rows, for tests that change one thing about one of them.

Ana has an appointment from 9:00 to 9:30 with Dr Shah, whose published hours are 8:00 to 16:00. Ben had one at 10:00 but
cancelled it.
"""

from functools import partial
from uuid import UUID


def id_of(clinic: int, number: int) -> str:
    """Return an id that belongs to the clinic and sorts by `number`."""
    return str(UUID(int=clinic << 96 | 0x8 << 76 | 0b10 << 62 | number))


def platform_id(number: int) -> str:
    """Return an id that doesn't belong to any clinic."""
    return str(UUID(int=0x7 << 76 | 0b10 << 62 | number))


SHAH, CHECK_UP, TIME_SLOT, SCHEDULE_LINE, BOOKING_SLOT, BOOKED, CANCELLED, ABSENCE = (
    id_of(1, number) for number in range(1, 9)
)
TEMPLATE, NOTIFICATION, WEBHOOK, DELIVERY, API_KEY, EMERGENCY = (
    id_of(1, number) for number in (30, 31, 40, 41, 50, 60)
)
CALL_SETTINGS, CALL, GUEST, CONSENT, RECORDING = (id_of(1, number) for number in range(70, 75))
NEW_ID, OTHER_ID, MISSING_ID = (id_of(1, number) for number in range(100, 103))
FOREIGN_ID = id_of(2, 1)
ANA, BEN, CY = (platform_id(number) for number in range(1, 4))
MIA, NORA, SESSION = (platform_id(number) for number in range(10, 13))

ROWS = f"""
insert into clinic (id, name, time_zone, slug)
  values (1, 'Lakeside', 'Europe/Berlin', 'lakeside'), (2, 'Hillside', 'Europe/Berlin', null);
insert into clinic (id, name, time_zone, active, removed_at) values (3, 'Closed', 'Europe/Berlin', false, now());
insert into visitor_queue (clinic_id) values (1); insert into replication_heartbeat (written_at) values (now());
insert into cell values (1, 'north', 'https://north.example'); insert into clinic_home values (1048577, 1);
insert into doctor (clinic_id, id, name) values (1, '{SHAH}', 'Dr Shah'), (2, '{FOREIGN_ID}', 'Dr Okafor');
insert into appointment_type (clinic_id, id, name, minutes)
  values (1, '{CHECK_UP}', 'Check-up', 30), (2, '{FOREIGN_ID}', 'Check-up', 30);
insert into doctor_appointment_type values (1, '{SHAH}', '{CHECK_UP}');
insert into customer (id, name) values ('{ANA}', 'Ana'), ('{BEN}', 'Ben'), ('{CY}', 'Cy');
insert into customer_copy values ('{ANA}', 1, 1); insert into customer_home values ('{BEN}', 1, 1);
insert into patient (clinic_id, customer_id, record_number) values (1, '{ANA}', '7'), (1, '{BEN}', null);
insert into address_change (id, customer_id, channel, old_address)
  values ('{SESSION}', '{ANA}', 'email', 'ana@example.net');
insert into guardianship (id, guardian_id, ward_id, granting_clinic_id, ends_on)
  values ('{SESSION}', '{ANA}', '{BEN}', 1, '2028-03-01');
insert into patient_difference (clinic_id, customer_id, other_id) values (1, '{ANA}', '{BEN}');
insert into patient_correction (clinic_id, id, detail, customer_id, actor, new_value)
  values (1, '{BOOKED}', 'name', '{ANA}', 'user:mia', 'Ana');
insert into time_slot (clinic_id, id, minutes) values (1, '{TIME_SLOT}', '[540,750)'), (2, '{FOREIGN_ID}', '[540,750)');
insert into doctor_slot (clinic_id, id, doctor_id, weekday, minutes, valid, time_slot_id)
  values (1, '{SCHEDULE_LINE}', '{SHAH}', 1, '[540,750)', '[,)', '{TIME_SLOT}');
insert into absence (clinic_id, id, during) values (1, '{ABSENCE}', '[2027-04-01 08:00Z, 2027-04-01 16:00Z)');
insert into booking_slot (clinic_id, id, doctor_id, date, during)
  values (1, '{BOOKING_SLOT}', '{SHAH}', '2027-03-01', '[2027-03-01 08:00Z, 2027-03-01 16:00Z)');
insert into appointment (clinic_id, id, booking_id, doctor_id, customer_id, during, claimed, status,
                         idempotency_caller, idempotency_key, request_digest)
  values
  (1, '{BOOKED}', '{BOOKED}', '{SHAH}', '{ANA}',
     '[2027-03-01 09:00Z, 2027-03-01 09:30Z)', '[2027-03-01 09:00Z, 2027-03-01 09:30Z)', 'booked', 'ana', 'once', ''),
  (1, '{CANCELLED}', '{CANCELLED}', '{SHAH}', '{BEN}',
     '[2027-03-01 10:00Z, 2027-03-01 10:30Z)', '[2027-03-01 10:00Z, 2027-03-01 10:30Z)', 'cancelled',
     null, null, null);
insert into stranger_appointment (clinic_id, appointment_id, networks, minutes, held)
  values (1, '{BOOKED}', '{{"\\\\x01"}}', 30, false);
insert into appointment_step (clinic_id, step_id, appointment_id, taken_at, version, status, moved, doctor_id, during,
                              claimed, overridden, needs_rebooking, sequence)
  select 1, id, id, now(), 2, 'booked', false, doctor_id, during, claimed, '{{}}', false, 0 from appointment
   where id = '{BOOKED}';
insert into event (clinic_id, id, type, subject_id, subject_version, data)
  values (1, '{BOOKED}', 'appointment.booked', '{BOOKED}', 1, '{{}}');
insert into request_key (caller, key, digest) values ('ana', 'once', '');
insert into worker_heartbeat values ('worker/1', now()); insert into clinic_setup_step values (1, 'page');
insert into image (clinic_id, hash, content)
  values (1, encode(sha256('RIFF0000WEBP'), 'hex'), 'RIFF0000WEBP');
insert into job_run (name, due_at) values ('publish-slots', now()); insert into backup_gap values ('2027-03-01');
insert into invariant_violation values (1, 'doctor-free', 1, now());
insert into dev_message (token, channel, recipient, subject, text)
  values ('rescheduled', 'email', 'ana@example.org', 'Rescheduled', 'It is later now.');
insert into dev_payment_object (id, kind, content, delivery)
  values ('pi_1', 'payment_intent', '{{"id": "pi_1"}}', 'prompt');
insert into dev_payment_request (key, digest) values ('once', '');
insert into dev_payment_delivery (event) values ('{{}}');
insert into payment_drift (clinic_id, kind, gateway_id, found_at) values (1, 'amount-differs', 'pi_1', now());
insert into event_log (clinic_id, id, type, subject_id, subject_version, data, created_at)
  values (1, '{BOOKED}', 'appointment.booked', '{BOOKED}', 1, '{{}}', now());
insert into broker_message (position, clinic_id, event_id, type, subject_id, body)
  values (1, 1, '{BOOKED}', 'appointment.booked', '{BOOKED}', '');
insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                          due_at, expires_at)
  values (1, '{NOTIFICATION}', 'confirmation', '{BOOKED}', 0, 'customer', '{ANA}', 'email', now(), now());
insert into notification_preference (customer_id, channel, wanted) values ('{ANA}', 'email', false);
insert into send_token (channel, number) values ('email', 1); insert into clinic_move values (8, 1, '{{"id": 8}}');
insert into call_token (gateway, number) values ('daily', 1);
insert into message_template (clinic_id, id, kind, channel, locale, subject, text)
  values (1, '{TEMPLATE}', 'moved', 'email', 'en', 'Rescheduled', 'It is later now.');
insert into call_settings (clinic_id, id, gateway) values (1, '{CALL_SETTINGS}', 'demo');
insert into call (clinic_id, id, appointment_id, sequence, gateway, during, due_at)
  values (1, '{CALL}', '{BOOKED}', 0, 'demo', '[2027-03-01 09:00Z, 2027-03-01 09:30Z)', now());
insert into call_guest (clinic_id, id, appointment_id, name) values (1, '{GUEST}', '{BOOKED}', 'Ines');
insert into recording_consent (clinic_id, id, appointment_id, words_version, language, given_by, given_at)
  values (1, '{CONSENT}', '{BOOKED}', 1, 'de', 'link', now());
insert into recording (clinic_id, id, call_id, gateway, provider_id, state, due_at)
  values (1, '{RECORDING}', '{CALL}', 'daily', 'rec-1', 'deleting', now());
insert into webhook (clinic_id, id, url, secret)
  values (1, '{WEBHOOK}', 'https://partner.example.com/', sha256(''));
insert into webhook_delivery (clinic_id, id, webhook_id, event_id, event_type, subject_id, due_at)
  values (1, '{DELIVERY}', '{WEBHOOK}', '{BOOKED}', 'slot.moved', '{BOOKING_SLOT}', now());
insert into audit_unsealed (clinic_id, id, actor, action) values (1, '{BOOKED}', 'system', 'expireHold');
insert into audit_entry (clinic_id, position, id, at, actor, action, subjects, hash)
  values (1, 1, '{BOOKED}', now(), 'system', 'expireHold', '{{}}', sha256(''));
insert into audit_head (clinic_id, position, hash, sealed_at, public_key, signature)
  values (1, 1, sha256(''), now(), '', '');
insert into api_key (clinic_id, id, name, scopes, secret_hash)
  values (1, '{API_KEY}', 'Portal', '{{book}}', sha256(''));
insert into emergency_access (clinic_id, id, doctor_id, customer_id, reason, expires_at)
  values (1, '{EMERGENCY}', '{SHAH}', '{BEN}', '(erased)', now());
insert into app_user (id, name, email)
  values ('{MIA}', 'Mia', 'mia@example.org'), ('{NORA}', 'Nora', 'nora@example.org');
insert into membership (clinic_id, user_id, role) values (1, '{MIA}', 'manager');
insert into admin_token (id, name, secret_hash, expires_at)
  values ('{SESSION}', 'Monitoring', sha256(''), now() + interval '1 day');
insert into session (id, token_hash, user_id, expires_at) values ('{SESSION}', sha256(''), '{MIA}', now());
insert into passkey (id, user_id, name, credential_id, public_key, sign_count, synced)
  values ('{SESSION}', '{MIA}', 'Phone', '\\x01', '\\xa5', 0, false);
insert into used_challenge (digest, expires_at) values (sha256(''), now());
insert into recovery_code (user_id, digest) values ('{MIA}', sha256(''));
insert into confirmation_code (clinic_id, booking_id, customer_id, customer_version) values (1, '{BOOKED}', '{ANA}', 1);
insert into sign_in_code (id, channel, customer_ids, expires_at) values ('{SESSION}', 'email', '{{}}', now());
insert into doctor_day
  values (1, '2027-03-01', '{SHAH}', 9, '{{60,60}}', '{{30,0}}', 2, 1, 0, 0, 3, '{{0,0,2,0,0,0,0,0}}');
insert into unsummed (clinic_id, id, days) values (1, '{BOOKED}', '[2027-03-01,2027-03-02)');
"""


def insert(table: str, /, **columns: object) -> str:
    values = ("null" if value is None else f"'{value}'" for value in columns.values())
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join(values)})"


def day(number: int, start: str, end: str, bounds: str = "[)") -> str:
    return f"{bounds[0]}2027-03-{number:02} {start}Z, 2027-03-{number:02} {end}Z{bounds[1]}"


# Valid rows. Each case changes one thing about one of them.
clinic = partial(insert, "clinic", id=5, name="Seaside", time_zone="Europe/Berlin")
doctor = partial(insert, "doctor", clinic_id=1, id=NEW_ID, name="Dr New")
appointment_type = partial(insert, "appointment_type", clinic_id=1, id=NEW_ID, name="Long visit", minutes=60)
customer = partial(insert, "customer", name="Dee")
time_slot = partial(insert, "time_slot", clinic_id=1, id=NEW_ID, minutes="[780,840)")
schedule_line = partial(
    insert, "doctor_slot", clinic_id=1, id=NEW_ID, doctor_id=SHAH, weekday=2, minutes="[540,600)", valid="[,)"
)
absence = partial(insert, "absence", clinic_id=1, id=NEW_ID, during=day(3, "08:00", "16:00"))
booking_slot = partial(
    insert, "booking_slot", clinic_id=1, id=NEW_ID, doctor_id=SHAH, date="2027-03-02", during=day(2, "08:00", "16:00")
)
logged_event = partial(
    insert,
    "event_log",
    clinic_id=1,
    id=NEW_ID,
    type="slot.moved",
    subject_id=BOOKING_SLOT,
    subject_version=1,
    data="{}",
    created_at="2027-03-01",
)
SHA256 = r"\x" + "00" * 32
unsealed_entry = partial(insert, "audit_unsealed", clinic_id=1, id=NEW_ID, actor="system", action="expireHold")
sealed_entry = partial(
    insert,
    "audit_entry",
    clinic_id=1,
    position=2,
    id=NEW_ID,
    at="2027-03-01",
    actor="system",
    action="expireHold",
    subjects="{}",
    hash=SHA256,
)
audit_head = partial(
    insert, "audit_head", clinic_id=2, position=1, hash=SHA256, sealed_at="2027-03-01", public_key="", signature=""
)
broker_message = partial(
    insert,
    "broker_message",
    position=2,
    clinic_id=1,
    event_id=NEW_ID,
    type="slot.moved",
    subject_id=BOOKING_SLOT,
    body="{}",
)
notification = partial(
    insert,
    "notification",
    clinic_id=1,
    id=NEW_ID,
    kind="reminder-120",
    subject_id=BOOKED,
    sequence=0,
    recipient="customer",
    recipient_id=ANA,
    channel="email",
    due_at="2027-03-01",
    expires_at="2027-03-01",
)
notification_preference = partial(insert, "notification_preference", customer_id=BEN, channel="email", wanted=True)
job_run = partial(insert, "job_run", name="forget-codes", due_at="2027-03-02 01:00Z")
send_token = partial(insert, "send_token", channel="email", number=2)
message_template = partial(
    insert,
    "message_template",
    clinic_id=1,
    id=NEW_ID,
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
    insert, "webhook", clinic_id=1, id=NEW_ID, url="https://partner.example.com/new", secret="\\x" + "00" * 32
)
webhook_delivery = partial(
    insert,
    "webhook_delivery",
    clinic_id=1,
    id=NEW_ID,
    webhook_id=WEBHOOK,
    event_id=CANCELLED,
    event_type="slot.moved",
    subject_id=BOOKING_SLOT,
    due_at="2027-03-01",
)
api_key = partial(
    insert, "api_key", clinic_id=1, id=NEW_ID, name="Laboratory", scopes="{book}", secret_hash="\\x" + "00" * 32
)
emergency_access = partial(
    insert,
    "emergency_access",
    clinic_id=1,
    id=NEW_ID,
    doctor_id=SHAH,
    customer_id=ANA,
    reason="(erased)",
    expires_at="2027-03-02",
)
user = partial(insert, "app_user", name="Olga", email="olga@example.org")
membership = partial(insert, "membership", clinic_id=1, user_id=NORA, role="receptionist")
stranger_appointment = partial(
    insert,
    "stranger_appointment",
    clinic_id=1,
    appointment_id=CANCELLED,
    networks='{"\\\\x02"}',
    minutes=30,
    held=True,
)
sign_in_code = partial(insert, "sign_in_code", channel="sms", customer_ids="{}", expires_at="2027-03-01")
admin_token = partial(
    insert,
    "admin_token",
    name="Backup check",
    secret_hash="\\x" + "00" * 32,
    created_at="2027-03-01",
    expires_at="2027-06-01",
)
session = partial(insert, "session", token_hash="\\x" + "00" * 32, user_id=MIA, expires_at="2027-03-01")
daily_sums = partial(
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
event = partial(insert, "event", clinic_id=1, type="slot.moved", subject_id=BOOKING_SLOT, subject_version=1, data="{}")


def appointment(start: str = "11:00", end: str = "11:30", **columns: object) -> str:
    during = day(1, start, end)
    who = {"clinic_id": 1, "id": NEW_ID, "booking_id": NEW_ID, "doctor_id": SHAH, "customer_id": ANA}
    return insert("appointment", **{**who, "during": during, "claimed": during, **columns})
