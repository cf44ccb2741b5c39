"""The staff's own notes about an appointment are separate from what the patient wrote."""

import pytest

from support.app import ADMIN
from support.callers import accept_callers, headers_of, partner, staff
from support.manage_links import book, create_visit, token_headers


@pytest.fixture
async def noted(db, client):
    """An appointment with a note by the patient and one by the staff."""
    visit = await create_visit(db, client)
    appointment = await book(client, visit, notes="My knee hurts")
    path = f"/api/appointments/{appointment['id']}"
    response = await client.patch(path, json={"staffNotes": "Anxious; call first"}, headers=ADMIN)
    assert response.status_code == 200
    return appointment, path


async def test_both_notes_are_stored_separately(client, noted):
    _, path = noted
    shown = (await client.get(path, headers=ADMIN)).json()
    assert (shown["notes"], shown["staffNotes"]) == ("My knee hurts", "Anxious; call first")
    changed = (await client.patch(path, json={"notes": "Both knees"}, headers=ADMIN)).json()
    assert (changed["notes"], changed["staffNotes"]) == ("Both knees", "Anxious; call first")


async def test_only_staff_see_the_staffs_notes(client, noted):
    appointment, path = noted
    accept_callers(client, staff(1, appointment["doctorId"]) | {"partner": partner(1, "see-appointments")})
    seen = {
        caller: (await client.get(path, headers=headers_of(caller))).json()["staffNotes"]
        for caller in ("doctor", "receptionist", "partner")
    }
    assert seen == {"doctor": "Anxious; call first", "receptionist": "Anxious; call first", "partner": None}
    by_link = await client.get(path, headers=token_headers(appointment))
    assert (by_link.json()["staffNotes"], by_link.json()["notes"]) == (None, None)
