"""Pages of a clinic's settings: what they cost, and whom they show what. Journeys are in `pages/test_settings.py`."""

from datetime import timedelta

import pytest

from appoint.database import pool
from conftest import ADMIN
from hours import COMING_MONDAY, hours, local, time_slot, weekly
from rows import appointment_type, book, clinic, customer, doctor
from staff import add_user, bearer, works_at

PAGES = (
    "clinic", "doctors", "doctors?show=left", "doctors/new", "doctors/{doctor}", "types", "types/new", "types/{type}", "hours", "hours/{doctor}",
    "hours/line/{doctor}", "hours/changes", "hours/changes/{doctor}", "hours/time-slots/{time_slot}", "absences", "absences?show=past", "absences/rebook",
    "absences/new?doctor={doctor}&from={monday}",
)  # fmt: skip


class Counter:
    def __init__(self, monkeypatch) -> None:
        self.count = 0
        for door in (pool.Database, pool.Transaction):
            monkeypatch.setattr(door, "run", self.counted(door.run))

    def counted(self, run):
        async def counting(*args):
            self.count += 1
            return await run(*args)

        return counting


async def one_more(client, db, number: int) -> dict[str, str]:
    """One more of everything: a doctor with hours that have changed since they were published, appointments in them, one of them stranded, and absences."""
    type_id = await appointment_type(client)
    doctor_id = await doctor(client)
    slot = await time_slot(client, f"{number + 1:02}:00", f"{number + 1:02}:30", name=f"Slot {number}")
    await weekly(client, doctor_id, monday=hours("09:00-12:00"), tuesday=hours("09:00-12:00"))
    until = COMING_MONDAY + timedelta(days=8)
    await client.post("/api/availability/createBookingSlots", json={"clinicId": 1, "from": str(COMING_MONDAY), "to": str(until)}, headers=ADMIN)
    for minute in range(0, 30, 10):
        start = local(COMING_MONDAY, f"09:{minute:02}")
        await book(db, doctor_id, await customer(client, name=f"Ana {number} {minute}"), start, start + timedelta(minutes=10))
    await weekly(client, doctor_id, monday=hours("10:00-12:00"), wednesday=hours("09:00-12:00"))
    await db.execute("update appointment set needs_rebooking = true where doctor_id = $1 and lower(during) = $2", doctor_id, local(COMING_MONDAY, "09:00"))
    for day in (-40 - number, 40 + number):
        start = local(COMING_MONDAY + timedelta(days=day), "08:00")
        body = {"doctorId": doctor_id, "startTime": start.isoformat(), "endTime": (start + timedelta(hours=8)).isoformat()}
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
    for path in ("doctors/{doctor}", "types/{type}", "hours/{doctor}", "hours/line/{doctor}", "hours/changes/{doctor}", "hours/time-slots/{time_slot}"):
        assert (await client.get(f"/staff/2/{path.format_map(mine)}", headers=ADMIN)).status_code == 404


@pytest.mark.parametrize(
    "query", ["from=yesterday", "doctor=nobody&from=2027-03-01", "from=0001-01-01", "from=9999-12-31", "from=2027-03-01&at=25:99", "from=2027-03-01&till=noon"]
)
async def test_an_absence_that_cannot_be_meant_shows_no_way_on(client, query):
    await clinic(client)
    answer = await client.get(f"/staff/1/absences/new?{query}", headers=ADMIN)
    assert answer.status_code == 200
    assert ('id="add"' in answer.text) == query.startswith("doctor=nobody")


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
