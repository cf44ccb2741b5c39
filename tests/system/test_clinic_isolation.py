"""Statements read only one clinic's rows, with listed exceptions."""

import json
import re
from collections.abc import Iterator

import pytest

from appoint.database.pool import connect
from support.database import temporary
from support.source import statements

pytestmark = pytest.mark.xdist_group("source")  # one worker parses the source

ACROSS_CLINICS = {
    ("clinics.list_active", "clinic"): "the list of clinics",
    ("setup.has_clinic", "clinic"): "whether the installation is new",
    ("clinics.list_choices", "clinic"): "the clinics where a user works",
    ("clinics.list_time_zones", "clinic"): "the countries where a phone number typed without a country code may be",
    ("slots.list_active_clinics", "clinic"): "the nightly generation",
    ("queues.advance", "visitor_queue"): "the state of all queues, which each server process reads once a second",
    (
        "cells.list_homes",
        "clinic_home",
    ): "the routing table, which each server process reads once a second",
    ("cells.summarise", "clinic"): "the number of clinics in each cell",
    ("cells.summarise", "clinic_home"): "the same",
    ("clinics.add", "clinic_home"): "whether a clinic in another cell has the short name",
    ("clinics.change", "clinic_home"): "the same",
    ("cells.list_own_clinics", "clinic"): "the names of this cell's clinics, for other cells",
    ("cells.has_clinics_outside", "clinic"): "whether another installation has used the same numbers",
    ("queues.find_automatic", "clinic"): "the clinic that gets most of the visits, by the name in its pages' addresses",
    ("catalogue.load", "clinic"): "the short name in a page's address",
    ("availability.next_slots", "booking_slot"): "search",
    ("reports.note_coming_days", "clinic"): "the nightly sums",
    ("clinics.list_unlocated", "clinic"): "the nightly search for coordinates",
    ("finding.find_clinics", "clinic"): "the page that finds a clinic",
    ("finding.find_clinics", "doctor"): "the same, by a doctor's name",
    ("finding.find_clinics", "appointment_type"): "the same, by the reason for the visit",
    ("finding.suggest_names", "clinic"): "the suggestions on that page",
    ("finding.suggest_names", "doctor"): "the same",
    ("finding.read_doctors_time", "clinic"): "the next times of the clinics on that page",
    ("finding.list_specialties", "doctor"): "the filters on that page",
    ("finding.list_languages", "doctor"): "the same",
    ("booking.list_for_customer", "appointment"): "a customer's own appointments",
    ("booking.list_visits", "appointment"): "the same",
    ("customers.count_upcoming_appointments", "appointment"): "whether a customer can be removed",
    ("customers.list_ids_at_address", "appointment"): "whether a customer with this address has booked anywhere",
    ("customers.find_at_address", "appointment"): "the same",
    ("booking.expire_holds", "appointment"): "the sweep of expired holds",
    ("booking.expire_holds", "payment"): "the same",
    ("booking.delete_old_keys", "appointment"): "the sweep of old idempotency keys",
    ("database.zones_that_differ", "clinic"): "the time zones in /readyz",
    ("booking.delete_old_origins", "stranger_appointment"): "the sweep of old networks",
    ("booking.delete_old_steps", "appointment_step"): "the sweep of steps that can no longer be undone",
    ("database.queue_lengths", "event"): "the backlogs in /metrics",
    ("database.queue_lengths", "notification"): "the same",
    ("database.queue_lengths", "webhook"): "the same",
    ("database.queue_lengths", "broker_message"): "the same",
    ("billing.list_due", "appointment_bill"): "workers serve all clinics",
    (
        "billing.request_bills",
        "coupon_use",
    ): "whether to bill a batch of appointments, which may be at different clinics",
    ("billing.request_bills", "payment_policy"): "the same",
    ("coupons.release_expired", "coupon_use"): "workers serve all clinics",
    ("policies.count_clinics_with_deposits", "payment_policy"): "the warning that deposits cannot be paid",
    ("checkout.list_ended", "appointment"): "the sweep of payments whose holds are over",
    ("checkout.list_ended", "payment"): "the same",
    ("checkout.list_unsent", "payment"): "workers serve all clinics",
    ("checkout.list_succeeded", "payment"): "the comparison with the payment provider",
    ("checkout.list_sent", "payment"): "the same",
    ("checkout.save", "payment_drift"): "the same",
    ("database.queue_lengths", "payment_drift"): "the same",
    ("database.queue_lengths", "invariant_violation"): "the same",
    ("invariants.list_clinics", "clinic"): "the nightly data check",
    ("invariants.erased_customers", "patient"): "whether any clinic still has notes about an erased customer",
    ("events.take_batch", "event"): "the relay",
    ("events.park_followers", "event"): "the relay",
    ("events.list_parked", "event"): "the administrator's list",
    ("events.release", "event"): "the administrator's release",
    ("events.delete_relayed", "event_log"): "the sweep of old relayed events",
    ("notifications.due_reminders", "clinic"): "workers serve all clinics",
    ("notifications.list_clinic_places", "clinic"): "the countries of all clinics",
    ("notifications.read_contexts", "notification"): "the messages that an address has received from all clinics",
    ("notifications.supersede", "notification"): "a batch of events from many clinics",
    ("notifications.plan_agendas", "clinic"): "workers serve all clinics",
    ("notifications.lease_due", "notification"): "workers serve all clinics",
    ("invoices.list_of_customer", "invoice"): "a customer's own invoices",
    ("payments.sum_own_credit", "payment"): "a customer's own credit",
    ("documents.list_due", "invoice_pdf"): "workers serve all clinics",
    ("receipts.list_due", "receipt"): "workers serve all clinics",
    ("retention.delete_unsuccessful_payments", "payment"): "the nightly job",
    ("retention.redact_documents", "clinic"): "the same",
    ("retention.redact_documents", "payment_policy"): "the same",
    ("broker.list_oldest", "broker_message"): "one worker publishes for all clinics",
    ("broker.delete", "broker_message"): "the same",
    ("broker.put_aside", "broker_message"): "the same",
    ("rooms.find_drift", "call"): "workers serve all clinics",
    ("rooms.find_drift", "clinic"): "the same",
    ("rooms.lease_due", "call"): "workers serve all clinics",
    ("recordings.lease_due", "recording"): "the same",
    ("recordings.expire", "recording"): "the same",
    ("recordings.erase", "appointment"): "a customer is erased everywhere",
    ("settings.list_clinics", "call_settings"): "the same",
    ("guests.erase", "appointment"): "a customer is erased everywhere",
    ("webhooks.claim", "webhook"): "workers serve all clinics",
    ("webhooks.delete_old", "webhook_delivery"): "the sweep of old deliveries",
    ("privacy.clinics_of", "appointment"): "a patient's clinics",
    ("privacy.clinics_of", "patient"): "the same",
    ("privacy.patients", "patient"): "a customer's export",
    ("privacy.appointments", "appointment"): "the same",
    ("privacy.calls", "appointment"): "the same",
    ("privacy.guests", "appointment"): "the same",
    ("privacy.consents", "appointment"): "the same",
    ("privacy.recordings", "appointment"): "the same",
    ("privacy.notifications", "notification"): "the same",
    ("privacy.payments", "payment"): "the same",
    ("privacy.events", "event"): "the same",
    ("privacy.events", "event_log"): "the same",
    ("booking.lock_appointments", "appointment"): "a customer is erased everywhere",
    ("booking.erase_appointments", "appointment"): "the same",
    ("customers.erase_patients", "patient"): "the same",
    ("customers.delete_duplicate", "appointment"): "whether a duplicate customer has booked at another clinic",
    ("customers.delete_duplicate", "patient"): "a duplicate customer is deleted everywhere",
    ("confirmation.delete_old", "confirmation_code"): "the sweep of old confirmation codes",
    ("notifications.erase_notifications", "notification"): "the same",
    ("channels.erase_others_messages", "notification"): "the same",
    ("booking.erase_keys", "appointment"): "the same",
    ("customers.retain_patients", "patient"): "customers who erase themselves leave clinics' records everywhere",
    ("privacy.retained_records", "patient"): "the same",
    ("retention.list_retentions", "invoice"): "customers see how long clinics keep their invoices",
    ("emergency_access.erase_reasons", "emergency_access"): "a customer is erased everywhere",
    ("privacy.lock_unconfirmed", "appointment"): "whether a customer has booked anywhere",
    ("privacy.lock_unconfirmed", "patient"): "the same",
    ("privacy.lock_unconfirmed", "payment"): "whether a customer has paid anywhere",
    ("privacy.lock_unconfirmed", "invoice"): "the same",
    ("privacy.lock_unconfirmed", "coupon_use"): "the same",
    ("booking.delete_holds", "appointment"): "customers who never booked are deleted everywhere",
    ("emergency_access.delete_of_customers", "emergency_access"): "the same",
    ("privacy.limits", "clinic"): "the nightly retention",
    ("privacy.is_retained", "patient"): "whether any clinic retains a customer",
    ("privacy.is_retained", "appointment"): "the same",
    ("audit.waiting", "audit_unsealed"): "workers serve all clinics",
    ("audit.insert_refusals", "clinic"): "a refusal is recorded at each of the user's clinics",
    ("audit.chains", "audit_unsealed"): "the chains to check",
    ("audit.chains", "audit_entry"): "the same",
    ("audit.chains", "audit_head"): "the same",
    ("database.queue_lengths", "audit_unsealed"): "the backlogs in /metrics",
    ("accounts.list_memberships", "membership"): "a user's clinics",
    ("accounts.record_joining", "membership"): "the same",
    ("accounts.list_users", "membership"): "the administrator's list",
    ("revocation.list_accounts", "membership"): "the same",
    ("revocation.find_account", "membership"): "a user's clinics",
    ("audit.heads", "audit_head"): "the nightly export of all heads",
    ("corrections.list_clinics", "patient"): "the clinics that know a person",
    ("corrections.clear_superseded", "patient"): "a person's own correction applies at all clinics",
    ("corrections.newest_address_correction", "patient_correction"): "whether any clinic has corrected an address",
    ("corrections.list_everywhere", "patient_correction"): "a customer's export",
    ("corrections.list_address_correctors", "patient_correction"): "the clinics that see who signs in",
    ("corrections.erase", "patient"): "a customer is erased everywhere",
    ("corrections.erase", "patient_correction"): "the same",
    ("joins.list_clinics", "patient"): "the clinics that know a person",
    ("encryption.columns", "absence"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "absence"): "the same",
    ("encryption.columns", "appointment"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "appointment"): "the same",
    ("encryption.columns", "appointment_step"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "appointment_step"): "the same",
    ("encryption.columns", "call_settings"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "call_settings"): "the same",
    ("encryption.columns", "recording"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "recording"): "the same",
    ("encryption.columns", "emergency_access"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "emergency_access"): "the same",
    ("encryption.columns", "patient"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "patient"): "the same",
    ("encryption.columns", "webhook"): "values are encrypted and rotated for all clinics",
    ("encryption.count_by_key", "webhook"): "the same",
}
"""Statements that read several clinics' rows, with the table and the reason."""


@pytest.fixture
def new_database(server_url, worker_id) -> Iterator[str]:
    """A database without statistics or dead rows, which would change the plans."""
    with temporary(server_url, f"plans_{worker_id}") as url:
        yield url


async def test_every_statement_stays_within_one_clinic_unless_listed(new_database):
    """In every statement's plan, each scan of a clinic's table has the clinic as a condition."""
    unbound = set()
    db = connect(new_database, size=1, wait_seconds=30, statement_seconds=60)
    async with db.connection() as connection, connection.transaction():
        # Plan as for large tables, where joins look up rows by clinic.
        await connection.execute(
            "set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off"
        )
        tables = await connection.fetch(
            """
            select attrelid::regclass::text from pg_attribute join pg_class on pg_class.oid = attrelid
             where attname = 'clinic_id' and relkind = 'r'
            """
        )
        key_of = {row[0]: "clinic_id" for row in tables} | {"clinic": "id"}
        for name, sql in statements():
            await connection.execute(f"prepare statement as {sql}")
            parameters = await connection.fetchval(
                "select parameter_types from pg_prepared_statements where name = 'statement'"
            )
            arguments = f"({', '.join(['null'] * len(parameters))})" if parameters else ""
            (explanation,) = json.loads(
                await connection.fetchval(f"explain (format json) execute statement {arguments}")
            )
            await connection.execute("deallocate statement")
            for node in nodes(explanation["Plan"]):
                table = node.get("Relation Name")
                conditions = " ".join(
                    str(value) for key, value in node.items() if key == "Filter" or key.endswith("Cond")
                )
                if (
                    table in key_of
                    and node["Node Type"] != "ModifyTable"
                    and not re.search(rf"\b{key_of[table]} = (?!ANY|\(hashed)", conditions)
                ):
                    unbound.add((name, table))
    await db.close()
    # The planner can start from either table.
    either = {("notifications.plan_agendas", "clinic"), ("notifications.plan_agendas", "doctor")}
    assert unbound & either
    assert unbound | either == set(ACROSS_CLINICS) | either


def nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


READ_ALL_PATIENTS = {
    "audit_trail.find_patients",
    "customers.find_patient",
    "customers.find_patient_id",
    "customers.list_by_name",
    "customers.list_initials",
    "customers.list_patients",
    "customers.load_patient_names",
    "day_board.find_by_patient",
    "joins.list_similar",
}


def test_statements_look_up_people_one_by_one():
    """In a plain join with `clinic_customer`, which is a security barrier, the planner reads all of the clinic's
    patients instead of single rows.
    """
    assert {name for name, sql in statements() if re.search(r"join clinic_customer\b", sql)} == READ_ALL_PATIENTS
