"""Video visits through the API: when and where people join, dead calls, and guests."""

from datetime import timedelta

import pytest

from appoint.calls.joining import links
from appoint.calls.providers.model import room_name
from appoint.calls.rooms.repository import reconcile
from appoint.calls.settings import repository as settings
from appoint.kit import clock
from appoint.kit.actors import Actor, Role
from appoint.kit.cache import ClinicCache
from support.appointments import create_world
from support.callers import accept_callers, headers_of, member, partner, staff
from support.calls import SECRET, begin_at, book_online

CALLERS = (
    *(None, "holder", "patient", "other-patient", "doctor", "other-doctor", "receptionist", "manager"),
    *("other-clinic", "partner"),
)


@pytest.fixture
async def world(db, client):
    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        await db.execute("update customer set email = 'family@example.org'")  # patients can share an address
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
    statuses = {caller: (await get(client, f"/appointments/{world.id}/call", caller)).status_code for caller in CALLERS}
    allowed = {"holder", "patient", "doctor", "receptionist", "manager"}
    assert {caller for caller, status in statuses.items() if status == 200} == allowed
    assert (statuses["other-clinic"], statuses[None]) == (404, 401)


@pytest.mark.parametrize("before_minutes", [180, 5, -15, -120])
async def test_no_one_ever_sees_the_providers_address(client, db, world, before_minutes):
    await begin_at(db, world.id, clock.now() + timedelta(minutes=before_minutes))
    await db.execute("update call c set during = a.during from appointment a where a.id = c.appointment_id")
    name = room_name(SECRET, await db.fetchval("select id from call"))
    for caller in CALLERS:
        response = await get(client, f"/appointments/{world.id}/call", caller)
        assert not [secret for secret in ("/dev/calls", name) if secret in response.text], caller


async def test_patients_join_on_their_own_page_and_staff_on_theirs(client, world):
    patient = (await get(client, f"/appointments/{world.id}/call", "patient")).json()
    doctor = (await get(client, f"/appointments/{world.id}/call", "doctor")).json()
    assert patient["joinUrl"].endswith(f"/join/{links.code(SECRET, world.id)}")
    assert doctor["joinUrl"].endswith(f"/staff/{world.clinic}/appointments/{world.id}/call")
    assert doctor["opensAt"] < patient["opensAt"]


async def test_a_visit_has_a_call_as_soon_as_it_is_booked(client, db, world):
    before = (await get(client, f"/appointments/{world.id}/call", "patient")).json()
    await db.execute("delete from call")
    for caller in ("patient", "holder", "doctor", "receptionist"):
        response = await get(client, f"/appointments/{world.id}/call", caller)
        assert (response.status_code, response.json()["state"]) == (200, "wanted"), caller
    assert (await get(client, f"/appointments/{world.id}/call", "patient")).json() == before
    for change in (
        "update appointment set status = 'cancelled', cancel_cause = 'request'",
        "update appointment set status = 'booked', cancel_cause = null; update appointment_type set mode = 'inPerson'",
    ):
        await db.execute(change)
        assert (await get(client, f"/appointments/{world.id}/call", "patient")).status_code == 404, change


async def test_staff_list_dead_calls_with_the_reason_and_try_again(client, db, world):
    assert (await get(client, f"/clinics/{world.clinic}/calls?state=dead")).json()["items"] == []
    await db.execute("update call set state = 'dead', due_at = null, error = 'key-refused'")
    (listed,) = (await get(client, f"/clinics/{world.clinic}/calls?state=dead")).json()["items"]
    assert (listed["appointmentId"], listed["reason"]) == (str(world.id), "key-refused")
    page = await client.get(f"/staff/{world.clinic}/messages", headers=headers_of("receptionist"))
    assert "The provider does not accept the secret." in page.text
    assert (await get(client, f"/appointments/{world.id}/call", "patient")).json()["reason"] is None
    renew = f"/api/appointments/{world.id}/call/renew"
    assert (await client.post(renew, headers=headers_of("patient"))).status_code == 403
    assert (await client.post(renew, headers=headers_of("receptionist"))).json()["state"] == "wanted"
    await db.execute("update call set state = 'made', due_at = null, error = null")
    refused = await client.post(renew, headers=headers_of("receptionist"))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/room-exists")


async def test_a_call_is_started_again_at_the_clinics_current_provider(client, db, world):
    renew = f"/api/appointments/{world.id}/call/renew"
    for state in ("wanted", "dead", "ended"):
        await db.execute(
            """
            update call
               set gateway = 'daily', state = $1, error = 'not-set-up', due_at = case $1 when 'wanted' then now() end
            """,
            state,
        )
        assert (await client.post(renew, headers=headers_of("doctor"))).status_code == 200, state
        row = await db.fetchrow("select gateway, state, error from call")
        assert tuple(row.values()) == ("demo", "wanted", None), state
    await db.execute("update call set state = 'ended', due_at = null")
    await settings.save(db, clinic_id=world.clinic, gateway="off", connection=None, opens_before_minutes=15, phone=None)
    assert (await client.post(renew, headers=headers_of("doctor"))).status_code == 404


async def test_staff_end_a_call(client, db, world):
    end = f"/api/appointments/{world.id}/call/end"
    assert (await client.post(end, headers=headers_of("holder"))).status_code == 403
    assert (await client.post(end, headers=headers_of("doctor"))).status_code == 204
    call = f"/appointments/{world.id}/call"
    assert (await get(client, call, "patient")).json()["state"] == "ending"
    await db.execute("update call set state = 'ended', due_at = null")
    assert (await get(client, call, "patient")).json()["state"] == "ended"
    assert (await client.post(end, headers=headers_of("doctor"))).status_code == 404
    assert (await client.post(f"/api{call}/renew", headers=headers_of("doctor"))).json()["state"] == "wanted"


async def test_a_call_cannot_be_started_again_once_the_visit_is_over(client, db, world):
    await db.execute("update call set state = 'ended', due_at = null")
    await begin_at(db, world.id, clock.now() - timedelta(hours=3))
    renew = f"/api/appointments/{world.id}/call/renew"
    assert (await client.post(renew, headers=headers_of("doctor"))).status_code == 404


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


async def test_staff_send_the_patient_their_link_again(client, db, world):
    send = f"/api/appointments/{world.id}/call/sendLink"
    await db.execute("update customer set email = 'ana@example.org', phone = null where id = $1", world.ana)
    for caller, status in (("patient", 403), ("holder", 403), ("other-doctor", 403), ("other-clinic", 404)):
        assert (await client.post(send, headers=headers_of(caller))).status_code == status, caller
    queued = "select kind, channel, status, round, expires_at from notification"
    end = await db.fetchval("select upper(during) from appointment")
    for _ in range(2):  # a second press does not send a second message
        assert (await client.post(send, headers=headers_of("receptionist"))).status_code == 204
        assert [tuple(row.values()) for row in await db.fetch(queued)] == [
            ("confirmation", "email", "queued", 0, end),
        ]
    for status in ("sent", "dead", "superseded"):
        await db.execute(
            """
            update notification
               set status = $1, round = 0, sent_at = case $1 when 'sent' then now() end,
                   reason = case when $1 <> 'sent' then 'a reason' end
            """,
            status,
        )
        assert (await client.post(send, headers=headers_of("doctor"))).status_code == 204
        assert [tuple(row.values()) for row in await db.fetch(queued)] == [
            ("confirmation", "email", "queued", 1, end),
        ]
    assert await db.fetchval("select count(*) from audit_unsealed where action = 'sendJoinLink'") == 5


async def test_a_link_that_cannot_be_sent_is_refused_with_the_reason(client, db, world):
    send = f"/api/appointments/{world.id}/call/sendLink"
    await db.execute("update customer set email = null, phone = null where id = $1", world.ana)
    refused = await client.post(send, headers=headers_of("receptionist"))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-contact-details")
    await begin_at(db, world.id, clock.now() - timedelta(hours=3))
    refused = await client.post(send, headers=headers_of("receptionist"))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/not-a-video-visit")
    assert await db.fetchval("select count(*) from notification") == 0


async def test_only_staff_see_the_patients_link(client, world):
    for caller in ("holder", "patient"):
        assert (await get(client, f"/appointments/{world.id}/call", caller)).json()["patientJoinUrl"] is None
    for caller in ("doctor", "receptionist", "manager"):
        shown = (await get(client, f"/appointments/{world.id}/call", caller)).json()["patientJoinUrl"]
        assert shown.endswith(f"/join/{links.code(SECRET, world.id)}"), caller


async def test_staff_have_the_next_attempt_made_at_once(client, db, world):
    renew = f"/api/appointments/{world.id}/call/renew"
    assert (await client.post(renew, headers=headers_of("doctor"))).status_code == 409  # nothing has failed yet
    before = world.now - timedelta(minutes=5)
    await db.execute(
        "update call set error = 'unreachable', due_at = $1, waiting_since = $2, updated_at = $2, tries = 7",
        world.now + timedelta(hours=1),
        before,
    )
    assert (await client.post(renew, headers=headers_of("doctor"))).status_code == 200
    row = await db.fetchrow("select state, error, tries, waiting_since, updated_at, due_at from call")
    assert tuple(row.values())[:-1] == ("wanted", "unreachable", 0, before, before)
    assert row.due_at <= clock.now()
