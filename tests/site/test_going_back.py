"""Going back in the browser, and what patients see on the way."""

import pytest

from support.patient_pages import at, book, cookies_of, path_of, request_code, require_notice, sign_in

RESTORABLE = "private, no-cache"


async def test_browsers_can_show_the_response_to_a_form_again_but_no_other_cache_stores_it(client, practice):
    appointment = await book(client, practice)
    await book(client, practice, 2, customerId=practice["customerId"])
    for headers in ({}, await sign_in(client)):
        code_page = await request_code(client)
        for path, data in ((code_page, {"code": "x"}), ("/sign-in", {"address": "x"})):
            page = await client.post(path, data=data, headers=headers)
            assert (page.status_code, page.headers["Cache-Control"]) == (400, RESTORABLE)
    page = await client.post(path_of(appointment, "/move"), data={"start": at(2), "version": "1"})
    assert (page.status_code, page.headers["Cache-Control"]) == (409, RESTORABLE)


async def test_only_the_browser_that_asked_for_a_code_sees_where_it_was_sent(client, practice):
    response = await client.post("/sign-in", data={"address": "ana@example.org"})
    headers = cookies_of(response)
    client.cookies.clear()
    page = await client.get(response.headers["Location"], headers=headers)
    assert "If we have an account for ana@example.org" in page.text
    assert "ana@example.org" not in (await client.get(response.headers["Location"])).text


async def test_cancelled_appointments_are_listed_separately_from_upcoming_ones(client, practice):
    cancelled = await book(client, practice)
    await client.post(path_of(cancelled, "/cancel"))
    page = await client.get("/my", headers=await sign_in(client))
    assert "You have no upcoming appointments." in page.text
    assert path_of(cancelled) in page.text.partition("Cancelled appointments")[2]


@pytest.mark.parametrize(
    ("notice_days", "sentence"), [(1, "You can reschedule or cancel until"), (14, "This appointment is soon")]
)
async def test_above_its_button_the_form_says_whether_the_appointment_can_be_changed(
    client, practice, notice_days, sentence
):
    await require_notice(client, notice_days * 24 * 60)
    query = {"type": practice["appointmentTypeId"], "doctor": practice["doctorId"], "start": at(0)}
    page = await client.get("/c/lakeside/details", params=query)
    assert sentence in page.text.partition("Book appointment</button>")[0]


async def test_a_grace_period_is_shown_before_booking_and_its_end_afterwards(client, practice):
    await require_notice(client, grace=90)
    query = {"type": practice["appointmentTypeId"], "doctor": practice["doctorId"], "start": at(0)}
    form = (await client.get("/c/lakeside/details", params=query)).text
    assert "only reschedule or cancel it online for 90 minutes after booking" in form
    appointment = await book(client, practice)
    page = (await client.get(path_of(appointment))).text
    assert "You can reschedule or cancel until" in page
    assert path_of(appointment, "/move") in page
    assert (await client.post(path_of(appointment, "/cancel"))).headers["Location"] == path_of(appointment)


async def test_the_page_for_a_new_appointment_does_not_offer_changes_that_are_too_late(client, practice):
    await require_notice(client)
    page = (await client.get(path_of(await book(client, practice), "?new=1"))).text
    assert "Save this link to view your appointment later." in page
    assert "Save this link to reschedule" not in page
