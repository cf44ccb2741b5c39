"""Video visits through the API: when and where people join, dead calls, and guests."""

from datetime import timedelta

import pytest

from appoint.calls.joining import links
from appoint.calls.rooms.repository import reconcile
from appoint.kit import clock
from appoint.kit.actors import Actor, Role
from appoint.kit.cache import ClinicCache
from support.appointments import create_world
from support.callers import accept_callers, headers_of, member, partner, staff
from support.calls import SECRET, begin_at, book_online


@pytest.fixture
async def world(db, client):
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        appointment = await book_online(world, world.nine)
        await reconcile(db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
        world.id = appointment.id
        other_clinic = await world.add_clinic()
        accept_callers(
            client,
            {
                **staff(world.clinic, world.dr_shah),
                "other-doctor": member("other-doctor", world.clinic, Role.DOCTOR, world.ana),
                "other-clinic": staff(other_clinic, world.dr_shah)["manager"],
                "holder": Actor("link", appointment_id=world.id),
                "patient": Actor("patient", customer_id=world.ana),
                "other-patient": Actor("other", customer_id=world.ben),
                "partner": partner(world.clinic, "see-appointments", "move-appointments"),
            },
        )
        yield world


async def get(client, path: str, caller: str | None = "receptionist"):
    return await client.get(f"/api{path}", headers=headers_of(caller))


async def test_only_parties_and_staff_learn_where_to_join(client, world):
    callers = (None, "holder", "patient", "other-patient", "doctor", "other-doctor", "receptionist", "manager")
    statuses = {
        caller: (await get(client, f"/appointments/{world.id}/call", caller)).status_code
        for caller in (*callers, "other-clinic", "partner")
    }
    allowed = {"holder", "patient", "doctor", "receptionist", "manager"}
    assert {caller for caller, status in statuses.items() if status == 200} == allowed
    assert (statuses["other-clinic"], statuses[None]) == (404, 401)


@pytest.mark.parametrize("before_minutes", [180, 5, -15, -120])
async def test_no_one_ever_sees_the_providers_address(client, db, world, before_minutes):
    await begin_at(db, world.id, clock.now() + timedelta(minutes=before_minutes))
    await db.execute("update call c set during = a.during from appointment a where a.id = c.appointment_id")
    for caller in ("holder", "patient", "doctor", "receptionist"):
        response = await get(client, f"/appointments/{world.id}/call", caller)
        assert "/dev/calls" not in response.text


async def test_patients_join_on_their_own_page_and_staff_on_theirs(client, world):
    patient = (await get(client, f"/appointments/{world.id}/call", "patient")).json()
    doctor = (await get(client, f"/appointments/{world.id}/call", "doctor")).json()
    assert patient["joinUrl"].endswith(f"/join/{links.code(SECRET, world.id)}")
    assert doctor["joinUrl"].endswith(f"/staff/{world.clinic}/appointments/{world.id}/call")
    assert doctor["opensAt"] < patient["opensAt"]


async def test_staff_list_dead_calls_with_the_reason_and_try_again(client, db, world):
    assert (await get(client, f"/clinics/{world.clinic}/calls?state=dead")).json()["items"] == []
    await db.execute("update call set state = 'dead', due_at = null, error = 'responded with 500'")
    (listed,) = (await get(client, f"/clinics/{world.clinic}/calls?state=dead")).json()["items"]
    assert (listed["appointmentId"], listed["reason"]) == (str(world.id), "responded with 500")
    page = await client.get(f"/staff/{world.clinic}/messages", headers=headers_of("receptionist"))
    assert "responded with 500" in page.text
    assert (await get(client, f"/appointments/{world.id}/call", "patient")).json()["reason"] is None
    renew = f"/api/appointments/{world.id}/call/renew"
    assert (await client.post(renew, headers=headers_of("patient"))).status_code == 403
    assert (await client.post(renew, headers=headers_of("receptionist"))).json()["state"] == "wanted"
    assert (await client.post(renew, headers=headers_of("receptionist"))).status_code == 404


async def test_staff_end_a_call(client, db, world):
    end = f"/api/appointments/{world.id}/call/end"
    assert (await client.post(end, headers=headers_of("holder"))).status_code == 403
    assert (await client.post(end, headers=headers_of("doctor"))).status_code == 204
    assert await db.fetchval("select state from call") == "ending"


async def test_a_guests_link_works_until_it_is_revoked(client, db, world):
    guests = f"/api/appointments/{world.id}/guests"
    invited = (await client.post(guests, json={"name": "Ines"}, headers=headers_of("patient"))).json()
    path = invited["joinUrl"].removeprefix("http://testserver.local")
    assert (await client.get(path)).status_code == 200
    assert (await get(client, f"/appointments/{world.id}/guests", "doctor")).json()["items"] == [invited]
    removed = await client.delete(f"{guests}/{invited['id']}", headers=headers_of("receptionist"))
    assert (removed.status_code, (await client.get(path)).status_code) == (204, 404)
    assert (await client.delete(f"{guests}/{invited['id']}", headers=headers_of("patient"))).status_code == 404


async def test_strangers_partners_and_other_patients_cannot_invite_guests(client, world):
    for caller, status in (("other-patient", 404), ("partner", 403), ("other-clinic", 404), (None, 401)):
        response = await client.post(
            f"/api/appointments/{world.id}/guests", json={"name": "Ines"}, headers=headers_of(caller)
        )
        assert response.status_code == status, caller


async def test_a_visit_has_a_limited_number_of_guests(client, world):
    guests = f"/api/appointments/{world.id}/guests"
    for number in range(5):
        await client.post(guests, json={"name": f"Guest {number}"}, headers=headers_of("patient"))
    response = await client.post(guests, json={"name": "Ines"}, headers=headers_of("patient"))
    assert (response.status_code, response.json()["type"]) == (409, "/problems/too-many-guests")


async def test_appointments_at_the_clinic_have_no_guests(client, db, world):
    await db.execute("update appointment_type set mode = 'inPerson'")
    response = await client.post(
        f"/api/appointments/{world.id}/guests", json={"name": "Ines"}, headers=headers_of("patient")
    )
    assert (response.status_code, response.json()["type"]) == (409, "/problems/not-a-video-visit")
