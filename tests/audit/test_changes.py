"""Every operation that changes something adds exactly one entry to the audit log."""

from datetime import UTC, datetime, timedelta

from appoint.clinics.pictures.model import DOT
from appoint.kit import clock
from support.app import ADMIN
from support.appointments import begin_now
from support.audit import unsealed
from support.audit_subjects import expected_subjects
from support.call_changes import change_calls
from support.described import OPERATIONS
from support.hours import COMING_MONDAY, hours
from support.money_changes import change_money
from support.staff import ANOTHER, PASSWORD, add_user, bearer, works_at
from support.world import create_clinic

NOT_COVERED = {
    "noShowAppointment": "requires that the appointment has begun by the API's clock",
    "createWebhook": "resolves the address on the Internet",
    "setCredentials": "needs the link in an email",
    "signInByCode": "needs the code in an email",
    "sendConfirmationCode": "needs a booking that waits for a code",
    "confirmTotp": "needs a code for the current time",
    "registerPasskey": "needs an authenticator",
    "patchPasskey": "needs a passkey",
    "removePasskey": "needs a passkey",
    "signInWithPasskey": "needs a passkey",
    "createRecoveryCodes": "needs a passkey",
    "beginPasskey": "changes nothing",
    "beginPasskeyProof": "changes nothing",
    "openInEmergency": "needs a doctor who is signed in",
    "reviewEmergencyAccess": "needs the access that a doctor has opened",
    "checkCoupon": "changes nothing",
    "waiveFee": "needs a missed appointment that has been billed",
}
"""The mutating operations that the test below leaves out, and why. Their features' own tests cover them."""


async def test_every_mutating_operation_is_recorded_exactly_once(client, db):  # noqa: PLR0915  one long story
    """Run every operation once, in an order that gives each what it needs."""
    operations = {operation.handler.operation_id: operation for operation in OPERATIONS if operation.method != "get"}
    clinics: dict[str, int] = {}

    async def run(name: str, body=None, query=None, *, by=ADMIN, actor="administrator", copies=0, **ids) -> dict:
        operation = operations[name]
        path = operation.path.format_map(
            {parameter: 1 for parameter in operation.parameters if parameter == "clinicId"} | ids
        )
        before, request_id = len(await unsealed(db)), f"{len(clinics):024x}"
        response = await client.request(
            operation.method, path, json=body, params=query, headers=by | {"X-Request-ID": request_id}
        )
        assert response.status_code < 300, (name, response.text)
        entries = await unsealed(db, before)
        assert [(entry["actor"], entry["action"], entry["request_id"]) for entry in entries] == [
            (actor, name, request_id)
        ] * (1 + copies)
        clinics[name] = entries[0]["clinic_id"]
        content = response.json() if response.content else {}
        assert entries[0]["subjects"] == expected_subjects(name, parameters=ids, content=content, actor=actor), name
        return content

    name = {"name": "Ana Lim"}
    week = {"weekly": {"monday": hours("09:00-12:00")}}
    monday = datetime.combine(COMING_MONDAY, datetime.min.time(), UTC)
    first_day, next_day = str(COMING_MONDAY), str(COMING_MONDAY + timedelta(days=1))

    def when(hour: int, day: int = 0, minutes: int = 30) -> dict[str, str]:
        start = monday + timedelta(days=day, hours=hour)
        return {"startTime": start.isoformat(), "endTime": (start + timedelta(minutes=minutes)).isoformat()}

    lakeside = {"name": "Lakeside", "timeZone": "Europe/Berlin"}
    await run("createClinic", lakeside)
    await run("replaceClinic", lakeside)
    await run("patchClinic", {"name": "Lakeside Clinic"})
    for picture in ("Logo", "Photo"):
        await run(f"replace{picture}", {"content": DOT}, clinicId=1)
        await run(f"remove{picture}", clinicId=1)
    check_up = (await run("createAppointmentType", {"name": "Check-up", "minutes": 30}))["id"]
    await run("replaceAppointmentType", {"name": "Check-up", "minutes": 30}, id=check_up)
    await run("patchAppointmentType", {"name": "Long check-up"}, id=check_up)
    await run("orderAppointmentTypes", {"appointmentTypeIds": [check_up]})
    shah = (await run("createDoctor", {"name": "Dr Shah"}))["id"]
    await run("replacePortrait", {"content": DOT}, doctorId=shah)
    await run("removePortrait", doctorId=shah)
    await run("replaceDoctor", {"name": "Dr Shah"}, doctorId=shah)
    await run("patchDoctor", {"name": "Dr A. Shah"}, doctorId=shah)
    okafor = (await run("createProvider", {"name": "Dr Okafor", "clinicId": 1}))["id"]
    await run("setProviderSchedule", week, providerId=okafor)
    ana = (await run("createCustomer", {"name": "Ana"}))["id"]
    await run("replaceCustomer", {"name": "Ana"}, customerId=ana)
    await run("patchCustomer", name, customerId=ana)
    await run("replaceNotificationPreferences", {"email": False}, customerId=ana)
    time_slot = (await run("createTimeSlot", {"startTime": "09:00", "endTime": "12:00"}))["id"]
    await run("replaceTimeSlot", {"startTime": "09:00", "endTime": "12:30"}, timeSlotId=time_slot)
    await run("removeTimeSlot", timeSlotId=time_slot)
    await run("replaceSchedule", week, doctorId=shah)
    doctor_slot = (
        await run("createDoctorSlot", {"weekday": "tuesday", "startTime": "09:00", "endTime": "12:00"}, doctorId=shah)
    )["id"]
    await run(
        "replaceDoctorSlot", {"weekday": "tuesday", "startTime": "09:00", "endTime": "12:30"}, doctorSlotId=doctor_slot
    )
    await run("removeDoctorSlot", doctorSlotId=doctor_slot)
    await run("generateBookingSlots", {"clinicId": 1, "from": first_day, "to": first_day})
    await run("changeClinicsHours", {"from": first_day, "to": next_day})
    await run("changeDoctorsHours", {"from": first_day, "to": next_day}, doctorId=shah)
    slot = (await run("createBookingSlot", {"doctorId": shah, **when(8, 2, 240)}))["id"]
    await run("replaceBookingSlot", when(8, 2, 300), bookingSlotId=slot)
    visit = (await run("bookAppointment", {"customerId": ana, "doctorId": shah, **when(8, 2)}))["id"]
    await run("rescheduleAppointment", when(10, 2), appointmentId=visit)
    await run("patchAppointment", {"notes": "Allergic"}, appointmentId=visit)
    await run("patchPatient", {"recordNumber": "7"}, customerId=ana)
    anna = (await run("createPatient", {"name": "Anna Lim"}))["id"]
    granted = (await run("addGuardian", {"guardianId": anna}, customerId=ana))["id"]
    await run("removeGuardian", customerId=ana, guardianshipId=granted, otherId=anna)
    child = await run("createWard", {"name": "Mia", "birthDate": "2019-05-01"}, customerId=ana)
    await run("endGuardianship", customerId=ana, guardianshipId=child["id"], otherId=child["wardId"])
    await run("markAsDifferent", {"customerId": anna}, customerId=ana, otherId=anna)
    await run("joinPatients", {"customerId": anna}, customerId=ana, otherId=anna)
    await run("separatePatient", customerId=anna, otherId=ana)
    for step in ("arrive", "unarrive", "checkIn"):
        await run(f"{step}Appointment", appointmentId=visit)
    override = {"allow": ["outside-hours"], "reason": "In pain"}
    emergency = (
        await run("bookAppointment", {"customerId": ana, "doctorId": shah, "override": override, **when(20, 2)})
    )["id"]
    await run("revokeManageLink", appointmentId=emergency)
    await db.execute(
        "insert into stranger_appointment (clinic_id, appointment_id, networks, minutes, held) "
        "values (1, $1, array[''::bytea], 30, false)",
        emergency,
    )
    await run("cancelStrangerAppointments", {"appointmentIds": [emergency]}, appointmentId=emergency)
    await run("cancelAppointment", appointmentId=emergency)
    hold = (await run("bookAppointment", {"customerId": ana, "doctorId": shah, "hold": True, **when(8, 2)}))["id"]
    await run("confirmAppointment", appointmentId=hold)
    await run("cancelAppointment", appointmentId=hold)
    booking = await run(
        "makeBooking",
        {
            "clinicId": 1,
            "customerId": ana,
            "appointments": [{"doctorId": shah, **when(8, 2)}, {"doctorId": shah, **when(9, 2)}],
        },
    )
    for appointment in booking["appointments"]:
        await run("cancelAppointment", appointmentId=appointment["id"])
    single = await run("makeBooking", {"clinicId": 1, "customerId": ana, "doctorId": shah, **when(8, 2)})
    await run("cancelBooking", clinicId=1, bookingId=single["bookingId"])
    part = {"doctorId": shah, "hold": True, **when(8, 2)}
    held = await run("makeBooking", {"clinicId": 1, "customerId": ana, "appointments": [part]})
    await run("confirmBooking", bookingId=held["bookingId"])
    await run("cancelAppointment", appointmentId=held["appointments"][0]["id"])
    several = (await run("bookAppointment", {"customerId": ana, "doctorId": shah, **when(8, 2)}))["id"]
    selected = {"id": several}
    later = {"id": several, "startTime": when(9, 2)["startTime"]}
    await run("moveAppointments", {"appointments": [later]}, appointmentId=several)
    await db.execute("update appointment set needs_rebooking = true where id = $1", several)
    await run("askToRebook", {"appointments": [selected], "by": "phone"}, appointmentId=several)
    cancelled = await run("cancelAppointments", {"appointments": [selected]}, appointmentId=several)
    step = cancelled["undo"]["url"].split("/")[-2]
    await run("undoStep", stepId=step, appointmentId=several)
    await run("cancelAppointment", appointmentId=several)
    await run("enterRoomForAppointment", appointmentId=visit)
    await begin_now(db, visit)
    await run("fulfilAppointment", appointmentId=visit)
    await run("undoAppointmentStep", appointmentId=visit)
    await change_money(run, customer_id=ana, type_id=check_up)
    await change_calls(run, db, appointment_id=visit, type_id=check_up)
    absence = (await run("createAbsence", {"doctorId": okafor, **when(8, 1, 240)}))["id"]
    await run("patchAbsence", {"reason": "Training"}, absenceId=absence)
    await run("removeAbsence", absenceId=absence)
    closed = await run("closeOnPublicHolidays", {"country": "DE", "dates": ["2027-10-03"]})
    closure = closed["closures"][0]["id"]
    await run("reopenOnPublicHolidays", query={"absenceIds": closure}, absenceId=closure)
    extra_slot = (await run("createBookingSlot", {"doctorId": shah, **when(8, 3)}))["id"]
    await run("removeBookingSlot", bookingSlotId=extra_slot)
    template = {"kind": "reminder", "channel": "sms", "locale": "en"}
    await run("previewMessageTemplate", {"text": "Please come."}, **template)
    await run("replaceMessageTemplate", {"text": "Please come."}, **template)
    await run("removeMessageTemplate", **template)
    dead_letter = await db.fetchval(
        """
        insert into notification (clinic_id, id, kind, subject_id, sequence, recipient, recipient_id, channel,
                                  due_at, expires_at, status, reason)
        values (1, mint_id(1), 'stranded', 'x', 0, 'staff', '1', 'email', now(), now(), 'dead', 'refused')
        returning id::text
        """
    )
    await run("resendNotification", notificationId=dead_letter)
    webhook = await db.fetchval(
        """
        insert into webhook (clinic_id, id, url, secret)
        values (1, mint_id(1), 'http://127.0.0.1:1/', sha256('')) returning id::text
        """
    )
    await run("rotateWebhookSecret", webhookId=webhook)
    await run("replayWebhook", query={"since": clock.now().isoformat()}, webhookId=webhook)
    await run("testWebhook", webhookId=webhook)
    await run("patchWebhook", {"description": "The portal"}, webhookId=webhook)
    await run("removeWebhook", webhookId=webhook)
    api_key = (await run("createApiKey", {"name": "Portal", "scopes": ["see-appointments"]}))["id"]
    await run("patchApiKey", {"name": "The portal"}, apiKeyId=api_key)
    await run("rotateApiKey", {"overlapMinutes": 60}, apiKeyId=api_key)
    await run("removeApiKey", apiKeyId=api_key)
    await run("removeAppointmentType", id=check_up)
    await run("removeDoctor", doctorId=okafor)
    await run("removeCustomer", customerId=(await run("createCustomer", {"name": "Ben"}))["id"])
    await run("eraseCustomer", customerId=(await run("createCustomer", {"name": "Cy"}))["id"])
    token = (await run("createAdminToken", {"name": "Backup check"}))["id"]
    await run("revokeAdminToken", adminTokenId=token)
    mia = (await run("inviteUser", {"email": "mia@example.org", "name": "Mia", "role": "receptionist"}))["id"]
    await run("inviteUserAgain", userId=mia)
    await run("patchUser", {"name": "Mia Klein"}, userId=mia)
    await run("replaceStaffNetworks", {"networks": ["0.0.0.0/0"]}, clinicId=1)
    await run("replaceSignInRules", {"secondFactor": False}, clinicId=1)
    await run("patchQueue", {"open": False}, clinicId=1)
    await run("disableUser", userId=mia)
    await run("enableUser", userId=mia)
    await run("signOutUser", userId=mia)
    await run("removeUser", userId=mia)
    await run("disableAccount", userId=mia)
    await run("enableAccount", userId=mia)
    await run("revokeAdministrator", userId=mia)
    await run("signOutAccount", userId=mia)
    await run("resetPassword", {"email": "mia@example.org"})
    await run("sendSignInCode", {"email": "ana@example.org"})
    await works_at(db, kim := await add_user(db, "kim@example.org"))

    async def as_kim(operation_id: str, body=None, password: str = ANOTHER, **ids) -> None:
        await run(operation_id, body, by=await bearer(client, "kim@example.org", password), actor=f"user:{kim}", **ids)

    await as_kim("patchAccount", {"name": "Kim"}, PASSWORD)
    await as_kim("changePassword", {"current": PASSWORD, "new": ANOTHER}, PASSWORD)
    await as_kim("beginTotp", {"password": ANOTHER})
    await as_kim("proveIdentity", {"password": ANOTHER})
    await as_kim("removeTotp", {"password": ANOTHER})
    await as_kim("endSession", sessionId=await db.fetchval("select id from session order by id desc limit 1"))
    await as_kim("signOut")
    await as_kim("signOutEverywhere")
    await run("signIn", {"email": "kim@example.org", "password": ANOTHER}, copies=1)  # a copy for Kim's clinic
    await run("deactivateClinic", clinicId=await create_clinic(client, name="Hillside"))
    assert sorted(operations) == sorted({*clinics, *NOT_COVERED})
    assert {name for name, clinic_id in clinics.items() if clinic_id == 0} == {
        "createCustomer",
        "createWard",
        "endGuardianship",
        "replaceCustomer",
        "patchCustomer",
        "removeCustomer",
        "eraseCustomer",
        "replaceNotificationPreferences",
        "resetPassword",
        "sendSignInCode",
        "signIn",
        "patchAccount",
        "changePassword",
        "beginTotp",
        "removeTotp",
        "endSession",
        "signOut",
        "signOutEverywhere",
        "proveIdentity",
        "createAdminToken",
        "revokeAdminToken",
        "disableAccount",
        "enableAccount",
        "revokeAdministrator",
        "signOutAccount",
    }
