"""Doctors can see their own patients, and a colleague's only in an emergency."""

from datetime import datetime, timedelta

import pytest

from appoint.kit import clock
from support.app import ADMIN
from support.audit import unsealed
from support.manage_links import START, book, create_visit, times_at
from support.staff import add_user, bearer, type_of, works_at
from support.world import create_clinic, create_customer, create_doctor, publish_slot

REASON = {"reason": "Collapsed in the waiting room"}


@pytest.fixture
async def practice(db, client):
    """Ana is Dr Shah's patient. Dr Roth works at the same clinic."""
    visit = await create_visit(db, client)
    roth = await create_doctor(client, name="Dr Roth")
    await publish_slot(db, roth, START, START + timedelta(hours=6))
    appointment = await book(client, visit)
    headers = {}
    for name, role, doctor in (
        ("roth", "doctor", roth),
        ("shah", "doctor", visit["doctorId"]),
        ("rita", "receptionist", None),
        ("mia", "manager", None),
    ):
        await works_at(db, await add_user(db, f"{name}@example.org", name=name), 1, role, doctor)
        headers[name] = await bearer(client, f"{name}@example.org")
    return {**visit, **headers, "rothId": roth, "appointment": appointment["id"]}


def path_of(practice) -> str:
    return f"/api/clinics/1/patients/{practice['customerId']}"


async def open_record(client, practice, headers=None, body=REASON):
    return await client.post(f"{path_of(practice)}/emergencyAccess", json=body, headers=headers or practice["roth"])


async def test_a_doctor_cannot_open_a_colleagues_patient_by_holding_and_releasing_a_time(client, practice):
    body = {"customerId": practice["customerId"], "doctorId": practice["rothId"], **times_at(2), "hold": True}
    held = (await client.post("/api/appointments", json=body, headers=practice["roth"])).json()
    assert (await client.get(path_of(practice), headers=practice["roth"])).status_code == 403
    await client.delete(f"/api/appointments/{held['id']}", headers=practice["roth"])
    assert (await client.get(path_of(practice), headers=practice["roth"])).status_code == 403


@pytest.mark.parametrize(
    ("status", "expected"),
    [("booked", 200), ("arrived", 200), ("fulfilled", 200), ("pending", 403), ("cancelled", 403), ("noshow", 403)],
)
async def test_a_doctor_sees_patients_with_live_or_past_appointments(client, db, practice, status, expected):
    await db.execute(
        "update appointment set status = $1, hold_expires_at = case when $1 = 'pending' then now() end", status
    )
    assert (await client.get(path_of(practice), headers=practice["shah"])).status_code == expected
    listed = (await client.get("/api/clinics/1/patients", headers=practice["shah"])).json()["items"]
    assert len(listed) == (expected == 200)


async def test_a_doctor_who_gives_a_reason_can_open_a_colleagues_patient_for_a_day(client, db, practice):
    before = clock.now()
    response = await open_record(client, practice)
    access = response.json()
    assert (response.status_code, access["reason"], access["doctorId"], access["customerId"]) == (
        201,
        REASON["reason"],
        practice["rothId"],
        practice["customerId"],
    )
    assert (
        before + timedelta(hours=23) < datetime.fromisoformat(access["expiresAt"]) <= clock.now() + timedelta(hours=24)
    )
    assert (await client.get(path_of(practice), headers=practice["roth"])).status_code == 200
    await db.execute("update emergency_access set expires_at = now()")
    assert (await client.get(path_of(practice), headers=practice["roth"])).status_code == 403


async def test_the_audit_log_records_who_opened_whom_but_not_why(client, db, practice):
    access = (await open_record(client, practice)).json()
    (entry,) = [entry for entry in await unsealed(db) if entry["action"] == "openInEmergency"]
    assert (entry["subjects"], entry["reason"]) == ([access["id"], practice["customerId"]], "emergency")
    assert "waiting room" not in str(await unsealed(db))


async def test_a_reason_is_required(client, practice):
    for body in ({}, {"reason": "  "}):
        assert (await open_record(client, practice, body=body)).status_code == 400


async def test_only_the_clinics_doctors_can_use_it_and_only_for_its_patients(client, db, practice):
    for name in ("rita", "mia"):
        assert type_of(await open_record(client, practice, practice[name])) == (403, "forbidden")
    assert (await open_record(client, practice, ADMIN)).status_code == 403
    stranger = {**practice, "customerId": await create_customer(client)}
    assert type_of(await open_record(client, stranger)) == (404, "not-found")
    elsewhere = await create_clinic(client, name="Hillside")
    response = await client.post(
        f"/api/clinics/{elsewhere}/patients/{practice['customerId']}/emergencyAccess",
        json=REASON,
        headers=practice["roth"],
    )
    assert type_of(response) == (404, "not-found")


async def test_managers_review_the_list(client, practice):
    access = (await open_record(client, practice)).json()
    path = "/api/clinics/1/emergencyAccess"
    assert (await client.get(path, headers=practice["roth"])).status_code == 403
    (listed,) = (await client.get(f"{path}?reviewed=false", headers=practice["mia"])).json()["items"]
    assert listed == access
    page = (await client.get("/staff/1/emergencies", headers=practice["mia"])).text
    assert all(text in page for text in ("Dr Roth", "Ana", REASON["reason"], "Mark as reviewed"))
    reviewed = await client.post(f"/api/emergencyAccess/{access['id']}/review", headers=practice["mia"])
    again = await client.post(f"/api/emergencyAccess/{access['id']}/review", headers=practice["mia"])
    assert (reviewed.status_code, reviewed.json()["reviewer"].partition(":")[0], again.json()) == (
        200,
        "user",
        reviewed.json(),
    )
    assert (await client.get(f"{path}?reviewed=false", headers=practice["mia"])).json()["items"] == []
    assert "Nothing to review." in (await client.get("/staff/1/emergencies", headers=practice["mia"])).text
    assert "Dr Roth" in (await client.get("/staff/1/emergencies?all=1", headers=practice["mia"])).text


async def test_a_doctor_can_find_a_colleagues_patient_by_the_full_record_number_or_address(client, db, practice):
    await db.execute("update patient set record_number = '2027-0113'")
    link = f"/staff/1/patients/{practice['customerId']}/emergency"
    pages = {
        q: (await client.get("/staff/1/patients", params={"q": q}, headers=practice["roth"])).text
        for q in ("2027-0113", "Ana@Example.org", "2027-011", "ana", "")
    }
    assert [link in page for page in pages.values()] == [True, True, False, False, False]
    assert "Ana<" not in pages["2027-0113"]
    receptionist = await client.get("/staff/1/patients", params={"q": "2027-0113"}, headers=practice["rita"])
    assert (link in receptionist.text, "Ana<" in receptionist.text) == (False, True)


async def test_a_doctor_is_offered_emergency_access_where_the_page_is_refused(client, practice):
    page = f"/staff/1/patients/{practice['customerId']}"
    refused = await client.get(page, headers=practice["roth"])
    assert (refused.status_code, f'href="{page}/emergency"' in refused.text) == (403, True)
    form = (await client.get(f"{page}/emergency", headers=practice["roth"])).text
    assert (f"POST {path_of(practice)}/emergencyAccess" in form, "Ana" in form) == (True, False)
