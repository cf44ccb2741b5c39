"""Statements that each violate one invariant, for databases without constraints. `{clinic}` is the clinic, and
`{count}` the number of violations."""

from typing import Final

WORLD: Final = """
with new_clinic as (
    insert into clinic (id, name, time_zone) values ({clinic}, 'Lakeside', 'Europe/Berlin')
), new_doctor as (
    insert into doctor (clinic_id, id, name) values ({clinic}, mint_id({clinic}), 'Dr Ana Lind') returning id
), new_customer as (
    insert into customer (name, email) values ('Tom', 'tom@example.org') returning id
), new_patient as (
    insert into patient (clinic_id, customer_id) select {clinic}, id from new_customer
)
insert into booking_slot (clinic_id, id, doctor_id, date, during)
select {clinic}, mint_id({clinic}), id, '2027-03-01', '[2027-03-01Z,2037-03-01Z)' from new_doctor;
"""
DOCTOR: Final = "(select id from doctor where clinic_id = {clinic})"
CUSTOMER: Final = "(select customer_id from patient where clinic_id = {clinic} order by customer_id limit 1)"
ID: Final = "mint_id({clinic})"
NO_ID: Final = "gen_random_uuid()"
OTHER_CLINIC_ID: Final = "mint_id({clinic} + 1)"


def rows(table: str, numbers: str = "generate_series(1, {count})", **columns: str) -> str:
    """Return a statement that inserts one row for each number `n`. Values are SQL expressions."""
    names = ", ".join(["clinic_id", *columns])
    return f"insert into {table} ({names}) select {', '.join(['{clinic}', *columns.values()])} from {numbers} as t (n);"


def every_hour(start: str) -> str:
    """Return SQL for ten minutes in each hour after `start`."""
    hour = f"'{start}'::timestamptz + n * interval '1 hour'"
    return f"tstzrange({hour}, {hour} + interval '10 minutes')"


def appointments(numbers: str = "generate_series(1, {count})", **columns: str) -> str:
    """Return a statement that inserts an appointment every hour."""
    during = every_hour("2027-03-01 09:00Z")
    values = {"id": ID, "booking_id": ID, "doctor_id": DOCTOR, "customer_id": CUSTOMER, "during": during}
    values |= columns
    return rows("appointment", numbers, **{"claimed": values["during"]} | values)


def payments(**columns: str) -> str:
    values = {"id": ID, "method": "'creditNote'", "status": "'succeeded'", "customer_id": CUSTOMER, "currency": "'EUR'"}
    return rows("payment", **values | {"amount": "100", "succeeded_at": "now()"} | columns)


def invoices(**columns: str) -> str:
    values = {"id": ID, "status": "'draft'", "customer_id": CUSTOMER, "currency": "'EUR'", "language": "'en'"}
    return rows("invoice", **values | {"total": "100"} | columns)


def allocations(**columns: str) -> str:
    values = {
        "id": ID,
        "actor": "'tests'",
        "payment_id": "coalesce((select id from payment where clinic_id = {clinic}), gen_random_uuid())",
    }
    values |= {"currency": "'EUR'", "amount": "100", "of_payment": "'[0,100)'", "of_target": "'[0,100)'"}
    return rows("allocation", **values | columns)


def transfers(**columns: str) -> str:
    values = {"id": ID, "rule": "'payout'", "debit": "'bank'", "credit": "'gateway'", "currency": "'EUR'"}
    return rows("transfer", **values | {"amount": "5"} | columns)


ONE: Final = "(values (0))"
SAME_TIME: Final = "'[2027-03-01 09:00Z,2027-03-01 10:00Z)'"
ONE_PAYMENT: Final = payments().replace("generate_series(1, {count})", ONE)
ONE_INVOICE: Final = invoices(id=ID, status="'issued'").replace("generate_series(1, {count})", ONE)
THE_INVOICE: Final = "(select id from invoice where clinic_id = {clinic})"
ACCOUNTS: Final = rows("account", "(values ('bank'), ('gateway'))", name="n", currency="'EUR'")
LINE: Final = {"invoice_id": ID, "position": "1", "description": "'Check-up'", "unit_amount": "100"} | {
    "includes_tax": "true", "tax_category": "'Z'", "tax_rate": "0", "net": "100", "tax": "0", "gross": "100",
    "first_cent": "0",
}  # fmt: skip
MESSAGE: Final = {"id": ID, "kind": "'reminder'", "subject_id": "'1'", "sequence": "0", "recipient": "'customer'"} | {
    "recipient_id": "'1'", "channel": "'email'", "due_at": "now()", "expires_at": "now()",
}  # fmt: skip
SLOT: Final = {"id": ID, "doctor_id": DOCTOR, "date": "'2027-03-01'"}

PLANTED: Final = {
    "doctor-free": appointments(customer_id=NO_ID, claimed=SAME_TIME)
    + appointments(ONE, customer_id=NO_ID, claimed=SAME_TIME),
    "patient-free": appointments("generate_series(0, {count})", doctor_id=NO_ID, during=SAME_TIME),
    "person-free": appointments("generate_series(0, {count})", customer_id=NO_ID, during=SAME_TIME, person_id=CUSTOMER),
    "within-hours": appointments(during=every_hour("2026-03-01Z")),
    "slots-disjoint": rows("booking_slot", **SLOT, during=SAME_TIME),
    "schedule-disjoint": rows("doctor_slot", "generate_series(0, {count})", id=ID, doctor_id=DOCTOR, weekday="1",
                              minutes="'[540,600)'", valid="'[2027-01-01,)'"),
    "schedule-keeps-times": rows("doctor_slot", id=ID, doctor_id=DOCTOR, weekday="1", time_slot_id=ID,
                                 minutes="'[540,600)'", valid="'[2027-01-01,)'"),
    "time-slots-disjoint": rows("time_slot", "generate_series(0, {count})", id=ID, minutes="'[540,600)'"),
    "appointment-times": appointments(during=every_hour("2027-03-01 09:00:30Z")),
    "appointment-states": appointments(status="'pending'"),
    "appointment-parties": appointments(appointment_type_id=ID),
    "patients-registered": appointments(person_id=NO_ID),
    "records-joined": rows("patient", customer_id=NO_ID, main_id=NO_ID, joined_at="now()"),
    "requests-once": appointments("generate_series(2, {count} + 1)", idempotency_caller="'tests'",
                                  idempotency_key="(n / 2)::text", request_digest="''"),
    "ids-of-clinic": rows("absence", id=OTHER_CLINIC_ID, during=SAME_TIME),
    "versions-contiguous": appointments(version="3")
    + """
    insert into event_log (clinic_id, id, type, subject_id, subject_version, data, created_at)
    select clinic_id, mint_id(clinic_id), 'appointment.changed', id::text, n, '{{}}', now()
      from appointment, (values (1), (3)) as change (n) where clinic_id = {clinic};
    """,
    "calls-once": rows("call", id=ID, appointment_id=NO_ID, sequence="0", gateway="'demo'", during=SAME_TIME),
    "messages-once": rows("notification", **MESSAGE),
    "deliveries-once": rows("webhook_delivery", id=ID, webhook_id=DOCTOR, event_id=DOCTOR, event_type="'call.made'",
                            subject_id="'1'", due_at="now()"),
    "payments-spent": ONE_PAYMENT + allocations(invoice_id=NO_ID, of_payment="int8range(100 * n, 100 * n + 100)"),
    "invoices-paid": ONE_INVOICE + allocations(invoice_id=THE_INVOICE, of_target="int8range(100 * n, 100 * n + 100)"),
    "refunds-taken": rows("refund", id=ID, payment_id=NO_ID, currency="'EUR'", amount="5", destination="'method'",
                          status="'pending'"),
    "allocation-sizes": allocations(invoice_id=NO_ID, amount="99"),
    "invoice-lines": invoices(status="'issued'"),
    "invoice-amounts": rows("invoice_line", **LINE | {"net": "99"}),
    "credit-notes": invoices(kind="'creditNote'", status="'issued'", corrects_id=NO_ID),
    "numbers-gapless": rows("document_number", series="'R'", number="2 * n"),
    "documents-numbered": rows("document_number", series="'R'", number="n", invoice_id=NO_ID),
    "coupon-uses": rows("coupon", ONE, id=ID, code="'SPRING'", percent="10", max_uses="1")
    + rows("coupon_use", id=ID, coupon_id="(select id from coupon where clinic_id = {clinic})", customer_id=CUSTOMER,
           use="n", customer_use="n"),
    "ledger-accounts": transfers(),
    "transfers-resolved": ACCOUNTS + transfers(stage="'posted'", resolves_id=NO_ID),
    "invoices-posted": invoices(status="'issued'"),
    "payments-posted": payments(method="'cash'"),
    "allocations-posted": ONE_PAYMENT.replace("'creditNote'", "'goodwill'") + allocations(invoice_id=NO_ID),
    "refunds-posted": rows("refund", id=ID, payment_id=NO_ID, currency="'EUR'", amount="5", destination="'method'",
                           status="'succeeded'"),
    "audit-chain": rows("audit_entry", position="2 * n", id=NO_ID, at="now()", actor="'tests'", action="'test'",
                        subjects="'{{}}'", hash="sha256('')")
    + rows("audit_head", ONE, position="2 * {count}", hash="sha256('')", sealed_at="now()", public_key="''",
           signature="''"),
}  # fmt: skip
"""The statements, by invariant. Each runs in its own clinic."""
ERASED_BADLY: Final = """
insert into customer (name, active, removed_at, erased_at)
select 'Tom', false, now(), now() from generate_series(1, {count});
"""
DROP_CONSTRAINTS: Final = """
do $$
declare
  found record;
begin
  for found in select conrelid::regclass as table, conname from pg_constraint
                where connamespace = 'public'::regnamespace and contype in ('f', 'c', 'u', 'x')
                order by contype = 'f' desc
  loop
    execute format('alter table %s drop constraint %I', found.table, found.conname);
  end loop;
end $$
"""
