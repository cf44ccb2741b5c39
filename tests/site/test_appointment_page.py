"""An appointment's page, opened from its link: what it says, and its calendar entries."""

import html
import re
from datetime import timedelta
from urllib.parse import unquote_plus

import pytest
from icalendar import Calendar

from appoint.kit import clock
from support.app import ADMIN, client_of, composed
from support.patient_pages import (
    CROSS_SITE,
    START,
    at,
    book,
    csrf_token_of,
    fetch,
    path_of,
    require_notice,
    sign_in,
)


async def test_only_the_page_right_after_booking_asks_to_save_the_link(client, practice):
    appointment = await book(client, practice)
    assert "Save this link" in (await client.get(path_of(appointment, "?new=1"))).text
    assert "Save this link" not in (await client.get(path_of(appointment))).text


async def test_the_page_says_what_to_bring(db, client, practice):
    appointment = await book(client, practice)
    await db.execute("update appointment_type set preparation = 'Your insurance card', version = version + 1")
    page = (await client.get(path_of(appointment))).text
    assert re.search(r"<dt>What to bring</dt><dd[^>]*>Your insurance card</dd>", page)


async def test_the_page_of_an_online_appointment_says_how_to_join(db, client, practice, database_url):
    appointment = await book(client, practice)
    link = '<a href="https://v.example/1" rel="noopener noreferrer">https://v.example/1</a>'
    await db.execute("update appointment_type set mode = 'online', version = version + 1")
    async with client_of(composed(database_url, mode="production")) as without_rooms:
        assert "The clinic will tell you." in (await without_rooms.get(path_of(appointment))).text
        await db.execute(
            "update appointment_type set preparation = 'Open https://v.example/1 <b>', version = version + 1"
        )
        page = (await without_rooms.get(path_of(appointment))).text
        assert re.search(rf"<dt>How to join</dt><dd[^>]*>Open {link} &lt;b&gt;</dd>", page)
    page = (await client.get(path_of(appointment))).text
    assert "Use the button on this page. The waiting room opens on" in page
    assert re.search(rf"<dt>Before you join</dt>\s*<dd[^>]*>[^<]+<br>\s*Open {link} &lt;b&gt;</dd>", page)


async def test_the_page_of_a_visit_that_can_be_joined_says_that_the_waiting_room_is_open(
    client, db, practice, monkeypatch
):
    appointment = await book(client, practice)
    await db.execute("update appointment_type set mode = 'online', version = version + 1")
    page = (await client.get(path_of(appointment), headers={"Accept-Language": "en"})).text
    assert "The waiting room opens on" in page
    monkeypatch.setattr(clock, "now", lambda: START)
    page = (await client.get(path_of(appointment))).text
    assert ("The waiting room is open." in page, "The waiting room opens" in page) == (True, False)


async def test_the_page_of_a_cancelled_appointment_leads_to_times_of_the_same_type(client, practice):
    appointment = await book(client, practice)
    await client.post(path_of(appointment, "/cancel"), data={"version": "1"})
    page = (await client.get(path_of(appointment))).text
    times = f"/times?type={practice['appointmentTypeId']}&amp;doctor={practice['doctorId']}"
    assert times in page


async def test_the_calendar_file_describes_the_appointment(client, practice):
    appointment = await book(client, practice)
    response = await client.get(path_of(appointment, "/calendar.ics"))
    calendar = Calendar.from_ical(response.text)
    (event,) = calendar.walk("VEVENT")
    assert (response.headers["Content-Type"], response.headers["Cache-Control"]) == (
        "text/calendar; charset=utf-8",
        "no-store",
    )
    assert (calendar["method"], str(event["uid"]), event["dtstart"].dt, event["dtend"].dt) == (
        "PUBLISH",
        appointment["id"],
        START,
        START + timedelta(minutes=30),
    )
    assert (str(event["summary"]), str(event["location"])) == (
        "Check-up, Dr Shah, Lakeside Clinic",
        "Lakeside Clinic, Seestraße 12, 13353 Berlin",
    )
    assert "attendee" not in event
    assert str(event["url"]).endswith(path_of(appointment))
    when, manage, phone = str(event["description"]).split("\n\n")
    assert when.splitlines()[1] == "Check-up, Dr Shah"
    assert manage.splitlines()[:2] == ["To view, reschedule or cancel your appointment:", event["url"]]
    assert "Anyone who has this link can cancel your appointment" in manage
    assert phone == "Phone: +49 30 12345678"


async def test_the_calendar_file_reminds_its_owner_a_day_before(client, practice):
    file = (await client.get(path_of(await book(client, practice), "/calendar.ics"))).text
    (alarm,) = Calendar.from_ical(file).walk("VALARM")
    assert (alarm["action"], alarm["trigger"].dt) == ("DISPLAY", timedelta(days=-1))


async def test_a_calendar_file_within_the_notice_period_does_not_offer_changes(client, practice):
    appointment = await book(client, practice)
    await require_notice(client)
    file = (await client.get(path_of(appointment, "/calendar.ics"))).text
    (event,) = Calendar.from_ical(file).walk("VEVENT")
    assert "To view your appointment:" in event["description"]
    assert not re.search("cancel|reschedule", event["description"])


async def test_the_calendar_files_organizer_stays_the_same_when_the_clinics_address_changes(client, practice):
    appointment, organizers = await book(client, practice), set()
    for email in (None, "desk@lakeside.example", "new@lakeside.example"):
        await client.patch("/api/clinics/1", json={"email": email}, headers=ADMIN)
        file = (await client.get(path_of(appointment, "/calendar.ics"))).text
        (event,) = Calendar.from_ical(file).walk("VEVENT")
        organizers.add((event["organizer"], event["organizer"].params["CN"]))
    assert organizers == {("mailto:appointments@localhost.localdomain", "Lakeside Clinic")}


async def test_a_cancelled_appointment_has_no_calendar_file_but_a_link_to_book_again(client, practice):
    appointment = await book(client, practice)
    await client.post(path_of(appointment, "/cancel"))
    assert (await client.get(path_of(appointment, "/calendar.ics"))).status_code == 404
    assert "/c/lakeside" in (await client.get(path_of(appointment))).text


async def test_links_to_online_calendars_contain_the_time_and_the_link_but_not_the_patient(client, practice):
    appointment = await book(client, practice)
    page = html.unescape((await client.get(path_of(appointment))).text)
    links = re.findall(r'href="(https://[^"]+)" target="_blank" rel="noopener"', page)
    google, outlook, office, yahoo = links
    assert f"dates={START:%Y%m%dT%H%M%SZ}%2F" in google
    assert f"startdt={START:%Y-%m-%dT%H}%3A00%3A00Z" in outlook
    assert (office.replace("office.com", "live.com"), f"st={START:%Y%m%dT%H%M%SZ}" in yahoo) == (outlook, True)
    for link in links:
        assert [text in unquote_plus(link) for text in ("Lakeside Clinic", path_of(appointment), "Ana")] == [
            True,
            True,
            False,
        ]


async def test_all_pages_for_an_invalid_link_are_not_found(client, practice):
    for part in ("", "/move", "/cancel", "/calendar.ics"):
        assert (await client.get(f"/appointments/apm_x{part}")).status_code == 404
    for part in ("/move", "/cancel", "/confirm"):
        assert (await client.post(f"/appointments/apm_x{part}", data={"start": at(1)})).status_code == 404


async def test_a_page_within_the_notice_period_shows_a_phone_number_instead_of_buttons(client, practice):
    appointment = await book(client, practice)
    await require_notice(client)
    page = (await client.get(path_of(appointment), headers={"Accept-Language": "en"})).text
    assert "Changes must be made at least 14 days in advance." in page
    assert 'href="tel:+493012345678"' in page
    assert not re.search("/move|/cancel", page)
    for part in ("/move", "/cancel"):
        assert (await client.get(path_of(appointment, part))).headers["Location"] == path_of(appointment)


async def test_the_page_shows_the_deadline_for_changes(client, practice):
    appointment = await book(client, practice)
    await require_notice(client, 60)
    assert "You can reschedule or cancel until" in (await client.get(path_of(appointment))).text


async def test_a_button_confirms_an_appointment_on_hold(client, practice):
    appointment = await book(client, practice, hold=True)
    assert "It is not booked yet." in (await client.get(path_of(appointment))).text
    response = await client.post(path_of(appointment, "/confirm"))
    assert (response.status_code, response.headers["Location"]) == (303, path_of(appointment, "?new=1"))
    assert (await fetch(client, appointment))["status"] == "booked"


async def test_opening_the_cancellation_page_does_not_cancel(client, practice):
    appointment = await book(client, practice)
    page = await client.get(path_of(appointment, "/cancel"))
    assert page.status_code == 200
    assert "Cancel your appointment?" in page.text
    assert (await fetch(client, appointment))["status"] == "booked"


@pytest.mark.parametrize("part", ["/cancel", "/move"])
async def test_forms_sent_by_other_sites_change_nothing(client, practice, part):
    appointment = await book(client, practice)
    session = await sign_in(client)
    fields = {"start": at(2), "version": "1"}
    for headers in (CROSS_SITE, session, {**CROSS_SITE, **session}):
        response = await client.post(path_of(appointment, part), data=fields, headers=headers)
        assert (response.status_code, response.headers["Content-Type"]) == (403, "text/html; charset=utf-8")
    assert (await fetch(client, appointment))["version"] == 1
    form = f"/move/confirm?start={at(2)}" if part == "/move" else part
    fields["csrf"] = await csrf_token_of(client, path_of(appointment, form), session)
    assert (await client.post(path_of(appointment, part), data=fields, headers=session)).status_code == 303
