"""Managers choose where their clinic's video visits take place."""

from datetime import timedelta

import pytest
from joserfc import jwk

from appoint.booking import links as manage_links
from appoint.calls.joining import links
from appoint.calls.rooms.repository import reconcile
from appoint.calls.settings import repository
from appoint.kit import clock
from support.app import ADMIN
from support.appointments import create_world
from support.calls import begin_at, book_online, states
from support.staff import add_user, bearer, works_at

PRIVATE_KEY = jwk.RSAKey.generate_key(2048).as_pem(private=True).decode()
SECRET = "a secret that only this clinic and its server know"
JITSI = {"gateway": "jitsi", "url": "https://meet.example.org", "appId": "lakeside", "secret": SECRET}


@pytest.fixture
async def world(db, client):
    from appoint.kit.cache import ClinicCache

    async with ClinicCache(None) as cache:
        world = await create_world(db, cache)
        world.now = clock.now()
        yield world


async def put(client, world, content, headers=ADMIN):
    return await client.put(f"/api/clinics/{world.clinic}/callSettings", json=content, headers=headers)


async def test_the_secret_is_stored_encrypted_and_never_shown(client, db, world):
    response = await put(client, world, JITSI)
    assert response.status_code == 200
    assert (response.json()["hasSecret"], SECRET in response.text) == (True, False)
    shown = await client.get(f"/api/clinics/{world.clinic}/callSettings", headers=ADMIN)
    page = await client.get(f"/staff/{world.clinic}/video", headers=ADMIN)
    rows = await db.fetch("select t::text from call_settings t union all select t::text from audit_unsealed t")
    assert not [text for text in (shown.text, page.text, *(row.t for row in rows)) if SECRET in text]
    stored = await repository.find(db, world.clinic)
    assert stored.connection.secret == SECRET


async def test_the_stored_secret_stays_until_a_new_one_is_set(client, db, world):
    await put(client, world, JITSI)
    response = await put(client, world, {**JITSI, "secret": None, "appId": "harbor"})
    assert (response.json()["appId"], response.json()["hasSecret"]) == ("harbor", True)
    assert (await repository.find(db, world.clinic)).connection.secret == SECRET


async def test_a_secret_is_not_passed_on_to_a_different_provider(client, db, world):
    await put(client, world, JITSI)
    response = await put(client, world, {"gateway": "daily", "url": "https://lakeside.daily.co"})
    assert [each["pointer"] for each in response.json()["errors"]] == ["#/secret"]
    await put(client, world, {"gateway": "daily", "url": "https://lakeside.daily.co", "secret": "key"})
    assert (await repository.find(db, world.clinic)).connection.secret == "key"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"secret": "short"}, "#/secret"),
        ({"secret": None}, "#/secret"),
        ({"url": None}, "#/url"),
        ({"url": "http://meet.example.org"}, "#/url"),
        ({"appId": None}, "#/appId"),
        ({"gateway": "jaas", "secret": PRIVATE_KEY}, "#/keyId"),
        ({"gateway": "daily", "url": None, "secret": "key"}, "#/url"),
        ({"gateway": "daily", "secret": None}, "#/secret"),
        ({"gateway": "daily", "secret": "clé"}, "#/secret"),
        ({"gateway": "daily", "secret": "key", "recording": "onConsent"}, "#/webhookSecret"),
        (
            {"gateway": "daily", "secret": "key", "recording": "onConsent", "webhookSecret": "not base64"},
            "#/webhookSecret",
        ),
        ({"gateway": "jaas", "keyId": "key"}, "#/secret"),
        ({"gateway": "bigbluebutton", "secret": None}, "#/secret"),
        ({"phone": "123"}, "#/phone"),
        ({"opensBeforeMinutes": 61}, "#/opensBeforeMinutes"),
        ({"gateway": "link", "url": None}, "#/url"),
        (
            {"doctorLinks": [{"doctorId": "019a0000-0000-8000-8000-000000000000", "url": "https://a.example"}]},
            "#/doctorLinks/0/doctorId",
        ),
    ],
)
async def test_incomplete_settings_are_refused(client, world, change, pointer):
    response = await put(client, world, JITSI | change)
    assert (response.status_code, [each["pointer"] for each in response.json()["errors"]]) == (400, [pointer])


async def test_all_faults_are_reported_at_once(client, world):
    response = await put(client, world, {"gateway": "jaas"})
    assert {each["pointer"] for each in response.json()["errors"]} == {"#/appId", "#/keyId", "#/secret"}


async def test_a_change_based_on_old_settings_is_refused(client, world):
    shown = await client.get(f"/api/clinics/{world.clinic}/callSettings", headers=ADMIN)
    await put(client, world, JITSI)
    response = await put(client, world, JITSI, ADMIN | {"If-Match": shown.headers["ETag"]})
    assert response.status_code == 412


async def test_changing_the_provider_makes_new_rooms_for_upcoming_calls(client, db, world):
    appointment = await book_online(world, world.nine)
    await reconcile(db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await db.execute("update call set state = 'made', due_at = null")
    await put(client, world, JITSI)
    assert [(row.gateway, row.state) for row in await db.fetch("select gateway, state from call")] == [
        ("jitsi", "wanted")
    ]
    await db.execute("update call set state = 'made', due_at = null")
    await put(client, world, JITSI | {"opensBeforeMinutes": 20})
    assert await states(world) == [(0, "made")]


async def test_choosing_a_provider_makes_calls_for_appointments_booked_earlier(client, world):
    await book_online(world, world.nine)
    assert await states(world) == []
    await put(client, world, JITSI)
    assert await states(world) == [(0, "wanted")]


async def test_the_settings_decide_when_the_waiting_room_opens_and_whom_to_call(client, db, world):
    from appoint.calls.joining import service

    appointment = await book_online(world, world.nine)
    await put(client, world, JITSI | {"opensBeforeMinutes": 45, "phone": "+49 30 999999"})
    visit = await service.get_visit(db, appointment.id)
    assert (visit.start_time - visit.opens_at, visit.phone) == (timedelta(minutes=45), "+4930999999")
    assert visit.doctor_opens_at == visit.opens_at


async def test_a_test_call_says_whether_the_settings_work(client, world):
    path = f"/api/clinics/{world.clinic}/callSettings/test"
    assert (await client.post(path, headers=ADMIN)).json()["succeeded"]
    await put(client, world, JITSI)
    response = await client.post(path, headers=ADMIN)
    assert response.json()["address"].startswith("https://meet.example.org/")
    assert response.headers["Cache-Control"] == "no-store"
    await put(client, world, {"gateway": "link", "url": "https://meet.example.org/room"})
    assert (await client.post(path, headers=ADMIN)).json() == {
        "succeeded": True,
        "reason": None,
        "detail": None,
        "address": "https://meet.example.org/room",
    }


async def test_only_managers_see_the_settings(client, db, world):
    user = await add_user(db, "rosa@example.org")
    await works_at(db, user, world.clinic, "receptionist")
    headers = await bearer(client, "rosa@example.org")
    path = f"/api/clinics/{world.clinic}/callSettings"
    assert (await client.get(path, headers=headers)).status_code == 403
    assert (await client.get(f"/staff/{world.clinic}/video", headers=headers)).status_code == 403
    assert (await client.post(f"{path}/test", headers=headers)).status_code == 403


OFF = {"gateway": "off"}


async def test_a_clinic_without_video_visits_offers_no_online_types(client, db, world):
    assert (await put(client, world, OFF)).json()["gateway"] == "off"
    types = f"/api/clinics/{world.clinic}/appointmentTypes"
    online = {"name": "By video", "minutes": 20, "mode": "online"}
    refused = await client.post(types, json=online, headers=ADMIN)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/no-video-visits")
    added = (await client.post(types, json=online | {"mode": "inPerson"}, headers=ADMIN)).json()
    path = f"/api/appointmentTypes/{added['id']}"
    merge = ADMIN | {"Content-Type": "application/merge-patch+json"}
    for response in (
        await client.patch(path, json={"mode": "online"}, headers=merge),
        await client.put(path, json=online, headers=ADMIN),
    ):
        assert (response.status_code, response.json()["type"]) == (409, "/problems/no-video-visits")
    page = await client.get(f"/staff/{world.clinic}/types/{added['id']}", headers=ADMIN)
    assert "online types can’t be offered" in page.text
    assert (await put(client, world, JITSI)).status_code == 200
    assert (await client.patch(path, json={"mode": "online"}, headers=merge)).status_code == 200


async def test_online_types_are_removed_before_video_visits_are_switched_off(client, db, world):
    appointment = await book_online(world, world.nine)
    await reconcile(db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    refused = await put(client, world, OFF)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/types-still-online")
    assert "Video visit" in refused.json()["detail"]
    assert await repository.find(db, world.clinic) is None
    type_id = await db.fetchval("select id from appointment_type where mode = 'online'")
    await client.delete(f"/api/appointmentTypes/{type_id}", headers=ADMIN)
    assert (await put(client, world, OFF)).status_code == 200
    merge = ADMIN | {"Content-Type": "application/merge-patch+json"}
    restored = await client.patch(f"/api/appointmentTypes/{type_id}", json={"active": True}, headers=merge)
    assert restored.json()["type"] == "/problems/no-video-visits"


async def test_booked_visits_stay_booked_when_video_visits_are_switched_off(client, db, world):
    appointment = await book_online(world, world.nine)
    await db.execute("update clinic set phone = '+493012345678'")
    await reconcile(db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    await db.execute("update appointment_type set active = false, removed_at = now() where mode = 'online'")
    assert "it stays booked, but loses its room" in await page_of(client, world)
    await put(client, world, OFF)
    assert await states(world) == [(0, "ended")]
    await reconcile(db, [(world.clinic, appointment.id)], default_gateway="demo", now=world.now)
    assert await states(world) == [(0, "ended")]
    assert await db.fetchval("select status from appointment") == "booked"
    call = f"/api/appointments/{appointment.id}/call"
    assert (await client.post(f"{call}/sendLink", headers=ADMIN)).json()["type"] == "/problems/not-a-video-visit"
    joining = await client.get(f"/join/{links.code('signs links in tests', appointment.id)}")
    assert ("no longer has video visits" in joining.text, "+493012345678" in joining.text) == (True, True)
    manage = await client.get(f"/appointments/{manage_links.token('signs links in tests', appointment.id)}")
    assert "/join/" not in manage.text
    assert ("doesn’t take place by video" in manage.text, "+493012345678" in manage.text) == (True, True)
    cancelling = await client.get(f"/appointments/{manage_links.token('signs links in tests', appointment.id)}/cancel")
    assert "Cancel your appointment?" in cancelling.text
    for page in (manage, cancelling):
        assert [text for text in ("online, not at the clinic", "How to join") if text in page.text] == []
    staff_page = await client.get(f"/staff/{world.clinic}/appointments/{appointment.id}/call", headers=ADMIN)
    assert "no longer has video visits" in staff_page.text
    assert "is still booked as a video visit, but has no room" in await page_of(client, world)
    await put(client, world, JITSI)
    assert await states(world) == [(0, "wanted")]


async def test_a_visit_that_has_begun_gets_a_room_when_video_visits_are_switched_on_again(client, db, world):
    appointment = await book_online(world, world.nine)
    await begin_at(db, appointment.id, clock.now() - timedelta(minutes=5))
    await reconcile(db, [(world.clinic, appointment.id)], default_gateway="demo", now=clock.now())
    await db.execute("update call set gateway = 'daily', error = 'key-refused'")
    await db.execute("update appointment_type set active = false, removed_at = now() where mode = 'online'")
    await put(client, world, OFF)
    assert await states(world) == [(0, "ended")]
    await put(client, world, JITSI)
    row = await db.fetchrow("select gateway, state, error from call")
    assert tuple(row.values()) == ("jitsi", "wanted", None)


async def test_the_page_of_a_type_says_how_many_patients_a_change_of_place_affects(client, db, world):
    await book_online(world, world.nine)
    type_id = await db.fetchval("select id from appointment_type where mode = 'online'")
    unused_id = await world.add_type(30, name="Check-up")
    hints = {"online": "1 upcoming appointment is booked. If you choose “In person”", "inPerson": "choose “Online”"}
    for mode, hint in hints.items():
        await client.patch(f"/api/appointmentTypes/{type_id}", json={"mode": mode}, headers=ADMIN)
        pages = [
            (await client.get(f"/staff/{world.clinic}/types/{id}", headers=ADMIN)).text for id in (type_id, unused_id)
        ]
        assert [hint in page for page in pages] == [True, False]
    await put(client, world, OFF)
    assert hints["inPerson"] not in (await client.get(f"/staff/{world.clinic}/types/{type_id}", headers=ADMIN)).text


async def page_of(client, world) -> str:
    return (await client.get(f"/staff/{world.clinic}/video", headers=ADMIN)).text
