"""Reads of private data are recorded, with a list of exactly what was shown."""

from uuid import UUID

import pytest

from appoint.audit import jobs
from appoint.audit.model import Key
from appoint.http.routes import route_of
from appoint.kit import clock
from appoint.kit.permissions import PUBLIC_PERMISSIONS
from support.app import ADMIN
from support.calls import add_dead_call
from support.described import OPERATIONS
from support.money_records import create_money_records
from support.staff import add_user, bearer, works_at
from support.world import (
    create_appointment_type,
    create_clinic,
    create_customer,
    create_doctor,
    hours_ahead,
    insert_appointment,
    publish_slot,
)

READS = {
    operation.handler.operation_id: operation
    for operation in OPERATIONS
    if operation.method == "get" and route_of(operation.handler).permission not in PUBLIC_PERMISSIONS
}


@pytest.fixture
async def ids(client, db) -> dict[str, str]:
    """Create a clinic with one object of each kind. Return the objects' ids by path parameter."""
    await create_clinic(client)
    await create_appointment_type(client)
    shah, ana = await create_doctor(client), await create_customer(client, email="ana@example.org")
    await publish_slot(db, shah, hours_ahead(24), hours_ahead(30))
    await insert_appointment(db, shah, ana, hours_ahead(24), hours_ahead(25))
    away = {"doctorId": shah, "startTime": hours_ahead(48).isoformat(), "endTime": hours_ahead(50).isoformat()}
    absence = await client.post("/api/clinics/1/absences", json=away, headers=ADMIN)
    token = await client.post("/api/adminTokens", json={"name": "Backup check"}, headers=ADMIN)
    key = {"name": "Portal", "scopes": ["see-appointments"]}
    api_key = await client.post("/api/clinics/1/apiKeys", json=key, headers=ADMIN)
    text = {"text": "Please come."}
    template = await client.put("/api/clinics/1/messageTemplates/reminder/sms/en", json=text, headers=ADMIN)
    await works_at(db, kim := await add_user(db, "kim@example.org"))
    webhook = await db.fetchval(
        """
        insert into webhook (clinic_id, id, url, secret)
        values (1, mint_id(1), 'http://127.0.0.1:1/', sha256('')) returning id
        """
    )
    notification = await db.fetchval(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  due_at, expires_at, status, reason)
        values (1, mint_id(1), 'stranded', 'x', 0, 'staff', '1', 'email', now(), now(), 'dead', 'refused') returning id
        """
    )
    access = await db.fetchval(
        """
        insert into emergency_access (clinic_id, id, doctor_id, customer_id, reason, expires_at)
        values (1, mint_id(1), $1, $2, '(erased)', now()) returning id
        """,
        shah,
        ana,
    )
    await db.execute("update appointment set needs_rebooking = true")
    appointment = await db.fetchrow("select id, booking_id from appointment")
    await db.execute(
        """
        insert into stranger_appointment (clinic_id, appointment_id, networks, minutes, held)
        values (1, $1, array[sha256('')], 30, false) on conflict do nothing
        """,
        appointment.id,
    )
    guest = await add_dead_call(db, appointment.id)
    money = await create_money_records(db, 1, ana, "ROW-1")
    check_up = await db.fetchval("select id from appointment_type")
    return {
        **{name: str(id) for name, id in money.items()},
        "id": str(check_up),
        "clinicId": "1",
        "customerId": ana,
        "doctorId": shah,
        "appointmentId": str(appointment.id),
        "bookingId": str(appointment.booking_id),
        "absenceId": absence.json()["id"],
        "adminTokenId": token.json()["id"],
        "apiKeyId": api_key.json()["id"],
        "accessId": str(access),
        "guestId": str(guest),
        "userId": str(kim),
        "webhookId": str(webhook),
        "notificationId": str(notification),
        "templateId": template.json()["id"],
        "kind": "reminder",
        "channel": "sms",
        "locale": "en",
    }


SUBJECTS: dict[str, tuple[str, ...]] = {
    "checkInvariants": ("clinicId",),
    "exportCustomer": ("customerId",),
    "findCustomers": ("customerId",),
    "findSimilarPatients": ("customerId",),
    "getAbsence": ("absenceId",),
    "getAccount": (),
    "exportBeancountLedger": ("clinicId",),
    "exportLedger": ("clinicId",),
    "getCoupon": ("couponId",),
    "getCredit": ("customerId",),
    "getInvoice": ("invoiceId", "customerId"),
    "downloadInvoice": ("invoiceId", "customerId"),
    "downloadReceipt": ("paymentId", "customerId"),
    "getPayment": ("paymentId", "customerId"),
    "getCallSettings": (),
    "getCall": ("appointmentId",),
    "listCalls": ("appointmentId",),
    "listGuests": ("appointmentId", "guestId"),
    "getPaymentPolicy": (),
    "getPaymentPolicyOfType": (),
    "getSeller": (),
    "getQueue": ("clinicId",),
    "getRefund": ("refundId", "paymentId"),
    "listCoupons": ("couponId",),
    "listInvoices": ("invoiceId",),
    "listPayments": ("paymentId",),
    "listTransfers": ("items",),
    "getAdminToken": ("adminTokenId",),
    "getApiKey": ("apiKeyId",),
    "getAppointment": ("appointmentId",),
    "getAuditHead": (),
    "getBooking": ("bookingId",),
    "getCustomer": ("customerId",),
    "getEmergencyAccess": ("accessId",),
    "getMessageTemplate": ("kind", "channel", "locale", "templateId"),
    "getNotification": ("notificationId",),
    "getNotificationPreferences": ("customerId",),
    "getPasskey": ("passkeyId",),
    "getPatient": ("customerId",),
    "getPlatformAuditHead": (),
    "getSession": ("sessionId",),
    "getSettlement": ("appointmentId",),
    "getSignInRules": ("clinicId",),
    "getStaffNetworks": ("clinicId",),
    "getUser": ("userId",),
    "getUserAccount": ("userId",),
    "getWebhook": ("webhookId",),
    "listAbsences": ("absenceId",),
    "listAccounts": ("userId",),
    "listAdminTokens": ("adminTokenId",),
    "listApiKeys": ("apiKeyId",),
    "listAppointmentsToRebook": ("appointmentId",),
    "listAudit": ("items",),
    "listClinicAppointments": ("appointmentId",),
    "listClinicBookings": ("bookingId",),
    "listCorrections": ("customerId",),
    "listCustomerAppointments": ("customerId", "appointmentId"),
    "listCustomers": ("customerId",),
    "listEmergencyAccess": ("accessId",),
    "listGuardians": ("customerId",),
    "listJoinedRecords": ("customerId",),
    "listMessageTemplates": ("templateId",),
    "listNextFreeTimes": (),
    "listNotifications": ("notificationId",),
    "listPasskeys": ("passkeyId",),
    "listPatients": ("customerId",),
    "listPlatformAudit": ("items",),
    "listPublicHolidays": (),
    "listSessions": ("sessionId",),
    "listSimilarPatients": ("customerId",),
    "listStrangerAppointments": ("appointmentId",),
    "listUserSessions": ("userId", "sessionId"),
    "listUsers": ("userId",),
    "listWards": ("customerId",),
    "listWebhookDeliveries": ("webhookId", "items"),
    "listWebhooks": ("webhookId",),
}
"""The expected subjects of each operation's audit entry, as keys of `ids`. `items` stands for the ids of the items in
the response.
"""
OWN_DATA = ("getAccount", "getPasskey", "getSession", "listPasskeys", "listSessions")
PLATFORM = {
    *OWN_DATA,
    "checkInvariants",
    "exportCustomer",
    "getAdminToken",
    "getCustomer",
    "getNotificationPreferences",
    "getPlatformAuditHead",
    "getUserAccount",
    "listAccounts",
    "listAdminTokens",
    "listCustomerAppointments",
    "listCustomers",
    "listPlatformAudit",
    "listWards",
}
"""Operations whose paths don't contain a clinic."""
QUERIES = {
    "checkInvariants": {"clinicId": "1"},
    "findCustomers": {"email": "ana@example.org"},
    "findSimilarPatients": {"name": "Ana"},
}


PASSKEY = """
insert into passkey (user_id, name, credential_id, public_key, sign_count, synced)
values ($1, 'Phone', 'id', 'key', 0, false)
returning id
"""


async def test_every_read_of_private_data_is_recorded_once_with_its_subjects(client, db, ids):
    await jobs.seal(db, Key("signs links in tests"), now=clock.now)  # a head exists only once entries have been sealed
    kim = await bearer(client, "kim@example.org")
    ids["sessionId"] = str(await db.fetchval("select id from session"))
    ids["passkeyId"] = str(await db.fetchval(PASSKEY, UUID(ids["userId"])))
    assert sorted(READS) == sorted(SUBJECTS)
    for name, operation in READS.items():
        await db.execute("delete from audit_unsealed")
        path = operation.path.format_map(ids)
        headers = kim if name in OWN_DATA else ADMIN
        response = await client.get(path, params=QUERIES.get(name), headers=headers)
        assert response.status_code == 200, (name, response.text)
        subjects: list[str] = []
        for subject in SUBJECTS[name]:
            subjects += [item["id"] for item in response.json()["items"]] if subject == "items" else [ids[subject]]
        entries = [
            (row.clinic_id, row.action, row.subjects, row.reason)
            for row in await db.fetch("select clinic_id, action, subjects, reason from audit_unsealed")
        ]
        assert entries == [(0 if name in PLATFORM else 1, name, subjects, None)]


async def test_a_read_that_gets_not_modified_is_not_recorded(client, db, ids):
    path = f"/api/customers/{ids['customerId']}"
    tag = (await client.get(path, headers=ADMIN)).headers["etag"]
    before = await db.fetchval("select count(*) from audit_unsealed")
    response = await client.get(path, headers=ADMIN | {"If-None-Match": tag})
    assert response.status_code == 304
    assert await db.fetchval("select count(*) from audit_unsealed") == before
