"""Constraint cases for the audit log, jobs, confirmation codes, strangers' appointments, manage links, reports and the
order of appointment types.
"""

from functools import partial
from hashlib import sha256

from support.billing_constraint_cases import BILLING_CASES
from support.call_constraint_cases import CALL_CASES
from support.constraint_rows import (
    ANA,
    BEN,
    BOOKED,
    CY,
    FOREIGN_ID,
    MISSING_ID,
    NEW_ID,
    SHAH,
    appointment,
    appointment_type,
    audit_head,
    daily_sums,
    day,
    event,
    id_of,
    insert,
    job_run,
    notification,
    sealed_entry,
    stranger_appointment,
    unsealed_entry,
)
from support.document_constraint_cases import DOCUMENT_CASES
from support.money_constraint_cases import MONEY_CASES
from support.passkey_constraint_cases import PASSKEY_CASES
from support.patient_constraint_cases import PATIENT_CASES
from support.sign_in_constraint_cases import SIGN_IN_CASES


def image(content: str = "RIFF1111WEBP", **columns: object) -> str:
    hash = sha256(content.encode()).hexdigest()
    return insert("image", **{"clinic_id": 1, "hash": hash, "content": content, **columns})


setup_step = partial(insert, "clinic_setup_step", clinic_id=1, step="site")
invariant_violation = partial(
    insert, "invariant_violation", clinic_id=2, invariant="doctor-free", violations=1, found_at="2027-03-01Z"
)
appointment_step = partial(
    insert,
    "appointment_step",
    clinic_id=1,
    step_id=NEW_ID,
    appointment_id=BOOKED,
    taken_at="2027-03-01",
    version=2,
    status="booked",
    moved=True,
    doctor_id=SHAH,
    during=day(1, "09:00", "09:30"),
    claimed=day(1, "09:00", "09:30"),
    overridden="{}",
    needs_rebooking=False,
    sequence=0,
)
confirmation_code = partial(
    insert, "confirmation_code", clinic_id=1, booking_id=NEW_ID, customer_id=ANA, customer_version=1
)
dev_payment = partial(insert, "dev_payment_object", id="re_1", kind="refund", content='{"id": "re_1"}', delivery="late")
payment_drift = partial(
    insert, "payment_drift", clinic_id=1, kind="payment-unknown", gateway_id="pi_2", found_at="2027-03-01"
)
queue = partial(insert, "visitor_queue", clinic_id=2)
cell = partial(insert, "cell", number=2, name="east", url="https://east.example")
home = partial(insert, "clinic_home", clinic_id=1048578, cell=1)
customer_copy = partial(insert, "customer_copy", customer_id=CY, cell=1, version=1)
customer_home = partial(insert, "customer_home", customer_id=CY, cell=1, version=1)
move = partial(insert, "clinic_move", clinic_id=9, cell=1, clinic='{"id": 9}')
MORE_CASES = {
    "customer_copy_pkey": customer_copy(customer_id=ANA),
    "customer_copy_customer": customer_copy(customer_id=MISSING_ID),
    "customer_copy_cell": customer_copy(cell=2),
    "customer_copy_version": customer_copy(version=0),
    "customer_home_pkey": customer_home(customer_id=BEN),
    "customer_home_customer": customer_home(customer_id=MISSING_ID),
    "customer_home_cell": customer_home(cell=2),
    "customer_home_version": customer_home(version=0),
    "clinic_queue": "update clinic set queue = 'never' where id = 1",
    "backup_gap_pkey": insert("backup_gap", began_at="2027-03-01", ended_at="2027-03-02"),
    "backup_gap_ended_at": insert("backup_gap", began_at="2027-03-02"),
    "backup_gap_order": insert("backup_gap", began_at="2027-03-02", ended_at="2027-03-02"),
    "replication_heartbeat_pkey": insert("replication_heartbeat", written_at="2027-03-01"),
    "replication_heartbeat_only_row": insert("replication_heartbeat", only_row=False, written_at="2027-03-01"),
    "cell_pkey": cell(number=1),
    "cell_number": cell(number=2048),
    "cell_name": cell(name="East"),
    "cell_name_unique": cell(name="north"),
    "cell_url": cell(url="https://east.example/"),
    "cell_url_unique": cell(url="https://north.example"),
    "clinic_home_pkey": home(clinic_id=1048577),
    "clinic_home_clinic": home(clinic_id=0, moves=1),
    "clinic_home_cell": home(cell=2, moves=1),
    "clinic_home_moves": home(moves=-1),
    "clinic_home_minted": home(clinic_id=9),
    "clinic_home_slug": home(slug="Harbor"),
    "clinic_move_pkey": move(clinic_id=8, clinic='{"id": 8}'),
    "clinic_move_clinic": move(clinic_id=0, clinic='{"id": 0}'),
    "clinic_move_cell": move(cell=2),
    "clinic_move_row": move(clinic='{"id": 8}'),
    "event_of_clinic": event(clinic_id=7),
    "audit_unsealed_of_clinic": unsealed_entry(clinic_id=7),
    "visitor_queue_pkey": queue(clinic_id=1),
    "visitor_queue_clinic": queue(clinic_id=-1),
    "visitor_queue_opened_by": queue(opened_at="2027-03-01", opened_by="nobody"),
    "visitor_queue_opened": queue(opened_at="2027-03-01"),
    "visitor_queue_order": queue(served=1),
    "visitor_queue_shuffle": queue(issued=5, shuffled_after=4, shuffled_until=3),
    "payment_drift_pkey": payment_drift(kind="amount-differs", gateway_id="pi_1"),
    "payment_drift_kind": payment_drift(kind="strange"),
    "payment_drift_clinic": payment_drift(clinic_id=7),
    **MONEY_CASES,
    **DOCUMENT_CASES,
    **BILLING_CASES,
    "dev_payment_object_pkey": dev_payment(id="pi_1", content='{"id": "pi_1"}'),
    "dev_payment_object_kind": dev_payment(kind="payout"),
    "dev_payment_object_content": dev_payment(content='{"id": "re_2"}'),
    "dev_payment_object_delivery": dev_payment(delivery="sideways"),
    "dev_payment_request_pkey": insert("dev_payment_request", key="once", digest=""),
    "dev_payment_delivery_pkey": "insert into dev_payment_delivery (id, event) select id, event "
    "from dev_payment_delivery",
    **CALL_CASES,
    **PATIENT_CASES,
    **PASSKEY_CASES,
    **SIGN_IN_CASES,
    "audit_unsealed_pkey": unsealed_entry(id=BOOKED),
    "audit_unsealed_clinic": unsealed_entry(clinic_id=-1),
    "audit_entry_pkey": sealed_entry(position=1),
    "audit_entry_clinic": sealed_entry(clinic_id=-1),
    "audit_entry_position": sealed_entry(position=0),
    "audit_entry_hash": sealed_entry(hash="short"),
    "audit_entry_once": sealed_entry(id=BOOKED),
    "audit_head_pkey": audit_head(clinic_id=1),
    "audit_head_clinic": audit_head(clinic_id=-1),
    "audit_head_position": audit_head(position=-1),
    "audit_head_hash": audit_head(hash="short"),
    "invariant_violation_pkey": invariant_violation(clinic_id=1),
    "invariant_violation_clinic": invariant_violation(clinic_id=-1),
    "invariant_violation_name": invariant_violation(invariant="Doctor free"),
    "invariant_violation_count": invariant_violation(violations=0),
    "notification_follows_another": notification(id=id_of(1, 300), leader_id=id_of(1, 300)),
    "job_run_pkey": job_run(name="publish-slots"),
    "job_run_attempts": job_run(attempts=-1),
    "job_run_reason": job_run(failed_at="2027-03-02 01:20Z"),
    "confirmation_code_pkey": confirmation_code(booking_id=BOOKED),
    "confirmation_code_number": confirmation_code(number=0),
    "confirmation_code_attempts": confirmation_code(attempts=6),
    "confirmation_code_booking_of_clinic": confirmation_code(booking_id=FOREIGN_ID),
    "confirmation_code_customer": confirmation_code(customer_id=MISSING_ID),
    "appointment_link_number": appointment(link_number=0),
    "appointment_type_position": appointment_type(position=-1),
    "appointment_step_of_clinic": appointment(step_id=FOREIGN_ID),
    "appointment_rebook": appointment(rebook_by="link"),
    "appointment_restored_sequence": appointment(restored_sequence=-1),
    "appointment_staff_notes": appointment(staff_notes="Prefers mornings"),
    "appointment_step_pkey": appointment_step(step_id=BOOKED),
    "appointment_step_id_of_clinic": appointment_step(step_id=FOREIGN_ID),
    "appointment_step_undone": appointment_step(undone_version=2),
    "appointment_step_status": appointment_step(status="pending"),
    "appointment_step_claim_covers": appointment_step(claimed="[2027-03-01 09:10Z, 2027-03-01 09:30Z)"),
    "appointment_step_sequence": appointment_step(sequence=-1),
    "appointment_step_of": appointment_step(appointment_id=MISSING_ID),
    "appointment_step_doctor": appointment_step(doctor_id=MISSING_ID),
    "clinic_setup_step_pkey": setup_step(step="page"),
    "clinic_setup_step_of": setup_step(clinic_id=99),
    "clinic_setup_step_known": setup_step(step="coffee"),
    "stranger_appointment_pkey": stranger_appointment(appointment_id=BOOKED),
    "stranger_appointment_networks": stranger_appointment(networks="{}"),
    "stranger_appointment_minutes": stranger_appointment(minutes=0),
    "stranger_appointment_of": stranger_appointment(appointment_id=MISSING_ID),
    "doctor_day_pkey": daily_sums(date="2027-03-01"),
    "doctor_day_doctor": daily_sums(doctor_id=FOREIGN_ID),
    "doctor_day_hours": daily_sums(opens=23),
    "doctor_day_counts": daily_sums(kept=2),
    "doctor_day_lead": daily_sums(lead="{3}"),
    "doctor_day_longest_free": daily_sums(longest_free_minutes=-1),
    "unsummed_pkey": insert("unsummed", clinic_id=1, id=BOOKED, days="[2027-03-02,2027-03-03)"),
    "image_pkey": image("RIFF0000WEBP"),
    "image_size": image("RIFF0000WEBP" + "0" * 524_288),
    "image_is_webp": image("<svg/>"),
    "image_hash": image(hash="0" * 64),
    "app_user_region": "update app_user set region = 'UKR'",
    "customer_postal_address": f"update customer set postal_address = ' ' where id = '{ANA}'",
    "customer_region": f"update customer set region = 'uk' where id = '{ANA}'",
    "clinic_change_grace": "update clinic set change_grace_minutes = 1441 where id = 1",
    "clinic_location": "update clinic set latitude = 52.5 where id = 1",
    "clinic_logo": f"update clinic set logo_hash = '{'0' * 64}' where id = 1",
    "clinic_photo": f"update clinic set photo_hash = '{'0' * 64}' where id = 1",
    "doctor_portrait": f"update doctor set portrait_hash = '{'0' * 64}' where clinic_id = 1",
}
