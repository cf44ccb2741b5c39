"""The day board's pages and data: what they show, to whom, and at what cost."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from support.app import ADMIN
from support.staff import add_user, bearer, sign_in_receptionist, works_at
from support.statements import StatementCounter
from support.world import create_clinic, create_customer, create_doctor, hours_ahead, insert_appointment, publish_slot

NOW = hours_ahead(0)
DAY = hours_ahead(24 * 7).replace(hour=9, minute=0, second=0)
PATHS = ["day", "week", "day/print", "day/search?q=ana", f"board.json?from={DAY.date()}&to={DAY.date()}", "changes"]


@pytest.fixture
async def api(client):
    await create_clinic(client)
    return client


async def get_board(client, headers, day=DAY):
    return (await client.get(f"/staff/1/board.json?from={day.date()}&to={day.date()}", headers=headers)).json()


async def add_doctor_with_appointments(db, client, number: int) -> str:
    doctor_id, customer_id = (
        await create_doctor(client, name=f"Dr {number}"),
        await create_customer(client, name=f"Ana {number}"),
    )
    await publish_slot(db, doctor_id, DAY, DAY + timedelta(hours=4))
    for visit in range(number):
        await insert_appointment(
            db, doctor_id, customer_id, DAY + timedelta(minutes=30 * visit), DAY + timedelta(minutes=30 * visit + 20)
        )
    return doctor_id


async def test_a_board_runs_as_many_statements_for_five_doctors_as_for_one(db, api, monkeypatch):
    statements = StatementCounter(monkeypatch)
    costs = []
    for number_of_doctors in (1, 4):
        for number in range(1, number_of_doctors + 1):
            await add_doctor_with_appointments(db, api, number)
        await get_board(api, ADMIN)  # fills the cache
        for path in ("/staff/1/board.json?from={0}&to={0}", "/staff/1/day?date={0}", "/staff/1/week?date={0}"):
            statements.count = 0
            assert (await api.get(path.format(DAY.date()), headers=ADMIN)).status_code == 200
            costs.append(statements.count)
    assert costs[:3] == costs[3:]


async def test_the_day_page_says_when_the_clinic_has_no_doctors(db, api):
    message = "No doctors can be booked yet."
    assert message in (await api.get("/staff/1/day", headers=ADMIN)).text
    await create_doctor(api)
    assert message not in (await api.get("/staff/1/day", headers=ADMIN)).text


async def test_if_the_clinic_is_closed_today_the_page_leads_to_the_next_open_day(db, api):
    await publish_slot(db, await create_doctor(api), DAY, DAY + timedelta(hours=4))
    response = await api.get("/staff/1/day", headers=ADMIN)
    assert (response.status_code, response.headers.get("location")) == (303, f"?date={DAY.date()}")
    closed_day = await api.get(f"/staff/1/day?date={NOW.date()}", headers=ADMIN)
    assert f"/staff/1/day?date={DAY.date()}" in closed_day.text


async def test_the_panel_summarises_a_patient(db, api):
    doctor_id = await create_doctor(api)
    customer_id = await create_customer(api, name="Zoë Müller", birthDate="1984-04-05", phone="+4915112345678")
    await publish_slot(db, doctor_id, DAY, DAY + timedelta(hours=4))
    await insert_appointment(db, doctor_id, customer_id, DAY, DAY + timedelta(minutes=20))
    appointment_id = await db.fetchval("select id from appointment")
    path = f"/staff/1/patients/{customer_id}/summary"
    headers = await sign_in_receptionist(db, api)
    with_visit = (await api.get(path, headers=headers | {"Accept-Language": "en"})).text
    without = (await api.get(f"{path}?appointment={appointment_id}", headers=headers | {"Accept-Language": "en"})).text
    assert "42 years" in with_visit
    assert 'href="tel:+4915112345678"' in with_visit
    assert f"appointment={appointment_id}" in with_visit
    assert f"appointment={appointment_id}" not in without


async def test_the_search_finds_appointments_by_patient_name_and_date_of_birth(db, api):
    doctor_id, customer_id = (
        await create_doctor(api),
        await create_customer(api, name="Zoë Müller", birthDate="1984-04-05"),
    )
    await publish_slot(db, doctor_id, DAY, DAY + timedelta(hours=4))
    await insert_appointment(db, doctor_id, customer_id, DAY, DAY + timedelta(minutes=20))
    for q, language, expected in [
        ("mueller zoe", "de", True),
        ("5.4.1984", "de", True),
        ("5.4.84 müller", "de", True),
        ("5.4.1984", "en", True),
        ("4.5.1984", "de", False),
    ]:
        response = await api.get("/staff/1/day/search", params={"q": q}, headers=ADMIN | {"Accept-Language": language})
        assert ("Zoë Müller</a>" in response.text) is expected, q


async def test_viewing_a_board_writes_one_audit_entry(db, api):
    await add_doctor_with_appointments(db, api, 3)
    await get_board(api, ADMIN)
    rows = await db.fetch("select cardinality(subjects) from audit_unsealed where action = 'getBoard'")
    assert [row[0] for row in rows] == [3]


async def test_a_doctor_sees_only_their_own_column(db, api):
    own, _ = await add_doctor_with_appointments(db, api, 1), await add_doctor_with_appointments(db, api, 2)
    await works_at(db, await add_user(db), 1, "doctor", own)
    day_board = await get_board(api, await bearer(api))
    assert [each["id"] for each in day_board["doctors"]] == [own]
    assert {each["doctorId"] for each in day_board["appointments"]} == {own}


async def test_board_times_are_local_when_the_clocks_change(db, api):
    doctor_id = await create_doctor(api)
    spring = datetime(2027, 3, 28, tzinfo=UTC)  # in Berlin, 02:00 becomes 03:00
    await publish_slot(db, doctor_id, spring, spring + timedelta(hours=3))
    (hours,) = (await get_board(api, ADMIN, spring))["times"]
    assert (hours["start"], hours["end"]) == ("2027-03-28T01:00:00", "2027-03-28T05:00:00")


async def test_only_the_clinics_own_staff_can_open_its_day_pages(db, api):
    other = await api.post("/api/clinics", json={"name": "Another", "timeZone": "Europe/Berlin"}, headers=ADMIN)
    stranger = await sign_in_receptionist(db, api, "theirs@example.org", other.json()["id"])
    await add_user(db, "nowhere@example.org")
    callers = ({}, stranger, await bearer(api, "nowhere@example.org"))
    statuses = {
        path: [(await api.get(f"/staff/1/{path}", headers=headers)).status_code for headers in callers]
        for path in PATHS
    }
    assert statuses == {path: [303, 404, 403] for path in PATHS}


async def test_a_patient_cannot_open_the_day_pages(db, api):
    token = "aps_" + "x" * 43
    customer_id = await create_customer(api)
    await db.execute(
        """
        insert into session (token_hash, customer_id, created_at, seen_at, expires_at)
        values (sha256($1::text::bytea), $2, now(), now(), now() + interval '1 hour')
        """,
        token,
        customer_id,
    )
    assert [
        (await api.get(f"/staff/1/{path}", headers={"Authorization": f"Bearer {token}"})).status_code for path in PATHS
    ] == [403] * len(PATHS)


async def test_a_pages_background_requests_do_not_extend_the_session(db, api):
    headers = await sign_in_receptionist(db, api)
    await db.execute("update session set seen_at = $1", NOW - timedelta(minutes=10))
    await get_board(api, headers)
    assert await db.fetchval("select seen_at from session") == NOW - timedelta(minutes=10)
    await api.get("/staff/1/day", headers=headers)
    assert await db.fetchval("select seen_at from session") > NOW - timedelta(minutes=10)


async def test_the_board_marks_a_patients_first_visit(db, api):
    doctor_id = await create_doctor(api)
    await publish_slot(db, doctor_id, DAY, DAY + timedelta(hours=4))
    new, known, filed = [await create_customer(api, name=name) for name in ("Ana New", "Ben Known", "Cleo Filed")]
    earlier = DAY - timedelta(days=1)
    await publish_slot(db, doctor_id, earlier, earlier + timedelta(hours=4))
    for number, (customer_id, status) in enumerate(((known, "booked"), (new, "cancelled"))):
        start = earlier + timedelta(minutes=30 * number)
        await insert_appointment(db, doctor_id, customer_id, start, start + timedelta(minutes=20), status=status)
    for number, customer_id in enumerate((new, known, filed)):
        start = DAY + timedelta(minutes=30 * number)
        await insert_appointment(db, doctor_id, customer_id, start, start + timedelta(minutes=20))
    await db.execute("update patient set record_number = '7' where customer_id = $1", UUID(filed))
    board = await get_board(api, ADMIN)
    assert [each["isFirst"] for each in board["appointments"]] == [True, False, False]
    assert board["list"].count("First visit") == 1
