"""Pages of a clinic's settings: what they cost, and whom they show what. Journeys are in `pages/test_settings.py`."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest

from support.app import ADMIN
from support.hours import COMING_MONDAY, hours, local, time_slot, weekly
from support.rows import appointment_type, book, clinic, customer, doctor
from support.staff import add_user, bearer, works_at
from support.statements import Counter

PAGES = (
    "clinic",
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


async def one_more(client, db, number: int) -> dict[str, str]:
    """One more of everything: a doctor with hours that have changed since they were published, appointments in them,
    one of them stranded, and absences."""
    type_id = await appointment_type(client)
    doctor_id = await doctor(client)
    slot = await time_slot(client, f"{number + 1:02}:00", f"{number + 1:02}:30", name=f"Slot {number}")
    await weekly(client, doctor_id, monday=hours("09:00-12:00"), tuesday=hours("09:00-12:00"))
    until = COMING_MONDAY + timedelta(days=8)
    await client.post(
        "/api/availability/createBookingSlots",
        json={"clinicId": 1, "from": str(COMING_MONDAY), "to": str(until)},
        headers=ADMIN,
    )
    for minute in range(0, 30, 10):
        start = local(COMING_MONDAY, f"09:{minute:02}")
        await book(
            db, doctor_id, await customer(client, name=f"Ana {number} {minute}"), start, start + timedelta(minutes=10)
        )
    await weekly(client, doctor_id, monday=hours("10:00-12:00"), wednesday=hours("09:00-12:00"))
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


async def test_a_page_costs_as_many_statements_for_three_doctors_as_for_one(client, db, monkeypatch):
    counter = Counter(monkeypatch)
    await clinic(client)
    first = await one_more(client, db, 0)

    async def costs():
        found = {}
        for path in PAGES:
            address = f"/staff/1/{path.format_map(first)}"
            await client.get(address, headers=ADMIN)
            before = counter.count
            answer = await client.get(address, headers=ADMIN)
            assert answer.status_code == 200, (path, answer.text)
            found[path] = counter.count - before
        return found

    of_one = await costs()
    for number in (1, 2):
        await one_more(client, db, number)
    assert await costs() == of_one
    assert max(of_one.values()) <= 12


async def test_what_is_another_clinics_is_not_found(client, db):
    await clinic(client)
    mine = await one_more(client, db, 0)
    await clinic(client)
    for path in (
        "doctors/{doctor}",
        "types/{type}",
        "hours/{doctor}",
        "hours/line/{doctor}",
        "hours/changes/{doctor}",
        "hours/time-slots/{time_slot}",
    ):
        assert (await client.get(f"/staff/2/{path.format_map(mine)}", headers=ADMIN)).status_code == 404


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
async def test_an_absence_that_cannot_be_meant_shows_no_way_on(client, query):
    """Whole clinic closed only where that was chosen."""
    await clinic(client)
    answer = await client.get(f"/staff/1/absences/new?{query}", headers=ADMIN)
    assert (answer.status_code, 'id="add"' in answer.text) == (200, False)
    assert 'id="add"' in (await client.get("/staff/1/absences/new?doctor=all&from=2027-03-01", headers=ADMIN)).text


async def test_no_form_that_a_script_sends_lands_in_the_address_without_it(client, db):
    await clinic(client)
    mine = await one_more(client, db, 0)
    for path in ("users/invite", "keys/new", "webhooks/new", *PAGES):
        page = (await client.get(f"/staff/1/{path.format_map(mine)}", headers=ADMIN)).text
        assert [form for form in re.findall(r"<form[^>]*data-api=[^>]*", page) if 'method="post"' not in form] == []
        assert "<noscript>" in page
    refused = await client.post("/staff/1/clinic", data={"name": "x"}, headers=ADMIN | {"Accept": "text/html"})
    assert (refused.status_code, "Nothing was saved" in refused.text) == (405, True)


async def test_staffs_pages_are_there_in_every_language(client):
    await clinic(client)
    page = (await client.get("/staff/1/messages?status=all", headers=ADMIN)).text
    assert [f'href="?status=all&amp;lang={language}"' in page for language in ("de", "es", "fr")] == [True] * 3


async def test_a_clinic_where_nobody_works_yet_says_what_is_next(client):
    await clinic(client)
    assert "No team members yet." in (await client.get("/staff/1/users", headers=ADMIN)).text


async def test_the_names_of_other_types_that_are_offered_are_taken(client):
    await clinic(client)
    mine, _, gone = [await appointment_type(client, name=name) for name in ("Consultation", "Follow-up", "Old")]
    await client.delete(f"/api/appointmentTypes/{gone}", headers=ADMIN | {"If-Match": "*"})
    taken = [
        json.loads(
            unescape(
                re.search('data-taken="([^"]*)"', (await client.get(f"/staff/1/types/{path}", headers=ADMIN)).text)[1]
            )
        )
        for path in ("new", mine)
    ]
    assert [sorted(names) for names in taken] == [["Consultation", "Follow-up"], ["Follow-up"]]


async def test_who_was_shown_appointments_to_be_moved_is_recorded(client, db):
    await clinic(client)
    mine = await one_more(client, db, 0)
    user = await add_user(db)
    await works_at(db, user, role="receptionist")
    headers = await bearer(client)
    await client.get(f"/staff/1/absences/new?doctor={mine['doctor']}&from={COMING_MONDAY}", headers=headers)
    looks = await db.fetch(
        "select subjects from audit_unsealed where action = 'showNewAbsence' union all select subjects from audit_entry where action = 'showNewAbsence'"
    )
    appointments = {str(row.id) for row in await db.fetch("select id from appointment")}
    assert [set(row.subjects) for row in looks] == [appointments]


async def test_a_doctor_has_no_other_doctors_appointments_to_rebook(client, db):
    await clinic(client)
    mine, other = await one_more(client, db, 0), await one_more(client, db, 1)
    user = await add_user(db)
    await works_at(db, user, role="doctor", doctor_id=mine["doctor"])
    headers = await bearer(client)
    page = (await client.get("/staff/1/absences/rebook", headers=headers)).text
    assert ("Ana 0 0" in page, "Ana 1 0" in page) == (True, False)
    assert (await client.get(f"/staff/1/hours/{other['doctor']}", headers=headers)).status_code == 403
