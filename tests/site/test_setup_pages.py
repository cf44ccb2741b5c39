"""Managers set up a clinic step by step, and new users find their way in."""

from pathlib import Path

import pytest

from support.app import ADMIN, client_of, composed
from support.staff import add_user, bearer, sign_in_receptionist, works_at
from support.world import create_clinic

SETUP = "/staff/1/setup"


@pytest.fixture
async def manager(db, client):
    await create_clinic(client, locale="de")
    await works_at(db, await add_user(db))
    return await bearer(client)


async def test_a_managers_first_page_is_the_set_up_and_everyone_elses_is_the_day(db, client, manager):
    async def first_page(headers) -> str:
        return (await client.get("/staff/1", headers=headers)).headers["Location"]

    receptionist = await sign_in_receptionist(db, client, "rosa@example.org")
    assert await first_page(receptionist) == "/staff/1/day"
    assert (await client.get("/staff", headers=manager)).headers["Location"] == "/staff/1"
    assert await first_page(manager) == SETUP
    hidden = await client.post(SETUP, data={"step": "hidden"}, headers=manager)
    assert (hidden.status_code, hidden.headers["Location"]) == (303, "/staff/1/day")
    assert await first_page(manager) == "/staff/1/day"


async def test_an_unknown_step_cannot_be_ticked_off(client, manager):
    assert (await client.post(SETUP, data={"step": "contact"}, headers=manager)).status_code == 404


async def test_starter_types_are_added_once_in_the_clinics_language(client, manager):
    page = (await client.get(f"{SETUP}/types?specialty=dermatology", headers=manager)).text
    assert "Hautkrebs-Screening" in page
    form = {"specialty": "dermatology", "offer.2": "on", "minutes.2": "25", "offer.3": "on", "minutes.3": ""}
    for _ in range(2):
        added = await client.post(f"{SETUP}/types", data=form, headers=manager)
        assert (added.status_code, added.headers["Location"]) == (303, f"{SETUP}/doctors?specialty=dermatology")
    types = (await client.get("/api/clinics/1/appointmentTypes")).json()["items"]
    assert [(type["name"], type["minutes"]) for type in types] == [("Hautkrebs-Screening", 25), ("Allergietest", 30)]


@pytest.mark.parametrize(
    ("form", "status"),
    [({"specialty": "astrology"}, 404), ({"specialty": "general", "offer.0": "", "minutes.0": "1"}, 400)],
)
async def test_a_made_up_form_does_not_add_any_types(client, manager, form, status):
    assert (await client.post(f"{SETUP}/types", data=form, headers=manager)).status_code == status
    assert (await client.get("/api/clinics/1/appointmentTypes")).json()["items"] == []


async def test_a_doctor_added_with_hours_can_be_booked_immediately(client, manager):
    body = {
        "name": "Dr. Lena Sommer",
        "weekly": {"monday": [{"startTime": "09:00", "endTime": "12:00"}]},
    }
    added = await client.post(f"{SETUP}/doctors", json=body, headers=manager)
    assert (added.status_code, added.json()["name"]) == (200, "Dr. Lena Sommer")
    slots = await client.get(f"/api/doctors/{added.json()['id']}/bookingSlots")
    assert len(slots.json()["items"]) == 8
    assert "Patients can book now." in (await client.get(SETUP, headers=manager)).text


async def test_an_invitation_suggests_the_manager_role_only_while_there_is_no_manager(db, client, manager):
    page = "/staff/1/users/invite"
    assert '<option value="receptionist" selected' in (await client.get(page, headers=manager)).text
    await db.execute("update membership set role = 'receptionist'")
    assert '<option value="manager" selected' in (await client.get(page, headers=ADMIN)).text


async def test_the_sign_in_page_lists_the_demo_accounts_in_development_only(db, client, database_url, tmp_path: Path):
    await create_clinic(client)
    await works_at(db, await add_user(db))
    (tmp_path / "demo-password").write_text("secret")
    async with client_of(composed(database_url, data_dir=tmp_path)) as here:
        page = (await here.get("/staff/sign-in")).text.replace("<wbr>", "")
        assert ("mia@example.org" in page, str(tmp_path) in page, "secret" in page) == (True, True, False)
    async with client_of(composed(database_url, data_dir=tmp_path), address="198.51.100.7") as elsewhere:
        assert "mia@example.org" not in (await elsewhere.get("/staff/sign-in")).text.replace("<wbr>", "")
