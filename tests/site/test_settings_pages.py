"""A clinic's settings pages, as the server renders them: what they show, to whom, and at what cost."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY, create_time_slot, hours, local, put_weekly_hours
from support.staff import add_user, bearer, works_at
from support.statements import StatementCounter
from support.world import create_appointment_type, create_clinic, create_customer, create_doctor, insert_appointment

PAGES = (
    "clinic",
    "video",
    "doctors",
    "doctors?show=left",
    "doctors/new",
    "doctors/{doctor}",
    "types",
    "types/new",
    "types/{type}",
    "hours",
    "hours/{doctor}",
    "hours/line/{doctor}",
    "hours/changes",
    "hours/changes/{doctor}",
    "hours/time-slots/{time_slot}",
    "absences",
    "absences?show=past",
    "absences/rebook",
    "absences/new?doctor={doctor}&from={monday}",
)


async def add_one_of_everything(client, db, number: int) -> dict[str, str]:
    """Add a type, a time slot and a doctor. The doctor has absences, unpublished changes to their hours, and
    appointments, one of which needs rebooking.
    """
    type_id = await create_appointment_type(client)
    doctor_id = await create_doctor(client)
    slot = await create_time_slot(client, f"{number + 1:02}:00", f"{number + 1:02}:30", name=f"Slot {number}")
    await put_weekly_hours(client, doctor_id, monday=hours("09:00-12:00"), tuesday=hours("09:00-12:00"))
    until = COMING_MONDAY + timedelta(days=8)
    await client.post(
        "/api/availability/createBookingSlots",
        json={"clinicId": 1, "from": str(COMING_MONDAY), "to": str(until)},
        headers=ADMIN,
    )
    for minute in range(0, 30, 10):
        start = local(COMING_MONDAY, f"09:{minute:02}")
        await insert_appointment(
            db,
            doctor_id,
            await create_customer(client, name=f"Ana {number} {minute}"),
            start,
            start + timedelta(minutes=10),
        )
    await put_weekly_hours(client, doctor_id, monday=hours("10:00-12:00"), wednesday=hours("09:00-12:00"))
    await db.execute(
        "update appointment set needs_rebooking = true where doctor_id = $1 and lower(during) = $2",
        doctor_id,
        local(COMING_MONDAY, "09:00"),
    )
    for day in (-40 - number, 40 + number):
        start = local(COMING_MONDAY + timedelta(days=day), "08:00")
        body = {
            "doctorId": doctor_id,
            "startTime": start.isoformat(),
            "endTime": (start + timedelta(hours=8)).isoformat(),
        }
        await client.post("/api/clinics/1/absences", json=body, headers=ADMIN)
    return {"doctor": doctor_id, "type": type_id, "time_slot": slot, "monday": str(COMING_MONDAY)}


async def test_a_page_runs_as_many_statements_for_three_doctors_as_for_one(client, db, monkeypatch):
    counter = StatementCounter(monkeypatch)
    await create_clinic(client)
    first = await add_one_of_everything(client, db, 0)

    async def costs() -> dict[str, int]:
        statements = {}
        for path in PAGES:
            address = f"/staff/1/{path.format_map(first)}"
            await client.get(address, headers=ADMIN)
            before = counter.count
            response = await client.get(address, headers=ADMIN)
            assert response.status_code == 200, (path, response.text)
            statements[path] = counter.count - before
        return statements

    costs_for_one = await costs()
    for number in (1, 2):
        await add_one_of_everything(client, db, number)
    assert await costs() == costs_for_one
    assert max(costs_for_one.values()) <= 12


async def test_another_clinics_records_are_not_found(client, db):
    await create_clinic(client)
    records = await add_one_of_everything(client, db, 0)
    await create_clinic(client)
    for path in (
        "doctors/{doctor}",
        "types/{type}",
        "hours/{doctor}",
        "hours/line/{doctor}",
        "hours/changes/{doctor}",
        "hours/time-slots/{time_slot}",
    ):
        assert (await client.get(f"/staff/2/{path.format_map(records)}", headers=ADMIN)).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "from=2027-03-01",
        "doctor=nobody&from=2027-03-01",
        "doctor=&from=2027-03-01",
        "doctor=all&from=yesterday",
        "doctor=all&from=0001-01-01",
        "doctor=all&from=9999-12-31",
        "doctor=all&from=2027-03-01&at=25:99",
        "doctor=all&from=2027-03-01&till=noon",
    ],
)
async def test_an_incomplete_absence_cannot_be_added(client, query):
    """In particular, a missing doctor never means the whole clinic."""
    await create_clinic(client)
    response = await client.get(f"/staff/1/absences/new?{query}", headers=ADMIN)
    assert (response.status_code, 'id="add"' in response.text) == (200, False)
    assert 'id="add"' in (await client.get("/staff/1/absences/new?doctor=all&from=2027-03-01", headers=ADMIN)).text


async def test_without_scripts_forms_are_posted_and_the_response_says_that_nothing_was_saved(client, db):
    """This keeps fields, such as passwords, out of the address."""
    await create_clinic(client)
    records = await add_one_of_everything(client, db, 0)
    for path in ("users/invite", "keys/new", "webhooks/new", *PAGES):
        page = (await client.get(f"/staff/1/{path.format_map(records)}", headers=ADMIN)).text
        assert [form for form in re.findall(r"<form[^>]*data-api=[^>]*", page) if 'method="post"' not in form] == []
        assert "<noscript>" in page or "data-api=" not in page  # forms without it work without scripts
    response = await client.post("/staff/1/clinic", data={"name": "x"}, headers=ADMIN | {"Accept": "text/html"})
    assert response.status_code == 405
    assert "Nothing was saved" in response.text


async def test_staff_pages_link_to_other_languages_and_keep_the_query(client):
    await create_clinic(client)
    page = (await client.get("/staff/1/messages?status=all", headers=ADMIN)).text
    assert [f'href="?status=all&amp;lang={language}"' in page for language in ("de", "es", "fr")] == [True] * 3


async def test_a_clinic_without_staff_says_so_on_its_team_page(client):
    await create_clinic(client)
    assert "No team members yet." in (await client.get("/staff/1/users", headers=ADMIN)).text


async def test_a_type_page_contains_the_names_of_the_other_current_types(client):
    await create_clinic(client)
    consultation, _, removed = [
        await create_appointment_type(client, name=name) for name in ("Consultation", "Follow-up", "Old")
    ]
    await client.delete(f"/api/appointmentTypes/{removed}", headers=ADMIN | {"If-Match": "*"})
    for path, names in (("new", ["Consultation", "Follow-up"]), (consultation, ["Follow-up"])):
        page = (await client.get(f"/staff/1/types/{path}", headers=ADMIN)).text
        assert sorted(json.loads(unescape(re.search('data-taken="([^"]*)"', page)[1]))) == names


async def test_showing_appointments_to_reschedule_is_recorded_in_the_audit_log(client, db):
    await create_clinic(client)
    records = await add_one_of_everything(client, db, 0)
    user = await add_user(db)
    await works_at(db, user, role="receptionist")
    headers = await bearer(client)
    await client.get(f"/staff/1/absences/new?doctor={records['doctor']}&from={COMING_MONDAY}", headers=headers)
    entries = await db.fetch(
        """
        select subjects from audit_unsealed where action = 'showNewAbsence'
        union all
        select subjects from audit_entry where action = 'showNewAbsence'
        """
    )
    appointments = {str(row.id) for row in await db.fetch("select id from appointment")}
    assert [set(row.subjects) for row in entries] == [appointments]


async def test_a_doctor_sees_only_their_own_appointments_to_rebook(client, db):
    await create_clinic(client)
    own, other = await add_one_of_everything(client, db, 0), await add_one_of_everything(client, db, 1)
    user = await add_user(db)
    await works_at(db, user, role="doctor", doctor_id=own["doctor"])
    headers = await bearer(client)
    page = (await client.get("/staff/1/absences/rebook", headers=headers)).text
    assert ("Ana 0 0" in page, "Ana 1 0" in page) == (True, False)
    assert (await client.get(f"/staff/1/hours/{other['doctor']}", headers=headers)).status_code == 403
