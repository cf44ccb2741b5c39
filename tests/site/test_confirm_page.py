"""The page that asks for the code, inside and outside frames, and the page that the message links to."""

import re
from datetime import datetime, timedelta
from html import unescape

import pytest

from appoint.kit import clock
from support.app import ADMIN
from support.booking_pages import DAY, open_form, send
from support.calls import switch_video_visits_off
from support.confirm_pages import device_cookie, enter, latest, submit
from support.confirmation import ALWAYS, code_for, link_path, wrong_code_for
from support.deposits import create_paid_practice, pay_path
from support.deposits import hold as hold_with_deposit
from support.manage_links import times_at
from support.world import create_appointment_type, create_customer


@pytest.fixture
async def lakeside(client, lakeside) -> str:
    """The clinic asks strangers for a code."""
    await client.patch("/api/clinics/1", json={"policy": ALWAYS}, headers=ADMIN)
    return lakeside


async def test_the_form_leads_to_the_code_page_and_the_code_to_the_booked_page(client, db, lakeside):
    response = await submit(client, lakeside)
    address = response.headers["Location"]
    assert re.fullmatch(r"/c/lakeside/confirm/apm_[^?]+", address)
    page = (await client.get(address)).text
    for text in ("Enter the code we sent to a•••@example.org.", "for 10 minutes", "Check-up", "Dr Shah"):
        assert text in page, text
    assert 'autocomplete="one-time-code"' in page
    assert 'inputmode="numeric"' in page
    assert (await latest(db))["status"] == "pending"
    done = await enter(client, address, f" {code_for(await latest(db))} ")
    assert (done.status_code, done.headers["Location"]) == (
        303,
        address.replace("/c/lakeside/confirm", "/appointments") + "?new=1",
    )
    assert (await latest(db))["status"] == "booked"
    assert "Your appointment is booked." in (await client.get(done.headers["Location"])).text


async def test_a_landline_number_alone_is_refused_because_it_cannot_receive_the_code(client, db, lakeside):
    form = await open_form(client, lakeside, DAY)
    landline = await send(client, form, email="", phone="030 12345678")
    assert landline.status_code == 400
    assert "can’t receive text messages; enter a mobile number or an email address" in landline.text
    assert (await send(client, form, email="", phone="0151 23456789")).status_code == 303
    assert await db.fetchval("select array_agg(phone) from customer") == ["+4915123456789"]


async def test_a_landline_number_is_enough_because_a_deposit_needs_no_code(client, db):
    practice = await create_paid_practice(db, client)
    ben = await create_customer(client, phone="+493012345678")
    assert "payment" in await hold_with_deposit(client, practice, customerId=ben)
    start = datetime.fromisoformat(times_at(2)["startTime"])
    form = await open_form(client, practice["appointmentTypeId"], start)
    booked = await send(client, form, email="", phone="030 12345678")
    assert (booked.status_code, booked.headers["Location"][-4:]) == (303, "/pay")
    without_deposit = await create_appointment_type(client, name="Consultation")
    form = await open_form(client, without_deposit, start + timedelta(hours=1))
    refused = await send(client, form, email="", phone="030 12345678")
    assert (refused.status_code, "can’t receive text messages" in refused.text) == (400, True)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Geben Sie den Code ein, den wir an a•••@example.org gesendet haben."),
        ("es", "Introduzca el código que hemos enviado a a•••@example.org."),
        ("fr", "Saisissez le code que nous avons envoyé à a•••@example.org."),
    ],
)
async def test_the_page_is_in_the_readers_language(client, lakeside, language, text):
    address = (await submit(client, lakeside)).headers["Location"]
    assert text in (await client.get(address, headers={"Accept-Language": language})).text


async def test_wrong_codes_are_marked_and_a_new_one_can_be_sent(client, db, lakeside):
    address = (await submit(client, lakeside)).headers["Location"]
    wrong = wrong_code_for(await latest(db))
    first = await enter(client, address, wrong)
    assert first.status_code == 409
    assert "This code is wrong. Attempts left: 4." in first.text
    assert 'aria-invalid="true"' in first.text
    for _ in range(4):
        last = await enter(client, address, wrong)
    assert "This code can no longer be used" in last.text
    sent = await client.post(address, data={"send": "1"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{address}?sent=1")
    assert "sent a new code" in (await client.get(sent.headers["Location"])).text
    assert (await enter(client, address, code_for(await latest(db), 2))).status_code == 303


async def test_no_more_than_three_codes_are_sent(client, lakeside):
    address = (await submit(client, lakeside)).headers["Location"]
    answers = [await client.post(address, data={"send": "1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 409]
    assert "No more codes can be sent for this booking." in answers[2].text


async def test_a_code_without_six_digits_does_not_use_up_an_attempt(client, db, lakeside):
    address = (await submit(client, lakeside)).headers["Location"]
    answer = await enter(client, address, "12345")
    assert (answer.status_code, "Enter the six-digit code." in answer.text) == (400, True)
    assert await db.fetchval("select attempts from confirmation_code") == 0


async def test_the_page_for_an_expired_hold_offers_a_choice_of_other_times(client, db, lakeside):
    address = (await submit(client, lakeside)).headers["Location"]
    await db.execute("update appointment set hold_expires_at = $1", clock.now() - timedelta(seconds=1))
    page = (await client.get(address)).text
    assert "no longer on hold for you" in page
    assert 'name="code"' not in page
    assert (await enter(client, address, code_for(await latest(db)))).status_code == 409


async def test_the_manage_link_for_an_unconfirmed_hold_leads_to_the_code_page(client, db, lakeside):
    address = (await submit(client, lakeside)).headers["Location"]
    manage = address.replace("/c/lakeside/confirm", "/appointments")
    assert (await client.get(manage)).headers["Location"] == address
    await client.post(f"{manage}/confirm")
    assert (await latest(db))["status"] == "pending"


async def test_returning_to_the_form_shows_the_code_page(client, lakeside):
    form = await open_form(client, lakeside)
    response = await send(client, form)
    cookie = {"Cookie": response.headers["Set-Cookie"].split(";")[0]}
    client.cookies.clear()
    back = await client.get(form[0], headers=cookie)
    manage = response.headers["Location"].replace("/c/lakeside/confirm", "/appointments")
    assert back.headers["Location"] == manage


async def test_a_visitor_who_mistyped_their_address_can_change_it_and_keep_the_time(client, db, lakeside):
    address = (await submit(client, lakeside, email="anna@example.org")).headers["Location"]
    client.cookies.clear()
    details = unescape(re.search(r'href="([^"]+/details\?[^"]+)"', (await client.get(address)).text).group(1))
    page = await client.get(details)
    assert "no longer available" not in page.text
    action = unescape(re.search(r'id="booking"[^>]* action="([^"]+)"', page.text).group(1))
    check = unescape(re.search(r'data-check="([^"]+)"', page.text).group(1))
    assert (await client.get(check)).status_code == 204
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    response = await send(client, (action, hidden))
    assert "a•••@example.org" in (await client.get(response.headers["Location"])).text
    assert await db.fetchval("select array_agg(status order by created_at) from appointment") == [
        "cancelled",
        "pending",
    ]
    assert (await enter(client, response.headers["Location"], code_for(await latest(db)))).status_code == 303


async def test_a_stranger_cannot_release_someone_elses_hold_with_a_made_up_token(client, db, lakeside):
    await submit(client, lakeside)
    form = await open_form(client, lakeside, DAY + timedelta(hours=1))
    await send(client, form, hold="apm_invented", email="ben@example.org")
    assert await db.fetchval("select array_agg(status) from appointment") == ["pending", "pending"]


async def test_frames_ask_for_the_code_too_and_reloading_changes_nothing(client, db, lakeside):
    form = await open_form(client, lakeside, base="/embed/lakeside", lang="de")
    response = await send(client, form)
    address = response.headers["Location"]
    assert (response.status_code, "Set-Cookie" in response.headers) == (303, False)
    assert re.fullmatch(r"/embed/lakeside/confirm/apm_[^?]+\?lang=de", address)
    page = await client.get(address)
    assert "frame-ancestors *" in page.headers["Content-Security-Policy"]
    assert "Geben Sie den Code ein" in page.text
    done = await enter(client, address, code_for(await latest(db)))
    assert (done.status_code, done.headers["Location"], "Set-Cookie" in done.headers) == (303, address, False)
    booked = [(await client.get(address)).text for _ in range(3)]
    assert "Ihr Termin ist gebucht." in booked[0]
    assert len(set(booked)) == 1
    assert await db.fetchval("select count(*) from appointment") == 1


async def test_sending_the_form_ten_times_holds_one_time_and_requests_one_code(client, db, lakeside):
    form = await open_form(client, lakeside, base="/embed/lakeside")
    addresses = {(await send(client, form)).headers["Location"] for _ in range(10)}
    assert len(addresses) == 1
    assert await db.fetchval("select count(*) from appointment") == 1
    assert await db.fetchval("select count(*) from event where type = 'appointment.code-requested'") == 1


async def test_a_page_at_another_clinics_address_does_not_exist(client, db, lakeside):
    address = (await submit(client, lakeside)).headers["Location"]
    await client.post(
        "/api/clinics", json={"name": "Hillside", "timeZone": "Europe/Berlin", "slug": "hillside"}, headers=ADMIN
    )
    assert (await client.get(address.replace("lakeside", "hillside"))).status_code == 404
    assert (await client.get("/c/lakeside/confirm/apm_x")).status_code == 404


async def test_the_link_opens_a_page_with_a_button_that_books(client, db, lakeside):
    await submit(client, lakeside)
    appointment = await latest(db)
    path = link_path(appointment)
    for method in ("GET", "HEAD") * 5:
        assert (await client.request(method, path)).status_code == 200
    assert (await latest(db))["status"] == "pending"
    assert "<button" in (await client.get(path)).text
    response = await client.post(path)
    assert (response.status_code, response.headers["Location"][:18]) == (303, "/appointments/apm_")
    assert (await latest(db))["status"] == "booked"
    assert device_cookie(response)
    for _ in range(4):
        assert (await client.post(path)).status_code == 303
    assert await db.fetchval("select count(*) from event where type = 'appointment.booked'") == 1


async def test_a_link_sent_to_an_earlier_address_does_not_work_even_after_confirmation(client, db, lakeside):
    await submit(client, lakeside)
    appointment = await latest(db)
    await db.execute("update confirmation_code set customer_version = 2, confirmed_at = now()")
    for method in ("GET", "POST"):
        assert (await client.request(method, link_path(appointment))).status_code == 404


async def test_an_expired_or_forged_link_cannot_book(client, db, lakeside):
    await submit(client, lakeside)
    appointment = await latest(db)
    assert (await client.get(link_path(appointment)[:-2])).status_code == 404
    assert (await client.post(link_path(appointment, 2))).status_code == 404  # for a changed address
    await db.execute("update appointment set hold_expires_at = $1", clock.now() - timedelta(seconds=1))
    assert "no longer on hold for you" in (await client.get(link_path(appointment))).text
    assert (await client.post(link_path(appointment))).status_code == 409
    assert (await latest(db))["status"] == "pending"


async def test_a_held_visit_is_not_called_online_when_the_clinic_switches_video_visits_off(client, db, lakeside):
    await db.execute("update appointment_type set mode = 'online', version = version + 1")
    code_page = (await submit(client, lakeside)).headers["Location"]
    pages = [code_page, link_path(await latest(db))]
    assert ["online, not at the clinic" in (await client.get(page)).text for page in pages] == [True, True]
    await switch_video_visits_off(db, client)
    for page in pages:
        text = (await client.get(page)).text
        assert ("We are holding this time" in text, "Check-up" in text) == (True, True)
        assert [wrong for wrong in ("online, not at the clinic", "How to join", "Am See 1") if wrong in text] == []


async def test_a_visit_that_awaits_its_deposit_is_not_called_online_without_video_visits(client, db):
    practice = await create_paid_practice(db, client)
    await db.execute("update appointment_type set mode = 'online', version = version + 1")
    page = pay_path(await hold_with_deposit(client, practice))
    assert "online, not at the clinic" in (await client.get(page)).text
    await switch_video_visits_off(db, client)
    text = (await client.get(page)).text
    assert "Pay your deposit" in text
    assert [wrong for wrong in ("online, not at the clinic", "How to join") if wrong in text] == []
