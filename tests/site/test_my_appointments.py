"""The appointments of a signed-in patient and of the people who share their address."""

import re
from uuid import UUID

from appoint.calls.joining import links as joining
from appoint.calls.rooms.repository import reconcile
from appoint.customers import confirmed_addresses
from appoint.http.access import COOKIE
from appoint.http.cookies import PEOPLE_COOKIE
from appoint.kit import clock
from support.app import ADMIN
from support.calls import SECRET
from support.patient_pages import (
    at,
    audit_entries,
    book,
    cookie_named,
    cookies_of,
    csrf_token_of,
    path_of,
    sign_in,
    sign_in_together,
)
from support.world import create_customer, hours_ahead


async def test_a_patient_sees_only_their_own_appointments(db, client, practice):
    upcoming, cancelled_appointment = await book(client, practice), await book(client, practice, 3)
    await client.post(path_of(cancelled_appointment, "/cancel"))
    other = await book(client, practice, 1, customerId=await create_customer(client, name="Ben"))
    page = await client.get("/my", headers=await sign_in(client))
    assert [path_of(each) in page.text for each in (upcoming, cancelled_appointment, other)] == [True, True, False]
    assert page.headers["Cache-Control"] == "no-store"
    assert "ana@example.org" in page.text
    assert "/c/lakeside" in page.text
    subjects = sorted([practice["customerId"], upcoming["id"], cancelled_appointment["id"]])
    entries = await audit_entries(db, "showOwnAppointments")
    assert [(actor, sorted(ids)) for actor, _, ids in entries] == [(f"patient:{practice['customerId']}", subjects)]


async def test_times_are_listed_with_their_clinics_time_zone(client, practice):
    await book(client, practice)
    page = await client.get("/my", headers=await sign_in(client))
    assert re.search(r'<small class="zone" data-zone="Europe/Berlin"[^>]*>Berlin time</small>', page.text)


async def test_the_page_says_so_if_a_patient_has_no_appointments(client, practice):
    page = await client.get("/my", headers=await sign_in(client))
    assert "You have no upcoming appointments." in page.text


async def test_past_appointments_are_listed_after_upcoming_ones(db, client, practice):
    appointment = await book(client, practice)
    await db.execute(
        """
        update booking_slot
           set during = tstzrange(minute - interval '2 days', minute + interval '9 days'), date = now()::date
          from date_trunc('minute', now()) as minute
         where doctor_id = $1
        """,
        practice["doctorId"],
    )
    await db.execute(
        "update appointment set during = tstzrange($1, $2), claimed = tstzrange($1, $2)",
        hours_ahead(-30),
        hours_ahead(-29),
    )
    page = (await client.get("/my", headers=await sign_in(client))).text
    assert page.index("You have no upcoming appointments.") < page.index(path_of(appointment))


async def test_people_who_share_an_address_see_each_others_appointments(client, practice):
    """This includes people who registered several times under the same name by booking without signing in."""
    ben = await create_customer(client, name="Ben", email="ANA@example.org")
    ana_again = await create_customer(client, name="Ana Souza", email="ana@example.org")
    stranger = await create_customer(client, name="Cleo", email="cleo@example.org")
    appointments = [
        await book(client, practice, hours, customerId=customer_id)
        for hours, customer_id in enumerate((practice["customerId"], ben, ana_again, stranger))
    ]
    page = (await client.get("/my", headers=await sign_in_together(client))).text
    assert [path_of(each) in page for each in appointments] == [True, True, True, False]
    assert re.findall(r"for (\w+) ·", page) == ["Ben"]


async def test_a_button_switches_to_another_person_with_the_same_address(db, client, practice):
    ben = await create_customer(client, name="Ben", email="ana@example.org")
    stranger = await create_customer(client, name="Cleo", email="cleo@example.org")
    session = await sign_in_together(client)
    page = (await client.get("/my", headers=session)).text
    assert 'href="/my/data"' in page
    own_data = await client.get("/my/data", headers=session)
    assert own_data.headers["Location"] == f"/api/customers/{practice['customerId']}/export?format=html"
    assert re.findall(r'name="customer" value="([^"]+)"', page) == [ben]
    token = await csrf_token_of(client, "/my", session)
    for fields, status in (({"customer": ben, "csrf": ""}, 403), ({"customer": stranger, "csrf": token}, 404)):
        assert (await client.post("/my", data=fields, headers=session)).status_code == status
    expiry = await db.fetchval("select expires_at from session")
    response = await client.post("/my", data={"customer": ben, "csrf": token}, headers=session)
    assert response.status_code == 303
    assert await db.fetchval("select expires_at from session") <= expiry
    assert [str(row[0]) for row in await db.fetch("select customer_id from session")] == [ben]
    client.cookies.clear()
    bens_data = await client.get("/my/data", headers=cookies_of(response))
    assert bens_data.headers["Location"] == f"/api/customers/{ben}/export?format=html"


async def test_a_person_whose_address_has_changed_is_no_longer_shown(client, practice):
    ben = await create_customer(client, name="Ben", email="ana@example.org")
    appointment = await book(client, practice, 1, customerId=ben)
    session = await sign_in_together(client)
    response = await client.patch(
        f"/api/customers/{ben}",
        json={"email": "ben@example.org"},
        headers={**ADMIN, "Content-Type": "application/merge-patch+json"},
    )
    assert response.status_code == 200
    assert path_of(appointment) not in (await client.get("/my", headers=session)).text


async def test_the_cookie_that_lists_people_is_valid_only_for_its_own_session(client, practice):
    ben = await create_customer(client, name="Ben", email="ana@example.org")
    appointment = await book(client, practice, 1, customerId=ben)
    people = cookie_named(PEOPLE_COOKIE, await sign_in_together(client))
    other_session = cookie_named(COOKIE, await sign_in_together(client))
    for cookie in (people, people + "x", people.split("=")[0] + "=x"):
        page = await client.get("/my", headers={"Cookie": f"{other_session}; {cookie}"})
        assert (page.status_code, path_of(appointment) in page.text) == (200, False)


async def test_appointments_booked_for_others_are_listed_with_their_names(db, client, practice):
    ben, cleo = (
        await create_customer(client, name="Ben"),
        await create_customer(client, name="Cleo", email="cleo@example.org"),
    )
    with_doctor = {"doctorId": practice["doctorId"], "appointmentTypeId": practice["appointmentTypeId"]}
    requests = [
        {**with_doctor, "startTime": at(hours), "customerId": customer_id}
        for hours, customer_id in enumerate((practice["customerId"], ben, cleo))
    ]
    booking = await client.post(
        "/api/bookings", json={"clinicId": 1, "customerId": practice["customerId"], "appointments": requests}
    )
    pages = [path_of(each) for each in booking.json()["appointments"]]
    listing = re.findall(
        r'<li><a href="([^"]+)">.*?<small>(?:for (\w+) · )?Check-up',
        (await client.get("/my", headers=await sign_in(client))).text,
        flags=re.DOTALL,
    )
    assert [(pages.index(address), name) for address, name in listing] == [(0, ""), (1, "Ben"), (2, "Cleo")]
    assert (await client.get(pages[1] + "/move")).status_code == 200
    (_, _, subjects), *_ = await audit_entries(db, "showOwnAppointments")
    assert {each["id"] for each in booking.json()["appointments"]} < set(subjects)
    cleos_page = (await client.get("/my", headers=await sign_in(client, "cleo@example.org"))).text
    assert [page in cleos_page for page in pages] == [False, False, True]
    assert "for Cleo" not in cleos_page


async def test_the_export_of_personal_data_is_a_page_in_the_patients_language(client, practice):
    response = await client.get(
        f"/api/customers/{practice['customerId']}/export?format=html",
        headers={**await sign_in(client), "Accept-Language": "fr"},
    )
    assert response.status_code == 200
    assert '<html lang="fr"' in response.text
    assert "?lang=" not in response.text


async def test_a_booking_confirmed_since_with_the_same_address_appears(db, client, practice):
    session = await sign_in_together(client)
    ben = await create_customer(client, name="Ben", email="ANA@example.org")
    appointment = await book(client, practice, 1, customerId=ben)
    assert path_of(appointment) not in (await client.get("/my", headers=session)).text
    await db.atomic(confirmed_addresses.mark_confirmed, UUID(ben), channel="email", now=clock.now())
    assert path_of(appointment) in (await client.get("/my", headers=session)).text
    alone = await sign_in(client)
    assert path_of(appointment) not in (await client.get("/my", headers=alone)).text


async def test_an_address_confirmed_only_by_others_reveals_no_appointments(db, client, practice):
    """The session proves that the patient reads Ana's email, but nothing about the phone number on her record."""
    session = await sign_in_together(client)
    phone = "+493012345678"
    await db.execute("update customer set phone = $2 where id = $1", practice["customerId"], phone)
    ben = await create_customer(client, name="Ben", email="ben@example.org", phone=phone)
    appointment = await book(client, practice, 1, customerId=ben)
    await db.atomic(confirmed_addresses.mark_confirmed, UUID(ben), channel="sms", now=clock.now())
    assert path_of(appointment) not in (await client.get("/my", headers=session)).text


async def test_a_video_visit_can_be_joined_from_the_list(db, client, practice):
    appointment = await book(client, practice)
    id = UUID(appointment["id"])
    await db.execute("update appointment_type set mode = 'online'")
    await reconcile(db, [(1, id)], default_gateway="demo", now=clock.now())
    page = await client.get("/my", headers=await sign_in(client))
    assert f'href="/join/{joining.code(SECRET, id)}"' in page.text
